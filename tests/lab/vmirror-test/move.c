// SPDX-License-Identifier: LGPL-2.1-or-later
/* move.c - out and back, counted on every side; a full pool */
#include "test.h"

static void print_skipped(const char *what, const struct vmirror_moved *moved)
{
#define PRINT(value, NAME, name, text)							\
	if (moved->skipped_pages[value])						\
		printf("  %s: %llu pages %s\n", what,					\
		       (unsigned long long)moved->skipped_pages[value], name);
	VMIRROR_SKIP_LIST(PRINT)
#undef PRINT
}

/* What MIGRATE says, what SNAPSHOT sees and what the counters hold must agree. */
static void check_agree(int vm, int pool, uint64_t gpa, uint64_t length)
{
	struct vmirror_pool_stat ps;
	struct vmirror_vm_stat vs;
	uint64_t seen;

	/* The guest runs: pages come home while we count.  Wait for a still moment. */
	for (int tries = 0; tries < 100; tries++) {
		vm_stat(vm, &vs);
		seen = pages_in_state(vm, gpa, length, VMIRROR_STATE_POOL);
		pool_stat(pool, &ps);
		if (seen == vs.out_pages && ps.used_bytes == vs.out_pages * VMIRROR_PAGE_SIZE)
			return;
		usleep(50000);
	}
	FAIL("snapshot sees %llu pages out, the VM counts %llu, the pool %llu",
	     (unsigned long long)seen, (unsigned long long)vs.out_pages,
	     (unsigned long long)ps.used_bytes / VMIRROR_PAGE_SIZE);
}

static void out_and_back(struct target *t)
{
	int vm = vm_attach(t, "move", 0), pool;
	struct vmirror_moved out, back;
	struct vmirror_pool_stat ps;
	struct vmirror_vm_stat vs;
	uint64_t length, gpa = lowest_ram(vm, &length), in_ram;

	pool = pool_create(t, "move", length);
	in_ram = pages_in_state(vm, gpa, length, VMIRROR_STATE_RAM);
	migrate(vm, pool, gpa, length, &out);
	printf("  out: %llu of %llu pages in RAM, %llu huge\n", (unsigned long long)out.moved_pages,
	       (unsigned long long)in_ram, (unsigned long long)out.moved_huge);
	print_skipped("out", &out);
	CHECK(out.moved_pages >= in_ram * 9 / 10);
	check_agree(vm, pool, gpa, length);
	verify(t);

	recall(vm, gpa, length, &back);
	check_none_out(vm);
	vm_stat(vm, &vs);
	printf("  back: %llu by fault, %llu by recall, %llu dropped\n",
	       (unsigned long long)vs.back_fault, (unsigned long long)vs.back_recall,
	       (unsigned long long)vs.dropped);
	CHECK(back.skipped_pages[VMIRROR_SKIP_BUSY] == 0);
	CHECK(vs.moved_out == out.moved_pages);
	CHECK(vs.back_fault + vs.back_recall + vs.dropped == out.moved_pages);
	pool_stat(pool, &ps);
	CHECK(ps.used_bytes == 0 && ps.out_pages == ps.freed_pages);
	verify(t);
	close(vm);
	close(pool);
}

static void full_pool(struct target *t)
{
	int vm = vm_attach(t, "full", 0), pool = pool_create(t, "full", 4 * MiB);
	struct vmirror_moved out;
	struct vmirror_pool_stat ps;
	uint64_t length, gpa = lowest_ram(vm, &length);

	migrate(vm, pool, gpa, length, &out);
	CHECK(out.moved_pages >= 1024);	/* more where some came home meanwhile */
	CHECK(out.skipped_pages[VMIRROR_SKIP_POOL_FULL] > 0);
	verify(t);
	close(pool);			/* everything home */
	vm_stat(vm, &(struct vmirror_vm_stat) { 0 });
	pool = pool_create(t, "full", 4 * MiB);
	pool_stat(pool, &ps);
	CHECK(ps.used_bytes == 0);
	verify(t);
	close(vm);
	close(pool);
}

void case_move(struct target *t)
{
	out_and_back(t);
	out_and_back(t);
	full_pool(t);
	verify(t);
}
