// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "check.h"
#include "hint-stuck.h"

#define RANGE 4096u

/* As "10-20 40-45". */
static void check_(int line, const HintStuck *stuck, const char *want)
{
	g_autoptr(GString) text = g_string_new(NULL);
	uint64_t at = 0, start, last = 0;

	while (hint_stuck_next_free(stuck, &at, RANGE, &start)) {
		if (start > last)
			g_string_append_printf(text, "%s%u-%u", text->len ? " " : "",
					       (unsigned int)last, (unsigned int)start);
		last = at;
	}
	if (last < RANGE)
		g_string_append_printf(text, "%s%u-%u", text->len ? " " : "", (unsigned int)last,
				       RANGE);
	if (strcmp(text->str, want) != 0) {
		printf("\nline %d: %s\n", line, text->str);
		CU_FAIL("ranges");
	}
}

#define CHECK_STUCK(stuck, want) check_(__LINE__, stuck, want)

static void adds(void)
{
	HintStuck stuck = { 0 };

	CHECK_STUCK(&stuck, "");
	CU_ASSERT_TRUE(hint_stuck_none(&stuck));
	hint_stuck_add(&stuck, 100, 110);
	hint_stuck_add(&stuck, 300, 310);
	hint_stuck_add(&stuck, 200, 210);
	CHECK_STUCK(&stuck, "100-110 200-210 300-310");
	CU_ASSERT_FALSE(hint_stuck_none(&stuck));
	/* what touches or overlaps is one */
	hint_stuck_add(&stuck, 110, 120);
	hint_stuck_add(&stuck, 90, 100);
	hint_stuck_add(&stuck, 205, 215);
	hint_stuck_add(&stuck, 206, 207);
	CHECK_STUCK(&stuck, "90-120 200-215 300-310");
	hint_stuck_add(&stuck, 120, 305);
	CHECK_STUCK(&stuck, "90-310");
	hint_stuck_add(&stuck, 0, RANGE);
	CHECK_STUCK(&stuck, "0-4096");
	hint_stuck_clear(&stuck);
	CU_ASSERT_TRUE(hint_stuck_none(&stuck));
	CHECK_STUCK(&stuck, "");
	hint_stuck_clear(&stuck);
}

static void looks(void)
{
	HintStuck stuck = { 0 };
	uint64_t at = 5, start = 0;

	hint_stuck_add(&stuck, 0, 10);
	hint_stuck_add(&stuck, 20, 30);
	CU_ASSERT_TRUE(hint_stuck_next_free(&stuck, &at, 25, &start));
	CHECK_NUMBER(start, 10);
	CHECK_NUMBER(at, 20);
	CU_ASSERT_FALSE(hint_stuck_next_free(&stuck, &at, 25, &start));
	at = 12;
	CU_ASSERT_TRUE(hint_stuck_next_free(&stuck, &at, 15, &start));
	CHECK_NUMBER(start, 12);
	CHECK_NUMBER(at, 15);
	hint_stuck_clear(&stuck);
}

/* Of too many it keeps no more than it may, and none of them is free. */
static void bounded(void)
{
	HintStuck stuck = { 0 };

	for (uint64_t i = 0; i < HINT_STUCK_MAX; i++)
		hint_stuck_add(&stuck, i * 10, i * 10 + 2);
	hint_stuck_add(&stuck, 103, 104);
	CHECK_NUMBER(stuck.ranges->len, HINT_STUCK_MAX);
	/* the nearest two are one by now */
	for (uint64_t at = 100, start; hint_stuck_next_free(&stuck, &at, 110, &start);)
		CU_ASSERT(start == 104 && at == 110);
	hint_stuck_clear(&stuck);
}

static void random_ranges(void)
{
	static bool is_stuck[RANGE];

	srandom(1);
	for (int round = 0; round < 200; round++) {
		HintStuck stuck = { 0 };

		memset(is_stuck, 0, sizeof(is_stuck));
		for (int i = 0; i < 60; i++) {
			uint64_t from = (uint64_t)(random() % (RANGE - 50));
			uint64_t end = from + 1 + (uint64_t)(random() % 50);
			uint64_t at = 0, start;

			hint_stuck_add(&stuck, from, end);
			memset(is_stuck + from, true, end - from);
			CU_ASSERT(stuck.ranges->len <= HINT_STUCK_MAX);
			while (hint_stuck_next_free(&stuck, &at, RANGE, &start))
				CU_ASSERT_FALSE(memchr(is_stuck + start, true, at - start));
		}
		hint_stuck_clear(&stuck);
	}
}

int main(void)
{
	static const struct check checks[] = {
		{ "adds", adds },
		{ "looks", looks },
		{ "bounded", bounded },
		{ "random ranges", random_ranges },
	};

	return run_checks("what of a hint is stuck", checks, G_N_ELEMENTS(checks));
}
