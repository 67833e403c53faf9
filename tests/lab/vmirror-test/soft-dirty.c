// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * soft-dirty.c - the host tracks what a process writes (/proc/PID/clear_refs): vmirror tells of it,
 * and a page that was written to counts as such wherever it is
 */
#include <fcntl.h>

#include "fire.h"
#include "pagemap.h"
#include "ring-read.h"

#define LENGTH (4 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define SOFT_DIRTY (1ull << 55)		/* in /proc/PID/pagemap */

static void begin_tracking(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	CHECK(fd >= 0);
	CHECK(write(fd, "4", 1) == 1);
	close(fd);
}

static uint64_t dirty_pages(const char *memory, uint64_t pages)
{
	static uint64_t entries[PAGES];
	uint64_t dirty = 0;

	page_entries(memory, pages, entries);
	for (uint64_t page = 0; page < pages; page++)
		dirty += !!(entries[page] & SOFT_DIRTY);
	return dirty;
}

/*
 * What is out when tracking begins is not tracked: the kernel (7.2, clear_soft_dirty()) leaves a
 * device-private entry writable, so the page is, too, when it has come home.  vmirror tells of it.
 */
static void begins_while_out(struct fire *f, struct vmirror_ring *ring)
{
	struct ring_totals totals = { 0 };

	all_out(f->vm, f->pool, f->memory, LENGTH);
	ring_drain(f->vm, ring, &totals);
	CHECK(totals.soft_dirty == 0);
	begin_tracking();
	ring_drain(f->vm, ring, &totals);
	CHECK(totals.soft_dirty >= PAGES);
	CHECK(vm_out_pages(f->vm) == PAGES);
	fire_check_all(f);
}

/* A page that was written to goes on being one, out and home. */
static void tracked(struct fire *f)
{
	struct run written = { 0, PAGES / 2 };
	struct vmirror_moved moved;

	begin_tracking();
	CHECK(dirty_pages(f->memory, PAGES) == 0);
	fire_write(f, written, 5);
	CHECK(dirty_pages(f->memory, written.pages) == written.pages);
	all_out(f->vm, f->pool, f->memory, LENGTH);
	CHECK(dirty_pages(f->memory, written.pages) == written.pages);
	fire_check_all(f);
	CHECK(dirty_pages(f->memory, written.pages) == written.pages);
	all_out(f->vm, f->pool, f->memory, LENGTH);
	recall(f->vm, (uintptr_t)f->memory, LENGTH, &moved);
	CHECK(dirty_pages(f->memory, written.pages) == written.pages);
}

void case_soft_dirty(struct target *t)
{
	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		struct vmirror_ring *ring;
		struct fire f;

		fire_begin(&f, LENGTH, huge);
		ring = ring_map(f.vm);
		begins_while_out(&f, ring);
		tracked(&f);
		ring_unmap(ring);
		fire_end(&f);
	}
}
