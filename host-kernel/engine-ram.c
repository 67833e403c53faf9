// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine-ram.c - a software device: its memory is host RAM
 *
 * The memory is taken whole when the pool is made, as a real device has it whole.
 *
 * It is never scrubbed, because nobody but copy_back sees it, and every byte that
 * copy_back reads was written by copy_out or clear for that same page.
 */
#include <linux/highmem.h>
#include <linux/vmalloc.h>

#include "private.h"

static int ram_start(struct vmirror_pool *pool)
{
	pool->engine_data = vmalloc_huge(pool->bytes, GFP_KERNEL | __GFP_NOWARN |
					 __GFP_RETRY_MAYFAIL);
	return pool->engine_data ? 0 : -ENOMEM;
}

static void ram_stop(struct vmirror_pool *pool)
{
	vfree(pool->engine_data);
}

/*
 * Where page number @index of the pool lies: one further than its number, within its block.
 * A 2 MiB folio and its copy both begin at a 2 MiB boundary.  Where a page and its copy have
 * the same index in a TLB that is direct-mapped, as an emulator's is, each word that is copied
 * evicts the other page's entry, and the copy takes 15 times as long.
 */
static void *ram_place(struct vmirror_pool *pool, unsigned long index)
{
	unsigned long block = index - index % BLOCK_PAGES;

	return pool->engine_data + ((block + (index + 1) % BLOCK_PAGES) << PAGE_SHIFT);
}

static int ram_clear(struct vmirror_pool *pool, u64 offset, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		clear_page(ram_place(pool, (offset >> PAGE_SHIFT) + i));
	return 0;
}

static int ram_copy_out(struct vmirror_pool *pool, u64 offset, struct page *src,
			unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		void *from = kmap_local_page(src + i);

		copy_page(ram_place(pool, (offset >> PAGE_SHIFT) + i), from);
		kunmap_local(from);
	}
	return 0;
}

static int ram_copy_back(struct vmirror_pool *pool, struct page *dst, u64 offset,
			 unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		void *to = kmap_local_page(dst + i);

		copy_page(to, ram_place(pool, (offset >> PAGE_SHIFT) + i));
		kunmap_local(to);
	}
	return 0;
}

const struct vmirror_engine vmirror_engine_ram = {
	.type = VMIRROR_ENGINE_RAM,
	.memory = MEMORY_DEVICE_PRIVATE,
	.page_overhead = sizeof(struct page *),		/* vmalloc's array */
	.start = ram_start,
	.stop = ram_stop,
	.clear = ram_clear,
	.copy_out = ram_copy_out,
	.copy_back = ram_copy_back,
};
