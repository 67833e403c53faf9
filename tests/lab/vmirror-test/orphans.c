// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * orphans.c - a mirrored process has gone, its pages are out, and only its child has them: the mirror
 * finds no address for them.  Then who holds the mirror and the pool goes, too.
 */
#include <signal.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "fire.h"

#define LENGTH (4 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define ENDS_MS 60000

enum { READS, WRITES };

/* A byte says that the other one may go on. */
static void tell(const int *pipefd)
{
	CHECK(write(pipefd[WRITES], "x", 1) == 1);
}

static void await(const int *pipefd)
{
	char byte;

	CHECK(read(pipefd[READS], &byte, 1) == 1);
}

struct play {
	char *memory;
	bool pool_first;	/* is opened first: as a process ends, its files are closed the other way round */
	int filled[2], fork[2], look[2], looked[2], out[2], go[2];
};

/* The mirrored process; its child outlives it. */
static void be_parent(struct play *p)
{
	fill_pattern(p->memory, LENGTH, 8);
	tell(p->filled);
	await(p->fork);
	if (fork() != 0)
		_exit(0);
	await(p->look);
	check_pattern(p->memory, LENGTH, 8);
	tell(p->looked);
	_exit(0);
}

static void be_holder(struct play *p, pid_t parent)
{
	struct target own = process_self(), t = { .pid = parent, .kvm = -1, .sys = own.sys };
	int vm, pool;

	if (p->pool_first) {
		pool = pool_create(&t, "orphans", 2 * LENGTH);
		vm = vm_attach(&t, "orphans", 0);
	} else {
		vm = vm_attach(&t, "orphans", 0);
		pool = pool_create(&t, "orphans", 2 * LENGTH);
	}
	all_out(vm, pool, p->memory, LENGTH);
	CHECK(vm_out_pages(vm) == PAGES);
	tell(p->out);
	await(p->go);
	_exit(0);
}

static void end_of(pid_t pid)
{
	uint64_t end = now_ms() + ENDS_MS;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ms() > end)
			FAIL("the holder does not end");
		usleep(1000);
	}
}

static void play(struct target *t, bool huge, bool pool_first, bool killed)
{
	struct play p = { .pool_first = pool_first };
	pid_t parent, holder;

	printf("  %s pages, %s opened first, holder %s\n", huge ? "2 MiB" : "4 KiB",
	       pool_first ? "pool" : "vm", killed ? "is killed" : "exits");
	fflush(stdout);
	CHECK(pipe(p.filled) == 0 && pipe(p.fork) == 0 && pipe(p.look) == 0 && pipe(p.looked) == 0);
	CHECK(pipe(p.out) == 0 && pipe(p.go) == 0);
	p.memory = map_anonymous(LENGTH, huge);
	parent = fork();
	CHECK(parent >= 0);
	if (!parent)
		be_parent(&p);
	await(p.filled);
	holder = fork();
	CHECK(holder >= 0);
	if (!holder)
		be_holder(&p, parent);
	await(p.out);
	tell(p.fork);
	CHECK(waitpid(parent, NULL, 0) == parent);

	if (killed)
		kill(holder, SIGKILL);
	else
		tell(p.go);
	end_of(holder);
	wait_nothing_left(t);
	tell(p.look);
	await(p.looked);
	munmap(p.memory, LENGTH);
	for (int i = 0; i < 2; i++) {
		close(p.filled[i]);
		close(p.fork[i]);
		close(p.look[i]);
		close(p.looked[i]);
		close(p.out[i]);
		close(p.go[i]);
	}
}

void case_orphans(struct target *t)
{
	for (int huge = 0; huge < 2; huge++)
		for (int pool_first = 0; pool_first < 2; pool_first++)
			for (int killed = 0; killed < 2; killed++)
				play(t, huge, pool_first, killed);
}
