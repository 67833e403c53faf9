// SPDX-License-Identifier: GPL-2.0-only
/*
 * mirror.c - the mirror: what the host does to the guest's memory, and where each page is
 *
 * One interval notifier for each slot.  The same notifier calls that make KVM drop its
 * EPT or NPT entries come here, so the mirror is true whenever the guest's own page
 * tables are.
 */
#include <linux/hmm.h>
#include <linux/huge_mm.h>
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "private.h"
#include "trace.h"

static enum vmirror_reason reason_of(const struct mmu_notifier_range *range)
{
	switch (range->event) {
	case MMU_NOTIFY_UNMAP:
		return VMIRROR_REASON_UNMAP;
	case MMU_NOTIFY_CLEAR:
		return VMIRROR_REASON_CLEAR;
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_PROTECTION_PAGE:
		return VMIRROR_REASON_PROTECT;
	case MMU_NOTIFY_SOFT_DIRTY:
		return VMIRROR_REASON_SOFT_DIRTY;
	case MMU_NOTIFY_MIGRATE:
		return VMIRROR_REASON_MIGRATE;
	case MMU_NOTIFY_EXCLUSIVE:
		return VMIRROR_REASON_EXCLUSIVE;
	default:
		return VMIRROR_REASON_CLEAR;
	}
}

static void tell(struct mirror_slot *slot, const struct mmu_notifier_range *range)
{
	unsigned long start = max(range->start, slot->info.hva);
	unsigned long end = min(range->end, slot->info.hva + slot->info.length);
	u64 gpa = slot->info.gpa + (start - slot->info.hva);
	struct vmirror_vm *vm = slot->vm;

	if (range->event == MMU_NOTIFY_RELEASE) {
		if (!test_and_set_bit(0, &vm->exited))
			vmirror_vm_event(vm, VMIRROR_EVENT_EXIT, 0, 0, 0);
		return;
	}
	/* Our own migrations are told as OUT and BACK. */
	if (range->event == MMU_NOTIFY_MIGRATE && range->owner == vmirror_owner)
		return;
	atomic64_inc(&vm->invalidations);
	trace_vmirror_invalidate(vm->id, gpa, (end - start) >> PAGE_SHIFT, reason_of(range));
	vmirror_vm_event(vm, VMIRROR_EVENT_INVALIDATE, reason_of(range), gpa,
			 (end - start) >> PAGE_SHIFT);
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct mirror_slot *slot = container_of(notifier, struct mirror_slot, notifier);

	/* A spinlock, so that calls that must not block are served too. */
	spin_lock(&slot->seq_lock);
	mmu_interval_set_seq(notifier, cur_seq);
	spin_unlock(&slot->seq_lock);
	tell(slot, range);
	return true;
}

const struct mmu_interval_notifier_ops vmirror_mirror_ops = {
	.invalidate = invalidate,
};

static bool still_true(struct mirror_slot *slot, unsigned long seq)
{
	lockdep_assert_held(&slot->seq_lock);
	return !mmu_interval_read_retry(&slot->notifier, seq);
}

/*
 * For a range that begins inside a 2 MiB device folio, hmm_range_fault() counts from the
 * folio's first page (7.2, hmm_vma_handle_absent_pmd).  Our folios are aligned like the
 * addresses that map them whole, so the right page follows from the address.
 */
void vmirror_mend_huge_pfns(unsigned long start, unsigned long *pfns, unsigned long n)
{
	if (IS_ALIGNED(start, BLOCK_BYTES))
		return;
	for (unsigned long i = 0; i < n; i++) {
		unsigned long index = (start >> PAGE_SHIFT) + i;

		if (!(pfns[i] & HMM_PFN_VALID) || (pfns[i] & HMM_PFN_ERROR) ||
		    hmm_pfn_to_map_order(pfns[i]) != BLOCK_ORDER ||
		    !is_device_private_page(hmm_pfn_to_page(pfns[i])))
			continue;
		pfns[i] = (pfns[i] & ~(BLOCK_PAGES - 1UL)) | (index & (BLOCK_PAGES - 1));
	}
}

/* The zero page, small or huge: nothing that could move.  It has no mapping of its own. */
bool vmirror_is_zero_page(unsigned long hmm_pfn)
{
	struct page *page = hmm_pfn_to_page(hmm_pfn);

	if (is_zero_pfn(page_to_pfn(page)))
		return true;
	return hmm_pfn_to_map_order(hmm_pfn) >= BLOCK_ORDER && !is_zone_device_page(page) &&
	       !READ_ONCE(page_folio(page)->mapping);
}

/*
 * Is there no page table for the block, nor a huge page?  Then there is nothing in it that could be
 * in a pool, in flight, or watched by NUMA balancing.  (Of the latter vma->numab_state does not
 * tell: a part that was split off, moved or forked begins with none.)
 *
 * With interrupts off no page table is freed under us, as KVM and get_user_pages_fast() have it.
 * Who does not have the mmap_lock may find none where pages are just being made one huge page.
 */
bool vmirror_is_untouched(struct mm_struct *mm, unsigned long addr)
{
	unsigned long flags;
	bool none = true;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;

	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(mm, addr));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, addr));
	if (p4d_none(p4d) || !p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, addr));
	if (pud_none(pud))
		goto out;
	none = pud_present(pud) && !pud_leaf(pud) &&
	       pmd_none(READ_ONCE(*pmd_offset(&pud, addr)));
out:
	local_irq_restore(flags);
	return none;
}

/**
 * vmirror_range_fault() - hmm_range_fault(), with all that goes with a try of it
 * @range: notifier, start, end, hmm_pfns and what is wanted; notifier_seq is filled in
 *
 * What is found is true only if mmu_interval_read_retry() says so, with the caller's lock held.
 *
 * Return: 0, -EAGAIN if it has to be tried again, -EINTR, or what hmm_range_fault() says
 */
int vmirror_range_fault(struct hmm_range *range)
{
	struct mm_struct *mm = range->notifier->mm;
	int ret;

	range->notifier_seq = mmu_interval_read_begin(range->notifier);
	memset(range->hmm_pfns, 0,
	       ((range->end - range->start) >> PAGE_SHIFT) * sizeof(*range->hmm_pfns));
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = hmm_range_fault(range);
	mmap_read_unlock(mm);
	return ret == -EBUSY ? -EAGAIN : ret;
}

/**
 * vmirror_mirror_read() - see what is mapped, at one moment
 * @slot: the slot, whose VMM has an address space (mmget) but not our mmap_lock
 * @start: first HVA
 * @end: end HVA, at most BLOCK_BYTES behind
 * @pfns: out: what hmm_range_fault() says of each page
 * @timeout_ms: how long to wait for a moment at which nothing changes; it looks once at least
 * @look: called with @pfns while they are true.  A spinlock is held then: device pages
 *	in @pfns exist until @look returns, and not longer.
 * @arg: for @look
 *
 * Return: 0, -EBUSY if it would not hold still for so long, -EINTR
 */
int vmirror_mirror_read(struct mirror_slot *slot, unsigned long start, unsigned long end,
			unsigned long *pfns, unsigned int timeout_ms, vmirror_look_t look,
			void *arg)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	struct hmm_range range = {
		.notifier = &slot->notifier,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = vmirror_owner,
	};
	struct vmirror_watch watch;
	bool ok;
	int ret;

	do {
		vmirror_flight_watch(&watch, slot, start, end);
		ret = vmirror_range_fault(&range);
		if (ret == -EAGAIN)
			continue;
		if (ret)
			return ret;
		spin_lock(&slot->seq_lock);
		ok = still_true(slot, range.notifier_seq);
		if (ok) {
			vmirror_mend_huge_pfns(start, pfns, (end - start) >> PAGE_SHIFT);
			look(pfns, (end - start) >> PAGE_SHIFT, vmirror_flight_was_calm(&watch),
			     arg);
		}
		spin_unlock(&slot->seq_lock);
		if (ok)
			return 0;
	} while (!time_after(jiffies, deadline));
	return -EBUSY;
}
