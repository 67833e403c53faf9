// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * change.c - the owner of memory changes it while it goes out and comes back: unmaps, moves,
 * protects, discards, forks and copies on write, exits
 */
#include <signal.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "fire.h"

#define LENGTH (4 * MiB)
#define STORM_MS 1200

static uint64_t bytes(struct run run)
{
	return run.pages * VMIRROR_PAGE_SIZE;
}

static void expect_zero(struct fire *f, struct run run)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		f->tags[page] = 0;
	fire_check(f, run);
}

static void unmap(struct fire *f)
{
	struct run run = fire_run(f);
	char *at = fire_at(f, run.first);

	CHECK(munmap(at, bytes(run)) == 0);
	CHECK(mmap(at, bytes(run), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == at);
	CHECK(madvise(at, bytes(run), f->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0);
	expect_zero(f, run);
	fire_write(f, run, 2);
}

static void discard(struct fire *f)
{
	struct run run = fire_run(f);

	CHECK(madvise(fire_at(f, run.first), bytes(run), MADV_DONTNEED) == 0);
	expect_zero(f, run);
	fire_write(f, run, 3);
}

/* What was freed lazily holds zero or what it held; what is written again is there to stay. */
static void discard_lazily(struct fire *f)
{
	struct run run = fire_run(f);

	CHECK(madvise(fire_at(f, run.first), bytes(run), MADV_FREE) == 0);
	usleep(2000);
	for (uint64_t page = run.first; page < run.first + run.pages; page++) {
		/* One look: it may go in the midst of a second. */
		uint64_t word = *(volatile uint64_t *)fire_at(f, page);

		CHECK(word == 0 || page_holds(fire_at(f, page), f->tags[page]) ||
		      page_holds(fire_at(f, page), 0));
	}
	fire_write(f, run, 4);
}

/* Away and home again, to an address with the same place in its block, or with another. */
static void remap(struct fire *f)
{
	struct run run = fire_run(f);
	char *from = fire_at(f, run.first), *room = map_anonymous(bytes(run) + 2 * BLOCK, false);
	char *to = room + (uintptr_t)from % BLOCK;

	if (fire_random(f, 2))
		to = room + VMIRROR_PAGE_SIZE * fire_random(f, BLOCK_PAGES);
	CHECK(mremap(from, bytes(run), bytes(run), MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	for (uint64_t i = 0; i < run.pages; i++)
		if (!page_holds(to + i * VMIRROR_PAGE_SIZE, f->tags[run.first + i]))
			FAIL("page %llu was moved, and is not what it was",
			     (unsigned long long)(run.first + i));
	CHECK(mremap(to, bytes(run), bytes(run), MREMAP_MAYMOVE | MREMAP_FIXED, from) == from);
	munmap(room, bytes(run) + 2 * BLOCK);
}

static void protect(struct fire *f)
{
	struct run run = fire_run(f);
	char *at = fire_at(f, run.first);

	CHECK(mprotect(at, bytes(run), PROT_READ) == 0);
	fire_check(f, run);
	CHECK(mprotect(at, bytes(run), PROT_NONE) == 0);
	usleep(fire_random(f, 2000));
	CHECK(mprotect(at, bytes(run), PROT_READ | PROT_WRITE) == 0);
	fire_check(f, run);
	fire_write(f, run, 5);
}

/* In the child: its own view, which nobody else's writes may reach. */
static void be_a_child(struct fire *f)
{
	for (int i = 0; i < 3; i++)
		fire_write(f, fire_run(f), 6 + i);
	fire_check_all(f);
	_exit(0);
}

static void copy_on_write(struct fire *f)
{
	int status;
	pid_t pid;

	f->seed++;			/* no two children do the same */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		be_a_child(f);
	for (int i = 0; i < 3; i++)
		fire_write(f, fire_run(f), 9 + i);
	fire_check_all(f);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static const struct {
	const char *what;
	void (*change)(struct fire *f);
} changes[] = {
	{ "munmap", unmap },
	{ "MADV_DONTNEED", discard },
	{ "MADV_FREE", discard_lazily },
	{ "mremap", remap },
	{ "mprotect", protect },
	{ "fork and copy on write", copy_on_write },
};

/* A process that works on its memory until it ends; how depends on @how. */
static void live_and_die(struct fire *f, int how)
{
	unsigned int lifetime = 5000 + fire_random(f, 60000);
	uint64_t end = now_ms() + lifetime / 1000;

	while (how == 2 || now_ms() < end) {
		fire_write(f, fire_run(f), 20);
		fire_check(f, fire_run(f));
	}
	if (how == 1)	/* its memory goes while it is still alive */
		munmap(f->memory, f->pages * VMIRROR_PAGE_SIZE);
	_exit(0);
}

/* Its memory goes out until there is none; returns whether the process is there still. */
static bool try_move(int vm, int pool, struct fire *f)
{
	struct vmirror_migrate args = {
		.size = sizeof(args),
		.pool_fd = pool,
		.gpa = (uintptr_t)f->memory,
		.length = f->pages * VMIRROR_PAGE_SIZE,
	};

	if (ioctl(vm, VMIRROR_MIGRATE, &args) == 0)
		return true;
	CHECK(errno == ESRCH);
	return false;
}

/* Processes end while their memory goes out: by themselves, or killed. */
static void processes_end(bool huge)
{
	uint64_t end = now_ms() + STORM_MS, lives = 0, out = 0;
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	close(f.vm);
	for (; now_ms() < end; lives++) {
		int how = lives % 3, status, vm;
		struct vmirror_pool_stat ps;
		struct vmirror_vm_stat vs;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (!pid)
			live_and_die(&f, how);
		f.seed++;
		vm = vm_attach(&(struct target) { .pid = pid, .kvm = -1, .sys = f.t.sys }, "fire", 0);
		for (uint64_t until = now_ms() + 10 + fire_random(&f, 50);
		     try_move(vm, f.pool, &f) && (how != 2 || now_ms() < until);)
			;
		if (how == 2)
			CHECK(kill(pid, SIGKILL) == 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(how == 2 ? WIFSIGNALED(status) : WIFEXITED(status) && !WEXITSTATUS(status));
		CHECK(!try_move(vm, f.pool, &f));
		/* What they shared with us since the fork may be out still. */
		fire_check_all(&f);
		check_none_out(vm);
		vm_stat(vm, &vs);
		out += vs.moved_out;
		CHECK(vs.dead && vs.moved_out == vs.back_fault + vs.back_recall + vs.dropped);
		pool_stat(f.pool, &ps);
		CHECK(ps.used_bytes == 0);
		close(vm);
	}
	printf("  exit, %s pages: %llu processes, %llu pages out\n", huge ? "2 MiB" : "4 KiB",
	       (unsigned long long)lives, (unsigned long long)out);
	CHECK(out > 0);
	f.vm = vm_attach(&f.t, "fire", 0);
	fire_end(&f);
}

void case_change(struct target *t)
{
	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			struct fire f;

			fire_begin(&f, LENGTH, huge);
			fire_storm(&f, changes[i].what, STORM_MS, changes[i].change);
			fire_end(&f);
		}
		processes_end(huge);
	}
}
