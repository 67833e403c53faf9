// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine-coherent.c - device memory that CPUs reach as well: CXL, NVLink-C2C
 *
 * The pool lies over a range of physical addresses that the firmware or the kernel's command
 * line has set aside.  A page in it is mapped like one in RAM: no fault brings it home, because
 * none is needed.  Here it is the memory of the pool's pages themselves that is copied.
 */
#include <linux/highmem.h>

#include "private.h"

/*
 * Nothing to start: memremap_pages() maps the range.  But it must be memory that is there, and
 * nobody's: System RAM belongs to the kernel, and what no firmware speaks of may be no memory.
 */
static int coherent_start(struct vmirror_pool *pool)
{
	if (region_intersects(pool->base, pool->bytes, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT)
		return -EBUSY;
	if (region_intersects(pool->base, pool->bytes, IORESOURCE_MEM, IORES_DESC_RESERVED) !=
	    REGION_INTERSECTS &&
	    region_intersects(pool->base, pool->bytes, IORESOURCE_MEM, IORES_DESC_SOFT_RESERVED) !=
	    REGION_INTERSECTS)
		return -ENXIO;
	return 0;
}

static void coherent_stop(struct vmirror_pool *pool)
{
}

static struct page *page_at(struct vmirror_pool *pool, u64 offset)
{
	return pfn_to_page(pool->first_pfn + (offset >> PAGE_SHIFT));
}

static int coherent_clear(struct vmirror_pool *pool, u64 offset, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		clear_highpage(page_at(pool, offset) + i);
	return 0;
}

static int coherent_copy_out(struct vmirror_pool *pool, u64 offset, struct page *src,
			     unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		copy_highpage(page_at(pool, offset) + i, src + i);
	return 0;
}

static int coherent_copy_back(struct vmirror_pool *pool, struct page *dst, u64 offset,
			      unsigned int pages)
{
	/* Where the memory is broken, that is an error, and no machine check that ends the host. */
	for (unsigned int i = 0; i < pages; i++)
		if (copy_mc_highpage(dst + i, page_at(pool, offset) + i))
			return -EIO;
	return 0;
}

const struct vmirror_engine vmirror_engine_coherent = {
	.type = VMIRROR_ENGINE_COHERENT,
	.memory = MEMORY_DEVICE_COHERENT,
	.start = coherent_start,
	.stop = coherent_stop,
	.clear = coherent_clear,
	.copy_out = coherent_copy_out,
	.copy_back = coherent_copy_back,
};
