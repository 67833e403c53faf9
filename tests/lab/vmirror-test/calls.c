// SPDX-License-Identifier: LGPL-2.1-or-later
/* calls.c - the ioctls as functions that must succeed */
#include <fcntl.h>
#include <stdarg.h>
#include <time.h>

#include "test.h"

void fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "FAILED at %s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* A pool with room for @bytes at least. */
int pool_create(struct target *t, const char *name, uint64_t bytes)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args),
		.engine = VMIRROR_ENGINE_RAM,
		.bytes = (bytes + VMIRROR_POOL_SIZE_UNIT - 1) & ~(VMIRROR_POOL_SIZE_UNIT - 1),
	};
	int fd;

	snprintf(args.name, sizeof(args.name), "%s", name);
	fd = ioctl(t->sys, VMIRROR_POOL_CREATE, &args);
	CHECK(fd >= 0);
	return fd;
}

int pool_create_coherent(struct target *t, const char *name, uint64_t bytes)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args),
		.engine = VMIRROR_ENGINE_COHERENT,
		.bytes = (bytes + VMIRROR_POOL_SIZE_UNIT - 1) & ~(VMIRROR_POOL_SIZE_UNIT - 1),
		.base = COHERENT_BASE,
	};
	int fd;

	snprintf(args.name, sizeof(args.name), "%s", name);
	fd = ioctl(t->sys, VMIRROR_POOL_CREATE, &args);
	if (fd < 0)
		FAIL("no pool of coherent memory: %s; physical memory at %#llx must be set aside, by "
		     "memmap= on the kernel's command line", strerror(errno), COHERENT_BASE);
	return fd;
}

int vm_attach(struct target *t, const char *name, uint32_t ring_records)
{
	struct vmirror_vm_attach args = {
		.size = sizeof(args),
		.flags = t->kvm < 0 ? VMIRROR_ATTACH_PROCESS : 0,
		.kvm_fd = t->kvm,
		.pid = t->pid,
		.ring_records = ring_records,
	};
	int fd;

	snprintf(args.name, sizeof(args.name), "%s", name);
	fd = ioctl(t->sys, VMIRROR_VM_ATTACH, &args);
	CHECK(fd >= 0);
	return fd;
}

struct target process_self(void)
{
	struct target t = { .pid = getpid(), .kvm = -1 };

	t.sys = open(VMIRROR_DEVICE, O_RDWR | O_CLOEXEC);
	if (t.sys < 0)
		FAIL("%s: %s", VMIRROR_DEVICE, strerror(errno));
	return t;
}

uint64_t all_moved(const struct vmirror_moved *moved)
{
	uint64_t pages = moved->moved_pages;

	for (int i = 0; i < (int)VMIRROR_SKIP_SLOTS; i++)
		pages += moved->skipped_pages[i];
	return pages;
}

void migrate_with(int vm, int pool, uint64_t gpa, uint64_t length, uint32_t flags,
		  struct vmirror_moved *moved)
{
	struct vmirror_migrate args = {
		.size = sizeof(args),
		.flags = flags,
		.pool_fd = pool,
		.gpa = gpa,
		.length = length,
	};

	CHECK(ioctl(vm, VMIRROR_MIGRATE, &args) == 0);
	CHECK(args.moved.done_bytes == length);
	CHECK(all_moved(&args.moved) == length / VMIRROR_PAGE_SIZE);
	*moved = args.moved;
}

void migrate(int vm, int pool, uint64_t gpa, uint64_t length, struct vmirror_moved *moved)
{
	migrate_with(vm, pool, gpa, length, 0, moved);
}

void recall(int vm, uint64_t gpa, uint64_t length, struct vmirror_moved *moved)
{
	struct vmirror_recall args = { .size = sizeof(args), .gpa = gpa, .length = length };

	CHECK(ioctl(vm, VMIRROR_RECALL, &args) == 0);
	CHECK(args.moved.done_bytes == length);
	CHECK(all_moved(&args.moved) == length / VMIRROR_PAGE_SIZE);
	*moved = args.moved;
}

void vm_stat(int vm, struct vmirror_vm_stat *stat)
{
	*stat = (struct vmirror_vm_stat) { .size = sizeof(*stat) };
	CHECK(ioctl(vm, VMIRROR_VM_STAT, stat) == 0);
}

uint64_t vm_out_pages(int vm)
{
	struct vmirror_vm_stat stat;

	vm_stat(vm, &stat);
	return stat.out_pages;
}

void pool_stat(int pool, struct vmirror_pool_stat *stat)
{
	*stat = (struct vmirror_pool_stat) { .size = sizeof(*stat) };
	CHECK(ioctl(pool, VMIRROR_POOL_STAT, stat) == 0);
}

/* The guest's main memory: its largest slot. */
uint64_t lowest_ram(int vm, uint64_t *length)
{
	struct vmirror_slot slots[64] = { 0 };
	struct vmirror_slots args = {
		.size = sizeof(args),
		.slots = (uintptr_t)slots,
		.nr_slots = 64,
	};
	int best = 0;

	CHECK(ioctl(vm, VMIRROR_SLOTS, &args) == 0);
	CHECK(args.nr_slots > 0 && args.nr_slots <= 64);
	for (unsigned int i = 1; i < args.nr_slots; i++)
		if (slots[i].length > slots[best].length)
			best = i;
	CHECK(slots[best].blocker == 0);
	*length = slots[best].length;
	return slots[best].gpa;
}

uint64_t pages_in_state(int vm, uint64_t gpa, uint64_t length, uint32_t state)
{
	static struct vmirror_extent extents[4096];
	uint64_t pages = 0, end = gpa + length;

	while (gpa < end) {
		struct vmirror_snapshot args = {
			.size = sizeof(args),
			.gpa = gpa,
			.length = end - gpa,
			.extents = (uintptr_t)extents,
			.nr_extents = 4096,
		};

		CHECK(ioctl(vm, VMIRROR_SNAPSHOT, &args) == 0);
		CHECK(args.done_bytes > 0);
		for (unsigned int i = 0; i < args.nr_extents; i++)
			if (extents[i].state == state)
				pages += extents[i].pages;
		gpa += args.done_bytes;
	}
	return pages;
}

/*
 * After a recall: a page that a vCPU brings home at this moment is counted until the vCPU
 * lets go of the old place.
 */
void check_none_out(int vm)
{
	struct vmirror_vm_stat stat;

	for (int tries = 0; tries < 100; tries++) {
		vm_stat(vm, &stat);
		if (!stat.out_pages)
			return;
		usleep(10000);
	}
	FAIL("%llu pages are still out", (unsigned long long)stat.out_pages);
}

void verify(struct target *t)
{
	if (t->verify && system(t->verify))
		FAIL("the guest's memory is not what it was: %s", t->verify);
}

void check_nothing_left(struct target *t)
{
	struct vmirror_info info = { .size = sizeof(info) };

	CHECK(ioctl(t->sys, VMIRROR_INFO, &info) == 0);
	if (info.nr_pools || info.nr_vms)
		FAIL("%u pools and %u VMs are left", info.nr_pools, info.nr_vms);
}

/* The last reference to a dead process's fds may go a moment after it was reaped. */
void wait_nothing_left(struct target *t)
{
	for (int tries = 0; tries < 500; tries++) {
		struct vmirror_info info = { .size = sizeof(info) };

		CHECK(ioctl(t->sys, VMIRROR_INFO, &info) == 0);
		if (!info.nr_pools && !info.nr_vms)
			return;
		usleep(10000);
	}
	check_nothing_left(t);
}

int device_create(int vm)
{
	struct vmirror_device_create args = { .size = sizeof(args) };
	int fd = ioctl(vm, VMIRROR_DEVICE_CREATE, &args);

	CHECK(fd >= 0);
	return fd;
}

struct vmirror_device_stat device_stat(int device)
{
	struct vmirror_device_stat stat = { .size = sizeof(stat) };

	CHECK(ioctl(device, VMIRROR_DEVICE_STAT, &stat) == 0);
	return stat;
}

int64_t device_access(int device, unsigned long request, uint64_t gpa, void *buffer,
		      uint64_t length, uint64_t *faults)
{
	struct vmirror_device_access args = {
		.size = sizeof(args),
		.gpa = gpa,
		.length = length,
		.buffer = (uintptr_t)buffer,
	};

	if (ioctl(device, request, &args))
		return -1;
	if (faults)
		*faults = args.faults;
	return args.done_bytes;
}

void device_access_all(int device, unsigned long request, uint64_t gpa, char *buffer,
		       uint64_t length, uint64_t limit_ms)
{
	uint64_t limit = now_ms() + limit_ms, done = 0;

	while (done < length) {
		int64_t n = device_access(device, request, gpa + done, buffer + done, length - done,
					  NULL);

		CHECK(now_ms() < limit);
		if (n > 0)
			done += n;
		else
			CHECK(errno == EBUSY);
	}
}
