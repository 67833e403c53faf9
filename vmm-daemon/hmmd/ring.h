/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ring.h - the reader's side of vmirror's event ring
 *
 * Works on plain memory; who maps it is not its business.  What the memory says is checked
 * once, when the reader starts: the kernel is trusted, a mismatch of versions is not.
 */
#ifndef HMMD_RING_H
#define HMMD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmirror.h"

typedef struct {
	struct vmirror_ring *header; /* NULL: no ring */
	const struct vmirror_record *record;
	uint64_t mask;
	size_t map_size;
} Ring;

/* false if the first bytes of memory are not those of a ring that we can read. */
bool ring_open(Ring *ring, void *memory, size_t size);

/*
 * Copy up to max records that were not read yet and give their room back; how many.
 * Never fewer than there are, up to max.
 */
size_t ring_read(Ring *ring, struct vmirror_record *records, size_t max);

#endif /* HMMD_RING_H */
