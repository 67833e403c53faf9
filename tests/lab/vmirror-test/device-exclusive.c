// SPDX-License-Identifier: LGPL-2.1-or-later
/* device-exclusive.c - pages that are a device's alone, until a CPU or another device wants them */
#include <sys/mman.h>
#include <sys/wait.h>

#include "device.h"

#define LENGTH DEVICE_LENGTH
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define PAGE VMIRROR_PAGE_SIZE

static void check_exclusive(int device, uint64_t wanted)
{
	uint64_t pages = device_stat(device).exclusive_pages;

	if (pages != wanted)
		FAIL("%llu pages are the device's alone, not %llu", (unsigned long long)pages,
		     (unsigned long long)wanted);
}

static void check_used(int pool, uint64_t wanted)
{
	struct vmirror_pool_stat stat;

	pool_stat(pool, &stat);
	if (stat.used_bytes != wanted)
		FAIL("%llu bytes of the pool are used, not %llu", (unsigned long long)stat.used_bytes,
		     (unsigned long long)wanted);
}

static int64_t exclude_cpus(int device, void *memory, uint64_t length)
{
	struct vmirror_device_exclusive args = {
		.size = sizeof(args),
		.gpa = (uintptr_t)memory,
		.length = length,
	};

	return ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args) ? -1 : (int64_t)args.done_bytes;
}

/* Exclusive: out of the CPUs' reach, until one of them reaches for it. */
void device_exclusive_pages(struct device_place *p)
{
	int status;
	pid_t pid;

	fill_pattern(p->at.memory, LENGTH, 1);
	device_out(p, 0, LENGTH / 4);
	CHECK(exclude_cpus(p->device, p->at.memory, LENGTH / 2) == LENGTH / 2);
	check_exclusive(p->device, PAGES / 2);
	fill_pattern(p->buffer, LENGTH, 2);
	CHECK(write_some(p->device, p->at.gpa, p->buffer, LENGTH / 2) == LENGTH / 2);
	check_exclusive(p->device, PAGES / 2);

	check_pattern(p->at.memory, PAGE, 2);
	check_exclusive(p->device, PAGES / 2 - 1);
	CHECK(mprotect(p->at.memory + PAGE, 7 * PAGE, PROT_READ) == 0);
	/* The kernel may take more than these from the device. */
	CHECK(device_stat(p->device).exclusive_pages <= PAGES / 2 - 8);
	CHECK(mprotect(p->at.memory + PAGE, 7 * PAGE, PROT_READ | PROT_WRITE) == 0);

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		check_pattern(p->at.memory, LENGTH / 2, 2);
		_exit(0);
	}
	check_exclusive(p->device, 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_pattern(p->at.memory, LENGTH / 2, 2);
	CHECK(exclude_cpus(p->device, p->at.memory + LENGTH / 2, LENGTH / 2) == LENGTH / 2);
	fill_pattern(p->buffer, LENGTH, 1);
	CHECK(memcmp(p->at.memory + LENGTH / 2, p->buffer + LENGTH / 2, LENGTH / 2) == 0);
}

/* What is a device's alone is not in a pool, not even in one that CPUs reach as well. */
void device_exclusive_coherent(struct device_place *p)
{
	int coherent = pool_create_coherent(&p->at.self.t, "exclusive", LENGTH);
	struct vmirror_moved moved;

	fill_pattern(p->at.memory, LENGTH, 1);
	place_out(&p->at, coherent, 0, LENGTH, 1u << VMIRROR_SKIP_BUSY, 100);
	CHECK(exclude_cpus(p->device, p->at.memory, LENGTH / 2) == LENGTH / 2);
	check_exclusive(p->device, PAGES / 2);
	check_used(coherent, LENGTH / 2);
	recall(p->at.vm, p->at.gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES / 2);
	check_used(coherent, 0);
	check_pattern(p->at.memory, LENGTH, 1);
	close(coherent);
}

/* Two devices, each with its own table, on the same memory. */
void device_pair(struct device_place *p)
{
	int other = device_create(p->at.vm);

	fill_pattern(p->at.memory, LENGTH, 1);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	CHECK(read_some(other, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	CHECK(exclude_cpus(p->device, p->at.memory, LENGTH / 2) == LENGTH / 2);
	CHECK(device_stat(other).mapped_pages == PAGES / 2);
	fill_pattern(p->buffer, LENGTH, 2);
	CHECK(write_some(other, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	check_exclusive(p->device, 0);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	check_pattern(p->buffer, LENGTH, 2);
	close(other);
}
