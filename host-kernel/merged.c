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
 * become so in its page table.  They are kept out as long as they are shared.
 */
#include <linux/ksm.h>
#include <linux/mm.h>

#include "private.h"

static bool is_merged(struct mm_struct *mm, unsigned long addr)
{
	struct page *page;
	bool merged;

	/* Also what nobody may touch, and what NUMA balancing is watching; but no fault. */
	if (get_user_pages_remote(mm, addr, 1, FOLL_FORCE | FOLL_NOFAULT, &page, NULL) != 1)
		return false;
	merged = folio_test_ksm(page_folio(page));
	put_page(page);
	return merged;
}

static bool is_shared(unsigned long pfn)
{
	struct folio *folio;
	bool shared;

	if (!pfn_valid(pfn))
		return false;
	folio = page_folio(pfn_to_page(pfn));
	if (!folio_try_get(folio))
		return false;
	shared = compat_is_shared(folio);
	folio_put(folio);
	return shared;
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
	bool known = compat_ksm_knows(vma->vm_mm);

	mmap_assert_write_locked(vma->vm_mm);
	*merged = false;
	if (!(vma->vm_flags & VM_MERGEABLE))
		return end;
	for (unsigned long at = start; at < end; at += PAGE_SIZE) {
		bool this = is_shared(*pfns++) || (known && is_merged(vma->vm_mm, at));

		if (at == start)
			*merged = this;
		else if (this != *merged)
			return at;
	}
	return end;
}
