// SPDX-License-Identifier: LGPL-2.1-or-later
/* ring.c - the event ring: what it says adds up, and overflow is told */
#include <poll.h>

#include <sys/mman.h>

#include "test.h"

struct totals {
	uint64_t out, back, lost;
};

static struct vmirror_ring *map_ring(int vm)
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

static bool readable(int vm)
{
	struct pollfd fd = { .fd = vm, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* Read everything there is; times must ascend. */
static void drain(int vm, struct vmirror_ring *ring, struct totals *totals)
{
	struct vmirror_record *records = (void *)((char *)ring + ring->record_offset);
	uint64_t last = 0;

	while (readable(vm)) {
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
		}
		__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	}
}

static void adds_up(struct target *t)
{
	int vm = vm_attach(t, "ring", VMIRROR_RING_MAX), pool;
	struct vmirror_ring *ring = map_ring(vm);
	struct totals totals = { 0 };
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	uint64_t length, gpa = lowest_ram(vm, &length);

	pool = pool_create(t, "ring", length);
	migrate(vm, pool, gpa, length, &moved);
	verify(t);
	recall(vm, gpa, length, &moved);
	check_none_out(vm);
	drain(vm, ring, &totals);
	vm_stat(vm, &vs);
	CHECK(totals.lost == 0 && vs.lost_records == 0);
	CHECK(totals.out == vs.moved_out);
	CHECK(totals.back == vs.back_fault + vs.back_recall);
	munmap(ring, ring->map_size);
	close(vm);
	close(pool);
}

static void overflows(struct target *t)
{
	int vm = vm_attach(t, "ring", VMIRROR_RING_MIN), pool;
	struct vmirror_ring *ring = map_ring(vm);
	struct totals totals = { 0 };
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	uint64_t length, gpa = lowest_ram(vm, &length), seen;

	pool = pool_create(t, "ring", length);
	for (uint64_t at = gpa; at < gpa + length; at += 64 * 1024)
		migrate(vm, pool, at, 64 * 1024, &moved);
	recall(vm, gpa, length, &moved);
	check_none_out(vm);
	drain(vm, ring, &totals);
	vm_stat(vm, &vs);
	CHECK(vs.lost_records > 0);
	CHECK(totals.lost == vs.lost_records);
	/* The state is not lost: a snapshot has it. */
	seen = pages_in_state(vm, gpa, length, VMIRROR_STATE_POOL);
	CHECK(seen == 0 && vs.out_pages == 0);

	/* A reader that writes nonsense hurts nobody but itself. */
	ring->tail = ring->head + 12345;
	migrate(vm, pool, gpa, length, &moved);
	recall(vm, gpa, length, &moved);
	ring->tail = ring->head;
	memset(&totals, 0, sizeof(totals));
	drain(vm, ring, &totals);
	CHECK(totals.lost > 0);
	munmap(ring, ring->map_size);
	close(vm);
	close(pool);
	verify(t);
}

void case_ring(struct target *t)
{
	adds_up(t);
	overflows(t);
}
