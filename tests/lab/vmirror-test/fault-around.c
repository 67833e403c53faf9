// SPDX-License-Identifier: LGPL-2.1-or-later
/* fault-around.c - who reads one page after another pays for one fault in many */
#include "place.h"
#include "setting.h"

#define FAULT_AROUND "/sys/module/vmirror/parameters/fault_around"
#define LENGTH (8 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)

static void read_all(const char *window, uint64_t pages_a_fault)
{
	struct vmirror_vm_stat before, after;
	struct place p;
	uint64_t faults;

	set(FAULT_AROUND, window);
	place_open(&p, "fault-around", LENGTH, true, false);
	fill_pattern(p.memory, LENGTH, 3);
	place_out(&p, p.pool, 0, LENGTH, 1u << VMIRROR_SKIP_BUSY, 100);
	vm_stat(p.vm, &before);
	CHECK(before.out_pages == PAGES);
	for (uint64_t page = 0; page < PAGES; page++)
		(void)*(volatile char *)(p.memory + page * VMIRROR_PAGE_SIZE);
	vm_stat(p.vm, &after);
	faults = after.faults - before.faults;
	printf("  a window of %s pages: %llu faults for %llu pages\n", window,
	       (unsigned long long)faults, (unsigned long long)PAGES);
	CHECK(after.back_fault - before.back_fault == PAGES);
	CHECK(faults >= PAGES / pages_a_fault);
	/* A neighbour that could not come along has a fault of its own. */
	CHECK(faults <= PAGES / pages_a_fault + PAGES / 64);
	check_pattern(p.memory, LENGTH, 3);
	place_close(&p);
}

void case_fault_around(struct target *t)
{
	(void)t;
	read_all("1", 1);
	read_all("4", 4);
	read_all("16", 16);
}
