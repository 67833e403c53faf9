// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "units.h"

#define BAR_MIN 10
#define BAR_MAX 40

struct progress {
	const char *label;
	gboolean bar;
	gboolean lines;
	gboolean shown; /* there is a bar on the terminal's line */
	gint64 started;
};

/* Never beyond 100 %, whatever the numbers say. */
static double fraction_done(const struct progress_state *state)
{
	if (!state->total_bytes || state->done_bytes >= state->total_bytes)
		return 1;
	return (double)state->done_bytes / (double)state->total_bytes;
}

static char *figures(const struct progress_state *state)
{
	g_autofree char *done = units_format_bytes(state->done_bytes);
	g_autofree char *total = units_format_bytes(state->total_bytes);
	g_autofree char *rate = report_rate(state->done_bytes, state->seconds);

	return g_strdup_printf("%3d %%  %s of %s%s%s", (int)(100 * fraction_done(state)), done,
			       total, rate ? ", " : "", rate ? rate : "");
}

char *progress_bar(const struct progress_state *state, size_t columns, gboolean utf8)
{
	g_autofree char *right = figures(state);
	size_t fixed = text_columns(state->label) + strlen("  []  ") + text_columns(right);
	size_t width = MIN(columns > fixed ? columns - fixed : 0, BAR_MAX);
	size_t full = (size_t)((double)width * fraction_done(state));
	GString *bar;

	/* No room for a bar worth looking at: the figures, cut to what fits. */
	if (width < BAR_MIN)
		return g_utf8_substring(right, 0, (glong)MIN(columns, strlen(right)));
	bar = g_string_new(state->label);
	g_string_append(bar, "  [");
	for (size_t i = 0; i < width; i++)
		g_string_append(bar, utf8 ? (i < full ? "█" : "·") : (i < full ? "#" : "-"));
	g_string_append_printf(bar, "]  %s", right);
	return g_string_free(bar, FALSE);
}

char *progress_line(const struct progress_state *state)
{
	g_autofree char *right = figures(state);
	g_autofree char *moved = units_format_bytes(state->moved_bytes);

	return g_strdup_printf("%s: %s, %s moved", state->label, g_strchug(right), moved);
}

struct progress *progress_new(const struct ctl *ctl, const char *label)
{
	struct progress *progress = g_new0(struct progress, 1);
	gboolean wanted = !ctl->quiet && (!ctl->json || ctl->verbose);

	progress->label = label;
	progress->bar = wanted && terminal_is(STDERR_FILENO);
	progress->lines = wanted && !progress->bar && ctl->verbose;
	progress->started = g_get_monotonic_time();
	return progress;
}

void progress_event(const char *name, json_object *event, void *data)
{
	struct progress *progress = data;
	struct progress_state state = { .label = progress->label };
	g_autofree char *text = NULL;
	json_object *numbers;

	if (strcmp(name, "progress") != 0 || !(progress->bar || progress->lines))
		return;
	/* Only an ornament: what cannot be read is not shown. */
	if (!reply_object(event, "data", &numbers, NULL) ||
	    !reply_u64(numbers, "done-bytes", &state.done_bytes, NULL) ||
	    !reply_u64(numbers, "total-bytes", &state.total_bytes, NULL) ||
	    !reply_u64(numbers, "moved-bytes", &state.moved_bytes, NULL))
		return;
	state.seconds = (double)(g_get_monotonic_time() - progress->started) / G_USEC_PER_SEC;
	if (progress->bar) {
		text = progress_bar(&state, terminal_columns(STDERR_FILENO) - 1, terminal_utf8());
		fprintf(stderr, "\r%s\033[K", text);
		progress->shown = TRUE;
	} else {
		text = progress_line(&state);
		fprintf(stderr, "%s\n", text);
	}
	fflush(stderr);
}

void progress_free(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	g_free(progress);
}
