// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-home.c - the engine fails while pages come home: asked for, or touched */
#include <signal.h>

#include <sys/wait.h>

#include "failing.h"

/* One call fails: a recall tries again, and brings all. */
static void recall_once_failing(const struct layout *layout, uint64_t nth)
{
	struct vmirror_moved moved;
	struct place p;

	place_begin(&p, layout);
	place_out(&p);
	arm("back", nth, 1);
	recall(p.vm, (uintptr_t)p.memory, p.length, &moved);
	CHECK(heal() == 1);
	CHECK(moved.moved_pages == p.pages);
	expect_out(&p, 0);
	place_end(&p);
}

/* From some call on all fail: what does not come says why, stays out, and comes later. */
static void recall_always_failing(const struct layout *layout, uint64_t nth)
{
	struct vmirror_moved first, second;
	struct place p;
	uint64_t failed;

	place_begin(&p, layout);
	place_out(&p);
	arm("back", nth, FOR_EVER);
	recall(p.vm, (uintptr_t)p.memory, p.length, &first);
	CHECK(heal() > 0);
	failed = first.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	CHECK(failed > 0 && first.moved_pages == p.pages - failed);
	CHECK(layout->huge_pages || failed == p.pages - (nth - 1));
	expect_out(&p, failed);
	recall(p.vm, (uintptr_t)p.memory, p.length, &second);
	CHECK(second.moved_pages == failed);
	place_end(&p);
}

/* One page of the device is broken: all others come home. */
static void recall_around_bad(const struct layout *layout, uint64_t bad)
{
	struct vmirror_moved moved;
	struct place p;

	place_begin(&p, layout);
	place_out(&p);
	break_offset(pool_offset_of(&p, bad) + 123);
	recall(p.vm, (uintptr_t)p.memory, p.length, &moved);
	CHECK(moved.moved_pages == p.pages - 1);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == 1);
	expect_out(&p, 1);
	for (uint64_t page = 0; page < p.pages; page++)
		CHECK(can_read(&p, page) == (page != bad || layout->coherent));
	break_offset(FOR_EVER);
	place_end(&p);
}

void failing_home(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		const struct layout *layout = &layouts[i];
		uint64_t calls = calls_for(layout);
		uint64_t pages = layout->huge_pages + layout->small_pages;

		for (uint64_t nth = 1; nth <= calls; nth++) {
			recall_once_failing(layout, nth);
			recall_always_failing(layout, nth);
		}
		recall_around_bad(layout, 0);
		recall_around_bad(layout, pages / 3);
		recall_around_bad(layout, pages - 1);
	}
}

/* --- touched ------------------------------------------------------------------ */

/* How often a touch is repeated in which the host was short of memory. */
#define TOUCHES 200

static uint64_t faults(struct place *p)
{
	struct vmirror_vm_stat vs;

	vm_stat(p->vm, &vs);
	return vs.faults;
}

/*
 * A page, and its neighbours that come along: only for the one that was touched it is an error.
 * For neighbours nobody makes room: where memory is short at this moment they stay, and it
 * cannot be said which call is whose.  Returns false then.
 */
static bool touch_once(struct place *p, uint64_t touched, uint64_t nth)
{
	uint64_t before = faults(p), failed, left;
	bool could;

	place_out(p);
	arm("back", nth, 1);
	could = can_read(p, touched);
	failed = heal();
	left = out_pages(p);
	CHECK(could || failed == 1);
	CHECK(left >= failed);
	expect_out(p, left);
	if (left != failed || faults(p) > before + 1) {
		place_check(p);
		expect_out(p, 0);
		return false;
	}
	if (failed != (nth <= p->pages))
		FAIL("page %llu was touched: there was no call %llu", (unsigned long long)touched,
		     (unsigned long long)nth);
	if (could != (nth - 1 != touched))
		FAIL("page %llu was touched, call %llu failed: %s", (unsigned long long)touched,
		     (unsigned long long)nth, could ? "no signal" : "SIGBUS");
	/* What did not come is where it was. */
	place_check(p);
	expect_out(p, 0);
	return true;
}

static void touch_small(struct place *p, uint64_t touched, uint64_t nth)
{
	for (int tries = 0; !touch_once(p, touched, nth); tries++) {
		if (tries == TOUCHES)
			FAIL("page %llu was touched: its neighbours do not come along",
			     (unsigned long long)touched);
		usleep(10000);
	}
}

/*
 * A folio that cannot be read as a whole is read page by page.  Where there is no huge page for it
 * nobody tries to read it as a whole: then it is the page's own call that fails.  Returns false then.
 */
static bool touch_sick_folio(struct place *p, uint64_t touched)
{
	bool could;

	place_out(p);
	arm("back", 1, 1);
	could = can_read(p, touched);
	CHECK(heal() == 1);
	/* One that fails as a whole leaves all of it out. */
	CHECK(could || out_pages(p) < p->pages);
	place_check(p);
	return could;
}

static void touch_huge(struct place *p, uint64_t touched)
{
	uint64_t bad;

	for (int tries = 0; !touch_sick_folio(p, touched); tries++) {
		if (tries == TOUCHES)
			FAIL("page %llu of a folio was touched, and got a SIGBUS each time",
			     (unsigned long long)touched);
		usleep(10000);
	}

	place_out(p);
	arm("back", 1, FOR_EVER);
	CHECK(!can_read(p, touched));
	CHECK(heal() > 0);
	expect_out(p, p->pages);
	place_check(p);

	place_out(p);
	bad = (touched + 7) % p->pages;
	break_offset(pool_offset_of(p, bad));
	for (uint64_t page = 0; page < p->pages; page++)
		if (can_read(p, (page + touched) % p->pages) !=
		    ((page + touched) % p->pages != bad))
			FAIL("page %llu is broken; page %llu: SIGBUS or not, it is wrong",
			     (unsigned long long)bad,
			     (unsigned long long)((page + touched) % p->pages));
	expect_out(p, 1);
	break_offset(FOR_EVER);
	place_check(p);
	expect_out(p, 0);
}

/* A child shares what is out: what it cannot read kills it, and harms nobody else. */
static void touch_in_child(const struct layout *layout, uint64_t nth)
{
	struct place p;
	int status;
	pid_t pid;

	place_begin(&p, layout);
	place_out(&p);
	arm("back", nth, FOR_EVER);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		place_check(&p);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	CHECK(heal() > 0);
	place_check(&p);

	/* Another child, when the engine works. */
	place_out(&p);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		place_check(&p);
		place_write(&p, 5000);
		place_check(&p);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	place_check(&p);
	place_end(&p);
}

void failing_faults(void)
{
	struct place p;

	place_begin(&p, &small_pages);
	for (uint64_t touched = 0; touched < p.pages; touched++)
		for (uint64_t nth = 1; nth <= p.pages + 1; nth++)
			touch_small(&p, touched, nth);
	place_end(&p);

	place_begin(&p, &huge_page);
	touch_huge(&p, 0);
	touch_huge(&p, 1);
	touch_huge(&p, 300);
	touch_huge(&p, BLOCK_PAGES - 1);
	place_end(&p);

	for (int i = 0; i < nr_layouts; i++)
		for (uint64_t nth = 1; nth <= 4 && nth <= calls_for(&layouts[i]); nth++)
			if (!layouts[i].coherent)
				touch_in_child(&layouts[i], nth);
}
