// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-out.c - the engine fails while pages go out, or from one pool to another */
#include "failing.h"

/* More than a kernel that works otherwise at the same time needs by far. */
#define ATTEMPTS 50

/* What became of an attempt to let one call fail: it did, there are not so many, or who can say. */
enum attempt { HIT, MISSED, DISTURBED };

/* One call fails, the @nth. */
static enum attempt fail_one(struct place *p, const char *op, uint64_t nth, uint32_t flags)
{
	struct vmirror_moved first, second;
	uint64_t failed, held;
	bool hit;

	arm(op, nth, 1);
	place_try(p, p->pool, flags, &first);
	hit = heal();
	held = held_pages(&first);
	failed = first.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	/* One page, or one folio. */
	CHECK(hit ? failed == 1 || failed == BLOCK_PAGES : failed == 0);
	CHECK(first.moved_pages == p->pages - failed - held);
	expect_out(p, first.moved_pages);

	/* Nothing is lost, and the next try brings it out. */
	place_migrate(p, p->pool, flags, &second);
	CHECK(second.moved_pages == failed + held);
	expect_out(p, p->pages);
	/* What was held was perhaps not copied, or twice. */
	if (held)
		return DISTURBED;
	CHECK(first.moved_huge + second.moved_huge == p->layout->huge_pages / BLOCK_PAGES);
	return hit ? HIT : MISSED;
}

static enum attempt fail_one_of(const struct layout *layout, bool touched, uint64_t nth)
{
	uint32_t flags = touched ? 0 : VMIRROR_MIGRATE_POPULATE;
	enum attempt attempt;
	struct place p;

	if (touched)
		place_begin(&p, layout);
	else
		place_begin_untouched(&p, layout);
	attempt = fail_one(&p, touched ? "out" : "clear", nth, flags);
	place_end(&p);
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
	struct place p;

	place_begin(&p, layout);
	arm("out", 1, FOR_EVER);
	place_migrate(&p, p.pool, 0, &moved);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == p.pages);
	place_check(&p);
	heal();
	expect_out(&p, 0);
	place_out(&p);
	place_end(&p);
}

/* Some pages are there, and go; the others are made. */
static void populate_half(void)
{
	struct vmirror_moved moved;
	struct place p;

	for (int clear = 0; clear < 2; clear++) {
		place_begin_untouched(&p, &small_pages);
		for (uint64_t page = 0; page < p.pages; page += 2)
			page_write(place_at(&p, page), 7);
		arm(clear ? "clear" : "out", 3, 2);
		place_try(&p, p.pool, VMIRROR_MIGRATE_POPULATE, &moved);
		CHECK(heal() == 2);
		CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == 2);
		CHECK(moved.moved_pages == p.pages - 2 - held_pages(&moved));
		expect_out(&p, moved.moved_pages);
		for (uint64_t page = 0; page < p.pages; page++)
			CHECK(page_holds(place_at(&p, page), page % 2 ? 0 : 7));
		place_write(&p, 300);
		place_end(&p);
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
static enum attempt fail_peer(struct place *p, const char *op, uint64_t nth, int from, int to)
{
	struct vmirror_moved moved;
	uint64_t failed, held;
	bool hit;

	arm(op, nth, 1);
	place_try(p, to, VMIRROR_MIGRATE_PEERS, &moved);
	hit = heal();
	held = held_pages(&moved);
	failed = moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	CHECK(hit ? failed == 1 || failed == BLOCK_PAGES : failed == 0);
	CHECK(moved.moved_pages == p->pages - failed - held);
	expect_used(from, failed + held);
	expect_used(to, p->pages - failed - held);
	expect_out(p, p->pages);
	place_migrate(p, to, VMIRROR_MIGRATE_PEERS, &moved);
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
	struct place p;

	place_begin(&p, layout);
	p.peer = pool_create(&p.t, "failing-peer", p.length);
	place_out(&p);
	for (uint64_t nth = 1, n = 0; nth <= p.pages + 1; nth++) {
		enum attempt want = nth <= p.pages ? HIT : MISSED;
		int attempts = 0;

		while (fail_peer(&p, op, nth, n % 2 ? p.peer : p.pool, n % 2 ? p.pool : p.peer) != want) {
			n++;
			if (++attempts == ATTEMPTS)
				FAIL("%s: %s: call %llu: it should be %s", layout->name, op,
				     (unsigned long long)nth, want == HIT ? "there" : "one too many");
		}
		n++;
		if (nth % 32 == 0 || nth > p.pages) {
			place_check(&p);
			place_migrate(&p, n % 2 ? p.peer : p.pool, 0, &moved);
		}
	}
	place_end(&p);
}

void failing_peers(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		peers_layout(&layouts[i], "back");
		peers_layout(&layouts[i], "out");
	}
}
