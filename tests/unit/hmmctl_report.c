// SPDX-License-Identifier: LGPL-2.1-or-later
/* report.c, progress.c and event-text.c of hmmctl */
#include "hmmctl_check.h"
#include "names.h"

#define MIB ((guint64)1 << 20)

static char *report(const char *json, enum report_direction direction)
{
	g_autoptr(hmmctl_json) object = parse_json(json);
	g_auto(moved_auto) moved = { 0 };
	g_autoptr(GError) error = NULL;

	if (!moved_from_json(object, &moved, &error))
		return g_strdup(error->message);
	return report_moved(&moved, direction);
}

static void all_moved(void)
{
	CHECK_TAKEN_TEXT(
		report("{\"asked-bytes\": 67108864, \"moved-bytes\": 67108864,"
		       " \"moved-huge\": 32, \"evicted-bytes\": 0, \"seconds\": 0.08, \"skipped\": {}}",
		       REPORT_OUT),
		"moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n");
	CHECK_TAKEN_TEXT(
		report("{\"asked-bytes\": 4096, \"moved-bytes\": 4096,"
		       " \"moved-huge\": 0, \"evicted-bytes\": 0, \"seconds\": 0, \"skipped\": {}}",
		       REPORT_OUT),
		"moved 4 KiB in less than 1 ms\n");
	CHECK_TAKEN_TEXT(
		report("{\"asked-bytes\": 2097152, \"moved-bytes\": 2097152,"
		       " \"moved-huge\": 1, \"evicted-bytes\": 0, \"seconds\": 12.3456, \"skipped\": {}}",
		       REPORT_BACK),
		"brought back 2 MiB (1 huge page) in 12.35 s, 166 KiB/s\n");
}

static void made_room(void)
{
	CHECK_TAKEN_TEXT(report("{\"asked-bytes\": 4096, \"moved-bytes\": 4096, \"moved-huge\": 0,"
				" \"evicted-bytes\": 8388608, \"seconds\": 0, \"skipped\": {}}",
				REPORT_OUT),
			 "moved 4 KiB in less than 1 ms\n"
			 "made room: 8 MiB came home from the pool\n");
}

static void some_moved(void)
{
	g_autofree char *expected =
		g_strdup_printf("moved 60 MiB of 64 MiB (30 huge pages) in 0.10 s, 600 MiB/s\n"
				"did not move: 3 MiB pinned (%s)\n"
				"did not move: 1 MiB absent (%s)\n",
				vmirror_skip_text(VMIRROR_SKIP_PINNED),
				vmirror_skip_text(VMIRROR_SKIP_ABSENT));

	CHECK_TAKEN_TEXT(
		report("{\"asked-bytes\": 67108864, \"moved-bytes\": 62914560,"
		       " \"moved-huge\": 30, \"evicted-bytes\": 0, \"seconds\": 0.1, \"skipped\":"
		       " {\"absent\": 1048576, \"pinned\": 3145728, \"busy\": 0}}",
		       REPORT_OUT),
		expected);
	CHECK_TAKEN_TEXT(
		report("{\"asked-bytes\": 67108864, \"moved-bytes\": 0,"
		       " \"moved-huge\": 0, \"evicted-bytes\": 0, \"seconds\": 0.1, \"skipped\":"
		       " {\"from-the-future\": 67108864}}",
		       REPORT_OUT),
		"nothing moved\n"
		"did not move: 64 MiB from-the-future\n");
}

static void back_does_not_complain_of_what_was_at_home(void)
{
	CHECK_TAKEN_TEXT(report("{\"asked-bytes\": 268435456, \"moved-bytes\": 67108864,"
				" \"moved-huge\": 32, \"evicted-bytes\": 0, \"seconds\": 0.05,"
				" \"skipped\": {\"absent\": 201326592}}",
				REPORT_BACK),
			 "brought back 64 MiB (32 huge pages) in 0.05 s, 1.25 GiB/s\n"
			 "did not move: 192 MiB absent (in RAM already, or no page there)\n");
	CHECK_TAKEN_TEXT(
		report("{\"asked-bytes\": 0, \"moved-bytes\": 0, \"moved-huge\": 0,\"evicted-bytes\":0,"
		       " \"seconds\": 0, \"skipped\": {}}",
		       REPORT_BACK),
		"nothing had to come back\n");
}

static void rates(void)
{
	CHECK_TAKEN_TEXT(report_rate(64 * MIB, 0.08), "800 MiB/s");
	CHECK_TAKEN_TEXT(report_rate(999 * MIB, 1), "999 MiB/s");
	CHECK_TAKEN_TEXT(report_rate(9999 * MIB / 10, 1), "0.976 GiB/s");
	CHECK_TAKEN_TEXT(report_rate(1, 1), "1 B/s");
	CHECK_TAKEN_TEXT(report_rate(0, 1), "0 B/s");
	CU_ASSERT_PTR_NULL(report_rate(64 * MIB, 0));
	CU_ASSERT_PTR_NULL(report_rate(G_MAXINT64, 1e-300));
}

static void bar_fits(void)
{
	struct progress_state state = {
		.label = "moving out",
		.done_bytes = 32 * MIB,
		.total_bytes = 64 * MIB,
		.moved_bytes = 30 * MIB,
		.seconds = 0.25,
	};

	CHECK_TAKEN_TEXT(progress_bar(&state, 200, FALSE),
			 "moving out  [####################--------------------]   50 %  "
			 "32 MiB of 64 MiB, 128 MiB/s");
	CHECK_TAKEN_TEXT(progress_bar(&state, 60, FALSE),
			 "moving out  [#####-----]   50 %  32 MiB of 64 MiB, 128 MiB/s");
	CHECK_TAKEN_TEXT(progress_bar(&state, 60, TRUE),
			 "moving out  [█████·····]   50 %  32 MiB of 64 MiB, 128 MiB/s");
	CHECK_TAKEN_TEXT(progress_bar(&state, 20, FALSE), " 50 %  32 MiB of 64 ");
	CHECK_TAKEN_TEXT(progress_bar(&state, 0, FALSE), "");
	CHECK_TAKEN_TEXT(progress_line(&state),
			 "moving out: 50 %  32 MiB of 64 MiB, 128 MiB/s, 30 MiB moved");
}

static void bar_survives_silly_numbers(void)
{
	struct progress_state state = { .label = "x" };

	CHECK_TAKEN_TEXT(progress_line(&state), "x: 100 %  0 of 0, 0 moved");
	state.done_bytes = G_MAXINT64;
	state.total_bytes = 1;
	state.seconds = 1;
	CHECK_TAKEN_TEXT(progress_line(&state), "x: 100 %  8388607.99 TiB of 1 B, 0 moved");
}

static char *line(const char *json)
{
	g_autoptr(hmmctl_json) event = parse_json(json);
	const char *name = "";

	reply_string(event, "event", &name, NULL);
	return event_text(name, event);
}

#define AT "\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 42}"

static void event_lines(void)
{
	CHECK_TAKEN_TEXT(
		line("{\"event\": \"out\", \"data\": {\"vm\": \"tenant1\", \"gpa\": 1073741824,"
		     " \"bytes\": 2097152, \"reason\": \"request\", \"pool\": \"p0\","
		     " \"offset\": 0, \"huge\": true}, " AT "}"),
		"22:13:20.000042  out            tenant1  0x40000000+2 MiB  huge  pool p0  request");
	CHECK_TAKEN_TEXT(
		line("{\"event\": \"lost\", \"data\": {\"vm\": \"tenant1\", \"records\": 7}, " AT
		     "}"),
		"22:13:20.000042  lost           tenant1  7 records of detail lost");
	CHECK_TAKEN_TEXT(line("{\"event\": \"dropped\", \"data\": {\"count\": 3}, " AT "}"),
			 "22:13:20.000042  dropped        3 events, hmmctl read too slowly");
	CHECK_TAKEN_TEXT(
		line("{\"event\": \"pool-created\", \"data\": {\"pool\": {\"name\": \"p0\"}}, " AT
		     "}"),
		"22:13:20.000042  pool-created   p0");
	CHECK_TAKEN_TEXT(line("{\"event\": \"vm-attached\", \"data\": {\"vm\": \"tenant1\"}, " AT
			      "}"),
			 "22:13:20.000042  vm-attached    tenant1");
}

static void event_lines_of_malformed_events(void)
{
	CHECK_TAKEN_TEXT(line("{\"event\": \"new\033thing\"}"), "--:--:--.------  new?thing");
	CHECK_TAKEN_TEXT(line("{\"event\": \"out\", \"data\": 7, \"timestamp\": []}"),
			 "--:--:--.------  out");
	CHECK_TAKEN_TEXT(
		line("{\"event\": \"out\", \"data\": {\"vm\": 1, \"gpa\": \"x\", \"huge\": 2}}"),
		"--:--:--.------  out");
	CHECK_TAKEN_TEXT(line("{\"event\": \"out\", \"data\": {}, \"timestamp\":"
			      " {\"seconds\": 9223372036854775807, \"microseconds\": 1}}"),
			 "--:--:--.------  out");
}

int main(void)
{
	static const struct check checks[] = {
		{ "all moved", all_moved },
		{ "made room", made_room },
		{ "some moved", some_moved },
		{ "back", back_does_not_complain_of_what_was_at_home },
		{ "rates", rates },
		{ "progress bar", bar_fits },
		{ "progress of nothing", bar_survives_silly_numbers },
		{ "events", event_lines },
		{ "malformed events", event_lines_of_malformed_events },
	};

	g_setenv("TZ", "UTC", TRUE);
	return run_checks("hmmctl reports", checks, G_N_ELEMENTS(checks));
}
