// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hints.c - the hints of a VM: from its channel into the table, by the policy to orders, and what
 * became of them back to the guest
 *
 *	channel ──frames──▶ table ──pass──▶ orders ──job──▶ kernel
 *	   ▲                  │  ▲                             │
 *	   └─── results ◀─────┘  └──── what became of them ◀───┘  and the records of the ring
 */
#include "hints-private.h"
#include "kernel-steps.h"

#define REST_BLOCKS_MIN 1024u
#define REST_BLOCKS_MAX 1048576u /* 2 TiB of RAM */
#define AFTER_MOVE_MS	100	 /* pages have moved: gather what belongs together */
#define AFTER_CHANGE_MS 1000	 /* something else has changed */
#define LOOK_SECONDS	60	 /* for a port that is plugged in later */
#define SETTLE_MS	300	 /* what was said last may go before what was said first */

static const Settings *settings;

/* ---- what the ring tells ------------------------------------------------ */

static void came_back(Hints *hints, const struct vmirror_record *record)
{
	bool ours = hints->job && hints->job == hints->vm->running;

	if (record->reason == VMIRROR_REASON_CPU_FAULT)
		hint_rest_back(hints->rest, record->gpa, record->pages, hints_now_ms());
	else if (record->reason == VMIRROR_REASON_EVICT ||
		 (record->reason == VMIRROR_REASON_RECALL && !ours))
		hint_rest_recalled(hints->rest, record->gpa, record->pages, hints_now_ms());
}

void hints_record(Hints *hints, const struct vmirror_record *record)
{
	if (!hints || !hint_table_hints(hints->table))
		return;
	switch (record->type) {
	case VMIRROR_EVENT_BACK:
		came_back(hints, record);
		hints_wake(hints, AFTER_MOVE_MS);
		break;
	case VMIRROR_EVENT_OUT:
		hints_wake(hints, AFTER_MOVE_MS);
		break;
	case VMIRROR_EVENT_SLOTS:
		hints->slots_known = false;
		hints_wake(hints, AFTER_CHANGE_MS);
		break;
	default:
		hints_wake(hints, AFTER_CHANGE_MS);
		break;
	}
}

/* ---- what the guest says ------------------------------------------------ */

static void forgotten(Hint *hint, void *data)
{
	Hints *hints = data;

	hint_news_remove(&hints->news, hint);
}

static void arrived(Hint *hint, void *data)
{
	Hints *hints = data;

	hint_news_add(&hints->news, hint);
}

static enum hint_error take_frame(const void *frame, void *data)
{
	Hints *hints = data;
	bool ok = true;

	if (hint_type_of(frame) == HINT_TYPE_FORGET) {
		hints->counters.forgets++;
		if (hint_get_cookie(frame) == HINT_COOKIE_ALL)
			hints->settled_ms = hints_now_ms() + SETTLE_MS;
		hint_table_forget(hints->table, hint_get_cookie(frame), &hints->events);
	} else {
		ok = hint_table_take(hints->table, frame, &hints->events);
	}
	hints_tell(hints);
	hints_wake(hints, 0);
	return ok ? 0 : HINT_ERROR_ORDER;
}

static void writable(void *data)
{
	hints_tell(data);
}

static void trouble(const char *why, void *data)
{
	Hints *hints = data;

	log_warn(hints->vm->name, NULL, "no talk with the agent in the guest: %s", why);
}

static void gone(void *data)
{
	Hints *hints = data;

	if (hint_table_hints(hints->table))
		log_info(hints->vm->name, NULL,
			 "the agent in the guest has gone; its hints are forgotten");
	hint_table_forget(hints->table, HINT_COOKIE_ALL, &hints->events);
	hints_wake(hints, 0);
}

/* ---- from outside ------------------------------------------------------- */

void hints_configure(const Settings *from)
{
	settings = from;
}

void hints_look(Hints *hints)
{
	const SettingsHints *from = &hints->settings;
	struct hint_limits limits = {
		.min_version = HINT_VERSION,
		.max_version = HINT_VERSION,
		.max_hints = from->max_hints,
		.max_extents = from->max_extents,
		.frames_per_second = from->frames_per_second,
	};
	HintChannelUser user = { take_frame, writable, trouble, gone, hints };
	g_autofree char *path = NULL;

	if (hints->channel || hints->stopped)
		return;
	path = proc_channel_path("/proc", hints->vm->pid, HINT_PORT);
	if (path)
		hints->channel = hint_channel_new(path, hints->vm->pid, &limits, &user);
}

static gboolean look_again(gpointer data)
{
	Hints *hints = data;

	hints_look(hints);
	if (!hints->channel)
		return G_SOURCE_CONTINUE;
	hints->look_source = 0;
	return G_SOURCE_REMOVE;
}

Hints *hints_new(Vm *vm)
{
	const SettingsHints *from = settings_hints(settings, vm->name, vm->uuid);
	Hints *hints = g_new0(Hints, 1);
	struct vmirror_vm_stat stat = { .size = sizeof(stat) };

	hints->vm = vm;
	hints->settings = *from;
	hints->table =
		hint_table_new(from->max_hints, from->max_extents, from->enable ? from->advice : 0);
	hints->events = (HintTableEvents){ forgotten, arrived, hints };
	kernel_vm_numbers(vm->fd, &stat);
	hints->rest = hint_rest_new(
		(guint)CLAMP(stat.ram_bytes / HINT_REST_BLOCK, REST_BLOCKS_MIN, REST_BLOCKS_MAX));
	hints->work = hints_work_budget();
	g_queue_init(&hints->news);
	hints_look(hints);
	if (!hints->channel)
		hints->look_source = g_timeout_add_seconds(LOOK_SECONDS, look_again, hints);
	return hints;
}

HintsView hints_view(const Hints *hints)
{
	return (HintsView){ hints->channel, hints->table, &hints->settings, &hints->counters };
}

void hints_stop(Hints *hints)
{
	if (!hints)
		return;
	hints->stopped = true;
	g_clear_pointer(&hints->channel, hint_channel_free);
	if (hints->pass_source)
		g_source_remove(hints->pass_source);
	if (hints->news_source)
		g_source_remove(hints->news_source);
	if (hints->look_source)
		g_source_remove(hints->look_source);
	hints->pass_source = hints->news_source = hints->look_source = 0;
}

void hints_free(Hints *hints)
{
	if (!hints)
		return;
	hints_stop(hints);
	g_queue_clear(&hints->news);
	hint_table_free(hints->table);
	hint_rest_free(hints->rest);
	g_free(hints->slots);
	g_free(hints);
}
