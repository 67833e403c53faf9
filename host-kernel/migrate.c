// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate.c - out: guest RAM into a pool
 *
 *	look at the block ──▶ take device pages ──▶ migrate_vma_setup (the pages are
 *	locked, unmapped, KVM's entries are gone) ──▶ copy ──▶ migrate_vma_pages ──▶
 *	tell ──▶ migrate_vma_finalize
 *
 * Device pages are taken before anything is unmapped: a full pool costs the guest
 * nothing.  Until finalize every page is valid where it was, so whatever fails half-way leaves
 * it there.  Pages of other pools go the same way, if the caller wants them.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/ksm.h>
#include <linux/mm.h>

#include "migrate.h"

/* From one pool to another, by way of a page in RAM. */
static int copy_between(struct out *out, u64 offset, struct page *spage, unsigned int pages)
{
	struct vmirror_pool *from = vmirror_pool_of(spage), *to = out->walk->pool;
	u64 from_offset = vmirror_pool_offset(from, spage);
	struct page *bounce = out->walk->bounce;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < pages; i++)
		ret = from->engine->copy_back(from, bounce, from_offset + ((u64)i << PAGE_SHIFT),
					      1) ?:
		      to->engine->copy_out(to, offset + ((u64)i << PAGE_SHIFT), bounce, 1);
	return ret;
}

/* Fill a device folio with what is in @spage; with zero, if there is none yet. */
static int copy_or_clear(struct out *out, u32 index, struct page *spage, unsigned int pages)
{
	struct vmirror_pool *pool = out->walk->pool;
	u64 offset = (u64)index << PAGE_SHIFT;

	if (!spage)
		return pool->engine->clear(pool, offset, pages);
	if (vmirror_is_in_pool(spage))
		return copy_between(out, offset, spage, pages);
	return pool->engine->copy_out(pool, offset, spage, pages);
}

/* Copy one folio, or make one, and fill in its dst; or say why it stays. */
static enum vmirror_skip copy_one(struct out *out, unsigned long src, unsigned long *dst, u64 gpa)
{
	unsigned int order = (src & MIGRATE_PFN_COMPOUND) ? BLOCK_ORDER : 0;
	struct page *spage = migrate_pfn_to_page(src), *dpage;
	struct vmirror_pool *pool = out->walk->pool;
	u32 index;

	if (!spage && !out->make)	/* never touched, or the zero page */
		return VMIRROR_SKIP_ABSENT;
	/* KSM compares pages by reading them, which it cannot do in device memory. */
	if (spage && folio_test_ksm(page_folio(spage)))
		return VMIRROR_SKIP_KSM;
	if (spage && !PageAnon(spage))
		return VMIRROR_SKIP_FILE;
	if (spage && !vmirror_out_is_wanted(out, spage))
		return VMIRROR_SKIP_ALREADY_OUT;
	if (spage && vmirror_is_in_pool(spage) && !vmirror_is_still(spage))
		return VMIRROR_SKIP_BUSY;
	if (!vmirror_out_have_pages(out, 1 << order))
		return VMIRROR_SKIP_POOL_FULL;
	index = out->walk->batch->taken[out->used];
	if (copy_or_clear(out, index, spage, 1 << order))
		return VMIRROR_SKIP_COPY_FAILED;

	dpage = vmirror_pool_page_init(pool, index, order, out->walk->vm, gpa);
	out->used += 1 << order;
	*dst = migrate_pfn(page_to_pfn(dpage)) | (order ? MIGRATE_PFN_COMPOUND : 0);
	return 0;
}

static void copy_all(struct out *out, struct migrate_vma *args)
{
	struct vmirror_slot *info = &out->walk->slot->info;
	u8 *why = &out->walk->batch->why[(args->start - out->start) >> PAGE_SHIFT];
	u64 gpa = info->gpa + (args->start - info->hva);
	unsigned long step;

	for (unsigned long i = 0; i < args->npages; i += step) {
		bool huge = args->src[i] & MIGRATE_PFN_COMPOUND;

		step = huge ? BLOCK_PAGES : 1;
		if (args->src[i] & MIGRATE_PFN_MIGRATE)
			memset(&why[i], copy_one(out, args->src[i], &args->dst[i],
						 gpa + (i << PAGE_SHIFT)), step);
	}
}

/* After migrate_vma_pages(), with the pages still locked: what moved? */
static void tell(struct out *out, struct migrate_vma *args)
{
	u8 *why = &out->walk->batch->why[(args->start - out->start) >> PAGE_SHIFT];
	struct vmirror_move move = { .type = VMIRROR_EVENT_OUT };

	for (unsigned long i = 0; i < args->npages; i++) {
		struct page *dpage = migrate_pfn_to_page(args->dst[i]);
		struct page *spage = migrate_pfn_to_page(args->src[i]);
		enum vmirror_reason reason = VMIRROR_REASON_REQUEST;
		unsigned int pages;

		if (!dpage)
			continue;
		if (!(args->src[i] & MIGRATE_PFN_MIGRATE)) {
			/* It was to be made, and the kernel would not have it: no memory, a userfaultfd */
			if (!spage)
				memset(&why[i], VMIRROR_SKIP_BUSY, folio_nr_pages(page_folio(dpage)));
			continue;
		}
		if (spage && vmirror_is_in_pool(spage)) {
			/*
			 * Of another VM's, which shares it after a fork, it is the first to us, and
			 * that one loses it.
			 */
			if (vmirror_devdata_vm(spage) == out->walk->vm->id)
				reason = VMIRROR_REASON_PEER;
			else
				vmirror_count_dropped(spage, folio_nr_pages(page_folio(spage)));
			vmirror_devdata_set(spage, DEVDATA_HOME);
		}
		if (reason != move.reason)
			vmirror_move_flush(&move);
		move.reason = reason;
		pages = folio_nr_pages(page_folio(dpage));
		memset(&why[i], BATCH_MOVED, pages);
		vmirror_move_add(&move, dpage, pages);
		vmirror_devdata_set(dpage, DEVDATA_TOLD);
		atomic64_add(pages, &out->walk->pool->out_pages);
		if (pages > 1)
			out->walk->moved->moved_huge++;
	}
	vmirror_move_flush(&move);
}

/*
 * One vma's part of a block; with the mmap_lock for writing, which it drops.
 *
 * A large folio that is mapped by single entries is split by migrate_vma_setup(), which lets
 * go of the page table first and takes its reference then (migrate_vma_split_folio()).  So
 * nobody must discard it meanwhile.  That there is none cannot be known before: since the look
 * single pages may have become a huge page, and that may have lost a part.
 */
static void move_piece(struct out *out, struct vm_area_struct *vma, unsigned long start,
		       unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	struct migrate_vma args = {
		.vma = vma,
		.src = out->walk->batch->src,
		.dst = out->walk->batch->dst,
		.start = start,
		.end = end,
		.pgmap_owner = vmirror_owner,
		.flags = MIGRATE_VMA_SELECT_SYSTEM |
			 (out->whole ? MIGRATE_VMA_SELECT_COMPOUND : 0) |
			 (out->walk->peers ? MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
					     MIGRATE_VMA_SELECT_DEVICE_COHERENT : 0),
	};
	bool ok;

	out->make = out->walk->populate && vma_is_accessible(vma);
	vma_start_write(vma);
	vmirror_flight_begin(vmirror_place_of(start));
	ok = out->walk->peers ? vmirror_set_out(&args) : !migrate_vma_setup(&args);
	mmap_write_downgrade(mm);
	if (ok) {
		copy_all(out, &args);
		migrate_vma_pages(&args);
		tell(out, &args);
		if (out->walk->peers)
			vmirror_put_back(&args);
		else
			migrate_vma_finalize(&args);
	}
	vmirror_flight_end(vmirror_place_of(start));
	mmap_read_unlock(mm);
}

/* Give every page of [start, end) that is in RAM and has no answer yet this one. */
static void answer(struct out *out, unsigned long start, unsigned long end, enum vmirror_skip skip)
{
	struct vmirror_batch *batch = out->walk->batch;

	for (; start < end; start += PAGE_SIZE) {
		unsigned long i = (start - out->start) >> PAGE_SHIFT;

		if (!batch->why[i])
			batch->why[i] = skip ?: vmirror_out_why_not(batch->pfns[i]);
	}
}

/*
 * The part of a block that begins at @start, up to where its vma, a run of a file's pages or one of
 * merged pages ends, or @end.
 * Return: where the next part begins, or -EINTR
 */
static long out_piece(struct out *out, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = out->walk->vm->mm;
	enum vmirror_skip blocker;
	struct vm_area_struct *vma;
	bool merged;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	vma = find_vma_intersection(mm, start, end);
	blocker = vma ? vmirror_vma_blocker(vma) : VMIRROR_SKIP_ABSENT;
	if (vma && vma->vm_start > start) {
		end = vma->vm_start;
		blocker = VMIRROR_SKIP_ABSENT;
	} else if (vma) {
		end = min(end, vma->vm_end);
	}
	if (!blocker && vmirror_out_files_until(out, start, &end))
		blocker = VMIRROR_SKIP_FILE;
	if (!blocker) {
		end = vmirror_merged_until(vma, start, end,
					   &out->walk->batch->pfns[(start - out->start) >> PAGE_SHIFT],
					   &merged);
		blocker = merged ? VMIRROR_SKIP_KSM : 0;
	}
	if (!blocker && (out->there || out->absent) && !out->nr_taken)
		blocker = VMIRROR_SKIP_POOL_FULL;
	/* A huge page that is hidden moves whole or not at all. */
	if (!blocker && (out->nr_taken || (out->hidden && !out->huge)))
		move_piece(out, vma, start, end);
	else
		mmap_write_unlock(mm);
	answer(out, start, end, blocker);
	return end;
}

/* Return: 0, -EINTR, or -EBUSY: all of it is, and there is no point in trying again. */
static int out_once(struct vmirror_walk *walk, unsigned long start, unsigned long end)
{
	struct out out = { .walk = walk, .start = start };
	long at = start;
	int ret;

	ret = vmirror_out_look(&out, end);
	if (ret && ret != -EINTR) {
		memset(walk->batch->why, VMIRROR_SKIP_BUSY, (end - start) >> PAGE_SHIFT);
		ret = -EBUSY;
	}
	if (ret || (!out.there && !out.absent && !out.hidden && !out.files))
		return ret;
	if (vmirror_out_is_huge_wanted(&out))
		out.huge = true;

	vmirror_out_take(&out);
	while (at >= 0 && at < end)
		at = out_piece(&out, at, end);
	vmirror_out_give_rest(&out);
	return at < 0 ? at : 0;
}

/*
 * What the kernel itself holds (compaction, reclaim, the LRU's batches) it holds for a moment: so
 * once more.  Not more often: what others touch all the time is better off where it is.
 */
static void out_again(struct vmirror_walk *walk, unsigned long start, unsigned long end)
{
	unsigned long pages = (end - start) >> PAGE_SHIFT;
	u8 before[BLOCK_PAGES], *why = walk->batch->why;
	int ret;

	memcpy(before, why, pages);
	usleep_range(50, 200);
	ret = out_once(walk, start, end);
	for (unsigned long i = 0; i < pages; i++)
		if (why[i] != BATCH_MOVED && (ret || before[i] != VMIRROR_SKIP_BUSY))
			why[i] = before[i];
}

static int out_block(struct vmirror_walk *walk, unsigned long start, unsigned long end)
{
	int ret = out_once(walk, start, end);

	if (!ret && memchr(walk->batch->why, VMIRROR_SKIP_BUSY, (end - start) >> PAGE_SHIFT))
		out_again(walk, start, end);
	return ret == -EBUSY ? 0 : ret;
}

/**
 * vmirror_migrate() - move a range of a VM into a pool
 * @vm: the VM
 * @pool: the pool; the caller keeps it from being closed
 * @gpa: first guest physical address
 * @length: bytes
 * @flags: VMIRROR_MIGRATE_*
 * @moved: out: what became of the pages
 *
 * Return: as vmirror_walk()
 */
int vmirror_migrate(struct vmirror_vm *vm, struct vmirror_pool *pool, u64 gpa, u64 length,
		    u32 flags, struct vmirror_moved *moved)
{
	struct vmirror_walk walk = {
		.vm = vm,
		.pool = pool,
		.moved = moved,
		.block = out_block,
		.interruptible = true,
		.populate = flags & VMIRROR_MIGRATE_POPULATE,
		.peers = flags & VMIRROR_MIGRATE_PEERS,
	};
	int ret;

	if (walk.peers) {
		walk.bounce = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!walk.bounce)
			return -ENOMEM;
	}
	ret = vmirror_walk(&walk, gpa, length);
	if (walk.bounce)
		__free_page(walk.bounce);
	return ret;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_migrate);

long vmirror_migrate_ioctl(struct file *file, void *arg)
{
	struct vmirror_migrate *args = arg;
	struct file *pool_file __free(fput) = NULL;
	struct vmirror_pool *pool;

	if (args->flags & ~(VMIRROR_MIGRATE_POPULATE | VMIRROR_MIGRATE_PEERS) || args->reserved)
		return -EINVAL;
	pool_file = fget(args->pool_fd);
	if (!pool_file)
		return -EBADF;
	/* The reference on the file keeps the pool open until we are through. */
	pool = vmirror_pool_from_file(pool_file);
	if (!pool)
		return -EBADF;
	return vmirror_migrate(file->private_data, pool, args->gpa, args->length, args->flags,
			       &args->moved);
}
