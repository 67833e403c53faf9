/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint_world.h - a VM, a pool and a policy without a kernel: orders are carried out in a picture
 *
 * Memory is at 0 to WORLD_PAGES.  Frames go through the table, as the guest's do.
 */
#ifndef HINT_WORLD_H
#define HINT_WORLD_H

#include <string.h>

#include "check.h"
#include "hint-policy.h"
#include "hint-round.h"

#define PAGE	    ((uint64_t)VMIRROR_PAGE_SIZE)
#define WORLD_PAGES 8192u
#define POOL_PAGES  4096u

struct world {
	HintTable *table;
	Picture *picture;
	HintRest *rest;
	HintSituation now;
	struct vmirror_slot slot;
	bool pinned[WORLD_PAGES];
	unsigned int rounds; /* of the last settle() */
	uint64_t most_out;   /* bytes that were ever out */
	unsigned int forgotten;
	unsigned int arrived;
};

static inline void world_forgets(Hint *hint, void *data)
{
	(void)hint;
	((struct world *)data)->forgotten++;
}

static inline void world_takes(Hint *hint, void *data)
{
	(void)hint;
	((struct world *)data)->arrived++;
}

static inline HintTableEvents world_events(struct world *w)
{
	return (HintTableEvents){ world_forgets, world_takes, w };
}

static inline void world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->table = hint_table_new(64, 256, ~0u);
	w->picture = picture_new(WORLD_PAGES);
	w->rest = hint_rest_new(64);
	w->slot = (struct vmirror_slot){ .gpa = 0, .length = WORLD_PAGES * PAGE };
	w->now = (HintSituation){
		.slots = &w->slot,
		.nr_slots = 1,
		.picture = w->picture,
		.rest = w->rest,
		.have_pool = true,
		.pool_id = 1,
		.room = POOL_PAGES * PAGE,
		.quota = UINT64_MAX,
		.most = UINT64_MAX,
		.now_ms = 1000000,
	};
}

static inline void world_end(struct world *w)
{
	hint_table_free(w->table);
	picture_free(w->picture);
	hint_rest_free(w->rest);
}

/* In pages. */
static inline void hint_part(struct world *w, struct hint_request request, uint64_t first,
			     uint64_t pages)
{
	static unsigned char frame[HINT_FRAME_MAX];
	struct hint_extent extent = { first * PAGE, pages * PAGE };
	HintTableEvents events = world_events(w);

	request.nr_extents = pages != 0;
	CU_ASSERT(hint_put_hint(frame, sizeof(frame), 1, &request, &extent) > 0);
	CU_ASSERT(hint_table_take(w->table, frame, &events));
}

static inline void hint_of(struct world *w, uint64_t owner, uint64_t cookie,
			   enum hint_advice advice, uint8_t priority, uint64_t first,
			   uint64_t pages)
{
	hint_part(w,
		  (struct hint_request){ .cookie = cookie,
					 .owner = owner,
					 .advice = advice,
					 .priority = priority,
					 .first = true,
					 .last = true },
		  first, pages);
}

static inline void hint(struct world *w, uint64_t cookie, enum hint_advice advice, uint8_t priority,
			uint64_t first, uint64_t pages)
{
	hint_of(w, 1, cookie, advice, priority, first, pages);
}

static inline void forget(struct world *w, uint64_t cookie)
{
	HintTableEvents events = world_events(w);

	hint_table_forget(w->table, cookie, &events);
}

static inline bool is_out(const struct world *w, uint64_t page)
{
	return picture_overlaps(w->picture, page * PAGE, 1);
}

static inline uint64_t count_out(const struct world *w, uint64_t first, uint64_t pages)
{
	uint64_t n = 0;

	for (uint64_t page = first; page < first + pages; page++)
		n += is_out(w, page);
	return n;
}

/* A page that comes home leaves room where it was, which need not be where hints go. */
static inline void bring_home(struct world *w, uint64_t page)
{
	PictureExtent extent;

	if (picture_next(w->picture, page * PAGE, &extent) && extent.pool_id == w->now.pool_id)
		w->now.room += PAGE;
	picture_clear(w->picture, page * PAGE, 1);
}

static inline void move_page(struct world *w, uint64_t page, bool out, struct vmirror_moved *moved)
{
	if (is_out(w, page) == out) {
		moved->skipped_pages[out ? VMIRROR_SKIP_ALREADY_OUT : VMIRROR_SKIP_ABSENT]++;
	} else if (w->pinned[page]) {
		moved->skipped_pages[VMIRROR_SKIP_PINNED]++;
	} else if (out && !w->now.room) {
		moved->skipped_pages[VMIRROR_SKIP_POOL_FULL]++;
	} else if (out) {
		moved->moved_pages++;
		w->now.room -= PAGE;
		picture_set(w->picture, page * PAGE, 1, 1, page * PAGE);
	} else {
		moved->moved_pages++;
		bring_home(w, page);
	}
}

/* A CPU touches pages. */
static inline void touch(struct world *w, uint64_t first, uint64_t pages)
{
	for (uint64_t page = first; page < first + pages; page++) {
		if (!is_out(w, page))
			continue;
		bring_home(w, page);
		hint_rest_back(w->rest, page * PAGE, 1, w->now.now_ms);
	}
}

/* Returns false if it made less room than it should. */
static inline bool carry_out(struct world *w, const HintOrder *order)
{
	struct vmirror_moved moved = { 0 };

	CU_ASSERT(order->range.bytes > 0 && (order->range.gpa | order->range.bytes) % PAGE == 0);
	if (order->out)
		hint_rest_out(w->rest, order->range.gpa, order->range.bytes / PAGE, order->owner,
			      w->now.now_ms);
	for (uint64_t at = 0; at < order->range.bytes; at += PAGE)
		move_page(w, (order->range.gpa + at) / PAGE, order->out, &moved);
	w->most_out = MAX(w->most_out, picture_pages(w->picture) * PAGE);
	hint_policy_tried(w->table, order, &moved, w->picture, w->now.now_ms);
	return !order->makes_room || moved.moved_pages * PAGE == order->range.bytes;
}

/* Passes, and what they order, until there is nothing to do now.  Returns when there will be. */
static inline int64_t settle(struct world *w)
{
	GArray *orders = g_array_new(FALSE, FALSE, sizeof(HintOrder));
	int64_t next;

	w->rounds = 0;
	do {
		bool room = true;

		g_array_set_size(orders, 0);
		next = hint_policy(w->table, &w->now, orders);
		for (guint i = 0; i < orders->len; i++) {
			const HintOrder *order = &g_array_index(orders, HintOrder, i);

			if (room || !order->out)
				room &= carry_out(w, order);
		}
		CU_ASSERT(next > w->now.now_ms || orders->len);
		if (++w->rounds > 200) {
			CU_FAIL("it does not settle");
			break;
		}
	} while (next <= w->now.now_ms);
	g_array_free(orders, TRUE);
	return next;
}

static inline const HintOutcome *outcome(const struct world *w, uint64_t cookie)
{
	return &hint_table_find(w->table, cookie)->outcome;
}

/* In pages. */
static inline void check_outcome_(int line, const struct world *w, uint64_t cookie,
				  enum hint_status status, uint64_t done, enum hint_reason reason,
				  uint64_t skipped)
{
	const HintOutcome *o = outcome(w, cookie);
	uint64_t total = 0;

	for (unsigned int i = 1; i <= HINT_REASON_LAST; i++)
		total += o->skipped[i];
	if (o->status != status || o->done_bytes != done * PAGE ||
	    o->skipped[reason] != skipped * PAGE || total != skipped * PAGE) {
		printf("\nline %d: %s, %" PRIu64 " pages done, skipped:", line,
		       hint_status_name(o->status), o->done_bytes / PAGE);
		for (unsigned int i = 1; i <= HINT_REASON_LAST; i++)
			if (o->skipped[i])
				printf(" %s %" PRIu64, hint_reason_name(i), o->skipped[i] / PAGE);
		printf("\n");
		CU_FAIL("outcome");
	}
}

#define CHECK_DONE(w, cookie, done) \
	check_outcome_(__LINE__, w, cookie, HINT_STATUS_DONE, done, HINT_REASON_BUSY, 0)
#define CHECK_SKIPPED(w, cookie, done, reason, skipped) \
	check_outcome_(__LINE__, w, cookie, HINT_STATUS_DONE, done, HINT_REASON_##reason, skipped)

#endif /* HINT_WORLD_H */
