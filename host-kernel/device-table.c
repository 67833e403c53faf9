// SPDX-License-Identifier: GPL-2.0-only
/*
 * device-table.c - the page table of a software device: its faults fill it, the host empties it
 */
#include <linux/hmm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "device.h"

/* Entries that are erased before others may have the table. */
#define ERASE_BATCH	1024

static bool note_gone(struct vmirror_device *device, void *entry)
{
	if (entry)
		device->nr[xa_pointer_tag(entry)]--;
	return entry;
}

/*
 * With the lock, which others may take in between where @may_sleep: they find entries that are true
 * still, because the host changes nothing before we are through, and they enter none.
 */
static void erase(struct vmirror_device *device, unsigned long first, unsigned long last,
		  bool may_sleep)
{
	unsigned long index, n = 0;
	void *entry;

	lockdep_assert_held(&device->lock);
	xa_for_each_range(&device->table, index, entry, first, last) {
		if (note_gone(device, xa_erase(&device->table, index)))
			atomic64_inc(&device->invalidated);
		if (may_sleep && ++n % ERASE_BATCH == 0) {
			mutex_unlock(&device->lock);
			cond_resched();
			mutex_lock(&device->lock);
		}
	}
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct vmirror_device *device = container_of(notifier, struct vmirror_device, notifier);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&device->lock);
	else if (!mutex_trylock(&device->lock))
		return false;
	/* Our own wish for a page must not make us try again and again. */
	if (range->event != MMU_NOTIFY_EXCLUSIVE || range->owner != device)
		mmu_interval_set_seq(notifier, cur_seq);
	erase(device, range->start >> PAGE_SHIFT, (range->end - 1) >> PAGE_SHIFT,
	      mmu_notifier_range_blockable(range));
	mutex_unlock(&device->lock);
	return true;
}

const struct mmu_interval_notifier_ops vmirror_device_notifier_ops = {
	.invalidate = invalidate,
};

/* With the lock.  Returns -EAGAIN if there is no memory to be had without waiting. */
int vmirror_device_enter(struct vmirror_device *device, unsigned long hva, struct page *page,
			 enum entry_tag tag)
{
	void *old;

	lockdep_assert_held(&device->lock);
	old = xa_store(&device->table, hva >> PAGE_SHIFT, xa_tag_pointer(page, tag),
		       GFP_NOWAIT | __GFP_NOWARN);
	if (xa_is_err(old))
		return -EAGAIN;
	note_gone(device, old);
	device->nr[tag]++;
	return 0;
}

/* Room in the table, so that the next attempt needs no memory. */
int vmirror_device_make_room(struct vmirror_device *device, unsigned long hva)
{
	return xa_reserve(&device->table, hva >> PAGE_SHIFT, GFP_KERNEL_ACCOUNT);
}

/*
 * Pages of memfd_secret() are not in the kernel's own mapping: it cannot copy them, and no device
 * shall.  They are told by what they share with locked shared memory.
 */
bool vmirror_is_out_of_reach(struct page *page)
{
	struct address_space *mapping;

	if (is_zone_device_page(page) || PageAnon(page))
		return false;
	mapping = folio_mapping(page_folio(page));
	return mapping && mapping_unevictable(mapping);
}

/*
 * Made exclusive since it was looked at?  As that is our own wish the sequence number does not tell.
 * It is the same page: an entry that is in the table is true.
 */
static bool is_exclusive(struct vmirror_device *device, unsigned long hva)
{
	void *entry = xa_load(&device->table, hva >> PAGE_SHIFT);

	return entry && xa_pointer_tag(entry) == ENTRY_EXCLUSIVE;
}

/*
 * What hmm_range_fault() found, into the table; with the lock.  Returns -EAGAIN with @stuck at
 * the page that needs something done first.
 */
static int enter_all(struct vmirror_device *device, const struct hmm_range *range, bool write,
		     unsigned long *stuck)
{
	for (*stuck = range->start; *stuck < range->end; *stuck += PAGE_SIZE) {
		unsigned long pfn = range->hmm_pfns[(*stuck - range->start) >> PAGE_SHIFT];

		if (write && !(pfn & HMM_PFN_WRITE))
			return -EAGAIN;
		if (vmirror_is_out_of_reach(hmm_pfn_to_page(pfn)))
			return -EFAULT;
		if (is_exclusive(device, *stuck))
			continue;
		if (vmirror_device_enter(device, *stuck, hmm_pfn_to_page(pfn),
					 pfn & HMM_PFN_WRITE ? ENTRY_WRITE : ENTRY_READ))
			return -EAGAIN;
	}
	return 0;
}

/* hmm_range_fault() does not make device pages writable: do what a CPU's write would. */
static int unprotect(struct mm_struct *mm, unsigned long hva)
{
	struct vm_area_struct *vma;
	int ret = -EPERM;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, hva);
	if (!vma || vma->vm_flags & VM_WRITE)
		ret = fixup_user_fault(mm, hva, FAULT_FLAG_WRITE, NULL);
	mmap_read_unlock(mm);
	return ret;
}

/* Fault the pages in and enter them, once.  Returns -EAGAIN if it has to be tried again. */
static int fault_once(struct vmirror_device *device, struct hmm_range *range, bool write)
{
	unsigned long pages = (range->end - range->start) >> PAGE_SHIFT, stuck;
	struct mm_struct *mm = device->vm->mm;
	int ret;

	ret = vmirror_range_fault(range);
	if (ret)
		return ret;

	mutex_lock(&device->lock);
	if (mmu_interval_read_retry(&device->notifier, range->notifier_seq)) {
		mutex_unlock(&device->lock);
		return -EAGAIN;
	}
	vmirror_mend_huge_pfns(range->start, range->hmm_pfns, pages);
	ret = enter_all(device, range, write, &stuck);
	mutex_unlock(&device->lock);
	if (ret != -EAGAIN)
		return ret;
	if (write && !(range->hmm_pfns[(stuck - range->start) >> PAGE_SHIFT] & HMM_PFN_WRITE))
		ret = unprotect(mm, stuck);
	else
		ret = vmirror_device_make_room(device, stuck);
	return ret ?: -EAGAIN;
}

/* For who tries until memory holds still: 0, -EINTR, or -EBUSY because that takes too long. */
int vmirror_device_may_try(unsigned long deadline)
{
	if (signal_pending(current))
		return -EINTR;
	return time_after(jiffies, deadline) ? -EBUSY : 0;
}

/* Fault [start, end) in, block by block. */
int vmirror_device_fault(struct vmirror_device *device, struct vmirror_batch *batch,
			 unsigned long start, unsigned long end, bool write)
{
	struct hmm_range range = {
		.notifier = &device->notifier,
		.hmm_pfns = batch->pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
		.dev_private_owner = vmirror_owner,
	};
	int ret = 0;

	atomic64_inc(&device->faults);
	for (; !ret && start < end; start = range.end) {
		unsigned long deadline = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);

		range.start = start;
		range.end = min(ALIGN(start + 1, BLOCK_BYTES), end);
		do {
			ret = vmirror_device_may_try(deadline) ?:
			      fault_once(device, &range, write);
		} while (ret == -EAGAIN);
		cond_resched();
	}
	return ret;
}
