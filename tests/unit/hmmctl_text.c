// SPDX-License-Identifier: LGPL-2.1-or-later
/* text.c and table.c of hmmctl */
#include "hmmctl_check.h"

static void clean_takes_what_a_terminal_would_obey(void)
{
	CHECK_TAKEN_TEXT(text_clean("tenant1 \303\251 \342\226\210"),
			 "tenant1 \303\251 \342\226\210");
	CHECK_TAKEN_TEXT(text_clean("\033[2Jx\007"), "?[2Jx?");
	CHECK_TAKEN_TEXT(text_clean("two\nlines\tand tab"), "two lines and tab");
	CHECK_TAKEN_TEXT(text_clean("bad \377 utf-8"), "bad \357\277\275 utf-8");
	/* RIGHT-TO-LEFT OVERRIDE */
	CHECK_TAKEN_TEXT(text_clean("a\342\200\256b"), "a?b");
	CHECK_TAKEN_TEXT(text_clean(""), "");
}

static void columns_are_those_of_the_terminal(void)
{
	CU_ASSERT_EQUAL(text_columns(""), 0);
	CU_ASSERT_EQUAL(text_columns("abc"), 3);
	CU_ASSERT_EQUAL(text_columns("\303\251"), 1);
	CU_ASSERT_EQUAL(text_columns("e\314\201"), 1); /* combining accent */
	CU_ASSERT_EQUAL(text_columns("\344\270\255"), 2);
}

static void durations(void)
{
	CHECK_TAKEN_TEXT(text_duration(0), "0 s");
	CHECK_TAKEN_TEXT(text_duration(59), "59 s");
	CHECK_TAKEN_TEXT(text_duration(61), "1 min 1 s");
	CHECK_TAKEN_TEXT(text_duration(11531), "3 h 12 min");
	CHECK_TAKEN_TEXT(text_duration(90000), "1 d 1 h");
	CHECK_TAKEN_TEXT(text_duration(G_MAXUINT64), "213503982334601 d 7 h");
}

static void nearest_is_a_good_guess_or_none(void)
{
	const char *const names[] = { "tenant1", "tenant2", "web", "db-master", NULL };
	const char *const none[] = { NULL };
	g_autofree char *endless = g_strnfill(100000, 'a');

	CHECK_TEXT(text_nearest("tennant1", names), "tenant1");
	CHECK_TEXT(text_nearest("TENANT2", names), "tenant2");
	CHECK_TEXT(text_nearest("db", names), "db-master");
	CHECK_TEXT(text_nearest("wep", names), "web");
	CHECK_TEXT(text_nearest("zzzzzzzz", names), NULL);
	CHECK_TEXT(text_nearest("x", names), NULL);
	CHECK_TEXT(text_nearest("", names), NULL);
	CHECK_TEXT(text_nearest(endless, names), NULL);
	CHECK_TEXT(text_nearest("tenant1", none), NULL);
	CHECK_TEXT(text_nearest("tenant1", NULL), NULL);
}

static const struct table_column columns[] = {
	{ "NAME", TABLE_LEFT },
	{ "SIZE", TABLE_RIGHT },
	{ "STATE", TABLE_LEFT },
};

static void table_lines_up(void)
{
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));

	table_add(table, "a");
	table_add_bytes(table, 64 << 20);
	table_add(table, "attached");
	table_add(table, "a-long-name");
	table_add_bytes(table, 0);
	table_add(table, "-");
	CHECK_TAKEN_TEXT(table_text(table), "NAME           SIZE  STATE\n"
					    "a            64 MiB  attached\n"
					    "a-long-name       0  -\n");
}

static void table_of_nothing_is_its_headings(void)
{
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));

	CHECK_TAKEN_TEXT(table_text(table), "NAME  SIZE  STATE\n");
}

static void table_without_headings(void)
{
	static const struct table_column plain[] = { { "", TABLE_LEFT }, { "", TABLE_LEFT } };
	g_autoptr(table_auto) table = table_new(plain, G_N_ELEMENTS(plain));

	table_add(table, "pools");
	table_add(table, "1");
	table_add(table, "\303\251t\303\251\033");
	CHECK_TAKEN_TEXT(table_text(table), "pools  1\n\303\251t\303\251?\n");
}

int main(void)
{
	static const struct check checks[] = {
		{ "clean", clean_takes_what_a_terminal_would_obey },
		{ "columns", columns_are_those_of_the_terminal },
		{ "durations", durations },
		{ "nearest", nearest_is_a_good_guess_or_none },
		{ "table lines up", table_lines_up },
		{ "table of nothing", table_of_nothing_is_its_headings },
		{ "table without headings", table_without_headings },
	};

	return run_checks("hmmctl text and tables", checks, G_N_ELEMENTS(checks));
}
