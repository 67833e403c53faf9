// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * folios.c - folios that fall apart while they are out: every way to take a part from one,
 * again and again; then memory of all kinds side by side, against an account of what each page
 * must be
 */
#include <sys/mman.h>

#include "fire.h"

#define LENGTH (4 * MiB)
#define CYCLES 12
#define CHAOS_MS 6000

static uint64_t bytes(struct run run)
{
	return run.pages * VMIRROR_PAGE_SIZE;
}

static uint64_t pages_out(struct fire *f, struct run run)
{
	return pages_in_state(f->vm, (uintptr_t)fire_at(f, run.first), bytes(run), VMIRROR_STATE_POOL);
}

/* --- one part at a time ------------------------------------------------------------ */

static void map_again(struct fire *f, struct run run)
{
	char *at = fire_at(f, run.first);

	CHECK(mmap(at, bytes(run), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == at);
	CHECK(madvise(at, bytes(run), f->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0);
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		f->tags[page] = 0;
}

static void unmap_part(struct fire *f, struct run part)
{
	CHECK(munmap(fire_at(f, part.first), bytes(part)) == 0);
	CHECK(pages_out(f, (struct run) { 0, f->pages }) == f->pages - part.pages);
	map_again(f, part);
}

static void discard_part(struct fire *f, struct run part)
{
	CHECK(madvise(fire_at(f, part.first), bytes(part), MADV_DONTNEED) == 0);
	CHECK(pages_out(f, (struct run) { 0, f->pages }) == f->pages - part.pages);
	for (uint64_t page = part.first; page < part.first + part.pages; page++)
		f->tags[page] = 0;
}

static void remap_part(struct fire *f, struct run part)
{
	char *room = map_anonymous(LENGTH, false), *from = fire_at(f, part.first);

	CHECK(mremap(from, bytes(part), bytes(part), MREMAP_MAYMOVE | MREMAP_FIXED, room) == room);
	CHECK(pages_out(f, (struct run) { 0, f->pages }) == f->pages - part.pages);
	CHECK(pages_in_state(f->vm, (uintptr_t)room, bytes(part), VMIRROR_STATE_POOL) == part.pages);
	CHECK(mremap(room, bytes(part), bytes(part), MREMAP_MAYMOVE | MREMAP_FIXED, from) == from);
	CHECK(pages_out(f, part) == part.pages);
	munmap(room + bytes(part), LENGTH - bytes(part));
}

static void protect_part(struct fire *f, struct run part)
{
	CHECK(mprotect(fire_at(f, part.first), bytes(part), PROT_READ) == 0);
	CHECK(pages_out(f, part) == part.pages);
	fire_check(f, (struct run) { part.first, 1 });
	CHECK(mprotect(fire_at(f, part.first), bytes(part), PROT_READ | PROT_WRITE) == 0);
}

/* What nobody may touch comes home all the same, where someone asks for it. */
static void forbid_part(struct fire *f, struct run part)
{
	struct vmirror_moved moved;

	CHECK(mprotect(fire_at(f, part.first), bytes(part), PROT_NONE) == 0);
	recall(f->vm, (uintptr_t)fire_at(f, part.first), bytes(part), &moved);
	CHECK(moved.moved_pages == part.pages);
	CHECK(mprotect(fire_at(f, part.first), bytes(part), PROT_READ | PROT_WRITE) == 0);
	CHECK(pages_out(f, part) == 0);
}

static void touch_part(struct fire *f, struct run part)
{
	fire_check(f, part);
	CHECK(pages_out(f, part) == 0);
}

static void recall_part(struct fire *f, struct run part)
{
	struct vmirror_moved moved;

	recall(f->vm, (uintptr_t)fire_at(f, part.first), bytes(part), &moved);
	CHECK(moved.moved_pages == part.pages);
	CHECK(pages_out(f, (struct run) { 0, f->pages }) == f->pages - part.pages);
}

static const struct {
	const char *what;
	void (*take)(struct fire *f, struct run part);
} ways[] = {
	{ "munmap", unmap_part },
	{ "MADV_DONTNEED", discard_part },
	{ "mremap", remap_part },
	{ "mprotect", protect_part },
	{ "mprotect to nothing, recall", forbid_part },
	{ "touch", touch_part },
	{ "recall", recall_part },
};

/* Out, a part is taken, the rest is as it was, all has content again; out once more, and so on. */
static void fall_apart(bool huge)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		uint64_t whole = 0;
		struct fire f;

		fire_begin(&f, LENGTH, huge);
		for (int cycle = 0; cycle < CYCLES; cycle++) {
			struct run part = { 1 + fire_random(&f, f.pages - 600),
					    1 + fire_random(&f, 500) };
			struct vmirror_moved moved;

			if (cycle % 4 == 3)	/* a folio's first page, alone */
				part = (struct run) { BLOCK_PAGES, 1 };
			if (huge) {		/* what has fallen apart is made whole again */
				recall(f.vm, (uintptr_t)f.memory, LENGTH, &moved);
				madvise(f.memory, LENGTH, MADV_COLLAPSE);
			}
			migrate(f.vm, f.pool, (uintptr_t)f.memory, LENGTH, &moved);
			whole += moved.moved_huge;
			all_out(f.vm, f.pool, f.memory, LENGTH);
			CHECK(pages_out(&f, (struct run) { 0, f.pages }) == f.pages);
			ways[i].take(&f, part);
			fire_check_all(&f);
			fire_write(&f, part, 100 + cycle);
		}
		printf("  %s, %s pages: %llu went out whole\n", ways[i].what, huge ? "2 MiB" : "4 KiB",
		       (unsigned long long)whole);
		CHECK(!huge || whole > 0);
		fire_end(&f);
	}
}

/* --- memory that nobody may touch ----------------------------------------------------- */

/* It moves like any other, out and home; where there is none of it, none is made. */
static void forbidden(bool huge)
{
	struct run all = { 0, LENGTH / VMIRROR_PAGE_SIZE };
	struct vmirror_migrate args = { .size = sizeof(args), .flags = VMIRROR_MIGRATE_POPULATE };
	struct vmirror_moved moved;
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	CHECK(mprotect(f.memory, LENGTH, PROT_NONE) == 0);
	migrate(f.vm, f.pool, (uintptr_t)f.memory, LENGTH, &moved);
	CHECK(moved.moved_pages == f.pages && moved.moved_huge == (huge ? LENGTH / BLOCK : 0));
	recall(f.vm, (uintptr_t)f.memory, LENGTH, &moved);
	CHECK(moved.moved_pages == f.pages);
	CHECK(mprotect(f.memory, LENGTH, PROT_READ | PROT_WRITE) == 0);
	CHECK(pages_out(&f, all) == 0);
	fire_check_all(&f);

	map_again(&f, all);
	CHECK(mprotect(f.memory, LENGTH, PROT_NONE) == 0);
	args.pool_fd = f.pool;
	args.gpa = (uintptr_t)f.memory;
	args.length = LENGTH;
	CHECK(ioctl(f.vm, VMIRROR_MIGRATE, &args) == 0);
	CHECK(args.moved.skipped_pages[VMIRROR_SKIP_ABSENT] == f.pages);
	CHECK(mprotect(f.memory, LENGTH, PROT_READ | PROT_WRITE) == 0);
	fire_end(&f);
}

/* --- all kinds side by side ----------------------------------------------------------- */

enum access { WRITE, READ, NONE, HOLE };

/*
 * struct chaos - memory under account
 * @access: of each page, what its owner may do with it
 */
struct chaos {
	struct fire f;
	enum access *access;
};

/* The part of @run, from its beginning on, whose pages are all mapped, or all not. */
static struct run alike(struct chaos *c, struct run run)
{
	uint64_t n = 1;

	while (n < run.pages && (c->access[run.first + n] == HOLE) == (c->access[run.first] == HOLE))
		n++;
	return (struct run) { run.first, n };
}

static void for_each_part(struct chaos *c, struct run run, bool mapped,
			  void (*act)(struct chaos *c, struct run part))
{
	for (uint64_t end = run.first + run.pages; run.first < end;) {
		struct run part;

		run.pages = end - run.first;
		part = alike(c, run);
		if ((c->access[part.first] != HOLE) == mapped)
			act(c, part);
		run.first += part.pages;
	}
}

static void account(struct chaos *c, struct run run, enum access access)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		c->access[page] = access;
}

static void do_unmap(struct chaos *c, struct run run)
{
	CHECK(munmap(fire_at(&c->f, run.first), bytes(run)) == 0);
	account(c, run, HOLE);
}

static void do_map(struct chaos *c, struct run run)
{
	map_again(&c->f, run);
	account(c, run, WRITE);
}

static void do_protect(struct chaos *c, struct run run)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };
	enum access access = fire_random(&c->f, 3);

	CHECK(mprotect(fire_at(&c->f, run.first), bytes(run), protections[access]) == 0);
	account(c, run, access);
}

static void do_discard(struct chaos *c, struct run run)
{
	CHECK(madvise(fire_at(&c->f, run.first), bytes(run), MADV_DONTNEED) == 0);
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		c->f.tags[page] = 0;
}

static void do_write(struct chaos *c, struct run run)
{
	uint64_t salt = 200 + fire_random(&c->f, 1000);

	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		if (c->access[page] == WRITE)
			fire_write(&c->f, (struct run) { page, 1 }, salt);
}

/* Of pages that nobody has written to since they were mapped this makes zero pages. */
static void do_read(struct chaos *c, struct run run)
{
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		if (c->access[page] == WRITE || c->access[page] == READ)
			fire_check(&c->f, (struct run) { page, 1 });
}

static void do_collapse(struct chaos *c, struct run run)
{
	madvise(fire_at(&c->f, run.first), bytes(run), MADV_COLLAPSE);	/* if it likes to */
}

/* Whatever has content, and may be looked at, is in the pool then. */
static void do_migrate(struct chaos *c, struct run run)
{
	all_out(c->f.vm, c->f.pool, fire_at(&c->f, run.first), bytes(run));
	for (uint64_t page = run.first; page < run.first + run.pages; page++)
		if (c->f.tags[page] && (c->access[page] == WRITE || c->access[page] == READ) &&
		    !pages_out(&c->f, (struct run) { page, 1 }))
			FAIL("page %llu has not gone out", (unsigned long long)page);
}

static void do_populate(struct chaos *c, struct run run)
{
	struct vmirror_migrate args = {
		.size = sizeof(args),
		.flags = VMIRROR_MIGRATE_POPULATE,
		.pool_fd = c->f.pool,
		.gpa = (uintptr_t)fire_at(&c->f, run.first),
		.length = bytes(run),
	};

	CHECK(ioctl(c->f.vm, VMIRROR_MIGRATE, &args) == 0);
	CHECK(args.moved.done_bytes == bytes(run) && all_moved(&args.moved) == run.pages);
}

static void do_recall(struct chaos *c, struct run run)
{
	struct vmirror_moved moved;

	recall(c->f.vm, (uintptr_t)fire_at(&c->f, run.first), bytes(run), &moved);
	CHECK(pages_out(&c->f, run) == 0);
}

static const struct {
	void (*act)(struct chaos *c, struct run run);
	bool mapped, in_parts;
} acts[] = {
	{ do_unmap, true, true },
	{ do_map, false, true },
	{ do_map, false, true },
	{ do_protect, true, true },
	{ do_discard, true, true },
	{ do_write, true, false },
	{ do_write, true, false },
	{ do_read, true, false },
	{ do_collapse, true, false },
	{ do_migrate, true, false },
	{ do_migrate, true, false },
	{ do_populate, true, false },
	{ do_recall, true, false },
};

static void act_once(struct chaos *c)
{
	size_t which = fire_random(&c->f, sizeof(acts) / sizeof(acts[0]));
	struct run run = fire_run(&c->f);

	if (acts[which].in_parts)
		for_each_part(c, run, acts[which].mapped, acts[which].act);
	else
		acts[which].act(c, run);
}

static void make_accessible(struct chaos *c, struct run run)
{
	CHECK(mprotect(fire_at(&c->f, run.first), bytes(run), PROT_READ | PROT_WRITE) == 0);
	account(c, run, WRITE);
}

static void chaos(bool huge)
{
	uint64_t end = now_ms() + CHAOS_MS, times = 0;
	struct run all = { 0, LENGTH / VMIRROR_PAGE_SIZE };
	struct vmirror_vm_stat vs;
	struct chaos c;

	fire_begin(&c.f, LENGTH, huge);
	c.access = calloc(c.f.pages, sizeof(*c.access));
	CHECK(c.access);
	for (; now_ms() < end; times++)
		act_once(&c);
	vm_stat(c.f.vm, &vs);
	printf("  chaos, %s pages: %llu acts, %llu pages out, %llu back by fault, %llu by recall\n",
	       huge ? "2 MiB" : "4 KiB", (unsigned long long)times,
	       (unsigned long long)vs.moved_out, (unsigned long long)vs.back_fault,
	       (unsigned long long)vs.back_recall);
	CHECK(vs.moved_out > 0 && vs.back_fault > 0 && vs.back_recall > 0);
	for_each_part(&c, all, true, make_accessible);
	for_each_part(&c, all, false, do_map);
	free(c.access);
	fire_end(&c.f);
}

void case_folios(struct target *t)
{
	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		fall_apart(huge);
		forbidden(huge);
		chaos(huge);
	}
}
