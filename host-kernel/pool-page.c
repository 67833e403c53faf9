// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool-page.c - the device pages of a pool: how they begin and how they end
 *
 *	taken ──vmirror_pool_page_init()──▶ out: a folio with a reference
 *	  │                                   │ last reference dropped, any context
 *	  └──vmirror_pool_give()──▶ free ◀────┴──▶ resting (pool-alloc.c) ──▶ free
 */
#include <linux/delay.h>

#include "private.h"

static u32 page_index(struct vmirror_pool *pool, const struct page *page)
{
	return page_to_pfn(page) - pool->first_pfn;
}

/**
 * vmirror_pool_page_init() - make a folio of pages that were taken
 * @pool: the pool
 * @index: the first of the pages
 * @order: 0 or BLOCK_ORDER
 * @vm: whose content it will hold
 * @gpa: guest physical address of that content
 *
 * Return: the folio's first page, locked, with one reference.  When the last reference
 * goes, the pages return to the pool by themselves.
 */
struct page *vmirror_pool_page_init(struct vmirror_pool *pool, u32 index, unsigned int order,
				    struct vmirror_vm *vm, u64 gpa)
{
	struct page *page = pfn_to_page(pool->first_pfn + index);

	for (unsigned int i = 0; i < 1 << order; i++)
		compat_clear_page_flags(page + i);
	atomic64_add(1 << order, &vm->out_pages);
	/* Who searches page tables, or has it in an old list, may see it as soon as it has a reference. */
	page->zone_device_data = vmirror_devdata(vm->id, gpa);
	compat_zone_device_init(page, &pool->pgmap, order);
	vmirror_pool_note_made(pool, index, 1 << order);
	return page;
}

/*
 * The page of a fault that stepped aside and found it free: nobody's, and of no content.
 * The id is that of no VM; the address tells it from a page that is free.
 */
#define PLACE_HELD	vmirror_devdata(0, PAGE_SIZE)

/**
 * vmirror_pool_step_aside() - let go of a device page in the midst of a fault on it
 * @pool: its pool, which is there until we step back
 * @page: the page, locked and with a reference; has neither afterwards
 */
void vmirror_pool_step_aside(struct vmirror_pool *pool, struct page *page)
{
	vmirror_pool_visit(pool, page_index(pool, page), 1);
	unlock_page(page);
	put_page(page);
}

/* It is free: take it, so that it can be locked and unlocked, and be free again. */
static bool step_on_free(struct vmirror_pool *pool, struct page *page)
{
	if (!vmirror_pool_take_this(pool, page_index(pool, page)))
		return false;
	compat_clear_page_flags(page);
	page->zone_device_data = PLACE_HELD;
	compat_zone_device_init(page, &pool->pgmap, 0);
	return true;
}

/* A page that is not in use may still name the head of the folio it was part of. */
static bool is_part_of(struct page *page, struct folio *folio)
{
	return page_folio(page) == folio &&
	       page_to_pfn(page) - folio_pfn(folio) < folio_nr_pages(folio);
}

/*
 * It is out, perhaps as another VM's: that one will hardly notice.  While we have the lock
 * a folio that is out is mapped; one that is not is dead, and only a late reference let us
 * get one: away from it while it rests.
 */
static bool step_on_live(struct page *page)
{
	int reading = srcu_read_lock(&vmirror_collecting);
	struct folio *folio = page_folio(page);
	bool is_live = false;

	if (folio_try_get(folio)) {
		folio_lock(folio);
		is_live = is_part_of(page, folio) && folio_mapped(folio);
		if (!is_live) {
			folio_unlock(folio);
			folio_put(folio);
		}
	}
	srcu_read_unlock(&vmirror_collecting, reading);
	return is_live;
}

/**
 * vmirror_pool_step_back() - undo vmirror_pool_step_aside()
 * @pool: the pool
 * @page: the page, whatever has become of it; locked and with a reference afterwards, as the
 *	kernel's fault handler left it with us
 */
void vmirror_pool_step_back(struct vmirror_pool *pool, struct page *page)
{
	/*
	 * Neither out nor free: about to be, or resting.  It is not given to anyone who might
	 * wait for the mmap_lock that we have.
	 */
	while (!step_on_live(page) && !step_on_free(pool, page))
		usleep_range(20, 200);
	vmirror_pool_visit(pool, page_index(pool, page), -1);
}

/* The last reference to a device folio went: from any context, also interrupts. */
static void free_folio(struct folio *folio)
{
	unsigned int pages = folio_nr_pages(folio);
	struct page *page = folio_page(folio, 0);
	struct vmirror_pool *pool = vmirror_pool_of(page);
	u32 index = page_index(pool, page);
	void *data = xchg(&page->zone_device_data, NULL);
	struct vmirror_vm *vm;

	if (data == PLACE_HELD) {
		vmirror_pool_give(pool, index, 1);
		return;
	}
	if (!data) {
		/* A late reference went.  The kernel drops the folio's on the pool again. */
		WARN_ON_ONCE(!vmirror_pool_may_be_late(index));
		percpu_ref_get_many(&pool->pgmap.ref, pages);
		return;
	}
	/*
	 * The VM waits for its last page before it goes, and is freed by RCU: it is there
	 * until we have counted.
	 */
	rcu_read_lock();
	vm = xa_load(&vmirror_vms, (unsigned long)data & DEVDATA_VM_MASK);
	atomic64_add(pages, &pool->freed_pages);
	vmirror_pool_give_freed(pool, index, pages);
	if (!WARN_ON_ONCE(!vm)) {
		if (vmirror_devdata_is_dropped(data))
			atomic64_add(pages, &vm->dropped);
		atomic64_sub(pages, &vm->out_pages);
	}
	rcu_read_unlock();
}

#ifdef HAVE_FOLIO_SPLIT
/* A 2 MiB device folio falls apart; each page keeps saying whose it is, and where it was. */
static void split_folio_data(struct folio *head, struct folio *tail)
{
	unsigned long data = (unsigned long)folio_page(head, 0)->zone_device_data;
	unsigned long index;

	if (!tail)
		return;
	index = folio_pfn(tail) - folio_pfn(head);
	tail->pgmap = head->pgmap;
	tail->page.mapping = head->page.mapping;
	tail->page.zone_device_data = (void *)(data + (index << DEVDATA_GPA_SHIFT));
}
#endif

#ifndef HAVE_FOLIO_FREE
static void free_page_(struct page *page)
{
	free_folio(page_folio(page));
}
#endif

const struct dev_pagemap_ops vmirror_pool_pgmap_ops = {
#ifdef HAVE_FOLIO_FREE
	.folio_free = free_folio,
#else
	.page_free = free_page_,
#endif
#ifdef HAVE_FOLIO_SPLIT
	.folio_split = split_folio_data,
#endif
	.migrate_to_ram = vmirror_migrate_to_ram,
};
