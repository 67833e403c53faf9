// SPDX-License-Identifier: LGPL-2.1-or-later
/* mirrored.c - a VM's memory out into a pool and back, by touch and by RECALL */
#include <sys/mman.h>

#include "bench.h"

#define RING_RECORDS VMIRROR_RING_MAX

struct mirrored {
	struct selfvm self;
	struct vmirror_ring *ring;
	size_t ring_size;
	char *memory;
	uint64_t gpa, length;
	bool huge;
	int vm, pool;
};

struct mirrored *mirrored_create(uint64_t length, bool huge)
{
	struct mirrored *m = calloc(1, sizeof(*m));
	const char *name = huge ? "bench-2m" : "bench-4k";

	CHECK(m);
	m->length = length;
	m->huge = huge;
	m->memory = map_anonymous(length, huge);
	fill_half(m->memory, length, huge);
	selfvm_create(&m->self);
	m->gpa = selfvm_add_slot(&m->self, m->memory, length);
	m->vm = vm_attach(&m->self.t, name, RING_RECORDS);
	/* Pages that just came home may be kept back for a moment: room for those, too. */
	m->pool = pool_create(&m->self.t, name, 2 * length);

	m->ring = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m->vm, 0);
	CHECK(m->ring != MAP_FAILED);
	m->ring_size = m->ring->map_size;
	munmap(m->ring, PAGE);
	m->ring = mmap(NULL, m->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vm, 0);
	CHECK(m->ring != MAP_FAILED && m->ring->magic == VMIRROR_RING_MAGIC);
	return m;
}

/* Empty the ring, so that every move finds room for its records as it does under hmmd. */
static void drain(struct mirrored *m)
{
	uint64_t head = __atomic_load_n(&m->ring->head, __ATOMIC_ACQUIRE);

	__atomic_store_n(&m->ring->tail, head, __ATOMIC_RELEASE);
}

/* Returns the nanoseconds that it took. */
static uint64_t out(struct mirrored *m)
{
	struct vmirror_moved moved;
	uint64_t start, end;

	if (m->huge)
		make_huge(m->memory, m->length);
	drain(m);
	start = now_ns();
	migrate(m->vm, m->pool, m->gpa, m->length, &moved);
	end = now_ns();
	if (moved.moved_pages < m->length / PAGE * 9 / 10)
		FAIL("only %llu pages moved", (unsigned long long)moved.moved_pages);
	if (m->huge && moved.moved_huge < m->length / (2 * MiB) * 9 / 10)
		FAIL("only %llu huge pages moved", (unsigned long long)moved.moved_huge);
	drain(m);
	return end - start;
}

static uint64_t bytes_out(struct mirrored *m)
{
	struct vmirror_vm_stat vs;

	vm_stat(m->vm, &vs);
	return vs.out_pages * PAGE;
}

static void timed_out(struct mirrored *m, int rep)
{
	uint64_t ns = out(m);

	sample_pages("out", m->huge, 1, rep, bytes_out(m), ns);
}

static void back_by_touch(struct mirrored *m, int threads, int rep)
{
	uint64_t bytes = bytes_out(m);

	sample_pages("fault", m->huge, threads, rep, bytes,
		     touch_pages(m->memory, m->length, threads));
	CHECK(bytes_out(m) == 0);
}

static void back_by_recall(struct mirrored *m, int rep)
{
	struct vmirror_moved moved;
	uint64_t start = now_ns(), end;

	recall(m->vm, m->gpa, m->length, &moved);
	end = now_ns();
	sample_pages("recall", m->huge, 1, rep, moved.moved_pages * PAGE, end - start);
	CHECK(bytes_out(m) == 0);
}

void mirrored_round(struct mirrored *m, int rep)
{
	for (int i = 0; i < NR_THREAD_COUNTS; i++) {
		timed_out(m, rep);
		back_by_touch(m, thread_counts[i], rep);
	}
	timed_out(m, rep);
	back_by_recall(m, rep);
}

/* Once, and not timed. */
void mirrored_out_and_back(struct mirrored *m)
{
	struct vmirror_moved moved;

	out(m);
	recall(m->vm, m->gpa, m->length, &moved);
}

void mirrored_destroy(struct mirrored *m)
{
	check_half(m->memory, m->length, m->huge);
	munmap(m->ring, m->ring_size);
	close(m->vm);
	close(m->pool);
	selfvm_destroy(&m->self);
	munmap(m->memory, m->length);
	free(m);
}
