// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * recall-race.c - RECALL brings all of it home, also what is in flight when it looks
 *
 * Threads touch pages, and so have folios split and neighbours tried, some of which then stay in the
 * pool; others go from pool to pool.  When RECALL has said that it is done nothing is left there.
 */
#include <sys/mman.h>

#include "place.h"
#include "repeat.h"
#include "setting.h"

#define HUGE_HOME "/sys/module/vmirror/parameters/huge_home"
#define LENGTH (4 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define ROUND_MS 5000
#define TOUCHERS 2

static unsigned int touch(void *arg, unsigned int *seed)
{
	char *memory = arg;

	(void)*(volatile char *)(memory + (uint64_t)(rand_r(seed) % PAGES) * VMIRROR_PAGE_SIZE);
	return rand_r(seed) % 300;
}

/* Anything that was in flight has landed. */
#define LANDED_US 3000

static void check_home(struct place *p, const struct vmirror_moved *moved)
{
	uint64_t left;

	CHECK(all_moved(moved) == PAGES && moved->done_bytes == LENGTH);
	usleep(LANDED_US);
	left = pages_in_state(p->vm, p->gpa, LENGTH, VMIRROR_STATE_POOL);
	if (left > moved->skipped_pages[VMIRROR_SKIP_BUSY])
		FAIL("RECALL has left %llu pages, and told of %llu", (unsigned long long)left,
		     (unsigned long long)moved->skipped_pages[VMIRROR_SKIP_BUSY]);
}

static void run(bool huge, bool huge_home)
{
	struct repeat touchers[TOUCHERS] = { 0 };
	uint64_t rounds = 0, came = 0, end, limit;
	struct vmirror_moved moved;
	struct place p;

	set(HUGE_HOME, huge_home ? "Y" : "N");
	place_open(&p, "recall-race", LENGTH, false, huge);
	fill_pattern(p.memory, LENGTH, 6);
	for (unsigned int i = 0; i < TOUCHERS; i++) {
		touchers[i] = (struct repeat) { .turn = touch, .arg = p.memory, .seed = i + 1 };
		repeat_start(&touchers[i]);
	}
	end = now_ms() + ROUND_MS;
	limit = end + 60000;
	for (; now_ms() < end || !came; rounds++) {
		CHECK(now_ms() < limit);
		if (huge)	/* they are in pieces since they came home */
			madvise(p.memory, LENGTH, MADV_COLLAPSE);
		migrate(p.vm, p.pool, p.gpa, LENGTH, &moved);
		usleep(rounds % 8 * 100);
		recall(p.vm, p.gpa, LENGTH, &moved);
		check_home(&p, &moved);
		came += moved.moved_pages;
	}
	for (unsigned int i = 0; i < TOUCHERS; i++)
		repeat_stop(&touchers[i]);
	check_pattern(p.memory, LENGTH, 6);
	place_close(&p);
	printf("  %s pages%s: %llu rounds, %llu pages came by RECALL\n", huge ? "2 MiB" : "4 KiB",
	       huge_home ? "" : ", split on their way", (unsigned long long)rounds,
	       (unsigned long long)came);
}

void case_recall_race(struct target *t)
{
	(void)t;
	run(false, true);
	run(true, true);
	run(true, false);
}
