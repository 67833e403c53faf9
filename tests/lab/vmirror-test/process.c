// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * process.c - a process without KVM is mirrored: its address space is one slot
 *
 * So what no VMM does with a guest's memory can be tried through the same code.
 */
#include <signal.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "selfvm.h"

#define LENGTH (8 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define WORDS (VMIRROR_PAGE_SIZE / sizeof(uint64_t))

static int try_attach(int sys, pid_t pid, int kvm, uint32_t flags)
{
	struct vmirror_vm_attach args = {
		.size = sizeof(args),
		.flags = flags,
		.kvm_fd = kvm,
		.pid = pid,
		.name = "process",
	};

	return ioctl(sys, VMIRROR_VM_ATTACH, &args);
}

/* All of it out.  The kernel may hold a page for a moment, as khugepaged does: then it says so, and asked again it lets go. */
static void out(int vm, int pool, void *memory, uint64_t length)
{
	struct vmirror_moved moved;

	for (int tries = 0; tries < 100; tries++) {
		migrate(vm, pool, (uintptr_t)memory, length, &moved);
		for (int why = 0; why < (int)VMIRROR_SKIP_SLOTS; why++)
			if (moved.skipped_pages[why] && why != VMIRROR_SKIP_ALREADY_OUT &&
			    why != VMIRROR_SKIP_BUSY)
				FAIL("%llu pages do not move for reason %d",
				     (unsigned long long)moved.skipped_pages[why], why);
		if (!moved.skipped_pages[VMIRROR_SKIP_BUSY])
			return;
		usleep(10000);
	}
	FAIL("%llu pages are busy all the time", (unsigned long long)moved.skipped_pages[VMIRROR_SKIP_BUSY]);
}

static void wrong_use(struct target *t)
{
	struct vmirror_slot slots[2] = { 0 };
	struct vmirror_slots args = { .size = sizeof(args), .slots = (uintptr_t)slots, .nr_slots = 2 };
	pid_t gone = fork();
	int vm;

	if (gone == 0)
		_exit(0);
	CHECK(waitpid(gone, NULL, 0) == gone);
	CHECK_ERRNO(try_attach(t->sys, getpid(), -1, 2 | VMIRROR_ATTACH_PROCESS), EINVAL);
	CHECK_ERRNO(try_attach(t->sys, getpid(), 0, VMIRROR_ATTACH_PROCESS), EINVAL);
	CHECK_ERRNO(try_attach(t->sys, getpid(), -1, 0), EBADF);
	CHECK_ERRNO(try_attach(t->sys, gone, -1, VMIRROR_ATTACH_PROCESS), ESRCH);
	vm = vm_attach(t, "process", 0);
	CHECK_ERRNO(try_attach(t->sys, getpid(), -1, VMIRROR_ATTACH_PROCESS), EEXIST);
	CHECK(ioctl(vm, VMIRROR_SLOTS, &args) == 0);
	CHECK(args.nr_slots == 1 && slots[0].gpa == 0 && slots[0].hva == 0);
	CHECK(slots[0].length > (uintptr_t)&args);
	close(vm);
}

/* A detach, and a recall of everything, go through an address space of 128 TiB, most of it holes. */
static void out_and_back(struct target *t, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	int vm = vm_attach(t, "process", 0), pool = pool_create(t, "process", LENGTH);
	struct vmirror_pool_stat ps;
	struct vmirror_moved moved;
	uint64_t start = now_ms();

	fill_pattern(memory, LENGTH, 2);
	out(vm, pool, memory, LENGTH);
	CHECK(pages_in_state(vm, (uintptr_t)memory, LENGTH, VMIRROR_STATE_POOL) == PAGES);
	check_pattern(memory, LENGTH, 2);
	check_none_out(vm);

	out(vm, pool, memory, LENGTH);
	recall(vm, 0, 1ull << 46, &moved);	/* up to the middle of the address space */
	recall(vm, 1ull << 46, 1ull << 46, &moved);
	check_none_out(vm);
	check_pattern(memory, LENGTH, 2);

	out(vm, pool, memory, LENGTH);
	close(vm);
	pool_stat(pool, &ps);
	CHECK(ps.used_bytes == 0);
	check_pattern(memory, LENGTH, 2);
	close(pool);
	munmap(memory, LENGTH);
	CHECK(now_ms() - start < 20000);
}

/* Some come back, as they are touched; then all go out again; many times. */
static void cycles(struct target *t, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	int vm = vm_attach(t, "process", 0), pool = pool_create(t, "process", 2 * LENGTH);
	unsigned int seed = 1;

	fill_pattern(memory, LENGTH, 3);
	for (int round = 0; round < 40; round++) {
		out(vm, pool, memory, LENGTH);
		for (int i = 0; i < 40; i++) {
			uint64_t page = rand_r(&seed) % PAGES;

			/* A byte that is nobody's content. */
			*(volatile char *)(memory + page * VMIRROR_PAGE_SIZE + 9) = round;
		}
	}
	check_pattern(memory, LENGTH, 3);
	check_none_out(vm);
	close(vm);
	close(pool);
	munmap(memory, LENGTH);
}

static void write_pages(char *memory, uint64_t first, uint64_t step, uint64_t value)
{
	for (uint64_t page = first; page < PAGES; page += step)
		((uint64_t *)memory)[page * WORDS + 1] = value;
}

static bool holds(char *memory, uint64_t first, uint64_t step, uint64_t value)
{
	for (uint64_t page = first; page < PAGES; page += step)
		if (((uint64_t *)memory)[page * WORDS + 1] != value)
			return false;
	return true;
}

static void wait_for_byte(int fd)
{
	char byte;

	CHECK(read(fd, &byte, 1) == 1);
}

/*
 * Pages that are out when their process forks are shared, out there.  Each side writes to some:
 * nobody sees what the other wrote.
 */
static void copy_on_write(struct target *t, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	int vm = vm_attach(t, "process", 0), pool = pool_create(t, "process", LENGTH);
	int status, to_child[2], to_parent[2];
	struct vmirror_moved moved;
	pid_t pid;

	CHECK(pipe(to_child) == 0 && pipe(to_parent) == 0);
	fill_pattern(memory, LENGTH, 4);
	write_pages(memory, 0, 1, 1);
	out(vm, pool, memory, LENGTH);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		write_pages(memory, 0, 3, 2);
		if (write(to_parent[1], "x", 1) != 1)
			_exit(2);
		wait_for_byte(to_child[0]);
		check_pattern(memory, LENGTH, 4);
		_exit(holds(memory, 0, 3, 2) && holds(memory, 1, 3, 1) && holds(memory, 2, 3, 1) ? 0 : 1);
	}
	wait_for_byte(to_parent[0]);
	write_pages(memory, 1, 3, 3);
	/* What is still shared goes out for both, and what is not, for this process. */
	migrate(vm, pool, (uintptr_t)memory, LENGTH, &moved);
	CHECK(write(to_child[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_pattern(memory, LENGTH, 4);
	CHECK(holds(memory, 0, 3, 1) && holds(memory, 1, 3, 3) && holds(memory, 2, 3, 1));
	recall(vm, (uintptr_t)memory, LENGTH, &moved);
	check_none_out(vm);
	close(vm);
	close(pool);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_parent[i]);
	}
	munmap(memory, LENGTH);
}

/* Another process is mirrored, and killed with all of its memory out. */
static void killed(struct target *t, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	struct vmirror_pool_stat ps;
	struct vmirror_vm_stat vs;
	int ready[2], vm, pool;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fill_pattern(memory, LENGTH, 5);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	wait_for_byte(ready[0]);
	vm = vm_attach(&(struct target) { .pid = pid, .kvm = -1, .sys = t->sys }, "process", 0);
	pool = pool_create(t, "process", LENGTH);
	out(vm, pool, memory, LENGTH);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	vm_stat(vm, &vs);
	CHECK(vs.dead && vs.out_pages == 0 && vs.dropped == PAGES);
	pool_stat(pool, &ps);
	CHECK(ps.used_bytes == 0);
	close(vm);
	close(pool);
	close(ready[0]);
	close(ready[1]);
	munmap(memory, LENGTH);
}

void case_process(struct target *t)
{
	struct target own = process_self();

	(void)t;
	wrong_use(&own);
	for (int huge = 0; huge < 2; huge++) {
		out_and_back(&own, huge);
		cycles(&own, huge);
		copy_on_write(&own, huge);
		killed(&own, huge);
	}
	close(own.sys);
}
