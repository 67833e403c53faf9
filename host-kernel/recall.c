// SPDX-License-Identifier: GPL-2.0-only
/*
 * recall.c - home by address
 */
#include <linux/delay.h>
#include <linux/hmm.h>

#include "private.h"

struct recall {
	struct vmirror_walk walk;
	enum vmirror_reason reason;
};

/*
 * What is known of a page while its block is at hand, beside what it ends with: it is UNSEEN, or
 * was SEEN in a pool and must come home.  One that could not be read is tried again.
 */
#define SEEN	0
#define UNSEEN	0xfe

static bool is_awaited(u8 why)
{
	return why == SEEN || why == UNSEEN || why == VMIRROR_SKIP_COPY_FAILED;
}

static bool is_settled(const u8 *why, unsigned long n)
{
	if (!memchr_inv(why, BATCH_MOVED, n))
		return true;
	for (unsigned long i = 0; i < n; i++)
		if (is_awaited(why[i]))
			return false;
	return true;
}

/*
 * What a look has found of the pages that are awaited.  Hidden are those that hmm_range_fault()
 * does not look at: the VMM may not read them (PROT_NONE), or there is no memory.
 */
struct look {
	u8 *why;
	bool out;
	bool hidden;
	bool calm;
	bool told;
};

static bool is_mapped(unsigned long pfn)
{
	return (pfn & HMM_PFN_VALID) && !(pfn & HMM_PFN_ERROR);
}

static bool is_out(unsigned long pfn)
{
	return is_mapped(pfn) && vmirror_is_in_pool(hmm_pfn_to_page(pfn));
}

static void look(unsigned long *pfns, unsigned long n, bool calm, void *arg)
{
	struct look *look = arg;

	look->out = look->hidden = false;
	look->calm = calm;
	for (unsigned long i = 0; i < n; i++) {
		u8 *why = &look->why[i];

		if (!is_awaited(*why))
			continue;
		if (is_out(pfns[i])) {
			look->out = true;
			if (*why == UNSEEN)
				*why = SEEN;
		} else if (is_mapped(pfns[i])) {
			*why = *why == UNSEEN ? VMIRROR_SKIP_ABSENT : BATCH_MOVED;
		} else if (pfns[i] & HMM_PFN_ERROR) {
			look->hidden = true;
		} else if (calm) {
			*why = VMIRROR_SKIP_ABSENT;
		}
	}
}

/* Where one PMD maps all of the block, its first page tells of all. */
static void look_at_one(unsigned long *pfns, unsigned long n, bool calm, void *arg)
{
	struct look *look = arg;

	look->told = is_mapped(pfns[0]) && hmm_pfn_to_map_order(pfns[0]) >= BLOCK_ORDER;
	look->out = look->told && is_out(pfns[0]);
	look->hidden = false;
	look->calm = calm;
	if (look->told)
		memset(look->why, look->out ? SEEN : VMIRROR_SKIP_ABSENT, BLOCK_PAGES);
}

static int look_first(struct vmirror_walk *walk, unsigned long start, unsigned long end,
		      struct look *found)
{
	unsigned long *pfns = walk->batch->pfns;

	if (IS_ALIGNED(start | end, BLOCK_BYTES)) {
		int ret = vmirror_mirror_read(walk->slot, start, start + PAGE_SIZE, pfns, LOOK_MS,
					      look_at_one, found);

		if (ret || found->told)
			return ret;
	}
	return vmirror_mirror_read(walk->slot, start, end, pfns, LOOK_MS, look, found);
}

/* What is hidden, and was not seen in a pool before, and cannot be moved is not in one. */
static void settle_hidden(struct vmirror_batch *batch, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		if (is_awaited(batch->why[i]) && (batch->pfns[i] & HMM_PFN_ERROR))
			batch->why[i] = batch->why[i] == UNSEEN ? VMIRROR_SKIP_ABSENT :
								  VMIRROR_SKIP_BUSY;
}

/* All that is awaited, but what could not be read. */
static void settle_rest(u8 *why, unsigned long n, u8 as)
{
	for (unsigned long i = 0; i < n; i++)
		if (why[i] == SEEN || why[i] == UNSEEN)
			why[i] = as;
}

/* Is there memory in the block that could have pages in a pool, in flight or hidden? */
static bool can_hold_pages(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, start);
	bool can = false;

	mmap_read_lock(mm);
	if (!vmirror_is_untouched(mm, start))
		for_each_vma_range(vmi, vma, end)
			can |= !(vma->vm_flags & (VM_SPECIAL | VM_SHARED | VM_HUGETLB));
	mmap_read_unlock(mm);
	return can;
}

/* The look will not tell of pages that are hidden; the migration does.  Returns whether any moved. */
static bool note_moved(const struct vmirror_homecoming *home)
{
	const struct migrate_vma *args = &home->args;
	unsigned long step;
	bool any = false;

	for (unsigned long i = 0; i < args->npages; i += step) {
		step = args->src[i] & MIGRATE_PFN_COMPOUND ? BLOCK_PAGES : 1;
		if (!args->dst[i] || !(args->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		for (unsigned long j = i; j < i + step; j++)
			home->why[j] = BATCH_MOVED;
		any = true;
	}
	return any;
}

/* Returns whether any page came home, or was set free to. */
static bool recall_once(struct recall *recall, unsigned long start, unsigned long end)
{
	struct vmirror_walk *walk = &recall->walk;
	struct mm_struct *mm = walk->vm->mm;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, start);
	bool any = false;

	mmap_read_lock(mm);
	for_each_vma_range(vmi, vma, end) {
		struct vmirror_homecoming home = {
			.args = {
				.vma = vma,
				.src = walk->batch->src,
				.dst = walk->batch->dst,
				.start = max(start, vma->vm_start),
				.end = min(end, vma->vm_end),
				.pgmap_owner = vmirror_owner,
				.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
					 MIGRATE_VMA_SELECT_DEVICE_COHERENT |
					 MIGRATE_VMA_SELECT_COMPOUND,
			},
			.reason = recall->reason,
			.must = true,
		};

		home.why = &walk->batch->why[(home.args.start - start) >> PAGE_SHIFT];
		if (!vmirror_come_home(&home))
			continue;
		if (home.split) {
			vmirror_split_at(vma, home.args.start);
			any = true;
		}
		walk->moved->moved_huge += home.came_huge;
		any |= note_moved(&home);
	}
	mmap_read_unlock(mm);
	return any;
}

/*
 * A page that is locked or in flight just now is on its way: look again in a moment, then after
 * longer ones, a quarter of a second in all.
 */
#define RECALL_TRIES	60
#define RECALL_SECONDS	2

static void wait_a_moment(int tries)
{
	unsigned int us = min(50u << tries / 6, 10000u);

	if (tries > 1)
		usleep_range(us, 2 * us);
}

/* So often in vain, and what is hidden is nothing that could come. */
#define HIDDEN_TRIES	4

static int recall_block(struct vmirror_walk *walk, unsigned long start, unsigned long end)
{
	struct recall *recall = container_of(walk, struct recall, walk);
	unsigned long deadline = jiffies + RECALL_SECONDS * HZ;
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	struct vmirror_batch *batch = walk->batch;
	struct look found = { .why = batch->why };
	unsigned int in_vain = 0;

	memset(batch->why, UNSEEN, pages);
	for (int tries = 0; tries < RECALL_TRIES; tries++) {
		int ret = !tries ? look_first(walk, start, end, &found) :
				   vmirror_mirror_read(walk->slot, start, end, batch->pfns,
						       LOOK_MS, look, &found);

		if (ret == -EINTR)
			return ret;
		if (!ret && is_settled(batch->why, pages))
			return 0;
		if (!ret && !found.out && !can_hold_pages(walk->vm->mm, start, end)) {
			settle_rest(batch->why, pages, VMIRROR_SKIP_ABSENT);
			return 0;
		}
		if (time_after(jiffies, deadline))
			break;
		wait_a_moment(tries);
		if (!ret && !found.out && !found.hidden)
			continue;
		if (recall_once(recall, start, end))
			in_vain = 0;
		else if (!ret && found.calm && !found.out && ++in_vain >= HIDDEN_TRIES)
			settle_hidden(batch, pages);
		if (is_settled(batch->why, pages))
			return 0;
	}
	settle_rest(batch->why, pages, VMIRROR_SKIP_BUSY);
	return 0;
}

/**
 * vmirror_recall() - bring a range of a VM home, by address
 * @vm: the VM
 * @gpa: first guest physical address
 * @length: bytes
 * @reason: what is told; only a RECALL can be interrupted by a signal
 * @moved: out: what became of the pages
 *
 * Return: as vmirror_walk()
 */
int vmirror_recall(struct vmirror_vm *vm, u64 gpa, u64 length, enum vmirror_reason reason,
		   struct vmirror_moved *moved)
{
	struct recall recall = {
		.walk = {
			.vm = vm,
			.moved = moved,
			.block = recall_block,
			.interruptible = reason == VMIRROR_REASON_RECALL,
		},
		.reason = reason,
	};

	return vmirror_walk(&recall.walk, gpa, length);
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_recall);

long vmirror_recall_ioctl(struct file *file, void *arg)
{
	struct vmirror_recall *args = arg;

	if (args->flags)
		return -EINVAL;
	return vmirror_recall(file->private_data, args->gpa, args->length, VMIRROR_REASON_RECALL,
			      &args->moved);
}
