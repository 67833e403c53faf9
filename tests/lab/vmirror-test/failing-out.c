// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-out.c - the engine fails while pages go out, or from one pool to another */
#include "failing.h"

/* More than a kernel that works otherwise at the same time needs by far. */
#define ATTEMPTS 50

/* What became of an attempt to let one call fail: it did, there are not so many, or who can say. */
enum attempt { HIT, MISSED, DISTURBED };

/* One call fails, the @nth. */
static enum attempt fail_one(struct failing_world *w, const char *op, uint64_t nth, uint32_t flags)
{
	struct vmirror_moved first, second;
	uint64_t failed, held;
	bool hit;

	arm(op, nth, 1);
	world_try(w, w->pool, flags, &first);
	hit = heal();
	held = held_pages(&first);
	failed = first.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	/* One page, or one folio. */
	CHECK(hit ? failed == 1 || failed == BLOCK_PAGES : failed == 0);
	CHECK(first.moved_pages == w->pages - failed - held);
	expect_out(w, first.moved_pages);

	/* Nothing is lost, and the next try brings it out. */
	world_migrate(w, w->pool, flags, &second);
	CHECK(second.moved_pages == failed + held);
	expect_out(w, w->pages);
	/* What was held was perhaps not copied, or twice. */
	if (held)
		return DISTURBED;
	CHECK(first.moved_huge + second.moved_huge == w->layout->huge_pages / BLOCK_PAGES);
	return hit ? HIT : MISSED;
}

static enum attempt fail_one_of(const struct layout *layout, bool touched, uint64_t nth)
{
	uint32_t flags = touched ? 0 : VMIRROR_MIGRATE_POPULATE;
	enum attempt attempt;
	struct failing_world w;

	if (touched)
		world_begin(&w, layout);
	else
		world_begin_untouched(&w, layout);
	attempt = fail_one(&w, touched ? "out" : "clear", nth, flags);
	world_end(&w);
	return attempt;
}

/*
 * Each call there is fails once, and after the last there is none.  Whatever another task does to a
 * page meanwhile may spare a call, or cost one more.
 */
static void out_layout(const struct layout *layout, bool touched)
{
	for (uint64_t nth = 1; nth <= calls_for(layout) + 1; nth++) {
		enum attempt want = nth <= calls_for(layout) ? HIT : MISSED;
		int attempts = 0;

		while (fail_one_of(layout, touched, nth) != want)
			if (++attempts == ATTEMPTS)
				FAIL("%s: call %llu: it should be %s", layout->name,
				     (unsigned long long)nth, want == HIT ? "there" : "one too many");
	}
}

/* Of all pages, every call fails: all stay where they were, as if nobody had asked. */
static void out_never(const struct layout *layout)
{
	struct vmirror_moved moved;
	struct failing_world w;

	world_begin(&w, layout);
	arm("out", 1, FOR_EVER);
	world_migrate(&w, w.pool, 0, &moved);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == w.pages);
	world_check(&w);
	heal();
	expect_out(&w, 0);
	world_out(&w);
	world_end(&w);
}

/* Some pages are there, and go; the others are made. */
static void populate_half(void)
{
	struct vmirror_moved moved;
	struct failing_world w;

	for (int clear = 0; clear < 2; clear++) {
		world_begin_untouched(&w, &small_pages);
		for (uint64_t page = 0; page < w.pages; page += 2)
			page_write(world_at(&w, page), 7);
		arm(clear ? "clear" : "out", 3, 2);
		world_try(&w, w.pool, VMIRROR_MIGRATE_POPULATE, &moved);
		CHECK(heal() == 2);
		CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == 2);
		CHECK(moved.moved_pages == w.pages - 2 - held_pages(&moved));
		expect_out(&w, moved.moved_pages);
		for (uint64_t page = 0; page < w.pages; page++)
			CHECK(page_holds(world_at(&w, page), page % 2 ? 0 : 7));
		world_write(&w, 300);
		world_end(&w);
	}
}

void failing_out(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		out_layout(&layouts[i], true);
		out_layout(&layouts[i], false);
		out_never(&layouts[i]);
	}
	populate_half();
}

/*
 * From one pool to the other, page by page through RAM: either leg of it fails.  What fails stays in
 * the pool where it was; the next try brings it.
 */
static enum attempt fail_peer(struct failing_world *w, const char *op, uint64_t nth, int from,
			      int to)
{
	struct vmirror_moved moved;
	uint64_t failed, held;
	bool hit;

	arm(op, nth, 1);
	world_try(w, to, VMIRROR_MIGRATE_PEERS, &moved);
	hit = heal();
	held = held_pages(&moved);
	failed = moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	CHECK(hit ? failed == 1 || failed == BLOCK_PAGES : failed == 0);
	CHECK(moved.moved_pages == w->pages - failed - held);
	expect_used(from, failed + held);
	expect_used(to, w->pages - failed - held);
	expect_out(w, w->pages);
	world_migrate(w, to, VMIRROR_MIGRATE_PEERS, &moved);
	CHECK(moved.moved_pages == failed + held);
	expect_used(from, 0);
	if (held)
		return DISTURBED;
	return hit ? HIT : MISSED;
}

/* Each time in the other direction. */
static void peers_layout(const struct layout *layout, const char *op)
{
	struct vmirror_moved moved;
	struct failing_world w;

	world_begin(&w, layout);
	w.peer = pool_create(&w.t, "failing-peer", w.length);
	world_out(&w);
	for (uint64_t nth = 1, n = 0; nth <= w.pages + 1; nth++) {
		enum attempt want = nth <= w.pages ? HIT : MISSED;
		int attempts = 0;

		while (fail_peer(&w, op, nth, n % 2 ? w.peer : w.pool, n % 2 ? w.pool : w.peer) != want) {
			n++;
			if (++attempts == ATTEMPTS)
				FAIL("%s: %s: call %llu: it should be %s", layout->name, op,
				     (unsigned long long)nth, want == HIT ? "there" : "one too many");
		}
		n++;
		if (nth % 32 == 0 || nth > w.pages) {
			world_check(&w);
			world_migrate(&w, n % 2 ? w.peer : w.pool, 0, &moved);
		}
	}
	world_end(&w);
}

void failing_peers(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		peers_layout(&layouts[i], "back");
		peers_layout(&layouts[i], "out");
	}
}
