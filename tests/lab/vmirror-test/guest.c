// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * guest.c - a running guest's memory seen by a software device, and living in coherent memory
 *
 * The VMM's /proc/PID/mem tells what a CPU would read.  A page that a CPU reads comes home from
 * a private pool: so the device looks first, and once more afterwards, to know that the guest
 * has not changed it in between.
 */
#include <fcntl.h>

#include "test.h"

#define CHUNK MiB

static void device_read(int device, uint64_t gpa, char *to, uint64_t length)
{
	device_access_all(device, VMIRROR_DEVICE_READ, gpa, to, length, 30000);
}

static uint64_t hva_of(int vm, uint64_t gpa)
{
	struct vmirror_slot slots[64] = { 0 };
	struct vmirror_slots args = { .size = sizeof(args), .slots = (uintptr_t)slots, .nr_slots = 64 };

	CHECK(ioctl(vm, VMIRROR_SLOTS, &args) == 0);
	for (uint32_t i = 0; i < args.nr_slots && i < 64; i++)
		if (gpa - slots[i].gpa < slots[i].length)
			return slots[i].hva + (gpa - slots[i].gpa);
	FAIL("no slot at %#llx", (unsigned long long)gpa);
}

/* The device and the CPU see the same, wherever it is. */
static void sees_the_same(struct target *t)
{
	char *before = malloc(CHUNK), *after = malloc(CHUNK), *cpu = malloc(CHUNK), path[64];
	int vm = vm_attach(t, "guest", 0), device = device_create(vm), mem, pool;
	uint64_t length, gpa = lowest_ram(vm, &length), hva = hva_of(vm, gpa), same = 0, pages = 0;
	struct vmirror_moved moved;

	CHECK(before && after && cpu);
	snprintf(path, sizeof(path), "/proc/%d/mem", t->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(mem >= 0);
	pool = pool_create(t, "guest", length);
	migrate(vm, pool, gpa, length / 2, &moved);
	CHECK(moved.moved_pages > 0);
	for (uint64_t at = 0; at + CHUNK <= length; at += CHUNK) {
		device_read(device, gpa + at, before, CHUNK);
		CHECK(pread(mem, cpu, CHUNK, hva + at) == (ssize_t)CHUNK);
		device_read(device, gpa + at, after, CHUNK);
		for (uint64_t page = 0; page < CHUNK; page += VMIRROR_PAGE_SIZE, pages++) {
			if (memcmp(before + page, after + page, VMIRROR_PAGE_SIZE))
				continue;	/* the guest is at it */
			if (memcmp(before + page, cpu + page, VMIRROR_PAGE_SIZE))
				FAIL("the device does not see what the CPU sees at %#llx",
				     (unsigned long long)(gpa + at + page));
			same++;
		}
	}
	printf("  %llu of %llu pages held still and were the same\n", (unsigned long long)same,
	       (unsigned long long)pages);
	CHECK(same > pages * 9 / 10);
	verify(t);
	close(mem);
	close(device);
	close(vm);
	close(pool);
	free(before);
	free(after);
	free(cpu);
}

/* The guest runs on in coherent memory: nothing comes home because it is touched. */
static void in_coherent_memory(struct target *t)
{
	int vm = vm_attach(t, "guest", 0), pool;
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	uint64_t length, gpa = lowest_ram(vm, &length);

	pool = pool_create_coherent(t, "coherent", length);
	migrate(vm, pool, gpa, length, &moved);
	CHECK(moved.moved_pages > length / VMIRROR_PAGE_SIZE / 4);
	verify(t);
	vm_stat(vm, &vs);
	printf("  %llu pages went out, %llu are out after the guest has read its memory\n",
	       (unsigned long long)moved.moved_pages, (unsigned long long)vs.out_pages);
	CHECK(vs.back_fault == 0 && vs.out_pages > moved.moved_pages * 9 / 10);
	recall(vm, gpa, length, &moved);
	check_none_out(vm);
	verify(t);
	close(vm);
	close(pool);
}

void case_guest(struct target *t)
{
	sees_the_same(t);
	in_coherent_memory(t);
}
