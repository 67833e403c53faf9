// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmm-hint: what it understands, what it says, and how it exits.
 */
#include <json-c/json.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_check.h"
#include "check.h"
#include "cli.h"

#define MIB (UINT64_C(1) << 20)

/* ---- pure ------------------------------------------------------------------------------- */

static void test_bytes(void)
{
	static const char *const wrong[] = { "",
					     "K",
					     "-1",
					     "1X",
					     "1 K",
					     "0x",
					     "1.5M",
					     "+1",
					     "18446744073709551616",
					     "99999999999T" };
	uint64_t bytes = 5;
	char text[BYTES_TEXT];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT(!parse_bytes(wrong[i], &bytes));
	CHECK_NUMBER(bytes, 5);
	CU_ASSERT(parse_bytes("4096", &bytes) && bytes == 4096);
	CU_ASSERT(parse_bytes("0x10B", &bytes) && bytes == 0x10b);
	CU_ASSERT(parse_bytes("64MiB", &bytes) && bytes == 64 * MIB);
	CU_ASSERT(parse_bytes("2T", &bytes) && bytes == 2 * MIB * MIB);
	CHECK_TEXT(format_bytes(0, text), "0");
	CHECK_TEXT(format_bytes(12, text), "12 B");
	CHECK_TEXT(format_bytes(64 * MIB, text), "64 MiB");
	CHECK_TEXT(format_bytes(1536, text), "1.5 KiB");
	CHECK_TEXT(format_bytes(UINT64_MAX, text), "16 EiB");
}

static void test_ranges(void)
{
	static const char *const wrong[] = { "",
					     "0x1000",
					     "0x1000+",
					     "0x1000+0",
					     "0x2000..0x1000",
					     "1..",
					     "0x1000..0x1000",
					     "0xffffffffffffffff+4096",
					     "0x1000-0x2000",
					     "+5" };
	uint64_t address = 1, length = 2;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT(!parse_range(wrong[i], &address, &length));
	CHECK_NUMBER(address + length, 3);
	CU_ASSERT(parse_range("0x7f0000000000+64MiB", &address, &length));
	CHECK_NUMBER(address, 0x7f0000000000);
	CHECK_NUMBER(length, 64 * MIB);
	CU_ASSERT(parse_range("4096..0x3000", &address, &length));
	CHECK_NUMBER(length, 8192);
}

/* ---- the program ------------------------------------------------------------------------- */

/* Run it; what it said on stdout is to be freed.  @arguments in one text, with blanks between. */
static int run(const struct setup *setup, const char *arguments, char **out)
{
	g_autofree char *line = g_strdup_printf(
		"./hmm-hint --socket %s %s", setup ? setup->socket : "/nonexistent/x", arguments);
	g_auto(GStrv) argv = g_strsplit(line, " ", -1);
	int status = -1;

	g_assert(g_spawn_sync(NULL, argv, NULL,
			      G_SPAWN_LEAVE_DESCRIPTORS_OPEN | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
			      NULL, out, NULL, &status, NULL));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int status_of(const struct setup *setup, const char *arguments)
{
	g_autofree char *out = NULL;

	return run(setup, arguments, &out);
}

static void test_misuse(void)
{
	static const char *const wrong[] = {
		"frobnicate",
		"device",
		"--pid 1 device",
		"--pid x --range all device",
		"--pid 1 --range all",
		"--pid 1 --range all --priority 8 cold",
		"--pid 1 --range 5 cold",
		"--pid 1 --range all cold cold",
		"status now",
		"status --pid 0",
		"forget",
		"forget 0",
		"forget 5 --all",
		"forget 5 6",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_NUMBER((uint64_t)status_of(NULL, wrong[i]), EXIT_MISUSE);
	CHECK_NUMBER((uint64_t)status_of(NULL, "run --advice warm true"), EXIT_RUN);
	CHECK_NUMBER((uint64_t)status_of(NULL, "run"), EXIT_RUN);
}

static void test_no_agent(void)
{
	CHECK_NUMBER((uint64_t)status_of(NULL, "status"), EXIT_NO_AGENT);
	CHECK_NUMBER((uint64_t)status_of(NULL, "--pid 1 --range all cold"), EXIT_NO_AGENT);
	CHECK_NUMBER((uint64_t)status_of(NULL, "run -- sh -c :"), 0);
	CHECK_NUMBER((uint64_t)status_of(NULL, "run false"), 1);
	CHECK_NUMBER((uint64_t)status_of(NULL, "run /nonexistent/command"), 127);
}

static void test_advise(void)
{
	struct hint_result result = {
		.status = HINT_STATUS_DONE,
		.asked_bytes = MIB,
		.done_bytes = MIB,
	};
	g_autofree char *hint = NULL, *out = NULL, *json = NULL, *forget = NULL;
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	struct told told;

	hint = g_strdup_printf("--pid %d --range %p+1MiB -P 2 --wait=0 device", (int)getpid(),
			       (void *)memory);
	CHECK_NUMBER((uint64_t)run(&setup, hint, &out), EXIT_NOT_YET);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(g_ascii_strtoull(out, NULL, 16), told.request.cookie);
	CHECK_NUMBER(told.request.priority, 2);
	CU_ASSERT(told_is_memory(&told, memory, MIB));
	told_clear(&told);
	result.cookie = told.request.cookie;
	host_result(&setup.host, &result);
	CHECK_NUMBER((uint64_t)hmmhint_wait(h, result.cookie, PATIENCE_MS), 0);
	CHECK_NUMBER((uint64_t)run(&setup, "status --json", &json), 0);
	CU_ASSERT(strstr(json, "\"state\":\"done\"") && strstr(json, "\"done-bytes\":1048576"));
	forget = g_strdup_printf("forget 0x%" PRIx64, result.cookie);
	CHECK_NUMBER((uint64_t)status_of(&setup, forget), 0);
	CU_ASSERT(host_forget(&setup.host, result.cookie));
	CHECK_NUMBER((uint64_t)status_of(&setup, forget), EXIT_FAILED);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

/* The hint is about the command's memory, not about what hmm-hint had. */
static void test_run(void)
{
	g_autofree char *json = NULL;
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct json_object *object, *list, *first, *bytes;
	const int64_t end = test_now_ms() + PATIENCE_MS;
	struct told told;
	pid_t pid = fork();

	if (pid == 0) {
		execl("./hmm-hint", "./hmm-hint", "--socket", setup.socket, "run", "--advice",
		      "cold", "--", "sleep", "60", (char *)NULL);
		_exit(126);
	}
	for (bool some = false; !some && test_now_ms() < end;) {
		CU_ASSERT_FATAL(host_hint(&setup.host, &told));
		CHECK_NUMBER(told.request.owner, (uint64_t)pid);
		CHECK_NUMBER(told.request.advice, HINT_ADVICE_COLD);
		some = told_bytes(&told) > 0;
		told_clear(&told);
	}
	CHECK_NUMBER((uint64_t)run(&setup, "status --json", &json), 0);
	object = json_tokener_parse(json);
	CU_ASSERT_FATAL(json_object_object_get_ex(object, "hints", &list));
	CHECK_NUMBER(json_object_array_length(list), 1);
	first = json_object_array_get_idx(list, 0);
	CU_ASSERT(json_object_object_get_ex(first, "whole", &bytes) &&
		  json_object_get_boolean(bytes));
	CU_ASSERT(json_object_object_get_ex(first, "told-bytes", &bytes) &&
		  json_object_get_int64(bytes) > 0);
	json_object_put(object);
	kill(pid, SIGTERM);
	wait_exit(pid);
	for (const void *frame = NULL; !frame || hint_type_of(frame) != HINT_TYPE_FORGET;) {
		frame = host_frame(&setup.host, PATIENCE_MS);
		CU_ASSERT_FATAL(frame != NULL);
	}
	setup_end(&setup, h);
}

int main(void)
{
	static const struct check checks[] = {
		{ "sizes", test_bytes },
		{ "ranges", test_ranges },
		{ "wrong use", test_misuse },
		{ "no agent", test_no_agent },
		{ "a hint, its state, and taking it back", test_advise },
		{ "run", test_run },
	};

	signal(SIGPIPE, SIG_IGN);
	/* The last two need an agent that sees frames. */
	return run_checks("hint_cli", checks,
			  sizeof(checks) / sizeof(checks[0]) - (geteuid() == 0 ? 0 : 2));
}
