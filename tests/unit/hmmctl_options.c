// SPDX-License-Identifier: LGPL-2.1-or-later
/* verbs.c, selector.c and the command line part of ctl.c of hmmctl */
#include "hmmctl_check.h"

#define MAX_WORDS 16

/* A command line out of one string, and the ctl that would parse it. */
struct line {
	struct ctl ctl;
	char **words; /* owned */
	char *argv[MAX_WORDS + 1];
};

static void line_init(struct line *line, const char *text)
{
	memset(line, 0, sizeof(*line));
	line->words = g_strsplit(text, " ", MAX_WORDS);
	line->ctl.argc = (int)g_strv_length(line->words);
	memcpy(line->argv, line->words, sizeof(char *) * (size_t)line->ctl.argc);
	line->ctl.argv = line->argv;
}

static void line_clear(struct line *line)
{
	ctl_clear(&line->ctl);
	g_strfreev(line->words);
}

static gboolean take(struct line *line, GError **error)
{
	return verb_take(&line->ctl.argc, line->ctl.argv, &line->ctl.verb, error);
}

static void expect_verb(const char *text, const char *verb)
{
	g_autoptr(GError) error = NULL;
	struct line line;

	line_init(&line, text);
	CU_ASSERT_TRUE(take(&line, &error));
	CHECK_TEXT(line.ctl.verb ? line.ctl.verb->name : NULL, verb);
	line_clear(&line);
}

static void verbs_are_found_anywhere(void)
{
	expect_verb("hmmctl list", "list");
	expect_verb("hmmctl --json list", "list");
	expect_verb("hmmctl --socket list status", "status");
	expect_verb("hmmctl --socket=list -jq status", "status");
	expect_verb("hmmctl -- status", "status");
	expect_verb("hmmctl --help", NULL);
	expect_verb("hmmctl", NULL);
	expect_verb("hmmctl --socket", NULL);
}

static void unknown_verbs(void)
{
	g_autoptr(GError) error = NULL;
	struct line line;

	line_init(&line, "hmmctl migrte tenant1");
	CU_ASSERT_FALSE(take(&line, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_USAGE, "did you mean 'migrate'?");
	line_clear(&line);
	line_init(&line, "hmmctl xyzzy");
	CU_ASSERT_FALSE(take(&line, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_USAGE, "'hmmctl --help' lists them");
	line_clear(&line);
}

static void common_options(void)
{
	static const char *const lines[] = {
		"hmmctl --json --socket /x -v status tenant1 --quiet",
		"hmmctl status -jvq --socket=/x tenant1",
		"hmmctl status tenant1 --quiet --verbose --json --socket /x",
		"hmmctl --socket /y status tenant1 --quiet --verbose --json --socket /x",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autoptr(GError) error = NULL;
		struct line line;

		line_init(&line, lines[i]);
		CU_ASSERT_TRUE(take(&line, &error));
		CU_ASSERT_TRUE(ctl_parse(&line.ctl, NULL, &error));
		CU_ASSERT_PTR_NULL(error);
		CU_ASSERT_TRUE(line.ctl.json && line.ctl.quiet && line.ctl.verbose);
		CHECK_TEXT(line.ctl.socket, "/x");
		CHECK_TEXT(ctl_operand(&line.ctl, 0), "tenant1");
		CHECK_TEXT(ctl_operand(&line.ctl, 1), NULL);
		line_clear(&line);
	}
}

static void refuse(const char *text, const char *why)
{
	g_autoptr(GError) error = NULL;
	struct line line;

	line_init(&line, text);
	CU_ASSERT_TRUE(take(&line, &error));
	if (line.ctl.verb)
		CU_ASSERT_FALSE(line.ctl.verb->run(&line.ctl, &error))
	else
		CU_ASSERT_FALSE(ctl_parse(&line.ctl, NULL, &error))
	CU_ASSERT_PTR_NULL(line.ctl.client);
	CHECK_ERROR(&error, HMMCTL_ERROR_USAGE, why);
	line_clear(&line);
}

static void wrong_usage(void)
{
	refuse("hmmctl", "no verb given");
	refuse("hmmctl --bogus", "--bogus");
	refuse("hmmctl list --bogus", "hmmctl list --help");
	refuse("hmmctl list tenant1", "'tenant1' is one word too many");
	refuse("hmmctl status a b", "'b' is one word too many");
	refuse("hmmctl attach \377", "not UTF-8");
	refuse("hmmctl attach", "VM is missing: hmmctl attach VM");
	refuse("hmmctl pool-create", "NAME is missing");
	refuse("hmmctl pool-create p0", "--size");
	refuse("hmmctl pool-create p0 --size 3MiB", "multiple of 2 MiB");
	refuse("hmmctl pool-create p0 --size 0", "multiple of 2 MiB");
	refuse("hmmctl pool-create p0 --size lots", "--size: 'lots' is not a size");
	refuse("hmmctl migrate", "VM is missing");
	refuse("hmmctl migrate vm", "none was given");
	refuse("hmmctl migrate vm --all --bytes 1MiB", "more than one was given");
	refuse("hmmctl migrate vm --gpa 0x0+4KiB --bytes 1MiB", "more than one was given");
	refuse("hmmctl migrate vm --gpa 4096", "--gpa: '4096' is not a guest range");
	refuse("hmmctl migrate vm --gpa 0x1+4KiB", "--gpa:");
	refuse("hmmctl migrate vm --gpa 0x0+4KiB --gpa junk", "--gpa: 'junk'");
	refuse("hmmctl migrate vm --bytes 0", "--bytes: 0");
	refuse("hmmctl migrate vm --bytes -1", "--bytes:");
	refuse("hmmctl recall vm", "none was given");
	refuse("hmmctl recall vm --all --pool p0", "--pool");
	refuse("hmmctl map", "VM is missing");
	refuse("hmmctl map vm --gpa x", "--gpa: 'x'");
	refuse("hmmctl map vm --width -1", "--width");
	refuse("hmmctl map vm --width 5000", "--width");
	refuse("hmmctl map vm --width wide", "wide");
	refuse("hmmctl hints", "VM is missing");
	refuse("hmmctl hints a b", "'b' is one word too many");
	refuse("hmmctl hints vm --owner x", "--owner: 'x' is no process id");
	refuse("hmmctl hints vm --owner=", "--owner: '' is no process id");
	refuse("hmmctl hints vm --owner=-1", "--owner: '-1'");
	refuse("hmmctl hints vm --owner 0x10", "--owner: '0x10'");
	refuse("hmmctl hints vm --owner 18446744073709551616", "--owner");
	refuse("hmmctl hints vm --advice warm",
	       "--advice: 'warm' is none of device host cold willneed-device pin-host");
	refuse("hmmctl hints vm --advice Device", "--advice: 'Device'");
	refuse("hmmctl hints vm --gpa 0x0+4KiB", "--gpa");
	refuse("hmmctl events --count 0", "--count");
	refuse("hmmctl events --count -2", "--count");
	refuse("hmmctl events --timeout 0", "--timeout");
	refuse("hmmctl events --timeout nan", "--timeout");
	refuse("hmmctl events --timeout inf", "--timeout");
	refuse("hmmctl events --timeout -5", "--timeout");
	refuse("hmmctl events --timeout 1e7", "--timeout");
}

static char *selected(char **gpa, char *bytes, gboolean all)
{
	struct selector selector = { .gpa = gpa, .bytes = bytes, .all = all };
	g_autoptr(hmmctl_json) arguments = json_object_new_object();
	g_autoptr(GError) error = NULL;

	if (!selector_to_json(&selector, arguments, &error))
		return g_strdup(error->message);
	return g_strdup(json_object_to_json_string_ext(arguments, JSON_C_TO_STRING_PLAIN));
}

static void selectors(void)
{
	char first[] = "0x40000000+64MiB", second[] = "0+4KiB", bytes[] = "1.5GiB";
	char *gpa[] = { first, second, NULL };

	CHECK_TAKEN_TEXT(selected(gpa, NULL, FALSE),
			 "{\"ranges\":[{\"gpa\":1073741824,\"bytes\":67108864},"
			 "{\"gpa\":0,\"bytes\":4096}]}");
	CHECK_TAKEN_TEXT(selected(NULL, bytes, FALSE), "{\"bytes\":1610612736}");
	CHECK_TAKEN_TEXT(selected(NULL, NULL, TRUE), "{\"all\":true}");
}

static void every_verb_explains_itself(void)
{
	g_autofree char *list = verb_list_text();
	static const char *const names[] = { "list",	     "status", "pools",	 "pool-create",
					     "pool-destroy", "attach", "detach", "migrate",
					     "recall",	     "map",    "hints",	 "events",
					     "doctor" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const struct verb *verb = verb_find(names[i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(verb);
		CU_ASSERT_PTR_NOT_NULL(strstr(list, verb->summary));
		CU_ASSERT_PTR_NOT_NULL(strstr(verb->details, "Examples:"));
		CU_ASSERT_PTR_NOT_NULL(strstr(verb->details, names[i]));
	}
	CU_ASSERT_PTR_NULL(verb_find("bogus"));
}

static void exit_statuses(void)
{
	static const struct {
		int code, status;
	} cases[] = {
		{ HMMCTL_ERROR_DONE, 0 },    { HMMCTL_ERROR_FAILED, 1 },
		{ HMMCTL_ERROR_USAGE, 2 },   { HMMCTL_ERROR_UNREACHABLE, 3 },
		{ HMMCTL_ERROR_TIMEOUT, 3 }, { HMMCTL_ERROR_INTERRUPTED, 130 },
	};
	g_autoptr(GError) foreign = g_error_new_literal(G_FILE_ERROR, 0, "x");

	CU_ASSERT_EQUAL(hmmctl_exit_status(NULL), 0);
	CU_ASSERT_EQUAL(hmmctl_exit_status(foreign), 1);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = g_error_new_literal(HMMCTL_ERROR, cases[i].code, "x");

		CU_ASSERT_EQUAL(hmmctl_exit_status(error), cases[i].status);
	}
}

int main(void)
{
	static const struct check checks[] = {
		{ "verbs", verbs_are_found_anywhere },
		{ "unknown verbs", unknown_verbs },
		{ "common options", common_options },
		{ "wrong usage", wrong_usage },
		{ "selectors", selectors },
		{ "help", every_verb_explains_itself },
		{ "exit status", exit_statuses },
	};

	return run_checks("hmmctl options", checks, G_N_ELEMENTS(checks));
}
