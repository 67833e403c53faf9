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
static void mend_huge_device_pfns(unsigned long start, unsigned long *pfns, unsigned long n)
{
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

/**
 * vmirror_mirror_read() - see what is mapped, at one moment
 * @slot: the slot, whose VMM has an address space (mmget) but not our mmap_lock
 * @start: first HVA
 * @end: end HVA, at most BLOCK_BYTES behind
 * @pfns: out: what hmm_range_fault() says of each page
 * @timeout_ms: how long to wait for a moment at which nothing changes
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
	struct mm_struct *mm = slot->vm->mm;
	struct hmm_range range = {
		.notifier = &slot->notifier,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = vmirror_owner,
	};
	bool ok;
	int ret;

	do {
		if (time_after(jiffies, deadline))
			return -EBUSY;
		range.notifier_seq = mmu_interval_read_begin(&slot->notifier);
		memset(pfns, 0, ((end - start) >> PAGE_SHIFT) * sizeof(*pfns));
		if (mmap_read_lock_killable(mm))
			return -EINTR;
		ret = hmm_range_fault(&range);
		mmap_read_unlock(mm);
		if (ret == -EBUSY) {
			ok = false;
			continue;
		}
		if (ret)
			return ret;
		spin_lock(&slot->seq_lock);
		ok = still_true(slot, range.notifier_seq);
		if (ok)
			mend_huge_device_pfns(start, pfns, (end - start) >> PAGE_SHIFT);
		if (ok)
			look(pfns, (end - start) >> PAGE_SHIFT, arg);
		spin_unlock(&slot->seq_lock);
	} while (!ok);
	return 0;
}

/* --- SNAPSHOT -------------------------------------------------------------- */

/*
 * struct snapshot - a walk that turns pages into extents
 * @found: extents of the block at hand
 * @last: the extent that may still grow; none if its pages are 0
 */
struct snapshot {
	struct vmirror_snapshot *args;
	struct vmirror_extent last;
	u32 nr;
	u32 nr_found;
	u64 gpa;
	struct vmirror_extent found[BLOCK_PAGES];
	unsigned long pfns[BLOCK_PAGES];
};

static struct vmirror_extent describe(u64 gpa, unsigned long pfn)
{
	struct vmirror_extent extent = { .gpa = gpa, .pages = 1, .state = VMIRROR_STATE_ABSENT };
	struct page *page;

	if (pfn & HMM_PFN_ERROR) {
		extent.state = VMIRROR_STATE_ERROR;
		return extent;
	}
	if (!(pfn & HMM_PFN_VALID) || vmirror_is_zero_page(pfn))
		return extent;
	extent.order = hmm_pfn_to_map_order(pfn) >= BLOCK_ORDER ? BLOCK_ORDER : 0;
	extent.writable = !!(pfn & HMM_PFN_WRITE);
	page = hmm_pfn_to_page(pfn);
	if (is_device_private_page(page)) {
		struct vmirror_pool *pool = vmirror_pool_of(page);

		extent.state = VMIRROR_STATE_POOL;
		extent.pool_id = pool->id;
		extent.pool_offset = vmirror_pool_offset(pool, page);
	} else {
		extent.state = VMIRROR_STATE_RAM;
	}
	return extent;
}

static bool grow(struct vmirror_extent *extent, const struct vmirror_extent *next)
{
	u64 bytes = (u64)extent->pages << PAGE_SHIFT;

	if (!extent->pages || extent->gpa + bytes != next->gpa || extent->state != next->state ||
	    extent->order != next->order || extent->writable != next->writable ||
	    extent->pool_id != next->pool_id || extent->pages > U32_MAX - next->pages)
		return false;
	if (extent->state == VMIRROR_STATE_POOL && extent->pool_offset + bytes != next->pool_offset)
		return false;
	extent->pages += next->pages;
	return true;
}

static void look_extents(unsigned long *pfns, unsigned long n, void *arg)
{
	struct snapshot *snap = arg;

	snap->nr_found = 0;
	for (unsigned long i = 0; i < n; i++) {
		struct vmirror_extent next = describe(snap->gpa + (i << PAGE_SHIFT), pfns[i]);

		if (!snap->nr_found || !grow(&snap->found[snap->nr_found - 1], &next))
			snap->found[snap->nr_found++] = next;
	}
}

/* Returns 1 if the user's array is full, 0, or -EFAULT. */
static int flush(struct snapshot *snap)
{
	struct vmirror_extent __user *to = u64_to_user_ptr(snap->args->extents);

	if (!snap->last.pages)
		return 0;
	if (snap->nr == snap->args->nr_extents)
		return 1;
	if (copy_to_user(to + snap->nr, &snap->last, sizeof(snap->last)))
		return -EFAULT;
	snap->nr++;
	snap->args->done_bytes = snap->last.gpa + ((u64)snap->last.pages << PAGE_SHIFT) -
				 snap->args->gpa;
	snap->last.pages = 0;
	return 0;
}

static int append(struct snapshot *snap)
{
	for (u32 i = 0; i < snap->nr_found; i++) {
		int ret;

		if (grow(&snap->last, &snap->found[i]))
			continue;
		ret = flush(snap);
		if (ret)
			return ret;
		snap->last = snap->found[i];
	}
	return 0;
}

static int snapshot_slot(struct snapshot *snap, struct mirror_slot *slot, u64 end)
{
	while (snap->gpa < end) {
		unsigned long start = slot->info.hva + (snap->gpa - slot->info.gpa);
		unsigned long next = min(ALIGN(start + 1, BLOCK_BYTES), start + (end - snap->gpa));
		int ret;

		if (signal_pending(current))
			return -EINTR;
		ret = vmirror_mirror_read(slot, start, next, snap->pfns,
					  HMM_RANGE_DEFAULT_TIMEOUT, look_extents, snap);
		ret = ret ?: append(snap);
		if (ret)
			return ret;
		snap->gpa += next - start;
		cond_resched();
	}
	return 0;
}

static int snapshot_range(struct snapshot *snap, struct vmirror_vm *vm)
{
	u64 end = snap->args->gpa + snap->args->length, hole_end;
	bool any = false;
	int ret;

	snap->gpa = snap->args->gpa;
	while (snap->gpa < end) {
		struct mirror_slot *slot = vmirror_slot_at(vm, snap->gpa, &hole_end);

		if (!slot) {
			snap->gpa = min(end, hole_end);
			continue;
		}
		any = true;
		ret = snapshot_slot(snap, slot, min(end, slot->info.gpa + slot->info.length));
		if (ret)
			return ret;
	}
	return any ? flush(snap) : -ENXIO;
}

long vmirror_snapshot_ioctl(struct file *file, void *arg)
{
	struct vmirror_vm *vm = file->private_data;
	struct vmirror_snapshot *args = arg;
	struct snapshot *snap;
	int ret;

	if (args->flags || args->reserved || !args->nr_extents)
		return -EINVAL;
	ret = vmirror_check_range(args->gpa, args->length) ?: vmirror_slots_sync(vm);
	if (ret)
		return ret;
	snap = kvzalloc(sizeof(*snap), GFP_KERNEL_ACCOUNT);
	if (!snap)
		return -ENOMEM;
	if (!mmget_not_zero(vm->mm)) {
		kvfree(snap);
		return -ESRCH;
	}
	snap->args = args;
	args->done_bytes = 0;
	down_read(&vm->slots_lock);
	ret = snapshot_range(snap, vm);
	up_read(&vm->slots_lock);
	mmput(vm->mm);
	if (!ret)
		args->done_bytes = args->length;
	args->nr_extents = snap->nr;
	kvfree(snap);
	return ret < 0 ? ret : 0;
}
