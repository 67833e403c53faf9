// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * policy_fuzz.c - whatever a guest says: what hmmd keeps of it, and what it would do
 *
 * The bytes are the stream of one session, from its first frame on.  After some frames there is a
 * pass, whose orders are carried out in a picture.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hint-news.h"
#include "hint-policy.h"

#define SESSION	    0x01020304u
#define MAX_HINTS   8u
#define MAX_EXTENTS 64u
#define PAGE	    ((uint64_t)VMIRROR_PAGE_SIZE)
#define RAM	    (UINT64_C(16) << 20)
#define QUOTA	    (RAM / 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	HintTable *table;
	GQueue news;
	Picture *picture;
	HintRest *rest;
	struct vmirror_slot slots[2]; /* with a hole between them */
	int64_t now_ms;
};

static void forgotten(Hint *hint, void *data)
{
	hint_news_remove(&((struct world *)data)->news, hint);
}

static void arrived(Hint *hint, void *data)
{
	hint_news_add(&((struct world *)data)->news, hint);
}

/* Every third order fails.  Returns false if less room was made than it should. */
static bool carry_out(struct world *w, const HintOrder *order, unsigned int number)
{
	struct vmirror_moved moved = { 0 };
	uint64_t pages = order->range.bytes / PAGE;

	assert(pages && (order->range.gpa | order->range.bytes) % PAGE == 0);
	assert(order->range.gpa + order->range.bytes <= RAM + PAGE * 16);
	if (number % 3 == 2) {
		moved.skipped_pages[VMIRROR_SKIP_BUSY] = pages;
	} else {
		moved.moved_pages = pages;
		if (order->out)
			picture_set(w->picture, order->range.gpa, pages, 1, order->range.gpa);
		else
			picture_clear(w->picture, order->range.gpa, pages);
	}
	if (order->out)
		hint_rest_out(w->rest, order->range.gpa, pages, order->owner, w->now_ms);
	hint_policy_tried(w->table, order, &moved, w->picture, w->now_ms);
	return !order->makes_room || moved.moved_pages == pages;
}

static void check_hints(struct world *w)
{
	uint64_t extents = 0, hints = 0;

	for (Hint *hint = hint_table_first(w->table); hint;
	     hint = hint_table_next(w->table, hint)) {
		uint64_t skipped = 0;

		hints++;
		extents += hint->nr_extents;
		for (unsigned int i = 1; i <= HINT_REASON_LAST; i++)
			skipped += hint->outcome.skipped[i];
		assert(hint->outcome.done_bytes + skipped <= hint->asked_bytes);
		hint_news_add(&w->news, hint);
	}
	assert(hints <= MAX_HINTS && hints == hint_table_hints(w->table));
	assert(extents <= MAX_EXTENTS && extents == hint_table_extents(w->table));
	assert(w->news.length <= hints);
	assert(picture_pages(w->picture) * PAGE <= QUOTA);
}

static void pass(struct world *w)
{
	HintSituation situation = {
		.slots = w->slots,
		.nr_slots = 2,
		.picture = w->picture,
		.rest = w->rest,
		.have_pool = true,
		.pool_id = 1,
		.room = RAM,
		.quota = QUOTA,
		.most = RAM / 8,
		.now_ms = w->now_ms,
	};
	GArray *orders = g_array_new(FALSE, FALSE, sizeof(HintOrder));

	for (unsigned int turn = 0;; turn++) {
		bool room = true;
		int64_t next;

		assert(turn < 1000);
		g_array_set_size(orders, 0);
		next = hint_policy(w->table, &situation, orders);
		check_hints(w);
		for (guint i = 0; i < orders->len; i++) {
			const HintOrder *order = &g_array_index(orders, HintOrder, i);

			if (room || !order->out)
				room &= carry_out(w, order, turn + i);
		}
		if (next > w->now_ms)
			break;
		assert(orders->len);
	}
	g_array_free(orders, TRUE);
}

/* A CPU touches a page, or an operator has one back. */
static void touch_some(struct world *w, uint64_t token)
{
	uint64_t page = token / 2 % (RAM / PAGE);

	if (!picture_overlaps(w->picture, page * PAGE, 1))
		return;
	picture_clear(w->picture, page * PAGE, 1);
	if (token % 2)
		hint_rest_back(w->rest, page * PAGE, 1, w->now_ms);
	else
		hint_rest_recalled(w->rest, page * PAGE, 1, w->now_ms);
}

static void tell_some(struct world *w)
{
	int64_t wait_ms;
	HintRefusal refusal;
	Hint *hint = hint_news_next(&w->news, w->now_ms, &wait_ms);

	if (hint)
		hint_news_told(&w->news, hint, w->now_ms);
	while (hint_table_next_refusal(w->table, &refusal))
		assert(refusal.reason);
}

static void run(struct world *w, const uint8_t *data, size_t size)
{
	HintTableEvents events = { forgotten, arrived, w };
	struct hint_reader reader = { HINT_SIDE_GUEST, SESSION, true };
	const void *frame;
	size_t used;

	while (hint_find(&reader, data, size, &used, &frame) == HINT_FOUND_FRAME) {
		enum hint_type type = hint_type_of(frame);

		data += used;
		size -= used;
		w->now_ms += 300;
		if (type == HINT_TYPE_FORGET)
			hint_table_forget(w->table, hint_get_cookie(frame), &events);
		else if (type == HINT_TYPE_HINT && !hint_table_take(w->table, frame, &events))
			return;
		if (type == HINT_TYPE_PING)
			touch_some(w, hint_get_token(frame));
		if (type == HINT_TYPE_PING || type == HINT_TYPE_HINT)
			pass(w);
		tell_some(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {
		.table = hint_table_new(MAX_HINTS, MAX_EXTENTS, ~0u),
		.picture = picture_new(65536),
		.rest = hint_rest_new(4),
		.slots = { { .gpa = 0, .length = RAM / 2 },
			   { .gpa = RAM / 2 + 16 * PAGE, .length = RAM / 2 } },
		.now_ms = 1000,
	};

	g_queue_init(&w.news);
	run(&w, data, size);
	g_queue_clear(&w.news);
	hint_table_free(w.table);
	picture_free(w.picture);
	hint_rest_free(w.rest);
	return 0;
}
