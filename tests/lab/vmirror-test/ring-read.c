// SPDX-License-Identifier: LGPL-2.1-or-later
/* ring-read.c - see ring-read.h */
#include <poll.h>

#include <sys/mman.h>

#include "ring-read.h"
#include "test.h"

struct vmirror_ring *ring_map(int vm)
{
	struct vmirror_ring *ring = mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm, 0);
	uint32_t size;

	CHECK(ring != MAP_FAILED);
	CHECK(ring->magic == VMIRROR_RING_MAGIC && ring->record_size == sizeof(struct vmirror_record));
	size = ring->map_size;
	munmap(ring, 4096);
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm, 0);
	CHECK(ring != MAP_FAILED);
	return ring;
}

void ring_unmap(struct vmirror_ring *ring)
{
	munmap(ring, ring->map_size);
}

bool ring_readable(int vm)
{
	struct pollfd fd = { .fd = vm, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

void ring_drain(int vm, struct vmirror_ring *ring, struct ring_totals *totals)
{
	struct vmirror_record *records = (void *)((char *)ring + ring->record_offset);
	uint64_t last = 0;

	while (ring_readable(vm)) {
		uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE), tail = ring->tail;

		for (; tail != head; tail++) {
			struct vmirror_record *r = &records[tail & (ring->records - 1)];

			CHECK(r->type >= VMIRROR_EVENT_OUT && r->type <= VMIRROR_EVENT_LOST);
			CHECK(r->time_ns >= last);
			last = r->time_ns;
			if (r->type == VMIRROR_EVENT_OUT)
				totals->out += r->pages;
			else if (r->type == VMIRROR_EVENT_BACK)
				totals->back += r->pages;
			else if (r->type == VMIRROR_EVENT_LOST)
				totals->lost += r->pages;
			else if (r->reason == VMIRROR_REASON_SOFT_DIRTY)
				totals->soft_dirty += r->pages;
		}
		__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	}
}
