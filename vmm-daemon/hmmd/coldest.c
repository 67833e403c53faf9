// SPDX-License-Identifier: LGPL-2.1-or-later
#include "coldest.h"

#include <glib.h>

struct candidate {
	uint64_t idle_ns;
	uint32_t block;
};

static int colder_first(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;

	if (one->idle_ns != other->idle_ns)
		return one->idle_ns > other->idle_ns ? -1 : 1;
	return one->block < other->block ? -1 : 1;
}

size_t coldest_choose(const struct vmirror_pool_block *blocks, const bool *keep, size_t nr,
		      uint64_t min_idle_ns, size_t nr_wanted, uint32_t *chosen)
{
	g_autofree struct candidate *candidates = g_new(struct candidate, nr);
	size_t found = 0;

	for (size_t i = 0; i < nr; i++)
		if (blocks[i].pages && !keep[i] && blocks[i].idle_ns >= min_idle_ns)
			candidates[found++] = (struct candidate){ blocks[i].idle_ns, (uint32_t)i };
	if (!found)
		return 0;
	qsort(candidates, found, sizeof(*candidates), colder_first);
	found = MIN(found, nr_wanted);
	for (size_t i = 0; i < found; i++)
		chosen[i] = candidates[i].block;
	return found;
}
