// SPDX-License-Identifier: LGPL-2.1-or-later
/* ksm.c - KSM merges pages while they go out and come back, ours and those of a child that shares them */
#include <sys/mman.h>
#include <sys/wait.h>

#include "fire.h"
#include "setting.h"

#define LENGTH (4 * MiB)
#define STORM_MS 2000

#define KSM "/sys/kernel/mm/ksm/"

static uint64_t merged;

/* Every second page is equal to all of these; some are written to, and made equal again. */
static void write_to_merged(struct fire *f)
{
	for (int i = 0; i < 16; i++) {
		uint64_t page = fire_random(f, f->pages) & ~1ull;

		f->tags[page] = fire_random(f, 8) ? 40 : 41;
		page_write(fire_at(f, page), f->tags[page]);
	}
	fire_write(f, (struct run) { fire_random(f, f->pages) | 1, 1 }, 42);
	if (number_in(KSM "pages_sharing", NULL) > merged)
		merged = number_in(KSM "pages_sharing", NULL);
	usleep(20000);
}

static void equal_pages_are_merged(bool huge)
{
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	for (uint64_t page = 0; page < f.pages; page += 2)
		page_write(fire_at(&f, page), f.tags[page] = 40);
	CHECK(madvise(f.memory, LENGTH, MADV_MERGEABLE) == 0);
	set(KSM "sleep_millisecs", "20");
	set(KSM "pages_to_scan", "500");
	set(KSM "run", "1");
	merged = 0;
	fire_storm(&f, "KSM", STORM_MS, write_to_merged);
	printf("    up to %llu pages merged\n", (unsigned long long)merged);
	CHECK(merged > 0);
	set(KSM "run", "2");		/* unmerge, while nothing goes out */
	fire_check_all(&f);
	all_out(f.vm, f.pool, f.memory, LENGTH);
	CHECK(pages_in_state(f.vm, (uintptr_t)f.memory, LENGTH, VMIRROR_STATE_POOL) == f.pages);
	fire_end(&f);
}

/* A child that does as it is told at first, and then waits for its end. */
struct child {
	pid_t pid;
	int until;
};

static struct child child_start(void (*first)(struct fire *f), struct fire *f)
{
	int until[2], done[2];
	struct child child;
	char byte = 0;

	CHECK(pipe(until) == 0 && pipe(done) == 0);
	child.pid = fork();
	if (!child.pid) {
		close(until[1]);
		if (first)
			first(f);
		_exit(write(done[1], &byte, 1) == 1 ? read(until[0], &byte, 1) : 1);
	}
	CHECK(child.pid > 0);
	child.until = until[1];
	CHECK(read(done[0], &byte, 1) == 1);
	close(until[0]);
	close(done[0]);
	close(done[1]);
	return child;
}

static void child_end(struct child *child)
{
	close(child->until);
	CHECK(waitpid(child->pid, NULL, 0) == child->pid);
}

/* What a child shares and KSM may merge there stays, until the child is gone; seen or not. */
static void shared_pages_that_may_be_merged_stay(bool huge, bool hidden)
{
	struct vmirror_moved moved;
	struct child child;
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	CHECK(madvise(f.memory, LENGTH, MADV_MERGEABLE) == 0);
	child = child_start(NULL, &f);
	CHECK(mprotect(f.memory, LENGTH, hidden ? PROT_NONE : PROT_READ | PROT_WRITE) == 0);
	migrate(f.vm, f.pool, (uintptr_t)f.memory, LENGTH, &moved);
	CHECK(moved.moved_pages == 0 && moved.skipped_pages[VMIRROR_SKIP_KSM] == f.pages);
	child_end(&child);
	CHECK(mprotect(f.memory, LENGTH, PROT_READ | PROT_WRITE) == 0);
	all_out(f.vm, f.pool, f.memory, LENGTH);
	CHECK(pages_in_state(f.vm, (uintptr_t)f.memory, LENGTH, VMIRROR_STATE_POOL) == f.pages);
	fire_check_all(&f);
	fire_end(&f);
}

static void let_merge(struct fire *f)
{
	CHECK(madvise(f->memory, LENGTH, MADV_MERGEABLE) == 0);
}

/* Only a child's memory is merged, but some of the merged pages are ours. */
static void a_child_merges_ours(bool huge)
{
	uint64_t end = now_ms() + 60000, before = number_in(KSM "pages_shared", NULL);
	struct vmirror_moved moved;
	struct child child;
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	for (uint64_t page = 0; page < f.pages; page += 2)
		page_write(fire_at(&f, page), f.tags[page] = 40 + page % 16);
	child = child_start(let_merge, &f);
	set(KSM "run", "1");
	while (number_in(KSM "pages_shared", NULL) < before + 8) {
		if (now_ms() > end)
			FAIL("ksmd has merged nothing");
		usleep(50000);
	}
	set(KSM "run", "0");
	migrate(f.vm, f.pool, (uintptr_t)f.memory, LENGTH, &moved);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_KSM] > 0);
	fire_check_all(&f);
	child_end(&child);
	migrate(f.vm, f.pool, (uintptr_t)f.memory, LENGTH, &moved);
	fire_check_all(&f);
	set(KSM "run", "2");
	fire_end(&f);
}

void case_ksm(struct target *t)
{
	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		equal_pages_are_merged(huge);
		for (int hidden = 0; hidden < 2; hidden++)
			shared_pages_that_may_be_merged_stay(huge, hidden);
		a_child_merges_ours(huge);
	}
}
