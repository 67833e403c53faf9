// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ring.h"

#include <string.h>

bool ring_open(Ring *ring, void *memory, size_t size)
{
	struct vmirror_ring *header = memory;

	if (size < sizeof(*header) || header->magic != VMIRROR_RING_MAGIC ||
	    header->record_size != sizeof(struct vmirror_record) ||
	    header->records < VMIRROR_RING_MIN || header->records > VMIRROR_RING_MAX ||
	    (header->records & (header->records - 1)) || header->record_offset < sizeof(*header) ||
	    header->record_offset % 64 || header->map_size > size ||
	    header->record_offset + (uint64_t)header->records * header->record_size >
		    header->map_size)
		return false;
	ring->header = header;
	ring->record = (const struct vmirror_record *)((char *)memory + header->record_offset);
	ring->mask = header->records - 1;
	ring->map_size = header->map_size;
	return true;
}

size_t ring_read(Ring *ring, struct vmirror_record *records, size_t max)
{
	/* Acquire: the records up to head are written before head is. */
	uint64_t head = __atomic_load_n((uint64_t *)&ring->header->head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->header->tail;
	size_t n = 0;

	for (; tail != head && n < max; tail++, n++)
		memcpy(&records[n], &ring->record[tail & ring->mask], sizeof(records[n]));
	/* Release: we are done with the records before the kernel may reuse them. */
	__atomic_store_n((uint64_t *)&ring->header->tail, tail, __ATOMIC_RELEASE);
	return n;
}
