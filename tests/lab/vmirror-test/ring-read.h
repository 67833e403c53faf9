/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ring-read.h - a VM's event ring, read by a case */
#ifndef VMIRROR_TEST_RING_READ_H
#define VMIRROR_TEST_RING_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "vmirror.h"

/* Pages that records told of; of those that were lost, how many records. */
struct ring_totals {
	uint64_t out, back, soft_dirty, lost;
};

struct vmirror_ring *ring_map(int vm);
void ring_unmap(struct vmirror_ring *ring);
bool ring_readable(int vm);
/* Read everything there is, and add it to @totals; times must ascend. */
void ring_drain(int vm, struct vmirror_ring *ring, struct ring_totals *totals);

#endif
