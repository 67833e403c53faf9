// SPDX-License-Identifier: LGPL-2.1-or-later
/* ring.c - the event ring: what it says adds up, who waits is woken, and overflow is told */
#include <poll.h>
#include <pthread.h>

#include <sys/mman.h>

#include "ring-read.h"
#include "selfvm.h"

static void adds_up(struct target *t)
{
	int vm = vm_attach(t, "ring", VMIRROR_RING_MAX), pool;
	struct vmirror_ring *ring = ring_map(vm);
	struct ring_totals totals = { 0 };
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	uint64_t length, gpa = lowest_ram(vm, &length);

	pool = pool_create(t, "ring", length);
	migrate(vm, pool, gpa, length, &moved);
	verify(t);
	recall(vm, gpa, length, &moved);
	check_none_out(vm);
	ring_drain(vm, ring, &totals);
	vm_stat(vm, &vs);
	CHECK(totals.lost == 0 && vs.lost_records == 0);
	CHECK(totals.out == vs.moved_out);
	CHECK(totals.back == vs.back_fault + vs.back_recall);
	ring_unmap(ring);
	close(vm);
	close(pool);
}

/* Someone who sleeps while there is nothing to read. */
struct follower {
	int vm;
	struct vmirror_ring *ring;
	uint64_t seen;		/* pages that went out */
	bool end;
};

#define WAKE_MS 2000		/* a wake-up that takes so long was lost */

static void *follow(void *arg)
{
	struct follower *f = arg;
	struct ring_totals totals = { 0 };

	while (!__atomic_load_n(&f->end, __ATOMIC_ACQUIRE)) {
		struct pollfd fd = { .fd = f->vm, .events = POLLIN };
		uint64_t start = now_ms();

		/* When the time is over poll() looks once more, so it may find something even then. */
		if (poll(&fd, 1, WAKE_MS) != 1 || now_ms() - start >= WAKE_MS)
			FAIL("nobody woke the reader after %llu pages",
			     (unsigned long long)totals.out);
		ring_drain(f->vm, f->ring, &totals);
		__atomic_store_n(&f->seen, totals.out, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Every page out, but for those that the kernel holds just now, and back; returns how many. */
static uint64_t out_and_back(int vm, int pool, uint64_t gpa, uint64_t length)
{
	struct vmirror_moved moved;
	uint64_t out;

	migrate(vm, pool, gpa, length, &moved);
	out = moved.moved_pages;
	CHECK(out == length / VMIRROR_PAGE_SIZE - moved.skipped_pages[VMIRROR_SKIP_BUSY]);
	recall(vm, gpa, length, &moved);
	return out;
}

/* In a VM of our own: nothing else happens in it that would wake the reader. */
static void wakes(void)
{
	const uint64_t length = 64 * VMIRROR_PAGE_SIZE;
	char *memory = map_anonymous(2 * MiB, false);
	struct follower f = { 0 };
	struct selfvm self;
	uint64_t gpa, out = 0;
	pthread_t thread;
	int pool;

	fill_pattern(memory, length, 1);
	selfvm_create(&self);
	gpa = selfvm_add_slot(&self, memory, 2 * MiB);
	f.vm = vm_attach(&self.t, "wakes", 0);
	f.ring = ring_map(f.vm);
	pool = pool_create(&self.t, "wakes", 2 * MiB);
	CHECK(pthread_create(&thread, NULL, follow, &f) == 0);
	/* One at a time: the reader has gone to sleep, or is just about to. */
	for (int i = 0; i < 300; i++) {
		out += out_and_back(f.vm, pool, gpa, length);
		for (int ms = 0; __atomic_load_n(&f.seen, __ATOMIC_ACQUIRE) != out; ms++) {
			CHECK(ms < 2 * WAKE_MS);
			usleep(1000);
		}
	}
	/* And as fast as it goes: it drains while more comes in. */
	for (int i = 0; i < 1000; i++)
		out += out_and_back(f.vm, pool, gpa, length);
	__atomic_store_n(&f.end, true, __ATOMIC_RELEASE);
	out += out_and_back(f.vm, pool, gpa, length);
	pthread_join(thread, NULL);
	ring_unmap(f.ring);
	check_none_out(f.vm);
	check_pattern(memory, length, 1);
	close(f.vm);
	close(pool);
	selfvm_destroy(&self);
	munmap(memory, 2 * MiB);
}

/* A snapshot finds what the kernel counts; the guest runs on, so ask for a moment in which nothing moved. */
static void check_snapshot(int vm, uint64_t gpa, uint64_t length)
{
	struct vmirror_vm_stat before, after;

	for (int tries = 0; tries < 100; tries++) {
		uint64_t seen;

		vm_stat(vm, &before);
		seen = pages_in_state(vm, gpa, length, VMIRROR_STATE_POOL);
		vm_stat(vm, &after);
		if (before.moved_out != after.moved_out || before.out_pages != after.out_pages)
			continue;
		CHECK(seen > 0 && seen == after.out_pages);
		return;
	}
	FAIL("the guest never held still");
}

static void overflows(struct target *t)
{
	int vm = vm_attach(t, "ring", VMIRROR_RING_MIN), pool;
	struct vmirror_ring *ring = ring_map(vm);
	struct ring_totals totals = { 0 };
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	uint64_t length, gpa = lowest_ram(vm, &length);

	pool = pool_create(t, "ring", length);
	for (uint64_t at = gpa; at < gpa + length; at += 64 * 1024)
		migrate(vm, pool, at, 64 * 1024, &moved);
	/* The state is not lost: a snapshot has it. */
	recall(vm, gpa, length / 2, &moved);
	check_snapshot(vm, gpa, length);
	recall(vm, gpa, length, &moved);
	check_none_out(vm);
	ring_drain(vm, ring, &totals);
	vm_stat(vm, &vs);
	CHECK(vs.lost_records > 0);
	CHECK(totals.lost == vs.lost_records);

	/* A reader that writes nonsense hurts nobody but itself. */
	ring->tail = ring->head + 12345;
	migrate(vm, pool, gpa, length, &moved);
	recall(vm, gpa, length, &moved);
	ring->tail = ring->head;
	memset(&totals, 0, sizeof(totals));
	ring_drain(vm, ring, &totals);
	CHECK(totals.lost > 0);
	ring_unmap(ring);
	close(vm);
	close(pool);
	verify(t);
}

void case_ring(struct target *t)
{
	adds_up(t);
	wakes();
	overflows(t);
}
