// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "hint_world.h"

#define ANY 3 /* a priority */

static void device_and_host(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 100, 50);
	CHECK_NUMBER((uint64_t)settle(&w), HINT_NEVER);
	CHECK_DONE(&w, 1, 50);
	CHECK_NUMBER(count_out(&w, 0, WORLD_PAGES), 50);
	/* another hint, the later one, for a part of it */
	hint(&w, 2, HINT_ADVICE_HOST, ANY, 120, 10);
	settle(&w);
	CHECK_DONE(&w, 2, 10);
	CHECK_SKIPPED(&w, 1, 40, OTHER_HINT, 10);
	CHECK_NUMBER(count_out(&w, 120, 10), 0);
	/* it is taken back, and the first one counts again */
	forget(&w, 2);
	settle(&w);
	CHECK_DONE(&w, 1, 50);
	/* what nobody asks for any more stays where it is */
	forget(&w, HINT_COOKIE_ALL);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 0, WORLD_PAGES), 50);
	world_end(&w);
}

static void weight(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_HOST, 5, 0, 10);
	hint(&w, 2, HINT_ADVICE_DEVICE, 4, 0, 10);
	hint(&w, 3, HINT_ADVICE_DEVICE, 5, 4, 2);
	hint(&w, 4, HINT_ADVICE_PIN_HOST, 0, 5, 4);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 0, 10), 1);
	CU_ASSERT(is_out(&w, 4));
	CHECK_SKIPPED(&w, 1, 9, OTHER_HINT, 1);
	CHECK_SKIPPED(&w, 2, 1, OTHER_HINT, 9);
	CHECK_SKIPPED(&w, 3, 1, OTHER_HINT, 1);
	CHECK_DONE(&w, 4, 4);
	world_end(&w);
}

/* What a person has moved out comes back where a hint wants it in RAM, and only there. */
static void host_brings_back(void)
{
	struct world w;

	world_begin(&w);
	picture_set(w.picture, 0, 100, 1, 0);
	hint(&w, 1, HINT_ADVICE_PIN_HOST, 0, 10, 20);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 0, 100), 80);
	CHECK_DONE(&w, 1, 20);
	picture_set(w.picture, 10 * PAGE, 5, 1, 10 * PAGE);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 10, 20), 0);
	world_end(&w);
}

static void willneed_is_once(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_WILLNEED_DEVICE, ANY, 0, 10);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 0, 10), 10);
	w.now.now_ms += 3600000;
	touch(&w, 0, 10);
	CHECK_NUMBER((uint64_t)settle(&w), HINT_NEVER);
	CHECK_NUMBER(count_out(&w, 0, 10), 0);
	CHECK_SKIPPED(&w, 1, 0, ONCE, 10);
	world_end(&w);
}

/* What had its chance is told apart from what came home again, for as long as the hint stands. */
static void willneed_says_why(void)
{
	struct world w;

	world_begin(&w);
	w.now.room = 20 * PAGE;
	w.pinned[3] = true;
	hint(&w, 1, HINT_ADVICE_WILLNEED_DEVICE, ANY, 0, 10);
	settle(&w);
	CHECK_SKIPPED(&w, 1, 9, PINNED, 1);
	w.now.now_ms += 3600000;
	CHECK_NUMBER((uint64_t)settle(&w), HINT_NEVER);
	CHECK_SKIPPED(&w, 1, 9, PINNED, 1);
	touch(&w, 0, 3);
	CHECK_NUMBER((uint64_t)settle(&w), HINT_NEVER);
	CHECK_NUMBER(outcome(&w, 1)->skipped[HINT_REASON_PINNED], PAGE);
	CHECK_NUMBER(outcome(&w, 1)->skipped[HINT_REASON_ONCE], 3 * PAGE);
	CHECK_NUMBER(outcome(&w, 1)->done_bytes, 6 * PAGE);
	/* there was no room for all of this one when its turn came */
	hint(&w, 2, HINT_ADVICE_WILLNEED_DEVICE, ANY, 600, 20);
	settle(&w);
	CHECK_SKIPPED(&w, 2, 14, POOL_FULL, 6);
	w.now.room = 100 * PAGE;
	settle(&w);
	CHECK_SKIPPED(&w, 2, 14, POOL_FULL, 6);
	/* this one's memory rested then */
	hint(&w, 3, HINT_ADVICE_DEVICE, ANY, 2048, 10);
	settle(&w);
	touch(&w, 2048, 10);
	forget(&w, 3);
	hint(&w, 4, HINT_ADVICE_WILLNEED_DEVICE, ANY, 2048, 10);
	settle(&w);
	w.now.now_ms += 3600000;
	settle(&w);
	CHECK_SKIPPED(&w, 4, 0, RESTING, 10);
	world_end(&w);
}

static void outside_of_memory(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, WORLD_PAGES - 5, 20);
	hint(&w, 2, HINT_ADVICE_HOST, ANY, WORLD_PAGES + 100, 20);
	settle(&w);
	CHECK_SKIPPED(&w, 1, 5, NO_MEMORY, 15);
	CHECK_SKIPPED(&w, 2, 0, NO_MEMORY, 20);
	world_end(&w);
}

static void what_cannot_move_is_tried_again_later(void)
{
	int64_t next, last = 0;
	struct world w;

	world_begin(&w);
	w.pinned[3] = true;
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 10);
	for (int i = 0; i < 10; i++) {
		next = settle(&w);
		CHECK_SKIPPED(&w, 1, 9, PINNED, 1);
		CU_ASSERT(next - w.now.now_ms >= HINT_RETRY_FIRST_MS);
		CU_ASSERT(next - w.now.now_ms <= HINT_RETRY_LONGEST_MS);
		CU_ASSERT(next - w.now.now_ms == MIN(2 * last, HINT_RETRY_LONGEST_MS) || !last);
		last = next - w.now.now_ms;
		/* a pass that comes for another reason does not try */
		w.now.now_ms += last / 2;
		settle(&w);
		CHECK_NUMBER(w.rounds, 1);
		w.now.now_ms = next;
	}
	w.pinned[3] = false;
	settle(&w);
	CHECK_DONE(&w, 1, 10);
	world_end(&w);
}

/* The rest of the hint does not wait for it. */
static void only_what_cannot_move_rests(void)
{
	struct world w;
	int64_t next;

	world_begin(&w);
	w.pinned[3] = w.pinned[5] = true;
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 600);
	for (int i = 0; i < 8; i++) {
		next = settle(&w);
		CHECK_SKIPPED(&w, 1, 598, PINNED, 2);
		w.now.now_ms = next;
	}
	settle(&w);
	/* a page that was used, long after it went out */
	touch(&w, 590, 1);
	w.now.now_ms += 100;
	settle(&w);
	CHECK_SKIPPED(&w, 1, 598, PINNED, 2);
	/* pages that the guest has moved */
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 700);
	next = settle(&w);
	CHECK_SKIPPED(&w, 1, 698, PINNED, 2);
	CHECK_NUMBER((uint64_t)(next - w.now.now_ms), HINT_RETRY_LONGEST_MS - 100);
	/* and what is stuck waits no longer than it has to */
	w.pinned[3] = w.pinned[5] = false;
	w.now.now_ms = next;
	settle(&w);
	CHECK_DONE(&w, 1, 700);
	world_end(&w);
}

static void too_much_for_one_go(void)
{
	struct world w;

	world_begin(&w);
	w.now.most = 64 * PAGE;
	for (unsigned int i = 0; i < WORLD_PAGES; i += 100)
		w.pinned[i] = true;
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 1000);
	settle(&w);
	CHECK_SKIPPED(&w, 1, 990, PINNED, 10);
	CU_ASSERT(w.rounds > 1000 / 64);
	hint(&w, 2, HINT_ADVICE_HOST, ANY, 0, 1000);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 0, 1000), 0);
	world_end(&w);
}

static void no_pool(void)
{
	struct world w;

	world_begin(&w);
	w.now.have_pool = false;
	w.now.room = 0;
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 10);
	settle(&w);
	CHECK_SKIPPED(&w, 1, 0, NO_POOL, 10);
	w.now.have_pool = true;
	w.now.room = POOL_PAGES * PAGE;
	settle(&w);
	CHECK_DONE(&w, 1, 10);
	world_end(&w);
}

static void quota(void)
{
	struct world w;

	world_begin(&w);
	w.now.quota = 30 * PAGE + 17;
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 20);
	hint(&w, 2, HINT_ADVICE_DEVICE, ANY, 100, 20);
	settle(&w);
	CHECK_DONE(&w, 1, 20);
	CHECK_SKIPPED(&w, 2, 10, QUOTA, 10);
	/* a new one that matters more has others make room; it is not exceeded meanwhile */
	hint(&w, 3, HINT_ADVICE_DEVICE, ANY + 1, 200, 15);
	settle(&w);
	CHECK_DONE(&w, 3, 15);
	CHECK_SKIPPED(&w, 1, 15, QUOTA, 5);
	CHECK_SKIPPED(&w, 2, 0, QUOTA, 20);
	/* one that matters as much does not */
	hint(&w, 4, HINT_ADVICE_DEVICE, ANY, 300, 10);
	settle(&w);
	CHECK_SKIPPED(&w, 4, 0, QUOTA, 10);
	CU_ASSERT(w.most_out <= 30 * PAGE);
	/* less, all of a sudden */
	w.now.quota = 4 * PAGE;
	settle(&w);
	CHECK_SKIPPED(&w, 3, 4, QUOTA, 11);
	CHECK_NUMBER(count_out(&w, 0, WORLD_PAGES), 4);
	world_end(&w);
}

/* Hints that come and go leave pages out: these count, and make room for the next ones. */
static void no_hint_is_no_way_round_the_quota(void)
{
	struct world w;

	world_begin(&w);
	w.now.quota = 30 * PAGE;
	for (unsigned int i = 0; i < 20; i++) {
		hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 100 * i, 25);
		settle(&w);
		CHECK_DONE(&w, 1, 25);
		CU_ASSERT(picture_pages(w.picture) <= 30);
		forget(&w, 1);
	}
	CU_ASSERT(w.most_out <= 30 * PAGE);
	/* an old hint gets the room of one that has gone */
	hint(&w, 2, HINT_ADVICE_DEVICE, 1, 3000, 30);
	settle(&w);
	hint(&w, 3, HINT_ADVICE_DEVICE, 6, 3100, 20);
	settle(&w);
	CHECK_SKIPPED(&w, 2, 10, QUOTA, 20);
	forget(&w, 3);
	settle(&w);
	CHECK_DONE(&w, 2, 30);
	forget(&w, 2);
	settle(&w);
	/* what an operator has moved stays, whatever the quota */
	picture_set(w.picture, 4000 * PAGE, 100, 1, 0);
	settle(&w);
	CHECK_NUMBER(count_out(&w, 4000, 100), 100);
	world_end(&w);
}

/* Nor does the host's operator move in vain. */
static void recalled_is_left_alone(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 10);
	settle(&w);
	picture_clear(w.picture, 0, 10);
	hint_rest_recalled(w.rest, 0, 10, w.now.now_ms);
	settle(&w);
	CHECK_SKIPPED(&w, 1, 0, RESTING, 10);
	w.now.now_ms += HINT_REST_RECALLED_MS;
	settle(&w);
	CHECK_DONE(&w, 1, 10);
	world_end(&w);
}

/* Making room takes turns with what it is made for. */
static void room_in_steps(void)
{
	struct world w;

	world_begin(&w);
	w.now.room = 1000 * PAGE;
	w.now.most = 50 * PAGE;
	hint(&w, 1, HINT_ADVICE_COLD, 0, 0, 1000);
	settle(&w);
	hint(&w, 2, HINT_ADVICE_DEVICE, 7, 2000, 600);
	settle(&w);
	CHECK_DONE(&w, 2, 600);
	CHECK_SKIPPED(&w, 1, 400, POOL_FULL, 600);
	CU_ASSERT(w.rounds >= 600 / 50);
	/* a smaller quota, too */
	w.now.quota = 100 * PAGE;
	settle(&w);
	CHECK_NUMBER(picture_pages(w.picture), 100);
	world_end(&w);
}

static void a_full_pool(void)
{
	struct world w;

	world_begin(&w);
	w.now.room = 30 * PAGE;
	hint(&w, 1, HINT_ADVICE_COLD, ANY, 0, 20);
	settle(&w);
	hint(&w, 2, HINT_ADVICE_DEVICE, ANY, 100, 25);
	settle(&w);
	CHECK_DONE(&w, 2, 25);
	CHECK_SKIPPED(&w, 1, 5, POOL_FULL, 15);
	/* cold never makes anyone go, however much it matters */
	hint(&w, 3, HINT_ADVICE_COLD, 7, 600, 10);
	settle(&w);
	CHECK_SKIPPED(&w, 3, 0, POOL_FULL, 10);
	/* room that someone leaves is taken */
	forget(&w, 2);
	touch(&w, 100, 25);
	settle(&w);
	CHECK_DONE(&w, 3, 10);
	world_end(&w);
}

/* What is in another pool makes no room in this one; for the quota it is as good as any. */
static void room_in_another_pool(void)
{
	struct world w;

	world_begin(&w);
	w.now.room = 30 * PAGE;
	picture_set(w.picture, 0, 20, 2, 0);
	hint(&w, 1, HINT_ADVICE_COLD, 0, 0, 20);
	hint(&w, 2, HINT_ADVICE_COLD, ANY, 100, 30);
	settle(&w);
	CHECK_DONE(&w, 1, 20);
	CHECK_DONE(&w, 2, 30);
	hint(&w, 3, HINT_ADVICE_DEVICE, ANY, 200, 25);
	settle(&w);
	CHECK_DONE(&w, 3, 25);
	CHECK_DONE(&w, 1, 20);
	CHECK_SKIPPED(&w, 2, 5, POOL_FULL, 25);
	/* of two things that it lacks each is made where that is possible */
	w.now.quota = 50 * PAGE;
	w.now.room = 5 * PAGE;
	hint(&w, 4, HINT_ADVICE_DEVICE, 7, 300, 10);
	settle(&w);
	CHECK_DONE(&w, 4, 10);
	CHECK_DONE(&w, 3, 25);
	CHECK_NUMBER(count_out(&w, 0, 20), 15);
	CHECK_NUMBER(count_out(&w, 100, 30), 0);
	CU_ASSERT(w.most_out <= 50 * PAGE);
	world_end(&w);
}

/* A hint whose pages do not move must not chase others out again and again. */
static void makes_room_once(void)
{
	struct world w;
	int64_t next;

	world_begin(&w);
	w.now.room = 20 * PAGE;
	hint(&w, 1, HINT_ADVICE_COLD, ANY, 0, 20);
	settle(&w);
	for (unsigned int i = 100; i < 110; i++)
		w.pinned[i] = true;
	hint(&w, 2, HINT_ADVICE_DEVICE, ANY, 100, 10);
	for (int i = 0; i < 20; i++) {
		next = settle(&w);
		CHECK_NUMBER(count_out(&w, 0, 20), 20);
		w.now.now_ms = next;
	}
	world_end(&w);
}

/* What comes back at once is left alone, each time for longer. */
static void no_ping_pong(void)
{
	int64_t began, moves = 0;
	struct world w;

	world_begin(&w);
	began = w.now.now_ms;
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 600);
	while (w.now.now_ms < began + 600000) {
		int64_t next = settle(&w);

		moves += is_out(&w, 5);
		w.now.now_ms += 100;
		touch(&w, 5, 1);
		next = settle(&w);
		CHECK_SKIPPED(&w, 1, 599, RESTING, 1);
		w.now.now_ms = next;
	}
	/* 2 s, 4 s, 8 s, ... within ten minutes */
	CU_ASSERT(moves >= 8 && moves <= 10);
	/* other blocks are not concerned */
	touch(&w, 590, 1);
	w.now.now_ms += 60000;
	settle(&w);
	CU_ASSERT(is_out(&w, 590));
	world_end(&w);
}

/* The same pages, of another process: what the first one did with them does not matter. */
static void rest_is_its_owners(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 10);
	settle(&w);
	touch(&w, 0, 10);
	forget(&w, 1);
	hint(&w, 2, HINT_ADVICE_DEVICE, ANY, 0, 10);
	settle(&w);
	CHECK_SKIPPED(&w, 2, 0, RESTING, 10);
	forget(&w, 2);
	hint_of(&w, 7, 3, HINT_ADVICE_DEVICE, ANY, 0, 10);
	settle(&w);
	CHECK_DONE(&w, 3, 10);
	world_end(&w);
}

static void seldom_used_is_no_ping_pong(void)
{
	struct world w;

	world_begin(&w);
	hint(&w, 1, HINT_ADVICE_DEVICE, ANY, 0, 10);
	for (int i = 0; i < 10; i++) {
		settle(&w);
		CHECK_DONE(&w, 1, 10);
		w.now.now_ms += 60000;
		touch(&w, 5, 1);
	}
	world_end(&w);
}

/* ---- at random, against a rule that looks at one page at a time ---------- */

static const Hint *winner_of(const struct world *w, uint64_t page)
{
	const Hint *best = NULL;

	for (const Hint *h = hint_table_first(w->table); h; h = hint_table_next(w->table, h)) {
		bool about = false;

		for (uint32_t i = 0; i < h->nr_extents; i++)
			about |= page * PAGE >= h->extents[i].gpa &&
				 page * PAGE < h->extents[i].gpa + h->extents[i].length;
		if (!about)
			continue;
		if (!best ||
		    (h->advice == HINT_ADVICE_PIN_HOST) > (best->advice == HINT_ADVICE_PIN_HOST))
			best = h;
		else if ((h->advice == HINT_ADVICE_PIN_HOST) ==
				 (best->advice == HINT_ADVICE_PIN_HOST) &&
			 h->priority >= best->priority)
			best = h;
	}
	return best;
}

static bool wants_out(const Hint *h)
{
	return h->advice == HINT_ADVICE_DEVICE || h->advice == HINT_ADVICE_COLD;
}

static void random_hints(void)
{
	const enum hint_advice advices[] = { HINT_ADVICE_DEVICE, HINT_ADVICE_HOST, HINT_ADVICE_COLD,
					     HINT_ADVICE_PIN_HOST };
	struct world w;

	srandom(1);
	world_begin(&w);
	w.now.room = WORLD_PAGES * PAGE;
	w.now.most = 300 * PAGE;
	for (int round = 0; round < 300; round++) {
		if (random() % 4)
			hint(&w, 1 + (uint64_t)(random() % 20), advices[random() % 4],
			     (uint8_t)(random() % 3), (uint64_t)(random() % 500),
			     1 + (uint64_t)(random() % 200));
		else
			forget(&w, 1 + (uint64_t)(random() % 20));
		settle(&w);
		for (uint64_t page = 0; page < 700; page++) {
			const Hint *h = winner_of(&w, page);

			if (h && is_out(&w, page) != wants_out(h)) {
				printf("\nround %d, page %" PRIu64 "\n", round, page);
				CU_FAIL("it does not obey");
			}
		}
		w.now.now_ms += 60000;
	}
	world_end(&w);
}

static void random_room(void)
{
	struct world w;

	srandom(2);
	world_begin(&w);
	w.now.room = 200 * PAGE;
	for (int round = 0; round < 500; round++) {
		w.now.quota = random() % 3 ? UINT64_MAX : (uint64_t)(random() % 200) * PAGE;
		hint(&w, 1 + (uint64_t)(random() % 20), 1 + (enum hint_advice)(random() % 5),
		     (uint8_t)(random() % 8), (uint64_t)(random() % 500),
		     1 + (uint64_t)(random() % 200));
		w.pinned[random() % 700] = random() % 2;
		settle(&w);
		CU_ASSERT(w.most_out <= 200 * PAGE);
		for (int i = 0; i < 5; i++)
			touch(&w, (uint64_t)(random() % 700), 3);
		w.now.now_ms += random() % 20000;
	}
	world_end(&w);
}

int main(void)
{
	static const struct check checks[] = {
		{ "device and host", device_and_host },
		{ "which hint counts", weight },
		{ "host brings back", host_brings_back },
		{ "willneed-device is once", willneed_is_once },
		{ "willneed-device says why", willneed_says_why },
		{ "outside of memory", outside_of_memory },
		{ "what cannot move is tried again later", what_cannot_move_is_tried_again_later },
		{ "only what cannot move rests", only_what_cannot_move_rests },
		{ "too much for one go", too_much_for_one_go },
		{ "no pool", no_pool },
		{ "quota", quota },
		{ "no way round the quota", no_hint_is_no_way_round_the_quota },
		{ "recalled is left alone", recalled_is_left_alone },
		{ "room in steps", room_in_steps },
		{ "a full pool", a_full_pool },
		{ "room in another pool", room_in_another_pool },
		{ "makes room once", makes_room_once },
		{ "no ping-pong", no_ping_pong },
		{ "rest is its owner's", rest_is_its_owners },
		{ "seldom used is no ping-pong", seldom_used_is_no_ping_pong },
		{ "random hints", random_hints },
		{ "random room", random_room },
	};

	return run_checks("hint policy", checks, G_N_ELEMENTS(checks));
}
