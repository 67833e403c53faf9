// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What hmm-agentd reckons: extents, waits, lines of /proc/PID/maps.
 */
#include <string.h>

#include "check.h"
#include "extents.h"
#include "maps.h"
#include "pace.h"

#define PRESENT	  (UINT64_C(1) << 63)
#define SWAPPED	  (UINT64_C(1) << 62)
#define OF_FILE	  (UINT64_C(1) << 61)
#define EXCLUSIVE (UINT64_C(1) << 56)
#define DIRTY	  (UINT64_C(1) << 55)

static void test_pages(void)
{
	CHECK_NUMBER(page_kind(0), PAGE_ABSENT);
	CHECK_NUMBER(page_kind(SWAPPED | 77), PAGE_ABSENT);
	CHECK_NUMBER(page_kind(PRESENT | EXCLUSIVE), PAGE_ABSENT); /* its frame is hidden */
	CHECK_NUMBER(page_kind(PRESENT | OF_FILE | EXCLUSIVE | 77), PAGE_SHARED);
	CHECK_NUMBER(page_kind(PRESENT | 77), PAGE_SHARED);
	CHECK_NUMBER(page_kind(PRESENT | EXCLUSIVE | DIRTY | 77), PAGE_OWN);
	CHECK_NUMBER(page_frame(PRESENT | EXCLUSIVE | DIRTY | 77), 77);
}

static void test_coalesce(void)
{
	struct hint_extent at[4];
	struct extents extents = { .at = at, .room = 4 };

	extents_begin(&extents);
	extents_order(&extents);
	CHECK_NUMBER(extents.nr, 0);
	for (uint64_t page = 0; page < 512; page++)
		CU_ASSERT(extents_add(&extents, (1024 + page) * 4096, 4096));
	CHECK_NUMBER(extents.nr, 1);
	CHECK_NUMBER(extents.at[0].length, 2 << 20);
	/* Downwards as well: so a kernel often gives them. */
	for (uint64_t page = 8; page > 4; page--)
		CU_ASSERT(extents_add(&extents, page * 4096, 4096));
	CHECK_NUMBER(extents.nr, 2);
	/* Twice the same, as one that moves may be seen. */
	CU_ASSERT(extents_add(&extents, 1030 * 4096, 4096));
	/* And what fills the gap between two. */
	CU_ASSERT(extents_add(&extents, 9 * 4096, 1015 * 4096));
	extents_order(&extents);
	CHECK_NUMBER(extents.nr, 1);
	CHECK_NUMBER(extents.at[0].gpa, 5 * 4096);
	CHECK_NUMBER(extents_bytes(&extents), (4 + 1015 + 512) * 4096);
}

static void test_no_room(void)
{
	struct hint_extent at[4];
	struct extents extents = { .at = at, .room = 4 };

	extents_begin(&extents);
	for (uint64_t page = 0; page < 8; page += 2)
		CU_ASSERT(extents_add(&extents, page * 4096, 4096));
	CU_ASSERT(!extents_add(&extents, 100 * 4096, 4096));
	CHECK_NUMBER(extents.nr, 4);
	CHECK_NUMBER(extents_bytes(&extents), 4 * 4096);
	/* Order makes room, where pieces of one come far apart. */
	extents_begin(&extents);
	CU_ASSERT(extents_add(&extents, 0, 4096));
	CU_ASSERT(extents_add(&extents, 8192, 4096));
	CU_ASSERT(extents_add(&extents, 65536, 4096));
	CU_ASSERT(extents_add(&extents, 4096, 4096));
	CU_ASSERT(extents_add(&extents, 131072, 4096));
	CHECK_NUMBER(extents_bytes(&extents), 5 * 4096);
	extents.room = 0;
	extents_begin(&extents);
	CU_ASSERT(!extents_add(&extents, 0, 4096));
}

static void test_digest(void)
{
	struct hint_extent one[] = { { 4096, 4096 }, { 16384, 8192 } };
	struct hint_extent two[] = { { 4096, 8192 }, { 16384, 4096 } };
	struct extents a = { .at = one, .nr = 2 }, b = { .at = two, .nr = 2 };
	uint64_t digest = extents_digest(&a);

	CHECK_NUMBER(extents_digest(&a), digest);
	CU_ASSERT(extents_digest(&b) != digest);
	a.nr = 1;
	CU_ASSERT(extents_digest(&a) != digest);
	a.nr = 0;
	CU_ASSERT(extents_digest(&a) != digest);
}

static void test_waits(void)
{
	static const uint32_t waits[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000 };
	unsigned int step = 0;

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		CHECK_NUMBER(pace_recheck_ms(step), waits[i]);
		step = pace_next_step(step, false);
	}
	CHECK_NUMBER(pace_next_step(step, true), 0);
	CHECK_NUMBER(pace_recheck_ms(99), 30000);
}

static struct mapping line(const char *text)
{
	struct mapping mapping = { 0 };

	CU_ASSERT(maps_line(text, strlen(text), &mapping));
	return mapping;
}

static void test_maps(void)
{
	struct mapping mapping =
		line("7f0e12345000-7f0e12400000 rw-p 00000000 00:00 0                  [heap]\n");

	CHECK_NUMBER(mapping.start, 0x7f0e12345000);
	CHECK_NUMBER(mapping.end, 0x7f0e12400000);
	CU_ASSERT(mapping.private && mapping.anonymous);
	CU_ASSERT(line("1000-2000 rw-p 00000000 00:00 0 \n").anonymous);
	CU_ASSERT(line("1000-2000 rw-p 00000000 00:00 0\n").anonymous);
	CU_ASSERT(line("1000-2000 rw-p 00000000 00:00 0 [anon:x]\n").anonymous);
	CU_ASSERT(!line("1000-2000 rw-s 00000000 00:01 1027 /memfd:x (deleted)\n").private);
	CU_ASSERT(!line("1000-2000 r-xp 00000000 08:01 1027 /usr/bin/true\n").anonymous);
	CU_ASSERT(!line("1000-2000 r-xp 00000000 00:00 0 [vdso]\n").anonymous);
	CU_ASSERT(!line("1000-2000 r--p 00000000 00:00 0 [vvar_vclock]\n").anonymous);
	CU_ASSERT(!line("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]")
			   .anonymous);
}

static void test_no_maps(void)
{
	static const char *const lines[] = {
		"",
		"\n",
		"x",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 rw-p",
		"2000-1000 rw-p 00000000 00:00 0\n",
		"1000-1000 rw-p 00000000 00:00 0\n",
		"1000-2000 rwp 00000000 00:00 0\n",
		"1000-2000 rw-p 00000000 00:00\n",
		"12345678123456789-2000 rw-p 00000000 00:00 0\n",
		"-2000 rw-p 00000000 00:00 0\n",
	};
	struct mapping mapping = { .start = 5 };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		CU_ASSERT(!maps_line(lines[i], strlen(lines[i]), &mapping));
	CHECK_NUMBER(mapping.start, 5);
}

int main(void)
{
	static const struct check checks[] = {
		{ "kinds of pages", test_pages }, { "coalescing", test_coalesce },
		{ "no room", test_no_room },	  { "digests", test_digest },
		{ "lines of maps", test_maps },	  { "what is no line of maps", test_no_maps },
		{ "waits", test_waits },
	};

	return run_checks("agentd_pure", checks, sizeof(checks) / sizeof(checks[0]));
}
