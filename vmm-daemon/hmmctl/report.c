// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>

#include "names.h"
#include "units.h"

char *report_rate(guint64 bytes, double seconds)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double rate = (double)bytes / seconds;
	size_t unit = 0;

	/* Nobody's memory is that fast: the clock did not move. */
	if (!(seconds > 0) || rate > 1e15)
		return NULL;
	/* Three digits are all that such a figure is worth; 999.5 would round to 1e+03. */
	while (rate >= 999.5 && unit + 1 < G_N_ELEMENTS(units)) {
		rate /= 1024;
		unit++;
	}
	return g_strdup_printf("%.3g %s/s", rate, units[unit]);
}

static void append_seconds(GString *line, double seconds)
{
	if (seconds < 0.001)
		g_string_append(line, " in less than 1 ms");
	else if (seconds < 0.1)
		g_string_append_printf(line, " in %.2g s", seconds);
	else
		g_string_append_printf(line, " in %.2f s", seconds);
}

static guint64 skipped_for(const struct moved_info *moved, guint reason)
{
	for (guint i = 0; i < moved->skipped->len; i++) {
		const struct skipped_bytes *one =
			&g_array_index(moved->skipped, struct skipped_bytes, i);

		if (vmirror_skip_value(one->reason) == (int)reason)
			return one->bytes;
	}
	return 0;
}

char *report_skipped(const struct skipped_bytes *skipped, enum report_direction direction)
{
	int value = vmirror_skip_value(skipped->reason);
	g_autofree char *bytes = units_format_bytes(skipped->bytes);
	g_autofree char *reason = text_clean(skipped->reason);

	/* A newer hmmd may have reasons that this hmmctl has no text for. */
	if (!value)
		return g_strdup_printf("%s %s", bytes, reason);
	if (direction == REPORT_BACK && value == VMIRROR_SKIP_ABSENT)
		return g_strdup_printf("%s %s (in RAM already, or no page there)", bytes, reason);
	return g_strdup_printf("%s %s (%s)", bytes, reason, vmirror_skip_text((guint)value));
}

static void append_what_moved(GString *report, const struct moved_info *moved,
			      enum report_direction direction)
{
	g_autofree char *done = units_format_bytes(moved->moved_bytes);
	g_autofree char *rate = report_rate(moved->moved_bytes, moved->seconds);
	guint64 wanted = moved->asked_bytes;

	/* What is at home already, or is nowhere, was not wanted back. */
	if (direction == REPORT_BACK) {
		guint64 home = skipped_for(moved, VMIRROR_SKIP_ABSENT);
		guint64 hole = skipped_for(moved, VMIRROR_SKIP_NO_SLOT);

		wanted -= MIN(wanted, home);
		wanted -= MIN(wanted, hole);
	}
	g_string_append_printf(report, "%s %s", direction == REPORT_OUT ? "moved" : "brought back",
			       done);
	if (moved->moved_bytes < wanted) {
		g_autofree char *of = units_format_bytes(wanted);

		g_string_append_printf(report, " of %s", of);
	}
	if (moved->moved_huge)
		g_string_append_printf(report, " (%" G_GUINT64_FORMAT " huge page%s)",
				       moved->moved_huge, moved->moved_huge == 1 ? "" : "s");
	append_seconds(report, moved->seconds);
	if (rate)
		g_string_append_printf(report, ", %s", rate);
	g_string_append_c(report, '\n');
}

char *report_moved(const struct moved_info *moved, enum report_direction direction)
{
	GString *report = g_string_new(NULL);

	if (moved->moved_bytes)
		append_what_moved(report, moved, direction);
	else
		g_string_append(report, direction == REPORT_OUT ? "nothing moved\n"
								: "nothing had to come back\n");
	if (moved->evicted_bytes) {
		g_autofree char *evicted = units_format_bytes(moved->evicted_bytes);

		g_string_append_printf(report, "made room: %s came home from the pool\n", evicted);
	}
	for (guint i = 0; i < moved->skipped->len; i++) {
		const struct skipped_bytes *one =
			&g_array_index(moved->skipped, struct skipped_bytes, i);
		g_autofree char *text = report_skipped(one, direction);

		g_string_append_printf(report, "did not move: %s\n", text);
	}
	return g_string_free(report, FALSE);
}

gboolean report_answer(const struct ctl *ctl, json_object *answer, enum report_direction direction,
		       GError **error)
{
	g_auto(moved_auto) moved = { 0 };
	g_autofree char *text = NULL;

	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!moved_from_json(answer, &moved, error))
		return FALSE;
	text = report_moved(&moved, direction);
	ctl_say(ctl, "%s", text);
	return TRUE;
}
