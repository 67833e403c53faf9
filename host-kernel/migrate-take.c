// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate-take.c - device pages for a block that moves out, taken before anything is unmapped
 */
#include "migrate.h"

void vmirror_out_give_rest(struct out *out)
{
	for (unsigned int i = out->used; i < out->nr_taken; i++)
		vmirror_pool_give(out->walk->pool, out->walk->batch->taken[i], 1);
}

static bool take_whole(struct out *out)
{
	u32 *taken = out->walk->batch->taken;

	if (!MIGRATE_VMA_SELECT_COMPOUND || !out->huge ||
	    out->walk->pool->engine->memory != MEMORY_DEVICE_PRIVATE ||
	    !vmirror_pool_take_block(out->walk->pool, &taken[0]))
		return false;
	for (unsigned int i = 1; i < BLOCK_PAGES; i++)
		taken[i] = taken[0] + i;
	out->nr_taken = BLOCK_PAGES;
	return true;
}

/* Returns whether it got what it would like best. */
static bool take_some(struct out *out)
{
	out->whole = take_whole(out);
	if (out->whole)
		return true;
	/* Hidden pages may not be there at all: one by one, as they are found (have_pages()). */
	out->nr_taken = vmirror_pool_take_pages(out->walk->pool, out->walk->batch->taken,
						out->there + out->absent);
	return !out->huge && out->nr_taken == out->there + out->absent;
}

void vmirror_out_take(struct out *out)
{
	if (!take_some(out) && !out->walk->settled &&
	    vmirror_pool_settle(out->walk->pool, out->huge ? BLOCK_PAGES : 1)) {
		out->walk->settled = true;
		vmirror_out_give_rest(out);
		take_some(out);
	}
	/* What is hidden, and perhaps not there, goes page by page then. */
	if (out->huge && out->hidden && !out->whole)
		out->huge = false;
	/* Do not break up a huge page of the guest for a part of it. */
	if (out->huge && out->there && out->nr_taken < BLOCK_PAGES) {
		vmirror_out_give_rest(out);
		out->nr_taken = 0;
	}
}

bool vmirror_out_have_pages(struct out *out, unsigned int n)
{
	u32 *taken = out->walk->batch->taken;

	if (out->used + n <= out->nr_taken)
		return true;
	/* One that the look did not see: one more, then. */
	if (n > 1 || !vmirror_pool_take_pages(out->walk->pool, &taken[out->nr_taken], 1))
		return false;
	out->nr_taken++;
	return true;
}
