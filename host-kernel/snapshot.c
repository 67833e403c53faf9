// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot.c - where each page of a range is, as extents
 */
#include <linux/hmm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "private.h"

/*
 * struct snapshot - a walk that turns pages into extents
 * @emit: takes an extent that is complete
 * @last: the extent that may still grow; none if its pages are 0
 * @gpa: where the block at hand begins
 * @found: extents of the block at hand
 */
struct snapshot {
	vmirror_emit_t emit;
	void *arg;
	struct vmirror_extent last;
	u64 gpa;
	u32 nr_found;
	struct vmirror_extent found[BLOCK_PAGES];
	unsigned long pfns[BLOCK_PAGES];
};

static u8 mapped_order(unsigned long pfn)
{
	unsigned int order = hmm_pfn_to_map_order(pfn);

	return order >= BLOCK_ORDER ? order : 0;
}

static struct vmirror_extent describe(u64 gpa, unsigned long pfn)
{
	struct vmirror_extent extent = { .gpa = gpa, .pages = 1, .state = VMIRROR_STATE_ABSENT };
	struct page *page;

	if (pfn & HMM_PFN_ERROR) {
		extent.state = VMIRROR_STATE_ERROR;
		return extent;
	}
	if (!(pfn & HMM_PFN_VALID))
		return extent;
	extent.order = mapped_order(pfn);
	extent.writable = !!(pfn & HMM_PFN_WRITE);
	page = hmm_pfn_to_page(pfn);
	if (vmirror_is_zero_page(pfn)) {
		extent.state = VMIRROR_STATE_ZERO;
	} else if (vmirror_is_in_pool(page)) {
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

static void look_extents(unsigned long *pfns, unsigned long n, bool calm, void *arg)
{
	struct snapshot *snap = arg;

	snap->nr_found = 0;
	for (unsigned long i = 0; i < n; i++) {
		struct vmirror_extent next = describe(snap->gpa + (i << PAGE_SHIFT), pfns[i]);

		if (!snap->nr_found || !grow(&snap->found[snap->nr_found - 1], &next))
			snap->found[snap->nr_found++] = next;
	}
}

/* Returns as vmirror_emit_t. */
static int flush(struct snapshot *snap)
{
	int ret;

	if (!snap->last.pages)
		return 0;
	ret = snap->emit(&snap->last, snap->arg);
	if (!ret)
		snap->last.pages = 0;
	return ret;
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

static int snapshot_range(struct snapshot *snap, struct vmirror_vm *vm, u64 gpa, u64 end)
{
	bool any = false;
	u64 hole_end;
	int ret;

	snap->gpa = gpa;
	while (snap->gpa < end) {
		struct mirror_slot *slot = vmirror_slot_at(vm, snap->gpa, &hole_end);

		if (!slot) {
			snap->gpa = min(end, hole_end);
			continue;
		}
		any = true;
		ret = snapshot_slot(snap, slot, min(end, slot->info.gpa + slot->info.length));
		if (ret == -EINTR || ret == -EBUSY)	/* so far it is known */
			return flush(snap) ?: ret;
		if (ret)
			return ret;
	}
	return any ? flush(snap) : -ENXIO;
}

/**
 * vmirror_snapshot() - tell where the pages of a range are
 * @vm: the VM
 * @gpa: first guest physical address
 * @length: bytes
 * @emit: called with each extent, ascending
 * @arg: for @emit
 *
 * Return: 0, what @emit returned if that was not 0, or -ENXIO (no slot in the range), -ESRCH,
 * -EINTR, -EBUSY or -ENOMEM
 */
int vmirror_snapshot(struct vmirror_vm *vm, u64 gpa, u64 length, vmirror_emit_t emit, void *arg)
{
	struct snapshot *snap __free(kvfree) = NULL;
	int ret;

	ret = vmirror_check_range(gpa, length);
	if (ret)
		return ret;
	snap = kvzalloc(sizeof(*snap), GFP_KERNEL_ACCOUNT);
	if (!snap)
		return -ENOMEM;
	snap->emit = emit;
	snap->arg = arg;
	ret = vmirror_slots_hold(vm, WAIT_KILLABLE);
	if (ret)
		return ret;
	ret = snapshot_range(snap, vm, gpa, gpa + length);
	vmirror_slots_release(vm);
	return ret;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_snapshot);

/*
 * struct user_extents - the user's array
 * @nr: extents in it so far
 */
struct user_extents {
	struct vmirror_snapshot *args;
	u32 nr;
};

static int emit_to_user(const struct vmirror_extent *extent, void *arg)
{
	struct user_extents *to = arg;
	struct vmirror_extent __user *array = u64_to_user_ptr(to->args->extents);

	if (to->nr == to->args->nr_extents)
		return 1;
	if (copy_to_user(array + to->nr, extent, sizeof(*extent)))
		return -EFAULT;
	to->nr++;
	to->args->done_bytes = extent->gpa + ((u64)extent->pages << PAGE_SHIFT) - to->args->gpa;
	return 0;
}

long vmirror_snapshot_ioctl(struct file *file, void *arg)
{
	struct vmirror_snapshot *args = arg;
	struct user_extents to = { .args = args };
	int ret;

	if (args->flags || args->reserved || !args->nr_extents)
		return -EINVAL;
	args->done_bytes = 0;
	ret = vmirror_snapshot(file->private_data, args->gpa, args->length, emit_to_user, &to);
	if (!ret)
		args->done_bytes = args->length;
	else if ((ret == -EINTR || ret == -EBUSY) && to.nr)
		ret = 0;
	args->nr_extents = to.nr;
	return min(ret, 0);
}
