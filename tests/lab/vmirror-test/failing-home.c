// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-home.c - the engine fails while pages come home: asked for, or touched */
#include <signal.h>

#include <sys/wait.h>

#include "failing.h"

/* One call fails: a recall tries again, and brings all. */
static void recall_once_failing(const struct layout *layout, uint64_t nth)
{
	struct vmirror_moved moved;
	struct failing_world w;

	world_begin(&w, layout);
	world_out(&w);
	arm("back", nth, 1);
	recall(w.vm, (uintptr_t)w.memory, w.length, &moved);
	CHECK(heal() == 1);
	CHECK(moved.moved_pages == w.pages);
	expect_out(&w, 0);
	world_end(&w);
}

/* From some call on all fail: what does not come says why, stays out, and comes later. */
static void recall_always_failing(const struct layout *layout, uint64_t nth)
{
	struct vmirror_moved first, second;
	struct failing_world w;
	uint64_t failed;

	world_begin(&w, layout);
	world_out(&w);
	arm("back", nth, FOR_EVER);
	recall(w.vm, (uintptr_t)w.memory, w.length, &first);
	CHECK(heal() > 0);
	failed = first.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	CHECK(failed > 0 && first.moved_pages == w.pages - failed);
	CHECK(layout->huge_pages || failed == w.pages - (nth - 1));
	expect_out(&w, failed);
	recall(w.vm, (uintptr_t)w.memory, w.length, &second);
	CHECK(second.moved_pages == failed);
	world_end(&w);
}

/* One page of the device is broken: all others come home. */
static void recall_around_bad(const struct layout *layout, uint64_t bad)
{
	struct vmirror_moved moved;
	struct failing_world w;

	world_begin(&w, layout);
	world_out(&w);
	break_offset(pool_offset_of(&w, bad) + 123);
	recall(w.vm, (uintptr_t)w.memory, w.length, &moved);
	CHECK(moved.moved_pages == w.pages - 1);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == 1);
	expect_out(&w, 1);
	for (uint64_t page = 0; page < w.pages; page++)
		CHECK(can_read(&w, page) == (page != bad || layout->coherent));
	break_offset(FOR_EVER);
	world_end(&w);
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

static uint64_t faults(struct failing_world *w)
{
	struct vmirror_vm_stat vs;

	vm_stat(w->vm, &vs);
	return vs.faults;
}

/*
 * A page, and its neighbours that come along: only for the one that was touched it is an error.
 * For neighbours nobody makes room: where memory is short at this moment they stay, and it
 * cannot be said which call is whose.  Returns false then.
 */
static bool touch_once(struct failing_world *w, uint64_t touched, uint64_t nth)
{
	uint64_t before = faults(w), failed, left;
	bool could;

	world_out(w);
	arm("back", nth, 1);
	could = can_read(w, touched);
	failed = heal();
	left = vm_out_pages(w->vm);
	CHECK(could || failed == 1);
	CHECK(left >= failed);
	expect_out(w, left);
	if (left != failed || faults(w) > before + 1) {
		world_check(w);
		expect_out(w, 0);
		return false;
	}
	if (failed != (nth <= w->pages))
		FAIL("page %llu was touched: there was no call %llu", (unsigned long long)touched,
		     (unsigned long long)nth);
	if (could != (nth - 1 != touched))
		FAIL("page %llu was touched, call %llu failed: %s", (unsigned long long)touched,
		     (unsigned long long)nth, could ? "no signal" : "SIGBUS");
	/* What did not come is where it was. */
	world_check(w);
	expect_out(w, 0);
	return true;
}

static void touch_small(struct failing_world *w, uint64_t touched, uint64_t nth)
{
	for (int tries = 0; !touch_once(w, touched, nth); tries++) {
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
static bool touch_sick_folio(struct failing_world *w, uint64_t touched)
{
	bool could;

	world_out(w);
	arm("back", 1, 1);
	could = can_read(w, touched);
	CHECK(heal() == 1);
	/* One that fails as a whole leaves all of it out. */
	CHECK(could || vm_out_pages(w->vm) < w->pages);
	world_check(w);
	return could;
}

static void touch_huge(struct failing_world *w, uint64_t touched)
{
	uint64_t bad;

	for (int tries = 0; !touch_sick_folio(w, touched); tries++) {
		if (tries == TOUCHES)
			FAIL("page %llu of a folio was touched, and got a SIGBUS each time",
			     (unsigned long long)touched);
		usleep(10000);
	}

	world_out(w);
	arm("back", 1, FOR_EVER);
	CHECK(!can_read(w, touched));
	CHECK(heal() > 0);
	expect_out(w, w->pages);
	world_check(w);

	world_out(w);
	bad = (touched + 7) % w->pages;
	break_offset(pool_offset_of(w, bad));
	for (uint64_t page = 0; page < w->pages; page++)
		if (can_read(w, (page + touched) % w->pages) !=
		    ((page + touched) % w->pages != bad))
			FAIL("page %llu is broken; page %llu: SIGBUS or not, it is wrong",
			     (unsigned long long)bad,
			     (unsigned long long)((page + touched) % w->pages));
	expect_out(w, 1);
	break_offset(FOR_EVER);
	world_check(w);
	expect_out(w, 0);
}

/* A child shares what is out: what it cannot read kills it, and harms nobody else. */
static void touch_in_child(const struct layout *layout, uint64_t nth)
{
	struct failing_world w;
	int status;
	pid_t pid;

	world_begin(&w, layout);
	world_out(&w);
	arm("back", nth, FOR_EVER);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		world_check(&w);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	CHECK(heal() > 0);
	world_check(&w);

	/* Another child, when the engine works. */
	world_out(&w);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		world_check(&w);
		world_write(&w, 5000);
		world_check(&w);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	world_check(&w);
	world_end(&w);
}

void failing_faults(void)
{
	struct failing_world w;

	world_begin(&w, &small_pages);
	for (uint64_t touched = 0; touched < w.pages; touched++)
		for (uint64_t nth = 1; nth <= w.pages + 1; nth++)
			touch_small(&w, touched, nth);
	world_end(&w);

	world_begin(&w, &huge_page);
	touch_huge(&w, 0);
	touch_huge(&w, 1);
	touch_huge(&w, 300);
	touch_huge(&w, BLOCK_PAGES - 1);
	world_end(&w);

	for (int i = 0; i < nr_layouts; i++)
		for (uint64_t nth = 1; nth <= 4 && nth <= calls_for(&layouts[i]); nth++)
			if (!layouts[i].coherent)
				touch_in_child(&layouts[i], nth);
}
