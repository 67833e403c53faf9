// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kernel-moves.c - the kernel moves pages for reasons of its own, while they go out and come
 * back: it compacts them and swaps them, and collapses them into huge pages where it is asked to
 */
#include <fcntl.h>

#include <sys/mman.h>
#include <sys/swap.h>

#include "fire.h"
#include "pagemap.h"
#include "setting.h"
#include "swap.h"

#define LENGTH (4 * MiB)
#define STORM_MS 2000
#define STORMS_MAX 10

static uint64_t swapped_kib(void)
{
	return number_in("/proc/self/status", "VmSwap:");
}

/* --- huge pages --------------------------------------------------------------- */

static uint64_t collapsed;

/* A block is broken into single pages and put together again. */
static void collapse(struct fire *f)
{
	uint64_t block = fire_random(f, f->pages / BLOCK_PAGES);
	char *at = f->memory + block * BLOCK;

	CHECK(madvise(at, BLOCK, MADV_NOHUGEPAGE) == 0);
	CHECK(madvise(at, VMIRROR_PAGE_SIZE, MADV_DONTNEED) == 0);
	fire_write(f, (struct run) { block * BLOCK_PAGES, 1 }, 30);
	CHECK(madvise(at, BLOCK, MADV_HUGEPAGE) == 0);
	/* It may be in the midst of a move: then it says so. */
	if (madvise(at, BLOCK, MADV_COLLAPSE) == 0)
		collapsed++;
	fire_check(f, (struct run) { block * BLOCK_PAGES, BLOCK_PAGES });
	fire_write(f, fire_run(f), 31);
}

static void huge_pages_are_made(bool huge)
{
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	/* A slow machine may not come to one in a storm. */
	for (int storms = 0; storms == 0 || (!collapsed && storms < STORMS_MAX); storms++)
		fire_storm(&f, "collapse", STORM_MS, collapse);
	printf("    %llu collapsed by MADV_COLLAPSE\n", (unsigned long long)collapsed);
	CHECK(collapsed > 0);
	fire_end(&f);
}

/* --- compaction ------------------------------------------------------------------- */

/* Memory full of holes, so that there is something to compact. */
static char *make_holes(uint64_t length)
{
	char *memory = map_anonymous(length, false);

	memset(memory, 1, length);
	for (uint64_t i = 0; i < length; i += 2 * VMIRROR_PAGE_SIZE)
		CHECK(madvise(memory + i, VMIRROR_PAGE_SIZE, MADV_DONTNEED) == 0);
	return memory;
}

static void compact_all(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);

	CHECK(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
}

static void compact(struct fire *f)
{
	char *holes = make_holes(16 * MiB);

	fire_write(f, fire_run(f), 50);
	compact_all();
	munmap(holes, 16 * MiB);
}

/* Each page between two that are then free: half of each part of memory is for compaction to move. */
static void spread(struct fire *f)
{
	char *others = map_anonymous(LENGTH, false);

	CHECK(madvise(f->memory, LENGTH, MADV_DONTNEED) == 0);
	for (uint64_t page = 0; page < f->pages; page++) {
		fire_write(f, (struct run) { page, 1 }, 51);
		others[page * VMIRROR_PAGE_SIZE] = 1;
	}
	CHECK(munmap(others, LENGTH) == 0);
}

#define COMPACTIONS_MAX 20

/* Nothing else moves them meanwhile: what lies in another frame then, compaction has moved. */
static void mirrored_pages_are_compacted(struct fire *f)
{
	static uint64_t before[LENGTH / VMIRROR_PAGE_SIZE], after[LENGTH / VMIRROR_PAGE_SIZE];
	uint64_t moved = 0;

	for (int n = 0; n < COMPACTIONS_MAX && !moved; n++) {
		spread(f);
		page_frames(f->memory, f->pages, before);
		compact_all();
		page_frames(f->memory, f->pages, after);
		for (uint64_t page = 0; page < f->pages; page++)
			moved += before[page] && after[page] && before[page] != after[page];
		fire_check_all(f);
	}
	printf("    %llu of %llu mirrored pages were moved by it\n", (unsigned long long)moved,
	       (unsigned long long)f->pages);
	CHECK(moved > 0);
	all_out(f->vm, f->pool, f->memory, LENGTH);
	CHECK(pages_in_state(f->vm, (uintptr_t)f->memory, LENGTH, VMIRROR_STATE_POOL) == f->pages);
	fire_check_all(f);
}

static void memory_is_compacted(bool huge)
{
	uint64_t before = number_in("/proc/vmstat", "compact_isolated ");
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	fire_storm(&f, "compaction", STORM_MS, compact);
	CHECK(number_in("/proc/vmstat", "compact_isolated ") > before);
	/* It does not move huge pages. */
	if (!huge)
		mirrored_pages_are_compacted(&f);
	fire_end(&f);
}

/* --- swap --------------------------------------------------------------------------- */

static void page_out(char *memory, uint64_t length)
{
	CHECK(madvise(memory, length, MADV_PAGEOUT) == 0);
}

static uint64_t most_swapped;

static void swap_some(struct fire *f)
{
	struct run run = fire_run(f), other = fire_run(f);

	page_out(fire_at(f, run.first), run.pages * VMIRROR_PAGE_SIZE);
	if (swapped_kib() > most_swapped)
		most_swapped = swapped_kib();
	fire_write(f, other, 60);
	fire_check(f, run);
}

/* Everything comes back from swap at once, while it goes out. */
static void swap_off(struct fire *f)
{
	char swap[256];

	find_swap(swap, sizeof(swap));
	page_out(f->memory, f->pages * VMIRROR_PAGE_SIZE);
	CHECK(swapoff(swap) == 0);
	CHECK(swapon(swap, 0) == 0);
	fire_check_all(f);
}

/* Not by what the kernel says of the process: it may have other memory in swap as well. */
static bool is_all_swapped(const struct fire *f)
{
	return pages_in_state(f->vm, (uintptr_t)f->memory, f->pages * VMIRROR_PAGE_SIZE,
			      VMIRROR_STATE_ABSENT) == f->pages;
}

/* What is in swap stays there; what is out is not swapped; what came back from swap goes out. */
static void swapped_or_out(bool huge)
{
	struct vmirror_moved moved;
	struct fire f;
	uint64_t half;

	fire_begin(&f, LENGTH, huge);
	half = f.pages / 2;
	for (int tries = 0; tries < 100 && !is_all_swapped(&f); tries++)
		page_out(f.memory, LENGTH);
	migrate(f.vm, f.pool, (uintptr_t)f.memory, LENGTH, &moved);
	if (moved.skipped_pages[VMIRROR_SKIP_ABSENT] != f.pages)
		FAIL("%llu pages are absent, of %llu in swap",
		     (unsigned long long)moved.skipped_pages[VMIRROR_SKIP_ABSENT],
		     (unsigned long long)f.pages);
	/* A read leaves the place in swap as it is: the page is in both. */
	fire_check(&f, (struct run) { 0, half });
	all_out(f.vm, f.pool, f.memory, LENGTH / 2);
	CHECK(pages_in_state(f.vm, (uintptr_t)f.memory, LENGTH, VMIRROR_STATE_POOL) >= half);
	page_out(f.memory, LENGTH);
	CHECK(pages_in_state(f.vm, (uintptr_t)f.memory, LENGTH / 2, VMIRROR_STATE_POOL) == half);
	fire_write(&f, (struct run) { half / 2, half }, 61);
	fire_end(&f);
}

static void memory_is_swapped(bool huge)
{
	struct fire f;

	swapped_or_out(huge);
	fire_begin(&f, LENGTH, huge);
	most_swapped = 0;
	fire_storm(&f, "swap", STORM_MS, swap_some);
	printf("    up to %llu KiB swapped\n", (unsigned long long)most_swapped);
	CHECK(most_swapped > 0);
	fire_storm(&f, "swapoff", STORM_MS / 2, swap_off);
	fire_end(&f);
}

void case_kernel_moves(struct target *t)
{
	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		huge_pages_are_made(huge);
		memory_is_compacted(huge);
		memory_is_swapped(huge);
	}
}
