// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-pass.c - when the policy is asked, and what is done about its answer
 *
 * A pass looks at all of a VM's hints.  It comes after whatever may change its result, and takes a
 * tenth of the main thread's time at most; jobs take half of a worker's, once they have had
 * WORK_BURST_MS: a guest that has its memory moved to and fro all the time slows itself.
 */
#include "hint-batch.h"
#include "hints-private.h"
#include "kernel-steps.h"
#include "walk.h"

#define GO_MOST		 (UINT64_C(64) << 20) /* bytes of one job: others wait behind it */
#define PASS_SHARE	 10		      /* times as long as a pass took, before the next */
#define NO_PICTURE_MS	 100
#define NOT_NOW_MS	 1000 /* the VM is being detached; perhaps it will not be */
#define WORK_MS_A_SECOND 500
#define WORK_BURST_MS	 10000

static int64_t earliest_ms; /* when the next pass may be, of any VM */

struct budget hints_work_budget(void)
{
	return budget_begin(WORK_MS_A_SECOND, WORK_BURST_MS, hints_now_ms());
}

static gboolean pass(gpointer data);

void hints_wake(Hints *hints, int64_t in_ms)
{
	int64_t now = hints_now_ms(), due = MAX(now + in_ms, earliest_ms);

	if (hints->stopped || hints->job)
		return;
	if (hints->pass_source && hints->pass_due_ms <= due)
		return;
	if (hints->pass_source)
		g_source_remove(hints->pass_source);
	hints->pass_due_ms = due;
	hints->pass_source = g_timeout_add((guint)CLAMP(due - now, 0, 3600000), pass, hints);
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
				      hints_now_ms());
	}
}

static void batch_done(const HintBatch *batch, void *data)
{
	Hints *hints = data;

	/* What the ring has told is our own doing, as long as we know that there is a job. */
	vm_ring_catch_up(hints->vm);
	for (guint i = 0; i < batch->nr_done; i++)
		hint_policy_tried(hints->table, &g_array_index(batch->orders, HintOrder, i),
				  &batch->moved[i], sync_picture(hints->vm->sync), hints_now_ms());
	if (batch->error)
		log_debug(hints->vm->name, NULL, "hints: %s", g_strerror(-batch->error));
	note_going_out(hints, batch->orders);
	budget_spend(&hints->work, (int64_t)(batch->seconds * 1000));
	hints->job = NULL;
	hints_wake(hints, 0);
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
	if (hints_now_ms() < hints->settled_ms)
		return hints->settled_ms - hints_now_ms();
	if (!budget_has(&hints->work, hints_now_ms()))
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
		.now_ms = hints_now_ms(),
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
		hints_wake(hints, wait_ms);
		return G_SOURCE_REMOVE;
	}
	next_ms = decide(hints, picture);
	for (Hint *hint = hint_table_first(hints->table); hint;
	     hint = hint_table_next(hints->table, hint))
		hint_news_add(&hints->news, hint);
	hints_tell(hints);
	earliest_ms = hints_now_ms() + PASS_SHARE * (g_get_monotonic_time() - began) / 1000;
	if (next_ms != HINT_NEVER)
		hints_wake(hints, next_ms - hints_now_ms());
	return G_SOURCE_REMOVE;
}
