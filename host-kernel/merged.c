// SPDX-License-Identifier: GPL-2.0-only
/*
 * merged.c - pages that KSM merges are kept out of migrations
 *
 * migrate_vma_setup() takes the page table entries of the pages that it finds; those of pages
 * that stay are put back by the kernel's reverse map.  But of a page that ksmd is merging just
 * now that map knows nothing, or not this address: from the moment that the page table names
 * the merged page until ksmd has noted it (7.2, cmp_and_merge_page()).  An entry that is taken in
 * between is never put back: who touches the page faults for ever, and the page is lost.
 *
 * ksmd has the mmap_lock for reading as it changes the page table.  Who has it for writing sees
 * which pages are merged, and no page becomes so; but for those that a forked process shares, which
 * become so in its page table.  Where this memory may be merged, and so the other's, which inherited
 * that, those are kept out as long as they are shared.
 *
 * What is not seen: that the other alone made its memory mergeable, after the fork.  Then this vma
 * does not say so, and to keep out whatever is shared would keep out all of a VMM that has forked.
 * A page that ksmd merges over there in the microseconds in which it is set out here may be lost.
 */
#include <linux/ksm.h>
#include <linux/mm.h>

#include "private.h"

/* Merged, or shared with others who may merge it? */
static bool is_bound(struct folio *folio, bool mergeable)
{
	return folio_test_ksm(folio) || (mergeable && compat_is_shared(folio));
}

/* Is it nobody's but ours, as far as the look before could see? */
static bool was_ours_alone(unsigned long pfn)
{
	struct folio *folio;
	bool ours;

	if (!pfn || !pfn_valid(pfn))
		return false;
	folio = page_folio(pfn_to_page(pfn));
	if (!folio_try_get(folio))
		return false;
	ours = !is_bound(folio, true);
	folio_put(folio);
	return ours;
}

/* The page that is mapped there now, also if nobody may touch it, or NUMA balancing watches it. */
static bool is_bound_at(struct mm_struct *mm, unsigned long addr, bool mergeable)
{
	struct page *page;
	bool bound;

	if (get_user_pages_remote(mm, addr, 1, FOLL_FORCE | FOLL_NOFAULT, &page, NULL) != 1)
		return false;
	bound = is_bound(page_folio(page), mergeable);
	put_page(page);
	return bound;
}

/**
 * vmirror_merged_until() - find a run of pages that KSM has merged or may merge, or of others
 * @vma: with its mmap_lock held for writing
 * @start: first address
 * @end: end address
 * @pfns: for each page what the look before found: the page, or what is no valid pfn
 * @merged: out: which of the two begins at @start
 *
 * Return: where that run ends, at most @end
 */
unsigned long vmirror_merged_until(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end, const unsigned long *pfns, bool *merged)
{
	bool mergeable = vma->vm_flags & VM_MERGEABLE;
	bool known = mergeable && compat_ksm_knows(vma->vm_mm), ours = false;

	mmap_assert_write_locked(vma->vm_mm);
	*merged = false;
	for (unsigned long at = start; at < end; at += PAGE_SIZE) {
		bool this;

		/* What one PMD maps is one folio, told as its first page all over. */
		if (at == start || pfns[0] != pfns[-1])
			ours = was_ours_alone(pfns[0]);
		this = (known || !ours) && is_bound_at(vma->vm_mm, at, mergeable);
		pfns++;
		if (at == start)
			*merged = this;
		else if (this != *merged)
			return at;
	}
	return end;
}
