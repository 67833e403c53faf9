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

/* Not brought home yet.  What could not be read is tried again. */
static bool is_awaited(u8 why)
{
	return !why || why == VMIRROR_SKIP_COPY_FAILED;
}

/*
 * What is still out of the pages at hand?  Those that were and are in RAM now have moved.
 * Those that are not mapped just now are in flight, or ceased to exist.  Hidden are those
 * that hmm_range_fault() does not look at, because the VMM may not read them (PROT_NONE).
 */
struct still_out {
	u8 *why;
	unsigned int out;
	unsigned int in_flight;
	bool hidden;
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

static void note(u8 *why, u8 what, unsigned long pages)
{
	if (pages == 1)
		*why = what;
	else
		memset(why, what, pages);
}

static void look_first(unsigned long *pfns, unsigned long n, void *arg)
{
	struct still_out *still = arg;

	still->out = 0;
	still->in_flight = 0;
	for (unsigned long i = 0; i < n; i++) {
		bool out = is_out(pfns[i]);

		still->why[i] = out ? 0 : VMIRROR_SKIP_ABSENT;
		still->hidden |= pfns[i] & HMM_PFN_ERROR;
		still->out += out;
	}
}

/* Where one PMD maps all of the block, its first page tells of all. */
static void look_at_one(unsigned long *pfns, unsigned long n, void *arg)
{
	struct still_out *still = arg;
	bool out = is_out(pfns[0]);

	still->told = is_mapped(pfns[0]) && hmm_pfn_to_map_order(pfns[0]) >= BLOCK_ORDER;
	if (!still->told)
		return;
	still->out = out ? BLOCK_PAGES : 0;
	memset(still->why, out ? 0 : VMIRROR_SKIP_ABSENT, BLOCK_PAGES);
}

static void look_again(unsigned long *pfns, unsigned long n, void *arg)
{
	struct still_out *still = arg;

	still->out = 0;
	still->in_flight = 0;
	for (unsigned long i = 0; i < n; i++) {
		if (!is_awaited(still->why[i]))
			continue;
		if (is_out(pfns[i]))
			still->out++;
		else if (is_mapped(pfns[i]))
			still->why[i] = BATCH_MOVED;
		else
			still->in_flight++;
	}
}

static bool is_all_home(const u8 *why, unsigned long n)
{
	if (!memchr_inv(why, BATCH_MOVED, n))
		return true;
	for (unsigned long i = 0; i < n; i++)
		if (is_awaited(why[i]))
			return false;
	return true;
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
		note(&home->why[i], BATCH_MOVED, step);
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

/* A page that is locked or in flight just now is on its way: look again in a moment. */
#define RECALL_TRIES	100
#define RECALL_SECONDS	2

static int look_at_first(struct vmirror_walk *walk, unsigned long start, unsigned long end,
			 struct still_out *still)
{
	unsigned long *pfns = walk->batch->pfns;

	if (IS_ALIGNED(start | end, BLOCK_BYTES)) {
		int ret = vmirror_mirror_read(walk->slot, start, start + PAGE_SIZE, pfns, LOOK_MS,
					      look_at_one, still);

		if (ret || still->told)
			return ret;
	}
	return vmirror_mirror_read(walk->slot, start, end, pfns, LOOK_MS, look_first, still);
}

static int recall_block(struct vmirror_walk *walk, unsigned long start, unsigned long end)
{
	struct recall *recall = container_of(walk, struct recall, walk);
	struct still_out still = { .why = walk->batch->why };
	unsigned long deadline = jiffies + RECALL_SECONDS * HZ;
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	bool first = true;

	for (int tries = 0; tries < RECALL_TRIES && !time_after(jiffies, deadline); tries++) {
		int ret = first ? look_at_first(walk, start, end, &still) :
				  vmirror_mirror_read(walk->slot, start, end, walk->batch->pfns,
						      LOOK_MS, look_again, &still);

		if (ret == -EINTR)
			return ret;
		if (ret && first)
			memset(still.why, 0, sizeof(walk->batch->why));
		first = first && ret;
		if (!ret && !still.out && !still.in_flight && !still.hidden)
			return 0;
		if (tries > 1)
			usleep_range(50, 200);
		/* What is hidden may come in parts, as a folio that has to be split does. */
		if (ret || still.out || still.hidden)
			still.hidden &= recall_once(recall, start, end);
		if (!still.hidden && is_all_home(still.why, pages))
			return 0;
	}
	/* In flight for so long: discarded in the meantime, so there is no page to bring. */
	for (unsigned long i = 0; !still.out && i < pages; i++)
		if (!still.why[i])
			still.why[i] = VMIRROR_SKIP_ABSENT;
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
