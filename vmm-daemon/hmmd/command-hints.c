// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * command-hints.c - what a guest has asked for, and what became of it
 */
#include "hints.h"

/* Those that are not 0, by name; *sum is all of them. */
static json_object *named_json(const uint64_t *counts, uint32_t last,
			       const char *(*name)(uint32_t value), uint64_t *sum)
{
	json_object *object = json_object_new_object();

	*sum = 0;
	for (uint32_t i = 1; i <= last; i++) {
		if (counts[i])
			control_add_u64(object, name(i), counts[i]);
		*sum += counts[i];
	}
	return object;
}

static void add_counters(json_object *object, const HintsView *view)
{
	const HintTableCounters *table = hint_table_counters(view->table);
	json_object *counters = json_object_new_object();
	const HintChannelCounters none = { 0 };
	const HintChannelCounters *channel =
		view->channel ? hint_channel_counters(view->channel) : &none;
	uint64_t errors, refused;

	json_object_object_add(object, "counters", counters);
#define ADD_CHANNEL(field, name) control_add_u64(counters, name, channel->field);
	HINT_CHANNEL_COUNTER_LIST(ADD_CHANNEL)
#undef ADD_CHANNEL
#define ADD_HINTS(field, name) control_add_u64(counters, name, view->counters->field);
	HINTS_COUNTER_LIST(ADD_HINTS)
#undef ADD_HINTS
	json_object_object_add(object, "errors",
			       named_json(channel->errors, HINT_ERROR_LAST, hint_error_name,
					  &errors));
	json_object_object_add(object, "refused",
			       named_json(table->refused, HINT_REASON_LAST, hint_reason_name,
					  &refused));
	control_add_u64(counters, "hints", table->hints);
	control_add_u64(counters, "errors", errors);
	control_add_u64(counters, "refused", refused);
}

static json_object *channel_json(const HintsView *view)
{
	json_object *object = json_object_new_object();
	/* The VMM may have put anything there. */
	g_autofree char *path =
		view->channel ? g_utf8_make_valid(hint_channel_path(view->channel), -1) : NULL;

	control_add_string(object, "state",
			   view->channel ? hint_channel_state_name(view->channel) : "none");
	control_add_string(object, "path", path);
	control_add_u64(object, "session", view->channel ? hint_channel_session(view->channel) : 0);
	add_counters(object, view);
	return object;
}

static json_object *limits_json(const SettingsHints *settings)
{
	json_object *object = json_object_new_object();

	control_add_u64(object, "max-hints", settings->max_hints);
	control_add_u64(object, "max-extents", settings->max_extents);
	control_add_u64(object, "frames-per-second", settings->frames_per_second);
	if (settings->quota == UINT64_MAX)
		json_object_object_add(object, "quota-bytes", NULL);
	else
		control_add_u64(object, "quota-bytes", settings->quota);
	return object;
}

static json_object *skipped_json(const HintOutcome *outcome)
{
	uint64_t sum;

	return named_json(outcome->skipped, HINT_REASON_LAST, hint_reason_name, &sum);
}

static json_object *hint_json(const Hint *hint)
{
	json_object *object = json_object_new_object();
	const HintOutcome *outcome = &hint->outcome;

	control_add_u64(object, "cookie", hint->cookie);
	control_add_u64(object, "owner", hint->owner);
	control_add_string(object, "advice", hint_advice_name(hint->advice));
	control_add_u64(object, "priority", hint->priority);
	control_add_string(object, "status", hint_status_name(outcome->status));
	control_add_string(object, "reason",
			   outcome->reason ? hint_reason_name(outcome->reason) : NULL);
	control_add_u64(object, "extents", hint->nr_extents);
	control_add_u64(object, "asked-bytes", hint->asked_bytes);
	control_add_u64(object, "done-bytes", outcome->done_bytes);
	json_object_object_add(object, "skipped", skipped_json(outcome));
	return object;
}

static void add_hints(json_object *data, const HintTable *table, uint64_t first)
{
	json_object *list = json_object_new_array();
	uint64_t asked = 0, done = 0, i = 0;

	for (const Hint *hint = hint_table_first(table); hint;
	     hint = hint_table_next(table, hint), i++) {
		asked = MIN(asked + hint->asked_bytes, UINT64_MAX / 2);
		done += hint->outcome.done_bytes;
		if (i >= first && i - first < CONTROL_HINTS_MAX)
			json_object_array_add(list, hint_json(hint));
	}
	control_add_u64(data, "hints", hint_table_hints(table));
	control_add_u64(data, "extents", hint_table_extents(table));
	control_add_u64(data, "asked-bytes", asked);
	control_add_u64(data, "done-bytes", done);
	json_object_object_add(data, "hint-list", list);
	if (i > first && i - first > CONTROL_HINTS_MAX)
		control_add_u64(data, "next", first + CONTROL_HINTS_MAX);
	else
		json_object_object_add(data, "next", NULL);
}

void command_query_hints(Call *call)
{
	GError *error = NULL;
	json_object *data;
	HintsView view;
	Vm *vm = find_vm(call->request.vm, &error);

	if (!vm || !vm_permits(vm, CONTROL_QUERY_HINTS, &error)) {
		call_gerror(call, error);
		return;
	}
	hints_look(vm->hints);
	view = hints_view(vm->hints);
	data = json_object_new_object();
	control_add_string(data, "vm", vm->name);
	json_object_object_add(data, "channel", channel_json(&view));
	json_object_object_add(data, "limits", limits_json(view.settings));
	add_hints(data, view.table, call->request.first);
	call_return(call, data);
}
