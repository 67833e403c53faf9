// SPDX-License-Identifier: LGPL-2.1-or-later
/* pools.c - a VM with pages in two pools: the one that closes sends home its own only */
#include <sys/mman.h>

#include "selfvm.h"

#define LENGTH (16 * MiB)
#define HALF (LENGTH / 2 / VMIRROR_PAGE_SIZE)

static void run(bool huge)
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

void case_two_pools(struct target *t)
{
	(void)t;
	run(false);
	run(true);
}
