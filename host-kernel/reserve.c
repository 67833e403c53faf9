// SPDX-License-Identifier: GPL-2.0-only
/*
 * reserve.c - host pages kept for pages that come home
 *
 * A guest page that a CPU touches must come back even when the host has no free memory at
 * that moment.  The reserve bridges the time until reclaim has made some: it is filled
 * in the background and used only when the page allocator says no at once.
 *
 * One reserve for all VMs: it is there for the host's bad moments, and those are common to
 * all.  It exists only while there is a pool.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "private.h"

static unsigned int reserve_pages = 1024;
module_param(reserve_pages, uint, 0444);
MODULE_PARM_DESC(reserve_pages,
		 "Host pages (4 KiB) kept ready for pages that come home (default 1024, at least 512)");

static DEFINE_SPINLOCK(reserve_lock);	/* protects the next three */
static LIST_HEAD(reserve_list);
static unsigned int reserve_count;
static unsigned int reserve_target;

static struct page *pop(bool only_surplus)
{
	struct page *page = NULL;
	unsigned long flags;

	spin_lock_irqsave(&reserve_lock, flags);
	if (reserve_count > (only_surplus ? reserve_target : 0)) {
		page = list_first_entry(&reserve_list, struct page, lru);
		list_del_init(&page->lru);
		reserve_count--;
	}
	spin_unlock_irqrestore(&reserve_lock, flags);
	return page;
}

static bool push(struct page *page)
{
	unsigned long flags;
	bool wanted;

	spin_lock_irqsave(&reserve_lock, flags);
	wanted = reserve_count < reserve_target;
	if (wanted) {
		list_add(&page->lru, &reserve_list);
		reserve_count++;
	}
	spin_unlock_irqrestore(&reserve_lock, flags);
	return wanted;
}

static void refill(struct work_struct *work);
static DECLARE_DELAYED_WORK(refill_work, refill);
static struct workqueue_struct *refill_queue;

/* Fills up or drains down to the target. */
static void refill(struct work_struct *work)
{
	struct page *page;

	while ((page = pop(true)))
		__free_page(page);
	while (READ_ONCE(reserve_count) < READ_ONCE(reserve_target)) {
		/* Not movable: memory hotplug could not move it while it lies here. */
		page = alloc_page(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN);
		if (!page) {
			queue_delayed_work(refill_queue, &refill_work, HZ / 10);
			return;
		}
		if (!push(page)) {
			__free_page(page);
			return;
		}
		cond_resched();
	}
}

/**
 * vmirror_reserve_take() - take a page out of the reserve, from any context
 *
 * Return: a page with one reference, not cleared, or NULL if the reserve is empty
 */
struct page *vmirror_reserve_take(void)
{
	struct page *page = pop(false);

	queue_delayed_work(refill_queue, &refill_work, 0);
	return page;
}

/* Fill the reserve (and wait until it was tried once), or give it back. */
void vmirror_reserve_want(bool wanted)
{
	unsigned long flags;

	spin_lock_irqsave(&reserve_lock, flags);
	reserve_target = wanted ? max_t(unsigned int, reserve_pages, BLOCK_PAGES) : 0;
	spin_unlock_irqrestore(&reserve_lock, flags);
	mod_delayed_work(refill_queue, &refill_work, 0);
	flush_delayed_work(&refill_work);
}

void vmirror_reserve_stat(u64 *pages, u64 *target)
{
	unsigned long flags;

	spin_lock_irqsave(&reserve_lock, flags);
	*pages = reserve_count;
	*target = reserve_target;
	spin_unlock_irqrestore(&reserve_lock, flags);
}

int vmirror_reserve_init(void)
{
	/* Of our own, with a rescuer: it must get on while the host is out of memory. */
	refill_queue = alloc_workqueue("vmirror", WQ_UNBOUND | WQ_MEM_RECLAIM, 1);
	return refill_queue ? 0 : -ENOMEM;
}

void vmirror_reserve_exit(void)
{
	vmirror_reserve_want(false);
	cancel_delayed_work_sync(&refill_work);
	destroy_workqueue(refill_queue);
}
