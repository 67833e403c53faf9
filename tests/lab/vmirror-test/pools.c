// SPDX-License-Identifier: LGPL-2.1-or-later
/* pools.c - several pools: each sends home its own; pages move from one to another; coherent memory */
#include <sys/mman.h>

#include "repeat.h"
#include "selfvm.h"

#define LENGTH (16 * MiB)
#define HALF (LENGTH / 2 / VMIRROR_PAGE_SIZE)

static void two_pools(bool huge)
{
	struct vmirror_pool_stat pa, pb;
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	struct selfvm self;
	char *memory = map_anonymous(LENGTH, huge);
	uint64_t gpa;
	int vm, a, b;

	selfvm_create(&self);
	fill_pattern(memory, LENGTH, 4);
	gpa = selfvm_add_slot(&self, memory, LENGTH);
	vm = vm_attach(&self.t, "two-pools", 0);
	a = pool_create(&self.t, "a", LENGTH / 2);
	b = pool_create(&self.t, "b", LENGTH);
	migrate(vm, a, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == HALF && moved.skipped_pages[VMIRROR_SKIP_POOL_FULL] == HALF);
	migrate(vm, b, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == HALF && moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == HALF);
	pool_stat(a, &pa);
	pool_stat(b, &pb);
	CHECK(pa.id != pb.id && pa.used_bytes == LENGTH / 2 && pb.used_bytes == LENGTH / 2);

	close(a);
	vm_stat(vm, &vs);
	CHECK(vs.out_pages == HALF && vs.back_recall == HALF && vs.back_fault == 0);
	pool_stat(b, &pb);
	CHECK(pb.used_bytes == LENGTH / 2);
	check_pattern(memory, LENGTH, 4);
	close(b);
	vm_stat(vm, &vs);
	CHECK(vs.out_pages == 0 && vs.dropped == 0);
	CHECK(madvise(memory, LENGTH, MADV_DONTNEED) == 0);	/* for a trace of an invalidate */
	close(vm);
	munmap(memory, LENGTH);
	selfvm_destroy(&self);
}

/* Anywhere. */
static int coherent_create(struct target *t, uint64_t base, uint64_t bytes)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args),
		.engine = VMIRROR_ENGINE_COHERENT,
		.bytes = bytes,
		.base = base,
		.name = "coherent",
	};

	return ioctl(t->sys, VMIRROR_POOL_CREATE, &args);
}

static void check_used(int pool, uint64_t pages)
{
	struct vmirror_pool_stat stat;

	pool_stat(pool, &stat);
	if (stat.used_bytes != pages * VMIRROR_PAGE_SIZE)
		FAIL("pool %s holds %llu pages, not %llu", stat.name,
		     (unsigned long long)stat.used_bytes / VMIRROR_PAGE_SIZE, (unsigned long long)pages);
}

/* Everything out into @a; from there into @b, and what has no room there stays; back again. */
static void peers(int vm, int a, int b, uint64_t b_pages, char *memory, uint64_t gpa)
{
	struct vmirror_vm_stat before, after;
	struct vmirror_moved moved;

	fill_pattern(memory, LENGTH, 6);
	migrate(vm, a, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == 2 * HALF);
	vm_stat(vm, &before);
	migrate(vm, b, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == 0 && moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == 2 * HALF);

	migrate_with(vm, b, gpa, LENGTH, VMIRROR_MIGRATE_PEERS, &moved);
	CHECK(moved.moved_pages == b_pages);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_POOL_FULL] == 2 * HALF - b_pages);
	check_used(a, 2 * HALF - b_pages);
	check_used(b, b_pages);
	migrate_with(vm, a, gpa, LENGTH, VMIRROR_MIGRATE_PEERS, &moved);
	CHECK(moved.moved_pages == b_pages);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == 2 * HALF - b_pages);
	check_used(b, 0);
	migrate_with(vm, b, gpa, LENGTH, VMIRROR_MIGRATE_PEERS, &moved);

	vm_stat(vm, &after);
	CHECK(after.out_pages == 2 * HALF && after.moved_out == before.moved_out);
	CHECK(after.dropped == 0 && after.back_fault == before.back_fault &&
	      after.back_recall == before.back_recall);
	check_pattern(memory, LENGTH, 6);
	recall(vm, gpa, LENGTH, &moved);
	check_none_out(vm);
	check_pattern(memory, LENGTH, 6);
}

/* Write to a page: a byte that is nobody's content. */
static unsigned int touch(void *memory, unsigned int *seed)
{
	volatile char *page = (char *)memory + rand_r(seed) % (2 * HALF) * VMIRROR_PAGE_SIZE;

	page[9] = *seed;
	return 200;
}

/* Pages go from pool to pool and home while CPUs touch them. */
static void peers_under_fire(int vm, int a, int b, char *memory, uint64_t gpa)
{
	struct repeat toucher = { .turn = touch, .arg = memory, .seed = 5 };
	struct vmirror_moved moved;

	fill_pattern(memory, LENGTH, 7);
	repeat_start(&toucher);
	for (int round = 0; round < 6; round++)
		migrate_with(vm, round % 2 ? a : b, gpa, LENGTH, VMIRROR_MIGRATE_PEERS, &moved);
	repeat_stop(&toucher);
	check_pattern(memory, LENGTH, 7);
	check_none_out(vm);
}

static void all_peers(bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	struct selfvm self;
	uint64_t gpa;
	int vm, a, b, small, coherent;

	selfvm_create(&self);
	gpa = selfvm_add_slot(&self, memory, LENGTH);
	vm = vm_attach(&self.t, "peers", 0);
	a = pool_create(&self.t, "a", LENGTH);
	b = pool_create(&self.t, "b", LENGTH);
	small = pool_create(&self.t, "small", LENGTH / 2);
	peers(vm, a, b, 2 * HALF, memory, gpa);
	peers(vm, a, small, HALF, memory, gpa);
	peers_under_fire(vm, a, b, memory, gpa);
	coherent = pool_create_coherent(&self.t, "coherent", LENGTH);
	peers_under_fire(vm, a, coherent, memory, gpa);
	close(coherent);
	close(vm);
	close(a);
	close(b);
	close(small);
	munmap(memory, LENGTH);
	selfvm_destroy(&self);
}

/* Memory of the device that the CPU reaches: nothing comes home because it is touched. */
static void coherent(bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	struct selfvm self;
	uint64_t gpa;
	int vm, pool;

	selfvm_create(&self);
	CHECK_ERRNO(coherent_create(&self.t, 0, LENGTH), EINVAL);
	CHECK_ERRNO(coherent_create(&self.t, COHERENT_BASE + 4096, LENGTH), EINVAL);
	CHECK_ERRNO(coherent_create(&self.t, 16 * MiB, LENGTH), EBUSY);		/* System RAM */
	CHECK_ERRNO(coherent_create(&self.t, 1ull << 45, LENGTH), ENXIO);	/* nothing */
	CHECK_ERRNO(coherent_create(&self.t, -LENGTH, 2 * LENGTH), EOVERFLOW);
	pool = pool_create_coherent(&self.t, "coherent", LENGTH);
	gpa = selfvm_add_slot(&self, memory, LENGTH);
	vm = vm_attach(&self.t, "coherent", 0);
	fill_pattern(memory, LENGTH, 8);
	migrate(vm, pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == 2 * HALF);
	check_used(pool, 2 * HALF);
	check_pattern(memory, LENGTH, 8);
	fill_pattern(memory, LENGTH, 9);
	CHECK(pages_in_state(vm, gpa, LENGTH, VMIRROR_STATE_POOL) == 2 * HALF);
	recall(vm, gpa, LENGTH / 2, &moved);
	CHECK(moved.moved_pages == HALF);
	check_pattern(memory, LENGTH, 9);

	migrate(vm, pool, gpa, LENGTH, &moved);
	close(pool);			/* everything home */
	vm_stat(vm, &vs);
	CHECK(vs.out_pages == 0 && vs.dropped == 0 && vs.back_fault == 0);
	check_pattern(memory, LENGTH, 9);
	close(vm);
	munmap(memory, LENGTH);
	selfvm_destroy(&self);
}

void case_two_pools(struct target *t)
{
	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		two_pools(huge);
		all_peers(huge);
		coherent(huge);
	}
}
