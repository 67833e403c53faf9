// SPDX-License-Identifier: LGPL-2.1-or-later
/* fire.c - see fire.h */
#include <sys/mman.h>

#include "fire.h"

#define WORDS (VMIRROR_PAGE_SIZE / sizeof(uint64_t))

static uint64_t word_of(uint64_t tag, uint64_t index)
{
	return tag ? tag * 0x9e3779b97f4a7c15ull + index * 0xd1342543de82ef95ull : 0;
}

void page_write(char *page, uint64_t tag)
{
	volatile uint64_t *words = (void *)page;

	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = word_of(tag, i);
}

bool page_holds(const char *page, uint64_t tag)
{
	const volatile uint64_t *words = (const void *)page;

	for (uint64_t i = 0; i < WORDS; i++)
		if (words[i] != word_of(tag, i))
			return false;
	return true;
}

uint64_t fire_random(struct fire *f, uint64_t below)
{
	return ((uint64_t)rand_r(&f->seed) << 16 ^ (uint64_t)rand_r(&f->seed)) % below;
}

/* Mostly a few pages, sometimes more, across a border of blocks; now and then a whole block. */
struct run fire_run(struct fire *f)
{
	struct run run = { .first = fire_random(f, f->pages) };
	uint64_t kind = fire_random(f, 16);

	if (kind == 0)
		return (struct run) { run.first / BLOCK_PAGES * BLOCK_PAGES, BLOCK_PAGES };
	run.pages = 1 + fire_random(f, kind < 4 ? 600 : 24);
	if (run.pages > f->pages - run.first)
		run.pages = f->pages - run.first;
	return run;
}

char *fire_at(struct fire *f, uint64_t page)
{
	return f->memory + page * VMIRROR_PAGE_SIZE;
}

/* New content, different in each page; of zero if @salt is 0. */
void fire_write(struct fire *f, struct run run, uint64_t salt)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++) {
		f->tags[page] = salt ? salt << 32 | (page + 1) : 0;
		page_write(fire_at(f, page), f->tags[page]);
	}
}

void fire_check(struct fire *f, struct run run)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		if (!page_holds(fire_at(f, page), f->tags[page]))
			FAIL("page %llu of %llu is not what it was (tag %#llx): it begins with %#llx",
			     (unsigned long long)page, (unsigned long long)f->pages,
			     (unsigned long long)f->tags[page],
			     (unsigned long long)*(volatile uint64_t *)fire_at(f, page));
}

void fire_check_all(struct fire *f)
{
	fire_check(f, (struct run) { 0, f->pages });
}

void fire_begin(struct fire *f, uint64_t length, bool huge)
{
	*f = (struct fire) {
		.t = process_self(),
		.memory = map_anonymous(length, huge),
		.pages = length / VMIRROR_PAGE_SIZE,
		.huge = huge,
		.seed = 1,
	};
	f->tags = calloc(f->pages, sizeof(*f->tags));
	CHECK(f->tags);
	fire_write(f, (struct run) { 0, f->pages }, 1);
	f->vm = vm_attach(&f->t, "fire", 0);
	/* Twice as large: folios that are left half empty take room, too. */
	f->pool = pool_create(&f->t, "fire", 2 * length);
}

/* All home and as it should be; and nothing is left in the pool. */
void fire_end(struct fire *f)
{
	uint64_t length = f->pages * VMIRROR_PAGE_SIZE;
	struct vmirror_pool_stat ps;
	struct vmirror_moved moved;

	fire_check_all(f);
	recall(f->vm, (uintptr_t)f->memory, length, &moved);
	check_none_out(f->vm);
	pool_stat(f->pool, &ps);
	CHECK(ps.used_bytes == 0);
	fire_check_all(f);
	close(f->vm);
	close(f->pool);
	close(f->t.sys);
	munmap(f->memory, length);
	free(f->tags);
}

/*
 * Mostly a block at a time, so that others come between; now and then all, or less than a block.
 */
static void *move(void *arg)
{
	struct fire *f = arg;
	uint64_t blocks = f->pages / BLOCK_PAGES;
	unsigned int seed = 1;

	for (int round = 0; !atomic_load(&f->stop); round++) {
		uint64_t at = (uintptr_t)f->memory + rand_r(&seed) % blocks * BLOCK;
		uint64_t length = BLOCK;
		struct vmirror_moved moved;

		if (round % 16 == 7) {
			at = (uintptr_t)f->memory;
			length = f->pages * VMIRROR_PAGE_SIZE;
		} else if (round % 4 == 1) {
			at += rand_r(&seed) % BLOCK_PAGES * VMIRROR_PAGE_SIZE;
			length = VMIRROR_PAGE_SIZE;
		}
		migrate(f->vm, f->pool, at, length, &moved);
		f->out += moved.moved_pages;
		f->out_huge += moved.moved_huge;
		if (round % 8 == 5)
			recall(f->vm, at, length, &moved);
		usleep(500);
	}
	return NULL;
}

void fire_storm(struct fire *f, const char *what, uint64_t ms, void (*change)(struct fire *f))
{
	uint64_t end = now_ms() + ms, changes = 0;
	struct vmirror_vm_stat vs;

	f->out = 0;
	f->out_huge = 0;
	atomic_store(&f->stop, false);
	CHECK(pthread_create(&f->mover, NULL, move, f) == 0);
	/* A few times also where the machine is slow. */
	for (; now_ms() < end || changes < 4; changes++) {
		change(f);
		fire_check(f, fire_run(f));
	}
	fire_check_all(f);
	atomic_store(&f->stop, true);
	CHECK(pthread_join(f->mover, NULL) == 0);
	vm_stat(f->vm, &vs);
	printf("  %s, %s pages: %llu times, %llu pages out, %llu huge, %llu back by fault so far\n",
	       what, f->huge ? "2 MiB" : "4 KiB", (unsigned long long)changes,
	       (unsigned long long)f->out, (unsigned long long)f->out_huge,
	       (unsigned long long)vs.back_fault);
	CHECK(f->out > 0 && vs.back_fault > 0);
}

void all_out_with(int vm, int pool, void *memory, uint64_t length, uint32_t flags)
{
	struct vmirror_moved moved;

	for (int tries = 0; tries < 100; tries++) {
		migrate_with(vm, pool, (uintptr_t)memory, length, flags, &moved);
		for (int why = 0; why < (int)VMIRROR_SKIP_SLOTS; why++)
			if (moved.skipped_pages[why] && why != VMIRROR_SKIP_ALREADY_OUT &&
			    why != VMIRROR_SKIP_BUSY && why != VMIRROR_SKIP_ABSENT)
				FAIL("%llu pages do not move for reason %d",
				     (unsigned long long)moved.skipped_pages[why], why);
		if (!moved.skipped_pages[VMIRROR_SKIP_BUSY])
			return;
		usleep(10000);
	}
	FAIL("%llu pages are busy all the time",
	     (unsigned long long)moved.skipped_pages[VMIRROR_SKIP_BUSY]);
}

void all_out(int vm, int pool, void *memory, uint64_t length)
{
	all_out_with(vm, pool, memory, length, 0);
}
