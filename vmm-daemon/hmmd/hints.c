// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hints.c - the hints of a VM: from its channel into the table, by the policy to orders, and what
 * became of them back to the guest
 *
 *	channel ──frames──▶ table ──pass──▶ orders ──job──▶ kernel
 *	   ▲                  │  ▲                             │
 *	   └─── results ◀─────┘  └──── what became of them ◀───┘  and the records of the ring
 *
 * A pass looks at all of a VM's hints.  It comes after whatever may change its result, and takes a
 * tenth of the main thread's time at most; jobs take half of a worker's, once they have had
 * WORK_BURST_MS: a guest that has its memory moved to and fro all the time slows itself.
 */
#include <string.h>

#include "budget.h"
#include "hint-batch.h"
#include "hint-news.h"
#include "hint-policy.h"
#include "hints.h"
#include "kernel-steps.h"
#include "walk.h"

#define GO_MOST		 (UINT64_C(64) << 20) /* bytes of one job: others wait behind it */
#define REST_BLOCKS_MIN	 1024u
#define REST_BLOCKS_MAX	 1048576u /* 2 TiB of RAM */
#define PASS_SHARE	 10	  /* times as long as a pass took, before the next */
#define AFTER_MOVE_MS	 100	  /* pages have moved: gather what belongs together */
#define AFTER_CHANGE_MS	 1000	  /* something else has changed */
#define NO_PICTURE_MS	 100
#define NOT_NOW_MS	 1000 /* the VM is being detached; perhaps it will not be */
#define SETTLE_MS	 300  /* what was said last may go before what was said first */
#define WORK_MS_A_SECOND 500
#define WORK_BURST_MS	 10000

struct Hints {
	Vm *vm;
	SettingsHints settings;
	HintChannel *channel; /* NULL: QEMU has no such port */
	HintTable *table;
	HintTableEvents events;
	HintRest *rest;
	GQueue news;
	guint news_source;

	struct vmirror_slot *slots;
	uint32_t nr_slots;
	bool slots_known;

	Job *job;
	guint pass_source;
	int64_t pass_due_ms; /* of pass_source */
	int64_t settled_ms;  /* the agent has begun to tell, and may be in the midst of it */
	bool pool_missing;   /* and somebody was told why */
	struct budget work;
	HintsCounters counters;
};

static const Settings *settings;
static int64_t earliest_ms; /* when the next pass may be, of any VM */

static int64_t now_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

static gboolean pass(gpointer data);

/* Have a pass in so long, or earlier. */
static void wake(Hints *hints, int64_t in_ms)
{
	int64_t now = now_ms(), due = MAX(now + in_ms, earliest_ms);

	if (hints->vm->closing || hints->job)
		return;
	if (hints->pass_source && hints->pass_due_ms <= due)
		return;
	if (hints->pass_source)
		g_source_remove(hints->pass_source);
	hints->pass_due_ms = due;
	hints->pass_source = g_timeout_add((guint)CLAMP(due - now, 0, 3600000), pass, hints);
}

/* ---- what the guest is told --------------------------------------------- */

static void tell(Hints *hints);

static gboolean tell_later(gpointer data)
{
	Hints *hints = data;

	hints->news_source = 0;
	tell(hints);
	return G_SOURCE_REMOVE;
}

static bool send_result(Hints *hints, const struct hint_result *result)
{
	size_t room, n;
	void *to = hint_channel_room(hints->channel, &room);

	n = hint_put_result(to, room, hint_channel_session(hints->channel), result);
	if (!n)
		return false;
	hint_channel_sent(hints->channel, n);
	hints->counters.results++;
	return true;
}

static void tell_refusals(Hints *hints)
{
	HintRefusal refusal;
	size_t room;

	for (;;) {
		hint_channel_room(hints->channel, &room);
		if (room < sizeof(struct hint_wire_result) ||
		    !hint_table_next_refusal(hints->table, &refusal))
			return;
		send_result(hints, &(struct hint_result){
					   .cookie = refusal.cookie,
					   .status = HINT_STATUS_REFUSED,
					   .reason = refusal.reason,
					   .asked_bytes = refusal.asked_bytes,
				   });
	}
}

static void tell(Hints *hints)
{
	int64_t wait_ms;
	Hint *hint;

	if (!hints->channel || hint_channel_state(hints->channel) != HINT_CHANNEL_OPEN)
		return;
	tell_refusals(hints);
	while ((hint = hint_news_next(&hints->news, now_ms(), &wait_ms))) {
		struct hint_result result = hint_news_result(hint);

		if (!send_result(hints, &result))
			return;
		hint_news_told(&hints->news, hint, now_ms());
	}
	if (wait_ms > 0 && !hints->news_source)
		hints->news_source = g_timeout_add((guint)wait_ms, tell_later, hints);
}

/* ---- orders ------------------------------------------------------------- */

/* From here on they may come back. */
static void note_going_out(Hints *hints, const GArray *orders)
{
	for (guint i = 0; i < orders->len; i++) {
		const HintOrder *order = &g_array_index(orders, HintOrder, i);

		if (order->out)
			hint_rest_out(hints->rest, order->range.gpa,
				      order->range.bytes / VMIRROR_PAGE_SIZE, order->owner,
				      now_ms());
	}
}

static void batch_done(const HintBatch *batch, void *data)
{
	Hints *hints = data;

	/* What the ring has told is our own doing, as long as we know that there is a job. */
	vm_ring_catch_up(hints->vm);
	for (guint i = 0; i < batch->nr_done; i++)
		hint_policy_tried(hints->table, &g_array_index(batch->orders, HintOrder, i),
				  &batch->moved[i], sync_picture(hints->vm->sync), now_ms());
	if (batch->error)
		log_debug(hints->vm->name, NULL, "hints: %s", g_strerror(-batch->error));
	note_going_out(hints, batch->orders);
	budget_spend(&hints->work, (int64_t)(batch->seconds * 1000));
	hints->job = NULL;
	wake(hints, 0);
}

/* ---- a pass ------------------------------------------------------------- */

/* Memory that was plugged in many pieces is one as far as hints go. */
static void join_slots(Hints *hints)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; hints->slots_known && i < hints->nr_slots; i++) {
		struct vmirror_slot *last = nr ? &hints->slots[nr - 1] : NULL;

		if (last && last->gpa + last->length == hints->slots[i].gpa)
			last->length += hints->slots[i].length;
		else
			hints->slots[nr++] = hints->slots[i];
	}
	hints->nr_slots = nr;
}

static bool know_slots(Hints *hints)
{
	if (hints->slots_known)
		return true;
	g_clear_pointer(&hints->slots, g_free);
	hints->slots_known = walk_slots(hints->vm->fd, &hints->slots, &hints->nr_slots) == 0;
	join_slots(hints);
	return hints->slots_known;
}

/* How long to wait, if it cannot be now. */
static int64_t not_now_ms(Hints *hints, const Picture **picture)
{
	Vm *vm = hints->vm;

	if (vm->state != VM_STATE_ATTACHED && vm->state != VM_STATE_MOVING)
		return NOT_NOW_MS;
	if (now_ms() < hints->settled_ms)
		return hints->settled_ms - now_ms();
	if (!budget_has(&hints->work, now_ms()))
		return budget_wait_ms(&hints->work);
	vm_ring_catch_up(vm);
	*picture = sync_picture(vm->sync);
	return *picture && know_slots(hints) ? 0 : NO_PICTURE_MS;
}

static Pool *pick_pool(Hints *hints)
{
	g_autoptr(GError) error = NULL;
	Pool *pool = pool_pick(hints->settings.pool, &error);

	if (!pool && !hints->pool_missing)
		log_warn(hints->vm->name, NULL, "hinted memory has no pool to go to: %s",
			 error->message);
	hints->pool_missing = !pool;
	return pool;
}

/* Returns when the next pass is due. */
static int64_t decide(Hints *hints, const Picture *picture)
{
	GArray *orders = g_array_new(FALSE, FALSE, sizeof(HintOrder));
	struct vmirror_pool_stat stat = { .size = sizeof(stat) };
	Pool *pool = pick_pool(hints);
	HintSituation situation = {
		.slots = hints->slots,
		.nr_slots = hints->nr_slots,
		.picture = picture,
		.rest = hints->rest,
		.quota = hints->settings.quota,
		.most = GO_MOST,
		.now_ms = now_ms(),
	};
	int64_t next_ms;

	if (pool && kernel_pool_numbers(pool->fd, &stat) == 0) {
		situation.have_pool = true;
		situation.pool_id = pool->id;
		situation.room = stat.bytes - stat.used_bytes;
	}
	next_ms = hint_policy(hints->table, &situation, orders);
	if (orders->len) {
		note_going_out(hints, orders);
		hints->job = hint_batch_start(hints->vm, situation.have_pool ? pool : NULL, orders,
					      batch_done, hints);
	} else {
		g_array_free(orders, TRUE);
	}
	return next_ms;
}

static gboolean pass(gpointer data)
{
	Hints *hints = data;
	const Picture *picture = NULL;
	int64_t began = g_get_monotonic_time(), wait_ms, next_ms;

	hints->pass_source = 0;
	if (hints->job)
		return G_SOURCE_REMOVE; /* it comes to a pass itself */
	wait_ms = not_now_ms(hints, &picture);
	if (wait_ms) {
		wake(hints, wait_ms);
		return G_SOURCE_REMOVE;
	}
	next_ms = decide(hints, picture);
	for (Hint *hint = hint_table_first(hints->table); hint;
	     hint = hint_table_next(hints->table, hint))
		hint_news_add(&hints->news, hint);
	tell(hints);
	earliest_ms = now_ms() + PASS_SHARE * (g_get_monotonic_time() - began) / 1000;
	if (next_ms != HINT_NEVER)
		wake(hints, next_ms - now_ms());
	return G_SOURCE_REMOVE;
}

static void came_back(Hints *hints, const struct vmirror_record *record)
{
	bool ours = hints->job && hints->job == hints->vm->running;

	if (record->reason == VMIRROR_REASON_CPU_FAULT)
		hint_rest_back(hints->rest, record->gpa, record->pages, now_ms());
	else if (record->reason == VMIRROR_REASON_EVICT ||
		 (record->reason == VMIRROR_REASON_RECALL && !ours))
		hint_rest_recalled(hints->rest, record->gpa, record->pages, now_ms());
}

void hints_record(Hints *hints, const struct vmirror_record *record)
{
	if (!hints || !hint_table_hints(hints->table))
		return;
	switch (record->type) {
	case VMIRROR_EVENT_BACK:
		came_back(hints, record);
		wake(hints, AFTER_MOVE_MS);
		break;
	case VMIRROR_EVENT_OUT:
		wake(hints, AFTER_MOVE_MS);
		break;
	case VMIRROR_EVENT_SLOTS:
		hints->slots_known = false;
		wake(hints, AFTER_CHANGE_MS);
		break;
	default:
		wake(hints, AFTER_CHANGE_MS);
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

	hints->counters.hints++;
	hints->counters.refused += hint->outcome.status == HINT_STATUS_REFUSED;
	hint_news_add(&hints->news, hint);
}

static enum hint_error take_frame(const void *frame, void *data)
{
	Hints *hints = data;
	bool ok = true;

	if (hint_type_of(frame) == HINT_TYPE_FORGET) {
		hints->counters.forgets++;
		if (hint_get_cookie(frame) == HINT_COOKIE_ALL)
			hints->settled_ms = now_ms() + SETTLE_MS;
		hint_table_forget(hints->table, hint_get_cookie(frame), &hints->events);
	} else {
		ok = hint_table_take(hints->table, frame, &hints->events);
	}
	tell(hints);
	wake(hints, 0);
	return ok ? 0 : HINT_ERROR_ORDER;
}

static void writable(void *data)
{
	tell(data);
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
	wake(hints, 0);
}

/* ---- from outside ------------------------------------------------------- */

void hints_configure(const Settings *from)
{
	settings = from;
}

Hints *hints_new(Vm *vm)
{
	const SettingsHints *from = settings_hints(settings, vm->name, vm->uuid);
	g_autofree char *path = proc_channel_path("/proc", vm->pid, HINT_PORT);
	Hints *hints = g_new0(Hints, 1);
	struct hint_limits limits = {
		.min_version = HINT_VERSION,
		.max_version = HINT_VERSION,
		.max_hints = from->max_hints,
		.max_extents = from->max_extents,
		.frames_per_second = from->frames_per_second,
	};
	HintChannelUser user = { take_frame, writable, trouble, gone, hints };
	struct vmirror_vm_stat stat = { .size = sizeof(stat) };

	hints->vm = vm;
	hints->settings = *from;
	hints->table =
		hint_table_new(from->max_hints, from->max_extents, from->enable ? from->advice : 0);
	hints->events = (HintTableEvents){ forgotten, arrived, hints };
	kernel_vm_numbers(vm->fd, &stat);
	hints->rest = hint_rest_new(
		(guint)CLAMP(stat.ram_bytes / HINT_REST_BLOCK, REST_BLOCKS_MIN, REST_BLOCKS_MAX));
	hints->work = budget_begin(WORK_MS_A_SECOND, WORK_BURST_MS, now_ms());
	g_queue_init(&hints->news);
	if (path)
		hints->channel = hint_channel_new(path, vm->pid, &limits, &user);
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
	g_clear_pointer(&hints->channel, hint_channel_free);
	if (hints->pass_source)
		g_source_remove(hints->pass_source);
	if (hints->news_source)
		g_source_remove(hints->news_source);
	hints->pass_source = hints->news_source = 0;
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
