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

/* Gives the free device page(s) at @page out: one reference, locked. */
static inline void compat_zone_device_init(struct page *page, struct dev_pagemap *pgmap,
					   unsigned int order)
{
#ifdef HAVE_ZONE_DEVICE_INIT_PGMAP
	zone_device_folio_init(page_folio(page), pgmap, order);
#elif defined(HAVE_MIGRATE_COMPOUND)
	zone_device_page_init(page, order);
#else
	zone_device_page_init(page);
#endif
}

#endif /* VMIRROR_COMPAT_H */
