// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * two-mirrors.c - a process and its child are both mirrored, and share pages that are out: each
 * sees its own memory in its own mirror, and either may go first
 */

#include <poll.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fire.h"

#define LENGTH (4 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)

/* A process that does as it is told, with memory at the same address as all of its kin. */
struct puppet {
	pid_t pid;
	int order, answer;
	int vm;
};

enum order { CHECK_PAGES = 'c', WRITE_PAGES = 'w', FORK = 'f', EXIT = 'x' };

struct command {
	enum order order;
	struct run run;
	uint64_t tag;
};

static char *memory;
static int orders[2][2], answers[2][2];		/* pipes to and from either puppet */

static char *page_at(uint64_t page)
{
	return memory + page * VMIRROR_PAGE_SIZE;
}

/* Page n holds the tag that was written there, plus n. */
static void write_pages(struct run run, uint64_t tag)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		page_write(page_at(page), tag + page);
}

static int64_t check_pages(struct run run, uint64_t tag)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		if (!page_holds(page_at(page), tag + page))
			return -1;
	return 0;
}

static void obey(int number)
{
	/* So that it ends when nobody is there any more to give orders. */
	for (int i = 0; i < 2; i++) {
		close(orders[i][1]);
		close(answers[i][0]);
	}
	for (;;) {
		struct command command;
		int64_t answer = 0;

		if (read(orders[number][0], &command, sizeof(command)) != sizeof(command))
			_exit(1);
		switch (command.order) {
		case CHECK_PAGES:
			answer = check_pages(command.run, command.tag);
			break;
		case WRITE_PAGES:
			write_pages(command.run, command.tag);
			break;
		case FORK:
			answer = fork();
			if (answer == 0) {
				number = 1;
				continue;	/* the parent answers */
			}
			break;
		case EXIT:
			_exit(0);
		}
		if (write(answers[number][1], &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
	}
}

static int64_t tell(struct puppet *p, enum order order, struct run run, uint64_t tag)
{
	struct command command = { order, run, tag };
	int64_t answer;

	CHECK(write(p->order, &command, sizeof(command)) == sizeof(command));
	CHECK(read(p->answer, &answer, sizeof(answer)) == sizeof(answer));
	return answer;
}

static void expect_holds(struct puppet *p, struct run run, uint64_t tag)
{
	if (tell(p, CHECK_PAGES, run, tag))
		FAIL("process %d: pages %llu to %llu do not hold what they should", p->pid,
		     (unsigned long long)run.first, (unsigned long long)(run.first + run.pages - 1));
}

static void let_write(struct puppet *p, struct run run, uint64_t tag)
{
	CHECK(tell(p, WRITE_PAGES, run, tag) == 0);
}

/* The child is its parent's to wait for, not ours; a pidfd tells us all the same. */
static void end(struct puppet *p)
{
	struct pollfd gone = { .fd = syscall(SYS_pidfd_open, p->pid, 0), .events = POLLIN };
	struct command command = { .order = EXIT };

	CHECK(gone.fd >= 0);
	CHECK(write(p->order, &command, sizeof(command)) == sizeof(command));
	CHECK(poll(&gone, 1, 10000) == 1);
	close(gone.fd);
	waitpid(p->pid, NULL, 0);
}

static uint64_t out_of(struct puppet *p, struct run run)
{
	return pages_in_state(p->vm, (uintptr_t)page_at(run.first), run.pages * VMIRROR_PAGE_SIZE,
			      VMIRROR_STATE_POOL);
}

static uint64_t out_pages(struct puppet *p)
{
	return vm_out_pages(p->vm);
}

static void mirror(struct target *t, struct puppet *p, const char *name)
{
	p->vm = vm_attach(&(struct target) { .pid = p->pid, .kvm = -1, .sys = t->sys }, name, 0);
}

#define OLD 1000000ull
#define NEW_OF_PARENT 2000000ull
#define NEW_OF_CHILD 3000000ull

static const struct run all = { 0, PAGES };

/*
 * struct family - a parent, its child, forked while all of its memory was out, and their mirrors
 */
struct family {
	struct puppet parent, child;
	int pool;
};

static void begin(struct target *t, struct family *family, bool huge)
{
	for (int i = 0; i < 2; i++)
		CHECK(pipe(orders[i]) == 0 && pipe(answers[i]) == 0);
	memory = map_anonymous(LENGTH, huge);
	family->parent = (struct puppet) { .order = orders[0][1], .answer = answers[0][0] };
	family->child = (struct puppet) { .order = orders[1][1], .answer = answers[1][0] };
	family->parent.pid = fork();
	CHECK(family->parent.pid >= 0);
	if (!family->parent.pid)
		obey(0);
	family->pool = pool_create(t, "family", 4 * LENGTH);
	mirror(t, &family->parent, "parent");
	let_write(&family->parent, all, OLD);
	all_out(family->parent.vm, family->pool, memory, LENGTH);
	family->child.pid = tell(&family->parent, FORK, all, 0);
	CHECK(family->child.pid > 0);
	mirror(t, &family->child, "child");
}

static void finish(struct family *family)
{
	struct vmirror_pool_stat ps;

	pool_stat(family->pool, &ps);
	CHECK(ps.used_bytes == 0);
	close(family->pool);
	munmap(memory, LENGTH);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 2; j++) {
			close(orders[i][j]);
			close(answers[i][j]);
		}
}

/* Both see the same pages out there; what one of them touches comes home for both. */
static void both_see_them(struct target *t, bool huge)
{
	struct run touched = { 3, 600 };
	struct vmirror_moved moved;
	struct family family;

	begin(t, &family, huge);
	CHECK(out_of(&family.parent, all) == PAGES && out_of(&family.child, all) == PAGES);
	CHECK(out_pages(&family.parent) == PAGES && out_pages(&family.child) == 0);
	migrate(family.child.vm, family.pool, (uintptr_t)memory, LENGTH, &moved);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == PAGES);
	expect_holds(&family.child, touched, OLD);
	CHECK(out_of(&family.parent, touched) == 0 && out_of(&family.child, touched) == 0);

	/* The child's mirror sends out what both have, and the parent's brings it home. */
	all_out(family.child.vm, family.pool, memory, LENGTH);
	CHECK(out_of(&family.parent, all) == PAGES && out_of(&family.child, all) == PAGES);
	CHECK(out_pages(&family.parent) + out_pages(&family.child) == PAGES);
	CHECK(out_pages(&family.child) >= touched.pages);
	recall(family.parent.vm, (uintptr_t)memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES);
	CHECK(out_of(&family.child, all) == 0);
	expect_holds(&family.parent, all, OLD);
	expect_holds(&family.child, all, OLD);
	end(&family.child);
	end(&family.parent);
	close(family.parent.vm);
	close(family.child.vm);
	finish(&family);
}

/* Each writes to some: then these are two pages, each its own VM's; all go out for both. */
static void each_writes(struct target *t, bool huge)
{
	struct run of_parent = { 100, 500 }, of_child = { 400, 500 };
	struct run rest = { 900, PAGES - 900 };
	struct family family;
	uint64_t out;

	begin(t, &family, huge);
	for (int i = 0; i < 4; i++) {
		let_write(&family.parent, of_parent, NEW_OF_PARENT + i);
		let_write(&family.child, of_child, NEW_OF_CHILD + i);
		all_out(family.parent.vm, family.pool, memory, LENGTH);
		all_out(family.child.vm, family.pool, memory, LENGTH);
		CHECK(out_of(&family.parent, all) == PAGES && out_of(&family.child, all) == PAGES);
		/* What either wrote to is there twice; more, where khugepaged was at work. */
		out = out_pages(&family.parent) + out_pages(&family.child);
		CHECK(huge ? out >= PAGES + 800 && out <= 2 * PAGES : out == PAGES + 800);
		expect_holds(&family.parent, of_parent, NEW_OF_PARENT + i);
		expect_holds(&family.child, of_child, NEW_OF_CHILD + i);
		expect_holds(&family.parent, (struct run) { 600, 300 }, OLD);
		expect_holds(&family.child, (struct run) { 0, 400 }, OLD);
		expect_holds(&family.child, rest, OLD);
		all_out(family.child.vm, family.pool, memory, LENGTH);
		all_out(family.parent.vm, family.pool, memory, LENGTH);
	}
	close(family.child.vm);
	CHECK(out_pages(&family.parent) > 0);
	close(family.parent.vm);
	expect_holds(&family.parent, of_parent, NEW_OF_PARENT + 3);
	expect_holds(&family.child, of_child, NEW_OF_CHILD + 3);
	expect_holds(&family.parent, rest, OLD);
	expect_holds(&family.child, rest, OLD);
	end(&family.child);
	end(&family.parent);
	finish(&family);
}

/*
 * The child's mirror moves what is out, and is the parent's, into another pool: then it is the
 * child's, and lost to the parent's mirror.  Both have it all the same.
 */
static void child_takes_over(struct target *t, bool huge)
{
	struct vmirror_moved moved;
	struct vmirror_vm_stat of_parent, of_child;
	struct vmirror_pool_stat first, second;
	struct family family;
	int other;

	begin(t, &family, huge);
	other = pool_create(t, "other", 4 * LENGTH);
	all_out_with(family.child.vm, other, memory, LENGTH, VMIRROR_MIGRATE_PEERS);
	vm_stat(family.parent.vm, &of_parent);
	vm_stat(family.child.vm, &of_child);
	CHECK(of_parent.out_pages == 0 && of_parent.dropped == PAGES);
	CHECK(of_child.out_pages == PAGES && of_child.moved_out == PAGES);
	pool_stat(family.pool, &first);
	pool_stat(other, &second);
	CHECK(first.used_bytes == 0 && second.used_bytes == LENGTH);
	CHECK(out_of(&family.parent, all) == PAGES && out_of(&family.child, all) == PAGES);

	/* It has no say in what becomes of them any more: when it goes they stay. */
	close(family.parent.vm);
	CHECK(out_of(&family.child, all) == PAGES && out_pages(&family.child) == PAGES);
	let_write(&family.parent, (struct run) { 0, PAGES / 2 }, NEW_OF_PARENT);
	expect_holds(&family.child, all, OLD);
	mirror(t, &family.parent, "parent");
	all_out_with(family.child.vm, family.pool, memory, LENGTH, VMIRROR_MIGRATE_PEERS);
	recall(family.child.vm, (uintptr_t)memory, LENGTH, &moved);
	CHECK(out_pages(&family.child) == 0);
	expect_holds(&family.parent, (struct run) { 0, PAGES / 2 }, NEW_OF_PARENT);
	expect_holds(&family.parent, (struct run) { PAGES / 2, PAGES / 2 }, OLD);
	expect_holds(&family.child, all, OLD);
	end(&family.child);
	end(&family.parent);
	close(family.parent.vm);
	close(family.child.vm);
	pool_stat(other, &second);
	CHECK(second.used_bytes == 0);
	close(other);
	finish(&family);
}

/* The mirror whose pages they are goes, or its process, while the other has them, too. */
static void parent_goes(struct target *t, bool huge, bool process_too)
{
	struct family family;

	begin(t, &family, huge);
	if (process_too) {
		end(&family.parent);
		CHECK(out_of(&family.child, all) == PAGES && out_pages(&family.parent) == PAGES);
	}
	close(family.parent.vm);
	CHECK(out_of(&family.child, all) == 0);
	expect_holds(&family.child, all, OLD);
	all_out(family.child.vm, family.pool, memory, LENGTH);
	CHECK(out_of(&family.child, all) == PAGES && out_pages(&family.child) == PAGES);
	let_write(&family.child, all, NEW_OF_CHILD);
	if (!process_too) {
		expect_holds(&family.parent, all, OLD);
		end(&family.parent);
	}
	expect_holds(&family.child, all, NEW_OF_CHILD);
	close(family.child.vm);
	end(&family.child);
	finish(&family);
}

/* The child's mirror goes, or its process: the pages are the parent's, and stay where they are. */
static void child_goes(struct target *t, bool huge, bool process_too)
{
	struct family family;

	begin(t, &family, huge);
	if (process_too)
		end(&family.child);
	close(family.child.vm);
	CHECK(out_of(&family.parent, all) == PAGES && out_pages(&family.parent) == PAGES);
	if (!process_too) {
		expect_holds(&family.child, all, OLD);
		end(&family.child);
	}
	all_out(family.parent.vm, family.pool, memory, LENGTH);
	let_write(&family.parent, (struct run) { 0, PAGES / 2 }, NEW_OF_PARENT);
	expect_holds(&family.parent, (struct run) { PAGES / 2, PAGES / 2 }, OLD);
	close(family.parent.vm);
	expect_holds(&family.parent, (struct run) { 0, PAGES / 2 }, NEW_OF_PARENT);
	end(&family.parent);
	finish(&family);
}

/* The pool goes first. */
static void pool_goes(struct target *t, bool huge)
{
	struct family family;

	begin(t, &family, huge);
	let_write(&family.child, (struct run) { 0, PAGES / 3 }, NEW_OF_CHILD);
	all_out(family.child.vm, family.pool, memory, LENGTH);
	close(family.pool);
	CHECK(out_of(&family.parent, all) == 0 && out_of(&family.child, all) == 0);
	CHECK(out_pages(&family.parent) == 0 && out_pages(&family.child) == 0);
	family.pool = pool_create(t, "family", 4 * LENGTH);
	expect_holds(&family.parent, all, OLD);
	expect_holds(&family.child, (struct run) { 0, PAGES / 3 }, NEW_OF_CHILD);
	expect_holds(&family.child, (struct run) { PAGES / 3, PAGES - PAGES / 3 }, OLD);
	end(&family.child);
	end(&family.parent);
	close(family.parent.vm);
	close(family.child.vm);
	finish(&family);
}

void case_two_mirrors(struct target *t)
{
	struct target own = process_self();

	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		printf("  %s pages\n", huge ? "2 MiB" : "4 KiB");
		both_see_them(&own, huge);
		each_writes(&own, huge);
		child_takes_over(&own, huge);
		for (int process_too = 0; process_too < 2; process_too++) {
			parent_goes(&own, huge, process_too);
			child_goes(&own, huge, process_too);
		}
		pool_goes(&own, huge);
	}
	close(own.sys);
}
