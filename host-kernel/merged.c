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
 * which pages are merged, and no page becomes so.
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

/**
 * vmirror_merged_until() - find a run of pages that KSM has merged, or of others
 * @vma: with its mmap_lock held for writing
 * @start: first address
 * @end: end address
 * @merged: out: which of the two begins at @start
 *
 * Return: where that run ends, at most @end
 */
unsigned long vmirror_merged_until(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end, bool *merged)
{
	unsigned long at = start;

	mmap_assert_write_locked(vma->vm_mm);
	*merged = false;
	if (!(vma->vm_flags & VM_MERGEABLE) || !compat_ksm_knows(vma->vm_mm))
		return end;
	*merged = is_merged(vma->vm_mm, start);
	do {
		at += PAGE_SIZE;
	} while (at < end && is_merged(vma->vm_mm, at) == *merged);
	return at;
}
