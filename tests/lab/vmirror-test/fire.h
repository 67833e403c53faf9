/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fire.h - memory under fire: it goes out and comes back all the time, whatever a case does to it
 *
 * The memory is this process's own, mirrored without KVM, so nothing stands between a case
 * and what the kernel does.  The case keeps account of what each page must hold: its tag.  A
 * page whose tag is 0 holds zero.
 */
#ifndef VMIRROR_TEST_FIRE_H
#define VMIRROR_TEST_FIRE_H

#include <pthread.h>
#include <stdatomic.h>

#include "selfvm.h"

#define BLOCK (2 * MiB)
#define BLOCK_PAGES (BLOCK / VMIRROR_PAGE_SIZE)

/**
 * struct fire - memory under fire
 * @pages: how many there are in @memory, whole blocks
 * @tags: what each of them holds
 * @seed: for fire_random()
 * @out: pages that went out
 * @out_huge: how many times a 2 MiB folio did
 */
struct fire {
	struct target t;
	char *memory;
	uint64_t pages;
	uint64_t *tags;
	bool huge;
	unsigned int seed;
	int vm, pool;

	pthread_t mover;
	atomic_bool stop;
	uint64_t out, out_huge;
};

/* A run of pages. */
struct run {
	uint64_t first, pages;
};

void page_write(char *page, uint64_t tag);
bool page_holds(const char *page, uint64_t tag);

void fire_begin(struct fire *f, uint64_t length, bool huge);
void fire_end(struct fire *f);

/* Call @change for @ms milliseconds, with the memory under fire; some of it is checked each time. */
void fire_storm(struct fire *f, const char *what, uint64_t ms, void (*change)(struct fire *f));

uint64_t fire_random(struct fire *f, uint64_t below);
struct run fire_run(struct fire *f);
char *fire_at(struct fire *f, uint64_t page);
void fire_write(struct fire *f, struct run run, uint64_t salt);
void fire_check(struct fire *f, struct run run);
void fire_check_all(struct fire *f);

/*
 * All of it out.  The kernel may hold a page for a moment, and says so: asked again, it lets
 * go.  What is absent stays so.
 */
void all_out(int vm, int pool, void *memory, uint64_t length);
/* @flags: VMIRROR_MIGRATE_* */
void all_out_with(int vm, int pool, void *memory, uint64_t length, uint32_t flags);

#endif
