/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * coldest.h - which parts of a full pool have to go for others
 *
 * A pure function, no I/O.
 */
#ifndef HMMD_COLDEST_H
#define HMMD_COLDEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmirror.h"

/*
 * Choose blocks of a pool to be emptied: those that have been idle longest first, none that has
 * been so for less than min_idle_ns, is empty, or is to be kept.
 *
 * blocks, keep: nr of them; nr_wanted: as many blocks as are needed.
 * chosen: out: numbers of blocks, in the order in which to empty them; room for nr_wanted.
 * Returns how many were chosen.
 */
size_t coldest_choose(const struct vmirror_pool_block *blocks, const bool *keep, size_t nr,
		      uint64_t min_idle_ns, size_t nr_wanted, uint32_t *chosen);

#endif /* HMMD_COLDEST_H */
