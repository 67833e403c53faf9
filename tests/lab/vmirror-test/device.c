// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device.c - a software device reads and writes a guest's memory, wherever that is
 *
 * What is true for it must be what is true for a CPU: content, permissions, holes, and what the
 * host changes meanwhile.
 */
#include <fcntl.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "device.h"
#include "repeat.h"

#define LENGTH DEVICE_LENGTH
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define PAGE VMIRROR_PAGE_SIZE

int64_t read_some(int device, uint64_t gpa, void *buffer, uint64_t length)
{
	return device_access(device, VMIRROR_DEVICE_READ, gpa, buffer, length, NULL);
}

int64_t write_some(int device, uint64_t gpa, void *buffer, uint64_t length)
{
	return device_access(device, VMIRROR_DEVICE_WRITE, gpa, buffer, length, NULL);
}

/* How many pages the device says it has written, each told once; the last one goes to @last. */
static uint64_t written(int device, uint64_t *last)
{
	uint64_t gpas[100], n = 0;
	struct vmirror_device_written args = { .size = sizeof(args), .gpas = (uintptr_t)gpas };

	do {
		args.nr_gpas = 100;
		CHECK(ioctl(device, VMIRROR_DEVICE_WRITTEN, &args) == 0);
		n += args.nr_gpas;
		if (args.nr_gpas)
			*last = gpas[args.nr_gpas - 1];
	} while (args.nr_gpas == 100);
	return n;
}

static void open_place(struct device_place *p, bool with_kvm, bool huge)
{
	place_open(&p->at, "device", LENGTH, with_kvm, huge);
	p->buffer = map_anonymous(LENGTH, false);
	p->device = device_create(p->at.vm);
}

static void close_place(struct device_place *p)
{
	close(p->device);
	place_close(&p->at);
	munmap(p->buffer, LENGTH);
}

void device_out(struct device_place *p, uint64_t offset, uint64_t length)
{
	place_out(&p->at, p->at.pool, offset, length, 1u << VMIRROR_SKIP_BUSY, 100);
}

/* RAM, pages in a pool, and pages that are not there yet: the device reads what a CPU would. */
static void reads(struct device_place *p)
{
	uint64_t faults;

	fill_pattern(p->at.memory, LENGTH, 1);
	device_out(p, LENGTH / 4, LENGTH / 2);
	CHECK(vm_out_pages(p->at.vm) == PAGES / 2);
	CHECK(device_access(p->device, VMIRROR_DEVICE_READ, p->at.gpa, p->buffer, LENGTH,
			    &faults) == LENGTH);
	CHECK(faults == 1);
	check_pattern(p->buffer, LENGTH, 1);
	CHECK(vm_out_pages(p->at.vm) == PAGES / 2);
	CHECK(device_stat(p->device).mapped_pages == PAGES);
	CHECK(madvise(p->at.memory, LENGTH, MADV_DONTNEED) == 0);
	CHECK(device_stat(p->device).mapped_pages == 0);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	for (uint64_t i = 0; i < LENGTH; i++)
		if (p->buffer[i])
			FAIL("byte %llu of a page that was discarded", (unsigned long long)i);
}

/* The device writes where the page is: in the pool it stays there, and the CPU finds what was written. */
static void writes(struct device_place *p)
{
	uint64_t last = 0;

	fill_pattern(p->at.memory, LENGTH, 1);
	device_out(p, LENGTH / 4, LENGTH / 2);
	fill_pattern(p->buffer, LENGTH, 2);
	CHECK(written(p->device, &last) == 0);
	CHECK(write_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	CHECK(vm_out_pages(p->at.vm) == PAGES / 2);
	check_pattern(p->at.memory, LENGTH, 2);
	CHECK(vm_out_pages(p->at.vm) == 0);

	CHECK(written(p->device, &last) == PAGES && last == p->at.gpa + LENGTH - PAGE);
	CHECK(written(p->device, &last) == 0);
	CHECK(write_some(p->device, p->at.gpa + 5 * PAGE, p->buffer + 5 * PAGE, PAGE) == PAGE);
	CHECK(written(p->device, &last) == 1 && last == p->at.gpa + 5 * PAGE);
}

/* Whatever the host does to the mapping, the device sees at once. */
static void follows(struct device_place *p)
{
	struct vmirror_moved moved;
	int64_t done;

	fill_pattern(p->at.memory, LENGTH, 1);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	device_out(p, 0, LENGTH);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	check_pattern(p->buffer, LENGTH, 1);
	CHECK(vm_out_pages(p->at.vm) == PAGES);
	recall(p->at.vm, p->at.gpa, LENGTH, &moved);
	CHECK(device_stat(p->device).mapped_pages == 0);
	fill_pattern(p->at.memory, LENGTH, 2);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	check_pattern(p->buffer, LENGTH, 2);

	device_out(p, 0, LENGTH);
	CHECK(mprotect(p->at.memory, LENGTH, PROT_READ) == 0);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	CHECK_ERRNO(write_some(p->device, p->at.gpa, p->buffer, LENGTH), EPERM);
	CHECK(mprotect(p->at.memory, LENGTH, PROT_NONE) == 0);
	CHECK_ERRNO(read_some(p->device, p->at.gpa, p->buffer, LENGTH), EFAULT);
	CHECK(mprotect(p->at.memory, LENGTH, PROT_READ | PROT_WRITE) == 0);
	CHECK(munmap(p->at.memory + LENGTH / 2, LENGTH / 2) == 0);
	CHECK(read_some(p->device, p->at.gpa, p->buffer, LENGTH / 2) == LENGTH / 2);
	done = read_some(p->device, p->at.gpa, p->buffer, LENGTH);
	CHECK(done == LENGTH / 2);
	CHECK_ERRNO(read_some(p->device, p->at.gpa + LENGTH / 2, p->buffer, PAGE), EFAULT);
	check_pattern(p->at.memory, LENGTH / 2, 2);
	CHECK(mmap(p->at.memory + LENGTH / 2, LENGTH / 2, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p->at.memory + LENGTH / 2);
}

static void wrong_use(struct device_place *p)
{
	struct vmirror_device_access args = {
		.size = sizeof(args), .gpa = p->at.gpa, .length = PAGE,
	};

	CHECK_ERRNO(read_some(p->device, p->at.gpa, NULL, PAGE), EFAULT);
	CHECK_ERRNO(read_some(p->device, p->at.gpa + 1, p->buffer, PAGE), EINVAL);
	CHECK_ERRNO(read_some(p->device, p->at.gpa, p->buffer, 0), EINVAL);
	CHECK_ERRNO(read_some(p->device, 1ull << 51, p->buffer, PAGE), ENXIO);
	CHECK_ERRNO(read_some(p->device, -1ull << 12, p->buffer, PAGE * 2), EOVERFLOW);
	args.flags = 1;
	CHECK_ERRNO(ioctl(p->device, VMIRROR_DEVICE_READ, &args), EINVAL);
	CHECK_ERRNO(ioctl(p->device, VMIRROR_MIGRATE, &args), ENOTTY);
	CHECK_ERRNO(ioctl(p->at.vm, VMIRROR_DEVICE_READ, &args), ENOTTY);
}

/* A page that a child process shares is copied when the device writes, in RAM and in a pool. */
static void copies_on_write(struct device_place *p)
{
	int go[2], status;
	char byte;
	pid_t pid;

	CHECK(pipe(go) == 0);
	fill_pattern(p->at.memory, LENGTH, 1);
	device_out(p, 0, LENGTH / 2);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &byte, 1) == 1);
		check_pattern(p->at.memory, LENGTH, 1);
		_exit(0);
	}
	fill_pattern(p->buffer, LENGTH, 2);
	CHECK(write_some(p->device, p->at.gpa, p->buffer, LENGTH) == LENGTH);
	check_pattern(p->at.memory, LENGTH, 2);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(go[0]);
	close(go[1]);
}

/* Memory that cannot move is mirrored all the same. */
static void unmovable(struct device_place *p, int flags, int fd, uint64_t length)
{
	char *shared = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);
	uint64_t gpa = (uintptr_t)shared;
	struct vmirror_moved moved;

	CHECK(shared != MAP_FAILED);
	fill_pattern(shared, length, 1);
	CHECK(pages_in_state(p->at.vm, gpa, length, VMIRROR_STATE_RAM) == length / PAGE);
	CHECK(read_some(p->device, gpa, p->buffer, length) == (int64_t)length);
	check_pattern(p->buffer, length, 1);
	fill_pattern(p->buffer, length, 2);
	CHECK(write_some(p->device, gpa, p->buffer, length) == (int64_t)length);
	migrate(p->at.vm, p->at.pool, gpa, length, &moved);
	CHECK(moved.moved_pages == 0);
	check_pattern(shared, length, 2);
	CHECK(munmap(shared, length) == 0);
}

static void all_unmovable(struct device_place *p)
{
	char path[] = "/var/tmp/vmirror-test.XXXXXX";
	int fd = mkstemp(path), hugepages = open("/proc/sys/vm/nr_hugepages", O_WRONLY);

	CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, LENGTH) == 0);
	unmovable(p, MAP_SHARED | MAP_ANONYMOUS, -1, LENGTH);
	unmovable(p, MAP_SHARED, fd, LENGTH);
	check_pattern(memcpy(p->buffer, mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0), LENGTH),
		      LENGTH, 2);
	close(fd);
	CHECK(hugepages >= 0 && write(hugepages, "2", 1) == 1);
	unmovable(p, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 4 * MiB);
	CHECK(write(hugepages, "0", 1) == 1);
	close(hugepages);
}

static unsigned int move_about(void *arg, unsigned int *seed)
{
	struct device_place *p = arg;
	uint64_t offset = rand_r(seed) % (LENGTH / MiB) * MiB;
	struct vmirror_moved moved;

	migrate(p->at.vm, p->at.pool, p->at.gpa + offset, LENGTH - offset, &moved);
	if (rand_r(seed) % 2)
		recall(p->at.vm, p->at.gpa, LENGTH / 2, &moved);
	return 0;
}

/* The device writes, a CPU reads, then the other way round, while everything moves. */
static void while_it_moves(struct device_place *p)
{
	struct repeat mover = { .turn = move_about, .arg = p, .seed = 1 };
	uint64_t enough = now_ms() + 2000, limit = enough + 60000;
	int round = 10;

	repeat_start(&mover);
	for (; now_ms() < enough || mover.rounds < 3; round += 2) {
		CHECK(now_ms() < limit);
		fill_pattern(p->buffer, LENGTH, round);
		device_access_all(p->device, VMIRROR_DEVICE_WRITE, p->at.gpa, p->buffer, LENGTH,
				  60000);
		check_pattern(p->at.memory, LENGTH, round);
		fill_pattern(p->at.memory, LENGTH, round + 1);
		device_access_all(p->device, VMIRROR_DEVICE_READ, p->at.gpa, p->buffer, LENGTH,
				  60000);
		check_pattern(p->buffer, LENGTH, round + 1);
	}
	repeat_stop(&mover);
}

/* The VM is detached, and the device goes on; the VMM is gone, and it says so. */
static void outlives(struct device_place *p)
{
	int ready[2], vm, device;
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fill_pattern(p->at.memory, LENGTH, 5);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	vm = vm_attach(&(struct target) { .pid = pid, .kvm = -1, .sys = p->at.self.t.sys },
		       "child", 0);
	device = device_create(vm);
	close(vm);
	CHECK(read_some(device, (uintptr_t)p->at.memory, p->buffer, LENGTH) == LENGTH);
	check_pattern(p->buffer, LENGTH, 5);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	CHECK_ERRNO(read_some(device, (uintptr_t)p->at.memory, p->buffer, PAGE), ESRCH);
	CHECK(device_stat(device).mapped_pages == 0);
	close(device);
	close(ready[0]);
	close(ready[1]);
}

void case_device(struct target *t)
{
	struct device_place p;

	(void)t;
	for (int variant = 0; variant < 4; variant++) {
		bool with_kvm = variant & 1;

		open_place(&p, with_kvm, variant & 2);
		wrong_use(&p);
		reads(&p);
		writes(&p);
		copies_on_write(&p);
		while_it_moves(&p);
		if (!with_kvm) {
			all_unmovable(&p);
			device_exclusive_pages(&p);
			device_exclusive_coherent(&p);
			device_pair(&p);
			outlives(&p);
		}
		follows(&p);
		close_place(&p);
		printf("  variant %d: passed\n", variant);
	}
}
