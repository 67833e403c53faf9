// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verb-hints.c - ask for a VM's hints, page by page, and tell what became of them
 *
 * An answer holds a bounded number of hints and says where to go on.
 */
#include "hmmctl.h"

#include <stdio.h>
#include <string.h>

#include "hint.h"
#include "units.h"

/* Which hints are wanted. */
struct filter {
	gboolean by_owner;
	guint64 owner;
	const char *advice; /* NULL: any */
};

struct asking {
	struct ctl *ctl;
	const char *vm;
	struct filter filter;
	json_object *answer; /* the first one, with what is told of the VM as a whole */
	json_object *list;   /* the hints of all answers that are wanted */
	GArray *hints;	     /* the same as struct hint_info, whose strings are the list's */
};

/* ----------------------------------------------------------------- asking */

static gboolean u64_or_null(json_object *object, const char *key, gboolean *given, guint64 *value,
			    GError **error)
{
	json_object *member;

	*given = json_object_object_get_ex(object, key, &member) && member;
	return !*given || reply_u64(object, key, value, error);
}

/* Where to go on is after where we are, or this would never end. */
static gboolean read_next(json_object *answer, guint64 *first, gboolean *more, GError **error)
{
	guint64 next;

	if (!u64_or_null(answer, "next", more, &next, error))
		return FALSE;
	if (!*more)
		return TRUE;
	if (next <= *first)
		return reply_malformed(error, "'next' does not go on");
	*first = next;
	return TRUE;
}

static gboolean wanted(const struct filter *filter, const struct hint_info *hint)
{
	return (!filter->by_owner || hint->owner == filter->owner) &&
	       (!filter->advice || strcmp(hint->advice, filter->advice) == 0);
}

static gboolean take_hints(const struct asking *asking, json_object *answer, GError **error)
{
	json_object *list;

	if (!reply_array(answer, "hint-list", &list, error))
		return FALSE;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object *object = json_object_array_get_idx(list, i);
		struct hint_info hint;

		if (!hint_from_json(object, &hint, error))
			return FALSE;
		if (wanted(&asking->filter, &hint)) {
			json_object_array_add(asking->list, json_object_get(object));
			g_array_append_val(asking->hints, hint);
		} else {
			hint_info_clear(&hint);
		}
	}
	return TRUE;
}

static json_object *arguments_from(const char *vm, guint64 first)
{
	json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "vm", json_object_new_string(vm));
	if (first)
		json_object_object_add(arguments, "first", json_object_new_uint64(first));
	return arguments;
}

static gboolean ask(struct asking *asking, GError **error)
{
	guint64 first = 0;
	gboolean more;

	do {
		g_autoptr(hmmctl_json) answer = NULL;

		answer = ctl_call(asking->ctl, "query-hints", arguments_from(asking->vm, first),
				  CTL_ASK_TIMEOUT_MS, error);
		if (!answer || !take_hints(asking, answer, error) ||
		    !read_next(answer, &first, &more, error))
			return FALSE;
		if (!asking->answer)
			asking->answer = g_steal_pointer(&answer);
	} while (more);
	return TRUE;
}

/* ------------------------------------------------------ the VM as a whole */

static const struct {
	const char *state, *text, *fix;
} states[] = {
	{ "none", "none: QEMU has no port " HINT_PORT " for this VM",
	  "add <channel type='unix'><target type='virtio' name='" HINT_PORT "'/></channel> to its "
	  "domain XML ('virsh edit') and start it anew, or plug that into it ('virsh attach-device')" },
	{ "connecting", "connecting: QEMU's socket has not let hmmd in yet",
	  "if that stays so 'journalctl -u hmmd' may say why" },
	{ "greeting", "greeting: no agent in the guest answers",
	  "in the guest: 'systemctl start hmm-agentd'" },
	{ "open", "open: an agent in the guest talks", NULL },
	{ "waiting", "waiting: it ended with an error; hmmd begins anew by itself",
	  "'journalctl -u hmmd' says which error" },
};

static gboolean add_channel(struct table *table, json_object *channel, GError **error)
{
	g_autofree char *session_text = NULL;
	const char *state, *path, *fix = NULL;
	guint64 session;

	if (!reply_string(channel, "state", &state, error) ||
	    !reply_string_or_null(channel, "path", &path, error) ||
	    !reply_u64(channel, "session", &session, error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		if (strcmp(state, states[i].state) == 0) {
			state = states[i].text;
			fix = states[i].fix;
		}
	}
	session_text = session ? g_strdup_printf(", session %" G_GUINT64_FORMAT, session) : NULL;
	table_add_fact(table, "channel", "%s%s", state, session_text ? session_text : "");
	if (fix)
		table_add_fact(table, "fix", "%s", fix);
	if (path)
		table_add_fact(table, "socket", "%s", path);
	return TRUE;
}

static gboolean add_counters(struct table *table, json_object *counters, GError **error)
{
	static const char *const names[] = { "frames",	"hints",  "forgets",	 "refused",
					     "results", "errors", "connections", "sessions",
					     "paused",	"unread" };
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		guint64 value;

		if (!reply_u64(counters, names[i], &value, error)) {
			g_string_free(text, TRUE);
			return FALSE;
		}
		g_string_append_printf(text, "%s%s %" G_GUINT64_FORMAT, i ? ", " : "", names[i],
				       value);
	}
	table_add(table, "counted");
	table_take(table, g_string_free(text, FALSE));
	return TRUE;
}

/* A line with the counts of an object, by name; none if there are none. */
static gboolean add_named(struct table *table, json_object *channel, const char *key,
			  GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct json_object_iterator it, end;
	json_object *object;
	guint64 count;

	if (!reply_object(channel, key, &object, error))
		return FALSE;
	end = json_object_iter_end(object);
	for (it = json_object_iter_begin(object); !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it)) {
		const char *name = json_object_iter_peek_name(&it);

		if (!reply_u64(object, name, &count, error))
			return FALSE;
		g_string_append_printf(text, "%s%s %" G_GUINT64_FORMAT, text->len ? ", " : "", name,
				       count);
	}
	if (text->len)
		table_add_fact(table, key, "%s", text->str);
	return TRUE;
}

static gboolean add_numbers(struct table *table, json_object *answer, GError **error)
{
	g_autofree char *asked_text = NULL, *done_text = NULL, *quota_text = NULL;
	guint64 hints, extents, asked, done, max_hints, max_extents, rate, quota;
	json_object *limits;
	gboolean limited;

	if (!reply_object(answer, "limits", &limits, error) ||
	    !reply_u64(limits, "max-hints", &max_hints, error) ||
	    !reply_u64(limits, "max-extents", &max_extents, error) ||
	    !reply_u64(limits, "frames-per-second", &rate, error) ||
	    !u64_or_null(limits, "quota-bytes", &limited, &quota, error) ||
	    !reply_u64(answer, "hints", &hints, error) ||
	    !reply_u64(answer, "extents", &extents, error) ||
	    !reply_u64(answer, "asked-bytes", &asked, error) ||
	    !reply_u64(answer, "done-bytes", &done, error))
		return FALSE;
	asked_text = units_format_bytes(asked);
	done_text = units_format_bytes(done);
	quota_text = limited ? units_format_bytes(quota) : g_strdup("none");
	table_add_fact(table, "hints", "%" G_GUINT64_FORMAT ", with %" G_GUINT64_FORMAT " extents",
		       hints, extents);
	table_add_fact(table, "in place", "%s of %s asked for", done_text, asked_text);
	table_add_fact(table, "quota", "%s", quota_text);
	table_add_fact(table, "at most",
		       "%" G_GUINT64_FORMAT " hints, %" G_GUINT64_FORMAT
		       " extents, %" G_GUINT64_FORMAT " frames a second",
		       max_hints, max_extents, rate);
	return TRUE;
}

static gboolean show_facts(json_object *answer, GError **error)
{
	static const struct table_column columns[] = { { "", TABLE_LEFT }, { "", TABLE_LEFT } };
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));
	json_object *channel, *counters;
	g_autofree char *text = NULL;
	const char *name;

	if (!reply_string(answer, "vm", &name, error) ||
	    !reply_object(answer, "channel", &channel, error) ||
	    !reply_object(channel, "counters", &counters, error))
		return FALSE;
	table_add_fact(table, "VM", "%s", name);
	if (!add_channel(table, channel, error) || !add_numbers(table, answer, error) ||
	    !add_counters(table, counters, error) || !add_named(table, channel, "errors", error) ||
	    !add_named(table, channel, "refused", error))
		return FALSE;
	text = table_text(table);
	fputs(text, stdout);
	return TRUE;
}

/* --------------------------------------------------------------- the verb */

static gboolean parse_owner(const char *text, struct filter *filter, GError **error)
{
	if (!text)
		return TRUE;
	if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &filter->owner, NULL)) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "--owner: '%s' is no process id; 0 is the guest itself", text);
		return FALSE;
	}
	filter->by_owner = TRUE;
	return TRUE;
}

static gboolean parse_advice(const char *text, struct filter *filter, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);

	filter->advice = text;
	if (!text || hint_advice_value(text))
		return TRUE;
	for (guint value = 1; value <= HINT_ADVICE_LAST; value++)
		g_string_append_printf(names, " %s", hint_advice_name(value));
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE, "--advice: '%s' is none of%s", text,
		    names->str);
	return FALSE;
}

/* All the pages as one. */
static gboolean print_json(const struct asking *asking, GError **error)
{
	json_object_object_add(asking->answer, "hint-list", json_object_get(asking->list));
	json_object_object_add(asking->answer, "next", NULL);
	return ctl_print_json(asking->answer, error);
}

static void show_hints(const GArray *hints)
{
	g_autofree char *table = hint_table(hints), *reasons = hint_reasons(hints);

	printf("\n%s", table);
	if (reasons)
		printf("\n%s", reasons);
}

static gboolean show(const struct asking *asking, GError **error)
{
	if (asking->ctl->json)
		return print_json(asking, error);
	if (!show_facts(asking->answer, error))
		return FALSE;
	if (asking->hints->len)
		show_hints(asking->hints);
	else if (asking->filter.by_owner || asking->filter.advice)
		ctl_say(asking->ctl, "\nno hint is of that kind\n");
	return TRUE;
}

gboolean verb_hints(struct ctl *ctl, GError **error)
{
	g_autofree char *owner = NULL, *advice = NULL;
	const GOptionEntry own[] = {
		{ "owner", 0, 0, G_OPTION_ARG_STRING, &owner, "Only for this process of the guest",
		  "PID" },
		{ "advice", 0, 0, G_OPTION_ARG_STRING, &advice, "Only with this advice", "NAME" },
		{ NULL },
	};
	g_autoptr(hmmctl_json) list = json_object_new_array();
	g_autoptr(GArray) hints = g_array_new(FALSE, FALSE, sizeof(struct hint_info));
	struct asking asking = { .ctl = ctl, .list = list, .hints = hints };
	gboolean done;

	g_array_set_clear_func(hints, (GDestroyNotify)hint_info_clear);
	if (!ctl_parse(ctl, own, error) || !parse_owner(owner, &asking.filter, error) ||
	    !parse_advice(advice, &asking.filter, error))
		return FALSE;
	asking.vm = ctl_operand(ctl, 0);
	done = ask(&asking, error) && show(&asking, error);
	json_object_put(asking.answer);
	return done;
}
