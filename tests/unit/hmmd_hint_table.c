// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "hint_world.h"

static unsigned char frame[HINT_FRAME_MAX];

static bool take(struct world *w, uint64_t cookie, bool first, bool last,
		 const struct hint_extent *extents, uint32_t nr)
{
	struct hint_request request = {
		.cookie = cookie,
		.advice = HINT_ADVICE_COLD,
		.first = first,
		.last = last,
		.nr_extents = nr,
	};
	HintTableEvents events = world_events(w);

	CU_ASSERT(hint_put_hint(frame, sizeof(frame), 1, &request, extents) > 0);
	return hint_table_take(w->table, frame, &events);
}

static void check_refused(const struct world *w, uint64_t cookie, enum hint_reason reason)
{
	const Hint *hint = hint_table_find(w->table, cookie);

	CU_ASSERT_PTR_NOT_NULL_FATAL(hint);
	CHECK_NUMBER(hint->outcome.status, HINT_STATUS_REFUSED);
	CHECK_NUMBER(hint->outcome.reason, reason);
	CHECK_NUMBER(hint->nr_extents, 0);
}

static void check_refusal(const struct world *w, uint64_t cookie, enum hint_reason reason)
{
	HintRefusal refusal = { 0 };

	CU_ASSERT(hint_table_next_refusal(w->table, &refusal));
	CHECK_NUMBER(refusal.cookie, cookie);
	CHECK_NUMBER(refusal.reason, reason);
}

static void parts(void)
{
	const struct hint_extent a = { 0, 4096 }, b = { 8192, 4096 }, c = { 4096, 4096 };
	struct world w;
	const Hint *got;

	world_begin(&w);
	CU_ASSERT(take(&w, 1, true, false, &a, 1));
	CHECK_NUMBER(hint_table_hints(w.table), 0);
	CU_ASSERT(take(&w, 1, false, true, &b, 1));
	got = hint_table_find(w.table, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CHECK_NUMBER(got->nr_extents, 2);
	CHECK_NUMBER(got->extents[1].gpa, 8192);
	CHECK_NUMBER(got->asked_bytes, 8192);
	CHECK_NUMBER(w.arrived, 1);
	/* a part that goes on with nothing, or with another hint */
	CU_ASSERT_FALSE(take(&w, 1, false, true, &b, 1));
	CU_ASSERT(take(&w, 2, true, false, &a, 1));
	CU_ASSERT_FALSE(take(&w, 3, false, true, &b, 1));
	/* ascending from part to part as well */
	CU_ASSERT(take(&w, 4, true, false, &b, 1));
	check_refused(&w, 2, HINT_REASON_EXTENTS);
	CU_ASSERT(take(&w, 4, false, true, &c, 1));
	check_refused(&w, 4, HINT_REASON_EXTENTS);
	/* in the place of another one */
	CU_ASSERT(take(&w, 1, true, true, &a, 1));
	CHECK_NUMBER(hint_table_find(w.table, 1)->nr_extents, 1);
	CHECK_NUMBER(hint_table_hints(w.table), 3);
	CHECK_NUMBER(hint_table_extents(w.table), 1);
	/* none at all */
	CU_ASSERT(take(&w, 5, true, true, NULL, 0));
	CHECK_NUMBER(hint_table_find(w.table, 5)->asked_bytes, 0);
	/* what is not finished is forgotten along with the rest */
	CU_ASSERT(take(&w, 6, true, false, &a, 1));
	forget(&w, HINT_COOKIE_ALL);
	CU_ASSERT_FALSE(take(&w, 6, false, true, &b, 1));
	CHECK_NUMBER(hint_table_hints(w.table), 0);
	CHECK_NUMBER(hint_table_extents(w.table), 0);
	/* all that came whole, and what was refused, whole or not */
	CHECK_NUMBER(hint_table_counters(w.table)->hints, 4);
	CHECK_NUMBER(hint_table_counters(w.table)->refused[HINT_REASON_EXTENTS], 2);
	world_end(&w);
}

/* The guest has moved the pages of a hint: that does not make it another one. */
static void told_again(void)
{
	const struct hint_extent a = { 0, 4096 }, b = { 8192, 8192 };
	uint64_t number, serial;
	struct world w;
	Hint *first;

	world_begin(&w);
	CU_ASSERT(take(&w, 1, true, true, &a, 1));
	CU_ASSERT(take(&w, 2, true, true, &a, 1));
	first = hint_table_find(w.table, 1);
	number = first->number;
	serial = first->serial;
	first->fresh = false;
	CU_ASSERT(take(&w, 1, true, true, &b, 1));
	CU_ASSERT(hint_table_find(w.table, 1) == first && hint_table_first(w.table) == first);
	CHECK_NUMBER(first->number, number);
	CU_ASSERT(first->serial != serial && !first->fresh);
	CHECK_NUMBER(first->asked_bytes, 8192);
	CHECK_NUMBER(hint_table_extents(w.table), 2);
	/* another advice: another hint */
	hint(&w, 1, HINT_ADVICE_HOST, 0, 0, 1);
	CU_ASSERT(hint_table_find(w.table, 1)->number > number);
	world_end(&w);
}

static void off(void)
{
	const struct hint_extent a = { 0, 4096 };
	struct world w;

	world_begin(&w);
	hint_table_free(w.table);
	w.table = hint_table_new(4, 4, 1u << HINT_ADVICE_DEVICE);
	CU_ASSERT(take(&w, 1, true, true, &a, 1));
	check_refused(&w, 1, HINT_REASON_OFF);
	world_end(&w);
}

static void too_many_hints(void)
{
	const struct hint_extent a = { 0, 4096 };
	HintRefusal refusal;
	struct world w;

	world_begin(&w);
	for (uint64_t cookie = 1; cookie <= 64; cookie++)
		CU_ASSERT(take(&w, cookie, true, true, &a, 1));
	CU_ASSERT_FALSE(hint_table_next_refusal(w.table, &refusal));
	CU_ASSERT(take(&w, 100, true, true, &a, 1));
	CHECK_NUMBER(hint_table_hints(w.table), 64);
	check_refusal(&w, 100, HINT_REASON_TOO_MANY);
	/* one that is there may change */
	CU_ASSERT(take(&w, 64, true, true, NULL, 0));
	CHECK_NUMBER(hint_table_hints(w.table), 64);
	forget(&w, 1);
	CU_ASSERT(take(&w, 100, true, true, &a, 1));
	CHECK_NUMBER(hint_table_hints(w.table), 64);
	CHECK_NUMBER(hint_table_counters(w.table)->hints, 67);
	CHECK_NUMBER(hint_table_counters(w.table)->refused[HINT_REASON_TOO_MANY], 1);
	world_end(&w);
}

static void too_many_extents(void)
{
	struct hint_extent extents[200];
	struct world w;

	for (unsigned int i = 0; i < G_N_ELEMENTS(extents); i++)
		extents[i] = (struct hint_extent){ i * 8192u, 4096 };
	world_begin(&w);
	CU_ASSERT(take(&w, 1, true, true, extents, 200));
	CU_ASSERT(take(&w, 2, true, true, extents, 56));
	CU_ASSERT(take(&w, 3, true, true, extents, 1));
	check_refusal(&w, 3, HINT_REASON_TOO_MANY);
	/* in the place of those that go there is room */
	CU_ASSERT(take(&w, 1, true, true, extents, 200));
	CHECK_NUMBER(hint_table_extents(w.table), 256);
	/* one that has too many takes the one before it along, and nothing else */
	CU_ASSERT(take(&w, 1, true, false, extents, 150));
	CU_ASSERT(take(&w, 1, false, false, extents + 150, 50));
	extents[0] = (struct hint_extent){ 1 << 30, 4096 };
	CU_ASSERT(take(&w, 1, false, true, extents, 1));
	check_refusal(&w, 1, HINT_REASON_TOO_MANY);
	CU_ASSERT_PTR_NULL(hint_table_find(w.table, 1));
	CHECK_NUMBER(hint_table_extents(w.table), 56);
	world_end(&w);
}

/* Whatever the guest sends: what is kept is what the hints say, and within the limits. */
static void random_frames(void)
{
	struct world w;

	srandom(3);
	world_begin(&w);
	for (int round = 0; round < 20000; round++) {
		struct hint_extent extents[8];
		uint64_t at = 0;
		uint32_t nr = 0;
		HintRefusal refusal;

		for (unsigned int i = 0; i < (unsigned int)(random() % 8); i++) {
			at += (uint64_t)(random() % 4) * 4096;
			extents[i] = (struct hint_extent){ at, (uint64_t)(random() % 8) * 4096 };
			if (random() % 16)
				at += extents[i].length;
			nr = i + 1;
		}
		if (random() % 8 == 0)
			forget(&w, (uint64_t)(random() % 80));
		else
			take(&w, 1 + (uint64_t)(random() % 80), random() % 3, random() % 3, extents,
			     nr);
		while (hint_table_next_refusal(w.table, &refusal))
			CU_ASSERT(refusal.reason == HINT_REASON_TOO_MANY ||
				  refusal.reason == HINT_REASON_EXTENTS);
		nr = 0;
		for (Hint *h = hint_table_first(w.table); h; h = hint_table_next(w.table, h))
			nr += h->nr_extents;
		CHECK_NUMBER(hint_table_extents(w.table), nr);
		CU_ASSERT(nr <= 256 && hint_table_hints(w.table) <= 64);
		CU_ASSERT(w.arrived - w.forgotten >= hint_table_hints(w.table));
	}
	world_end(&w);
}

int main(void)
{
	static const struct check checks[] = {
		{ "parts", parts },
		{ "told again", told_again },
		{ "off", off },
		{ "too many hints", too_many_hints },
		{ "too many extents", too_many_extents },
		{ "random frames", random_frames },
	};

	return run_checks("hint table", checks, G_N_ELEMENTS(checks));
}
