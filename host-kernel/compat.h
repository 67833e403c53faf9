/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - differences between kernels; nowhere else
 *
 * The HAVE_* symbols come from the conftests in Kbuild, which try what the kernel at hand
 * can compile.  The code of the module is written for the newest kernel.
 */
#ifndef VMIRROR_COMPAT_H
#define VMIRROR_COMPAT_H

#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/rmap.h>

/* 2 MiB folios that move whole came with 6.19. */
#ifndef HAVE_MIGRATE_COMPOUND
#define MIGRATE_VMA_SELECT_COMPOUND	0
#define MIGRATE_PFN_COMPOUND		0
#endif

#ifndef HAVE_PAGE_PGMAP
static inline struct dev_pagemap *page_pgmap(const struct page *page)
{
	return page->pgmap;
}
#endif

static inline struct folio *compat_vma_alloc_folio(gfp_t gfp, int order,
						   struct vm_area_struct *vma, unsigned long addr)
{
#ifdef HAVE_VMA_ALLOC_FOLIO_4
	return vma_alloc_folio(gfp, order, vma, addr);
#else
	return vma_alloc_folio(gfp, order, vma, addr, order == HPAGE_PMD_ORDER);
#endif
}

/*
 * Makes a folio of the free device page(s) at @page: one reference, locked.
 *
 * By page, never by page_folio(): a page that was part of a larger folio in its last life
 * still names that folio's head.
 */
static inline void compat_zone_device_init(struct page *page, struct dev_pagemap *pgmap,
					   unsigned int order)
{
#ifdef HAVE_ZONE_DEVICE_INIT_PGMAP
	zone_device_page_init(page, pgmap, order);
#elif defined(HAVE_MIGRATE_COMPOUND)
	zone_device_page_init(page, order);
#else
	zone_device_page_init(page);
#endif
	if (order)
		folio_set_large_rmappable(page_folio(page));
}

/* Has ksmd seen any of its pages?  Who has the mmap_lock for writing keeps it from doing so. */
static inline bool compat_ksm_knows(const struct mm_struct *mm)
{
#ifdef CONFIG_KSM
	return mm->ksm_rmap_items;
#else
	return false;
#endif
}

/* Is it in the page tables of others, too? */
static inline bool compat_is_shared(struct folio *folio)
{
#ifdef HAVE_MAYBE_MAPPED_SHARED
	return folio_maybe_mapped_shared(folio);
#else
	return folio_likely_mapped_shared(folio);
#endif
}

/* Forget the flags of the page's last life.  A flag means another thing in a tail page. */
static inline void compat_clear_page_flags(struct page *page)
{
	const unsigned long mask = PAGE_FLAGS_CHECK_AT_PREP & ~(1UL << PG_reserved);

#ifdef HAVE_MEMDESC_FLAGS
	page->flags.f &= ~mask;
#else
	page->flags &= ~mask;
#endif
}

/* Like migrate_device_range(), for pfns that need not be neighbours. */
static inline void compat_migrate_device_pfns(unsigned long *pfns, unsigned long n)
{
#ifdef HAVE_MIGRATE_DEVICE_PFNS
	migrate_device_pfns(pfns, n);
#else
	for (unsigned long i = 0; i < n; i++)
		migrate_device_range(&pfns[i], pfns[i], 1);
#endif
}

/* The page, with its folio locked and referenced, or an error. */
static inline struct page *compat_make_device_exclusive(struct mm_struct *mm, unsigned long addr,
							void *owner, struct folio **folio)
{
#ifdef HAVE_MAKE_DEVICE_EXCLUSIVE
	return make_device_exclusive(mm, addr, owner, folio);
#elif IS_ENABLED(CONFIG_DEVICE_PRIVATE)
	struct page *page = NULL;
	int n = make_device_exclusive_range(mm, addr, addr + PAGE_SIZE, &page, owner);

	if (n < 0)
		return ERR_PTR(n);
	if (!page)
		return ERR_PTR(-EBUSY);
	*folio = page_folio(page);
	return page;
#else
	return ERR_PTR(-EOPNOTSUPP);
#endif
}

/* For the modules in tests/kernel, which go through our own code. */
#ifdef EXPORT_SYMBOL_FOR_MODULES
#define VMIRROR_EXPORT_FOR_TESTS(symbol)	EXPORT_SYMBOL_FOR_MODULES(symbol, "hmm_dmirror")
#else
#define VMIRROR_EXPORT_FOR_TESTS(symbol)	EXPORT_SYMBOL_GPL(symbol)
#endif

#endif /* VMIRROR_COMPAT_H */
