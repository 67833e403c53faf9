// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "units.h"

static void good_sizes(void)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "0x1000", 4096 },
		{ "12B", 12 },
		{ "4K", 4096 },
		{ "4KiB", 4096 },
		{ "64MiB", 64ull << 20 },
		{ "64 MiB", 64ull << 20 },
		{ "1G", 1ull << 30 },
		{ "1.5GiB", 3ull << 29 },
		{ "0.25 KiB", 256 },
		{ "1.0", 1 },
		{ "2TiB", 2ull << 40 },
		{ "0x10M", 16ull << 20 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215TiB", 16777215ull << 40 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t bytes = 1;
		char *error = NULL;

		CU_ASSERT(units_parse_bytes(cases[i].text, &bytes, &error));
		CHECK_TEXT(error, NULL);
		CHECK_NUMBER(bytes, cases[i].bytes);
	}
}

static void bad_sizes(void)
{
	static const char *const cases[] = {
		"",
		" ",
		"x",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1  MiB",
		"MiB",
		"1.MiB",
		"1.5",
		"1.5B",
		"1.0000001GiB",
		"1kib",
		"1mb",
		"1MB",
		"1 MiBs",
		"0x",
		"0xg",
		"1e3",
		"1,5GiB",
		"18446744073709551616",
		"16777216TiB",
		"99999999999999999999999T",
		"0x1.5M",
		"0x10000000000000000",
		"1\n",
		"1MiB\n",
		"NaN",
		"0.3KiB",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t bytes = 77;
		char *error = NULL;

		CU_ASSERT(!units_parse_bytes(cases[i], &bytes, &error));
		CHECK_NUMBER(bytes, 77);
		CU_ASSERT_PTR_NOT_NULL(error);
		CU_ASSERT(error && strstr(error, cases[i]));
		g_free(error);
		CU_ASSERT(!units_parse_bytes(cases[i], &bytes, NULL));
	}
}

static void good_ranges(void)
{
	uint64_t gpa, bytes;

	CU_ASSERT(units_parse_range("0x40000000+64MiB", &gpa, &bytes, NULL));
	CHECK_NUMBER(gpa, 0x40000000);
	CHECK_NUMBER(bytes, 64 << 20);
	CU_ASSERT(units_parse_range("0+4096", &gpa, &bytes, NULL));
	CHECK_NUMBER(gpa, 0);
	CHECK_NUMBER(bytes, 4096);
	/* up to the very end of the address space */
	CU_ASSERT(units_parse_range("0xffffffffff000+4K", &gpa, &bytes, NULL));
	CU_ASSERT(units_parse_range("0+4096TiB", &gpa, &bytes, NULL));
}

static void bad_ranges(void)
{
	static const char *const cases[] = {
		"",
		"+",
		"0x1000",
		"0x1000+",
		"+4K",
		"0x1000-4K",
		"0x1001+4K",
		"0x1000+4097",
		"0x1000+0",
		"0xffffffffff000+8K",
		"0x10000000000000+4K",
		"4K+4K",
		"0 + 4K",
		"0x1000+4K+4K",
		"0x1000+-4K",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t gpa = 7, bytes = 8;
		char *error = NULL;

		CU_ASSERT(!units_parse_range(cases[i], &gpa, &bytes, &error));
		CHECK_NUMBER(gpa, 7);
		CHECK_NUMBER(bytes, 8);
		CU_ASSERT_PTR_NOT_NULL(error);
		g_free(error);
	}
}

static void formatted(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 12, "12 B" },
		{ 1023, "1023 B" },
		{ 4096, "4 KiB" },
		{ 64 << 20, "64 MiB" },
		{ 3ull << 29, "1.5 GiB" },
		{ 1280, "1.25 KiB" },
		{ (1 << 20) + 1, "1 MiB" },
		{ (1ull << 30) - 1, "1023.99 MiB" },
		{ UINT64_MAX, "16777215.99 TiB" },
		{ 1100, "1.07 KiB" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *text = units_format_bytes(cases[i].bytes);

		CHECK_TEXT(text, cases[i].text);
		g_free(text);
	}
}

/* What is formatted without a fraction reads back as the same number. */
static void there_and_back(void)
{
	for (unsigned int shift = 0; shift < 54; shift++) {
		uint64_t bytes = UINT64_C(1) << shift, again = 0;
		char *text = units_format_bytes(bytes);

		CU_ASSERT(units_parse_bytes(text, &again, NULL));
		CHECK_NUMBER(again, bytes);
		g_free(text);
	}
}

int main(void)
{
	static const struct check checks[] = {
		{ "sizes that are right", good_sizes },
		{ "sizes that are wrong", bad_sizes },
		{ "ranges that are right", good_ranges },
		{ "ranges that are wrong", bad_ranges },
		{ "format", formatted },
		{ "format and parse", there_and_back },
	};

	return run_checks("units", checks, G_N_ELEMENTS(checks));
}
