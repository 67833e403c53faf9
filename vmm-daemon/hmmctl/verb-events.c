// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <math.h>
#include <stdio.h>

#define TIMEOUT_MAX_S 1e6

struct follow {
	int count;	  /* -1: no end */
	double timeout_s; /* < 0: no end */
	gint64 deadline;  /* -1, or when the timeout is over */
	int seen;
};

static gboolean check_follow(const struct follow *follow, GError **error)
{
	if (follow->count == 0 || follow->count < -1) {
		g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
				    "--count: give a number above 0");
		return FALSE;
	}
	if (!isfinite(follow->timeout_s) || follow->timeout_s == 0 ||
	    (follow->timeout_s < 0 && follow->timeout_s != -1) ||
	    follow->timeout_s > TIMEOUT_MAX_S) {
		g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
				    "--timeout: give seconds above 0, up to a million");
		return FALSE;
	}
	return TRUE;
}

static gboolean print_event(const struct ctl *ctl, const char *name, json_object *event,
			    GError **error)
{
	g_autofree char *text = NULL;

	if (ctl->json)
		return ctl_print_json(event, error);
	text = event_text(name, event);
	printf("%s\n", text);
	return ctl_flush(error);
}

/* Events that come before the answer to "subscribe" count like all others. */
struct early {
	const struct ctl *ctl;
	struct follow *follow;
	GError *error;
};

static void early_event(const char *name, json_object *event, void *data)
{
	struct early *early = data;

	if (!early->error && early->follow->seen != early->follow->count &&
	    print_event(early->ctl, name, event, &early->error))
		early->follow->seen++;
}

static int ms_left(const struct follow *follow)
{
	gint64 us;

	if (follow->deadline < 0)
		return CLIENT_NO_TIMEOUT;
	us = follow->deadline - g_get_monotonic_time();
	return us > 0 ? (int)(us / 1000 + 1) : 0;
}

/* TRUE when there is nothing to say about how it ended. */
static gboolean ended_well(const struct follow *follow, GError **why, GError **error)
{
	if (g_error_matches(*why, HMMCTL_ERROR, HMMCTL_ERROR_INTERRUPTED))
		return TRUE;
	if (!g_error_matches(*why, HMMCTL_ERROR, HMMCTL_ERROR_TIMEOUT)) {
		g_propagate_error(error, g_steal_pointer(why));
		return FALSE;
	}
	if (follow->count < 0)
		return TRUE;
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_FAILED,
		    "only %d of %d events came within %g s", follow->seen, follow->count,
		    follow->timeout_s);
	return FALSE;
}

static gboolean subscribe(struct ctl *ctl, struct follow *follow, GError **error)
{
	struct early early = { .ctl = ctl, .follow = follow };
	json_object *arguments = json_object_new_object();
	g_autoptr(hmmctl_json) answer = NULL;

	if (ctl_operand(ctl, 0))
		json_object_object_add(arguments, "vm",
				       json_object_new_string(ctl_operand(ctl, 0)));
	if (!ctl_connect(ctl, error)) {
		json_object_put(arguments);
		return FALSE;
	}
	client_on_event(ctl->client, early_event, &early);
	answer = ctl_call(ctl, "subscribe", arguments, CTL_ASK_TIMEOUT_MS, error);
	client_on_event(ctl->client, NULL, NULL);
	if (answer && early.error)
		g_propagate_error(error, g_steal_pointer(&early.error));
	else if (answer)
		return TRUE;
	g_clear_error(&early.error);
	return FALSE;
}

gboolean verb_events(struct ctl *ctl, GError **error)
{
	struct follow follow = { .count = -1, .timeout_s = -1, .deadline = -1 };
	const GOptionEntry own[] = {
		{ "count", 'n', 0, G_OPTION_ARG_INT, &follow.count, "End after so many events",
		  "N" },
		{ "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &follow.timeout_s,
		  "End after so many seconds", "SECONDS" },
		{ NULL },
	};
	g_autoptr(GError) why = NULL;

	if (!ctl_parse(ctl, own, error) || !check_follow(&follow, error))
		return FALSE;
	if (!subscribe(ctl, &follow, &why)) {
		if (g_error_matches(why, HMMCTL_ERROR, HMMCTL_ERROR_INTERRUPTED))
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	if (ctl->verbose)
		fprintf(stderr, "hmmctl: following\n");
	if (follow.timeout_s > 0)
		follow.deadline = line_deadline((int)(follow.timeout_s * 1000));
	while (follow.seen != follow.count) {
		g_autoptr(hmmctl_json) event = NULL;
		const char *name;

		event = client_next_event(ctl->client, ms_left(&follow), &name, &why);
		if (!event)
			return ended_well(&follow, &why, error);
		if (!print_event(ctl, name, event, error))
			return FALSE;
		follow.seen++;
	}
	return TRUE;
}
