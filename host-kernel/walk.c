// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - going through a range of guest memory, block by block
 *
 * What MIGRATE and RECALL share: find the slots, cut them where the VMM's page table has
 * a new PMD, let others have the slots in between, and stop when a signal comes.
 * Batches are at most one PMD (2 MiB), because a vCPU that touches a page in flight sleeps
 * until its batch is done.
 */
#include <linux/mempool.h>
#include <linux/sched/signal.h>

#include "private.h"

/*
 * Page arrays come from mempools, so that a page can come home even when the kernel has no
 * memory for them.  Faults have a pool of their own, because who takes from the other one
 * waits for mmap_lock afterwards, which a faulting task holds.
 *
 * No task waits for a batch with another of the same pool in its hands.  Who has one of the
 * first pool may fault, and wait for one of the faults' pool: DEVICE_READ, DEVICE_WRITE and
 * DEVICE_DMA_MAP, which fault the guest's pages in and touch their caller's memory.  Never
 * the other way round: so those that faults hold come back, and then the others do.
 */
#define BATCHES_KEPT	16

static mempool_t *batch_pool;
static mempool_t *fault_batch_pool;

int vmirror_batch_init(void)
{
	batch_pool = mempool_create_kmalloc_pool(BATCHES_KEPT, sizeof(struct vmirror_batch));
	fault_batch_pool = mempool_create_kmalloc_pool(BATCHES_KEPT, sizeof(struct vmirror_batch));
	if (batch_pool && fault_batch_pool)
		return 0;
	vmirror_batch_exit();
	return -ENOMEM;
}

void vmirror_batch_exit(void)
{
	mempool_destroy(fault_batch_pool);
	mempool_destroy(batch_pool);
}

struct vmirror_batch *vmirror_fault_batch_get(void)
{
	return mempool_alloc(fault_batch_pool, GFP_KERNEL);
}

void vmirror_fault_batch_put(struct vmirror_batch *batch)
{
	mempool_free(batch, fault_batch_pool);
}

struct vmirror_batch *vmirror_batch_get(void)
{
	return mempool_alloc(batch_pool, GFP_KERNEL);
}

void vmirror_batch_put(struct vmirror_batch *batch)
{
	mempool_free(batch, batch_pool);
}

static void count(struct vmirror_moved *moved, u8 why, unsigned long pages)
{
	if (why == BATCH_MOVED)
		moved->moved_pages += pages;
	else
		moved->skipped_pages[why ?: VMIRROR_SKIP_BUSY] += pages;
}

/*
 * Add up what became of the pages of a block: mostly the same of all.  Returns whether there
 * were none.
 */
static bool tally(struct vmirror_walk *walk, unsigned long pages)
{
	const u8 *why = walk->batch->why;

	if (!memchr_inv(why, why[0], pages)) {
		count(walk->moved, why[0], pages);
		return why[0] == VMIRROR_SKIP_ABSENT;
	}
	for (unsigned long i = 0; i < pages; i++)
		count(walk->moved, why[i], 1);
	return false;
}

/*
 * Nothing was there: is there anything soon?  An address space may be mostly holes.  @start is
 * where to look in the VMM; returns how many bytes no vma covers from there on.
 */
static u64 hole_at(struct vmirror_walk *walk, unsigned long start)
{
	struct mm_struct *mm = walk->vm->mm;
	struct vm_area_struct *vma;
	unsigned long hole;

	mmap_read_lock(mm);
	vma = find_vma(mm, start);
	hole = vma ? max(vma->vm_start, start) - start : ULONG_MAX - start;
	mmap_read_unlock(mm);
	return PAGE_ALIGN_DOWN(hole);
}

/* What walk_slot() returns so that others have the slots for a moment. */
#define GIVE_WAY	1

static int walk_slot(struct vmirror_walk *walk, u64 *gpa, u64 end)
{
	struct vmirror_slot *info = &walk->slot->info;

	while (*gpa < end) {
		unsigned long start = info->hva + (*gpa - info->gpa);
		unsigned long next = min(ALIGN(start + 1, BLOCK_BYTES), start + (end - *gpa));
		bool none;
		int ret;

		if (walk->interruptible && signal_pending(current))
			return -EINTR;
		/* The VMM has exited and only we keep its memory: let go, it is nobody's. */
		if (atomic_read(&walk->vm->mm->mm_users) == 1)
			return -ESRCH;
		ret = walk->block(walk, start, next);
		if (ret)
			return ret;
		none = tally(walk, (next - start) >> PAGE_SHIFT);
		*gpa += next - start;
		if (none && *gpa < end) {
			u64 hole = min(hole_at(walk, next), end - *gpa);

			count(walk->moved, VMIRROR_SKIP_ABSENT, hole >> PAGE_SHIFT);
			*gpa += hole;
		}
		cond_resched();
		if (*gpa < end && vmirror_slots_are_wanted(walk->vm))
			return GIVE_WAY;
	}
	return 0;
}

static int walk_range(struct vmirror_walk *walk, u64 *gpa, u64 end)
{
	struct vmirror_moved *moved = walk->moved;
	u64 hole_end;
	int ret;

	while (*gpa < end) {
		walk->slot = vmirror_slot_at(walk->vm, *gpa, &hole_end);
		if (!walk->slot) {
			hole_end = min(end, hole_end);
			moved->skipped_pages[VMIRROR_SKIP_NO_SLOT] += (hole_end - *gpa) >> PAGE_SHIFT;
			*gpa = hole_end;
			continue;
		}
		ret = walk_slot(walk, gpa, min(end, walk->slot->info.gpa + walk->slot->info.length));
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vmirror_walk() - call walk->block() for each block of a range
 * @walk: vm, moved, block and what @block needs; the rest is filled in
 * @gpa: first guest physical address
 * @length: bytes
 *
 * Return: 0 if anything was done, with walk->moved->done_bytes telling how much; else
 * -EINTR, -ENXIO (no slot in the range), -ESRCH or -ENOMEM
 */
int vmirror_walk(struct vmirror_walk *walk, u64 gpa, u64 length)
{
	struct vmirror_vm *vm = walk->vm;
	u64 at = gpa;
	int ret;

	memset(walk->moved, 0, sizeof(*walk->moved));
	ret = vmirror_check_range(gpa, length);
	if (ret)
		return ret;
	walk->batch = vmirror_batch_get();
	do {
		ret = vmirror_slots_hold(vm, walk->interruptible ? WAIT_KILLABLE : WAIT_ALWAYS);
		if (ret)
			break;
		ret = walk_range(walk, &at, gpa + length);
		vmirror_slots_release(vm);
	} while (ret == GIVE_WAY);
	vmirror_batch_put(walk->batch);

	walk->moved->done_bytes = at - gpa;
	if (!ret && walk->moved->skipped_pages[VMIRROR_SKIP_NO_SLOT] == length >> PAGE_SHIFT)
		return -ENXIO;
	return at > gpa ? 0 : ret;
}
