// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-out.c - the engine fails while pages go out, or from one pool to another */
#include "failing.h"

/* One call fails, the @nth.  Returns false if there are not so many. */
static bool fail_one(struct place *p, const char *op, uint64_t nth, uint32_t flags)
{
	struct vmirror_moved first, second;
	uint64_t failed;
	bool hit;

	arm(op, nth, 1);
	place_migrate(p, p->pool, flags, &first);
	hit = heal();
	failed = first.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	/* One page, or one folio. */
	CHECK(hit ? failed == 1 || failed == BLOCK_PAGES : failed == 0);
	CHECK(first.moved_pages == p->pages - failed);
	expect_out(p, first.moved_pages);

	/* Nothing is lost, and the next try brings it out. */
	place_migrate(p, p->pool, flags, &second);
	CHECK(second.moved_pages == failed);
	CHECK(second.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == p->pages - failed);
	expect_out(p, p->pages);
	CHECK(first.moved_huge + second.moved_huge == p->layout->huge_pages / BLOCK_PAGES);
	return hit;
}

static void out_layout(const struct layout *layout, bool touched)
{
	uint32_t flags = touched ? 0 : VMIRROR_MIGRATE_POPULATE;
	struct place p;
	uint64_t n = 0;
	bool hit;

	do {
		if (touched)
			place_begin(&p, layout);
		else
			place_begin_untouched(&p, layout);
		hit = fail_one(&p, touched ? "out" : "clear", ++n, flags);
		place_end(&p);
	} while (hit);
	CHECK(n - 1 == calls_for(layout));
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
		place_migrate(&p, p.pool, VMIRROR_MIGRATE_POPULATE, &moved);
		CHECK(heal() == 2);
		CHECK(moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] == 2);
		expect_out(&p, p.pages - 2);
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
 * the pool where it was.  Returns false if there are not so many calls.
 */
static bool fail_peer(struct place *p, const char *op, uint64_t nth, int from, int to)
{
	struct vmirror_moved moved;
	uint64_t failed;
	bool hit;

	arm(op, nth, 1);
	place_migrate(p, to, VMIRROR_MIGRATE_PEERS, &moved);
	hit = heal();
	failed = moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED];
	CHECK(hit ? failed == 1 || failed == BLOCK_PAGES : failed == 0);
	CHECK(moved.moved_pages == p->pages - failed);
	expect_used(from, failed);
	expect_used(to, p->pages - failed);
	expect_out(p, p->pages);
	place_migrate(p, to, VMIRROR_MIGRATE_PEERS, &moved);
	CHECK(moved.moved_pages == failed);
	expect_used(from, 0);
	return hit;
}

static void peers_layout(const struct layout *layout, const char *op)
{
	struct place p;
	uint64_t n = 0;
	bool hit;
	int pool;

	place_begin(&p, layout);
	p.peer = pool_create(&p.t, "failing-peer", p.length);
	place_out(&p);
	do {
		pool = n % 2 ? p.peer : p.pool;
		hit = fail_peer(&p, op, ++n, pool, pool == p.pool ? p.peer : p.pool);
		if (n % 32 == 0 || !hit) {
			place_check(&p);
			all_out(p.vm, n % 2 ? p.peer : p.pool, p.memory, p.length);
		}
	} while (hit);
	CHECK(n - 1 == p.pages);
	place_end(&p);
}

void failing_peers(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		peers_layout(&layouts[i], "back");
		peers_layout(&layouts[i], "out");
	}
}
