// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate-look.c - before a block moves out: where its pages are, and why some will stay
 */
#include <linux/hmm.h>
#include <linux/ksm.h>
#include <linux/mm.h>

#include "migrate.h"

/* In batch->pfns: no page is there, or none that can be seen; a page of a file, which stays. */
#define PFN_ABSENT	ULONG_MAX
#define PFN_FILE	(ULONG_MAX - 1)

/* Not those that are in the pool already, nor, unless it was asked for, in another. */
bool vmirror_out_is_wanted(struct out *out, struct page *page)
{
	return !vmirror_is_in_pool(page) ||
	       (out->walk->peers && vmirror_pool_of(page) != out->walk->pool);
}

/*
 * See where a page is, or @pages that one PMD maps.  @why: out: why they cannot move, or 0 if
 * they may.  Returns the page in RAM, PFN_ABSENT, PFN_FILE, or 0.
 */
static unsigned long look_at(struct out *out, unsigned long pfn, unsigned int pages, u8 *why)
{
	*why = 0;
	if (pfn & HMM_PFN_ERROR) {	/* special, no vma, or one that nobody may read: see there */
		out->hidden += pages;
		return PFN_ABSENT;
	}
	if (!(pfn & HMM_PFN_VALID) || vmirror_is_zero_page(pfn)) {
		/* Or NUMA balancing is watching it, as it does with what nobody touches. */
		bool unseen = !(pfn & HMM_PFN_VALID) && IS_ENABLED(CONFIG_NUMA_BALANCING) &&
			      num_online_nodes() > 1;

		if (out->walk->populate) {
			out->absent += pages;
		} else if (unseen) {
			out->hidden += pages;
			out->unseen += pages;
		} else {
			*why = VMIRROR_SKIP_ABSENT;
		}
		return PFN_ABSENT;
	}
	if (!vmirror_out_is_wanted(out, hmm_pfn_to_page(pfn))) {
		*why = VMIRROR_SKIP_ALREADY_OUT;
		return 0;
	}
	if (!PageAnon(hmm_pfn_to_page(pfn))) {
		out->files = true;	/* the vma may have a better reason */
		return PFN_FILE;
	}
	out->there += pages;
	/* Of a page in another pool there is no more to say than that it is busy; that pool may go. */
	return vmirror_is_in_pool(hmm_pfn_to_page(pfn)) ? 0 : pfn & ~HMM_PFN_FLAGS;
}

/*
 * See where the pages are: fills in batch->pfns, and batch->why for those that stay.  What
 * one PMD maps is one folio: one look does, while invalidations wait for us.
 */
static void look(unsigned long *pfns, unsigned long n, bool calm, void *arg)
{
	struct out *out = arg;
	unsigned long step;

	out->huge = n == BLOCK_PAGES && hmm_pfn_to_map_order(pfns[0]) == BLOCK_ORDER;
	out->there = 0;
	out->absent = 0;
	out->hidden = 0;
	out->unseen = 0;
	out->files = false;
	step = out->huge ? n : 1;
	for (unsigned long i = 0; i < n; i += step) {
		u8 why;
		unsigned long pfn = look_at(out, pfns[i], step, &why);

		memset(&out->walk->batch->why[i], why, step);
		for (unsigned long j = i; j < i + step; j++)
			pfns[j] = pfn;
	}
}

/* Look at the whole block, up to @end.  Returns as vmirror_mirror_read() does. */
int vmirror_out_look(struct out *out, unsigned long end)
{
	unsigned long pages = (end - out->start) >> PAGE_SHIFT;
	struct vmirror_walk *walk = out->walk;
	int ret;

	ret = vmirror_mirror_read(walk->slot, out->start, end, walk->batch->pfns, LOOK_MS, look,
				  out);
	if (!ret && out->unseen == pages && vmirror_is_untouched(walk->vm->mm, out->start)) {
		memset(walk->batch->why, VMIRROR_SKIP_ABSENT, pages);
		out->hidden = 0;
	}
	return ret;
}

/* Is the block within one anonymous vma that has these flags? */
static bool is_one_vma(struct mm_struct *mm, unsigned long start, vm_flags_t flags)
{
	struct vm_area_struct *vma;
	bool is_one;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, start);
	is_one = vma && vma_is_anonymous(vma) && (vma->vm_flags & flags) == flags &&
		 vma->vm_end - start >= BLOCK_BYTES;
	mmap_read_unlock(mm);
	return is_one;
}

/* A block of which nothing is to be seen: shall it move as one all the same? */
bool vmirror_out_is_huge_wanted(struct out *out)
{
	struct mm_struct *mm = out->walk->vm->mm;

	if (out->absent == BLOCK_PAGES)
		return is_one_vma(mm, out->start, VM_HUGEPAGE);
	/* There may be a huge page. */
	return out->hidden == BLOCK_PAGES && is_one_vma(mm, out->start, VM_NONE);
}

/**
 * vmirror_out_files_until() - find a run of pages of a file, or of others
 * @out: the block
 * @start: first address
 * @end: in: end address; out: where the run ends
 *
 * Pages of a file are kept out of migrations: they would be taken from every process that has
 * them, and their large folios split, for nothing.
 *
 * Return: whether it is pages of a file that begin at @start
 */
bool vmirror_out_files_until(struct out *out, unsigned long start, unsigned long *end)
{
	const unsigned long *pfns = out->walk->batch->pfns;
	unsigned long i = (start - out->start) >> PAGE_SHIFT;
	bool files = pfns[i] == PFN_FILE;

	while (start < *end && (pfns[i] == PFN_FILE) == files) {
		start += PAGE_SIZE;
		i++;
	}
	*end = start;
	return files;
}

/* Pages in RAM that the kernel would not let go: why, as far as can be seen now? */
enum vmirror_skip vmirror_out_why_not(unsigned long pfn)
{
	enum vmirror_skip why = VMIRROR_SKIP_BUSY;
	struct folio *folio;

	if (pfn == PFN_ABSENT)
		return VMIRROR_SKIP_ABSENT;
	if (pfn == PFN_FILE)
		return VMIRROR_SKIP_FILE;
	if (!pfn)
		return why;
	folio = page_folio(pfn_to_page(pfn));
	if (!folio_try_get(folio))
		return why;
	if (page_folio(pfn_to_page(pfn)) == folio) {
		if (folio_test_ksm(folio))
			why = VMIRROR_SKIP_KSM;
		else if (folio_maybe_dma_pinned(folio))
			why = VMIRROR_SKIP_PINNED;
	}
	folio_put(folio);
	return why;
}
