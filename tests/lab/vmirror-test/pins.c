// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pins.c - who reads and writes memory behind the process's back finds it at home, and as long
 * as he holds on to it, it stays there: direct I/O, vmsplice, fixed buffers of io_uring
 */
#include <fcntl.h>

#include <sys/mman.h>
#include <sys/uio.h>

#include "fire.h"
#include "uring.h"

#define LENGTH (4 * MiB)
#define STORM_MS 2500

static int file;		/* as large as the memory, opened for direct I/O */
static struct uring uring;

static int open_file(void)
{
	char path[] = "/var/tmp/vmirror-test.XXXXXX";
	int fd = mkstemp(path), direct;

	CHECK(fd >= 0);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	CHECK(direct >= 0 && unlink(path) == 0 && ftruncate(fd, LENGTH) == 0);
	close(fd);
	return direct;
}

static uint64_t bytes(struct run run)
{
	return run.pages * VMIRROR_PAGE_SIZE;
}

static uint64_t out_in(struct fire *f, struct run run)
{
	return pages_in_state(f->vm, (uintptr_t)fire_at(f, run.first), bytes(run), VMIRROR_STATE_POOL);
}

static void all_of_it_out(struct fire *f)
{
	all_out(f->vm, f->pool, f->memory, LENGTH);
	CHECK(out_in(f, (struct run) { 0, f->pages }) == f->pages);
}

/* The folios that a run lies in: what stays with it. */
static struct run folios_of(struct fire *f, struct run run)
{
	uint64_t end = run.first + run.pages;

	if (!f->huge)
		return run;
	run.first = run.first / BLOCK_PAGES * BLOCK_PAGES;
	run.pages = (end + BLOCK_PAGES - 1) / BLOCK_PAGES * BLOCK_PAGES - run.first;
	return run;
}

/* @held must stay, for that reason, and everything else must go. */
static void expect_stays(struct fire *f, struct run held, enum vmirror_skip why)
{
	struct run stays = folios_of(f, held);
	struct vmirror_moved moved;

	for (int tries = 0; tries < 50; tries++) {
		migrate(f->vm, f->pool, (uintptr_t)f->memory, LENGTH, &moved);
		CHECK(out_in(f, held) == 0);
		if (moved.skipped_pages[why] == stays.pages &&
		    moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == f->pages - stays.pages)
			return;
		usleep(10000);
	}
	for (int i = 0; i <= (int)VMIRROR_SKIP_LAST; i++)
		fprintf(stderr, "  reason %d: %llu pages\n", i,
			(unsigned long long)moved.skipped_pages[i]);
	FAIL("%llu of %llu pages should stay for reason %d", (unsigned long long)stays.pages,
	     (unsigned long long)f->pages, why);
}

/* --- direct I/O: pins for as long as it takes ------------------------------------ */

static void direct(struct fire *f, bool write, struct run run)
{
	char *at = fire_at(f, run.first);
	off_t offset = run.first * VMIRROR_PAGE_SIZE;
	ssize_t n = write ? pwrite(file, at, bytes(run), offset) : pread(file, at, bytes(run), offset);

	CHECK(n == (ssize_t)bytes(run));
}

/* What is written comes out of the pool, and what is read goes where the process sees it. */
static void save_and_restore(struct fire *f, struct run run,
			     void (*transfer)(struct fire *f, bool write, struct run run))
{
	uint64_t *saved = malloc(run.pages * sizeof(*saved));

	CHECK(saved);
	memcpy(saved, &f->tags[run.first], run.pages * sizeof(*saved));
	transfer(f, true, run);
	fire_check(f, run);
	fire_write(f, run, 80);
	transfer(f, false, run);
	memcpy(&f->tags[run.first], saved, run.pages * sizeof(*saved));
	fire_check(f, run);
	free(saved);
}

static void direct_some(struct fire *f)
{
	fire_write(f, fire_run(f), 81);
	save_and_restore(f, fire_run(f), direct);
}

static void direct_io(bool huge)
{
	struct run all = { 0, LENGTH / VMIRROR_PAGE_SIZE };
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	all_of_it_out(&f);
	direct(&f, true, all);
	CHECK(out_in(&f, all) == 0);
	fire_write(&f, all, 82);
	all_of_it_out(&f);
	direct(&f, false, all);
	CHECK(out_in(&f, all) == 0);
	for (uint64_t page = 0; page < f.pages; page++)
		f.tags[page] = 1ull << 32 | (page + 1);		/* what fire_begin() wrote */
	fire_check_all(&f);
	all_of_it_out(&f);		/* nobody holds it any more */
	fire_storm(&f, "direct I/O", STORM_MS, direct_some);
	fire_end(&f);
}

/* --- vmsplice: plain references ----------------------------------------------------- */

/*
 * The pipe holds the page itself, until it is read; but with a plain reference, which could be
 * anybody's: the kernel cannot tell that it is for long.
 */
static void spliced(bool huge, unsigned int flags)
{
	struct run held = { BLOCK_PAGES + 5, 7 };
	char page[VMIRROR_PAGE_SIZE];
	struct fire f;
	int ends[2];

	fire_begin(&f, LENGTH, huge);
	all_of_it_out(&f);
	CHECK(pipe(ends) == 0);
	CHECK(vmsplice(ends[1], &(struct iovec) { fire_at(&f, held.first), bytes(held) }, 1, flags) ==
	      (ssize_t)bytes(held));
	expect_stays(&f, held, VMIRROR_SKIP_BUSY);
	/* It is the very page: what we write now is in the pipe. */
	fire_write(&f, held, 83);
	expect_stays(&f, held, VMIRROR_SKIP_BUSY);
	for (uint64_t i = 0; i < held.pages; i++) {
		CHECK(read(ends[0], page, sizeof(page)) == sizeof(page));
		CHECK(page_holds(page, f.tags[held.first + i]));
	}
	close(ends[0]);
	close(ends[1]);
	all_of_it_out(&f);
	fire_end(&f);
}

/* --- io_uring: pins for long ----------------------------------------------------------- */

static void fixed(struct fire *f, bool write, struct run run)
{
	uring_transfer(&uring, write, file, fire_at(f, run.first), bytes(run),
		       run.first * VMIRROR_PAGE_SIZE);
}

static void register_run(struct fire *f, struct run run)
{
	uring_register(&uring, fire_at(f, run.first), bytes(run));
}

static void pin_some(struct fire *f)
{
	struct run run = fire_run(f);

	register_run(f, run);
	CHECK(out_in(f, run) == 0);
	save_and_restore(f, run, fixed);
	CHECK(out_in(f, run) == 0);
	uring_unregister(&uring);
	fire_write(f, fire_run(f), 84);
}

static void pinned_run(struct fire *f, struct run run)
{
	all_of_it_out(f);
	register_run(f, run);
	expect_stays(f, run, VMIRROR_SKIP_PINNED);
	save_and_restore(f, run, fixed);
	expect_stays(f, run, VMIRROR_SKIP_PINNED);
	uring_unregister(&uring);
	all_of_it_out(f);
	fire_check_all(f);
}

static void pinned(bool huge)
{
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	pinned_run(&f, (struct run) { 3, 1 });
	pinned_run(&f, (struct run) { BLOCK_PAGES - 2, 5 });
	pinned_run(&f, (struct run) { 0, f.pages });
	fire_storm(&f, "fixed buffers", STORM_MS, pin_some);
	fire_end(&f);
}

void case_pins(struct target *t)
{
	(void)t;
	uring_open(&uring);
	file = open_file();
	for (int huge = 0; huge < 2; huge++) {
		direct_io(huge);
		spliced(huge, 0);
		spliced(huge, SPLICE_F_GIFT);
		pinned(huge);
	}
	close(file);
	uring_close(&uring);
}
