// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-policy.c - a pass: from parts and room to orders, and what that means for each hint
 */
#include "hint-policy-private.h"

#include <string.h>

#include "hint-round.h"
#include "hint-winner.h"

/* How long to wait for room that someone else may leave. */
#define ROOM_MS 5000

/* ---- orders ------------------------------------------------------------- */

void hint_policy_order(struct pass *pass, GArray *orders, const Hint *hint, bool out, uint64_t gpa,
		       uint64_t bytes)
{
	HintOrder made = {
		.cookie = hint->cookie,
		.serial = hint->serial,
		.owner = hint->owner,
		.out = out,
		.makes_room = !out && hint_wants_out(hint),
		.range = { gpa, bytes },
	};

	HintOrder *last = orders->len ? &g_array_index(orders, HintOrder, orders->len - 1) : NULL;

	account_of(pass, hint)->ordered |= !made.makes_room;
	if (last && last->serial == made.serial && last->out == out &&
	    last->range.gpa + last->range.bytes == gpa)
		last->range.bytes += bytes;
	else
		g_array_append_val(orders, made);
}

/* As much as one go has left. */
static uint64_t within_one_go(struct pass *pass, uint64_t bytes)
{
	uint64_t most = MIN(bytes, pass->most);

	pass->more |= most < bytes;
	pass->most -= most;
	return most;
}

/* A run that could go out. */
static void send_out(struct pass *pass, const Hint *hint, uint64_t gpa, uint64_t bytes)
{
	uint64_t fits = hint_room_take(pass, hint, bytes);

	if (fits < bytes) {
		account_of(pass, hint)->held += bytes - fits;
		at_latest(pass, pass->now->now_ms + ROOM_MS);
	}
	fits = within_one_go(pass, fits);
	if (fits)
		hint_policy_order(pass, pass->out_orders, hint, true, gpa, fits);
}

static void send_out_what_does_not_rest(struct pass *pass, const Hint *hint, uint64_t gpa,
					uint64_t end)
{
	struct account *account = account_of(pass, hint);
	uint64_t from = gpa, next;

	for (; gpa < end; gpa = next) {
		int64_t until = hint_rest_until(pass->now->rest, gpa, hint->owner);

		next = MIN(end, (gpa / HINT_REST_BLOCK + 1) * HINT_REST_BLOCK);
		if (until <= pass->now->now_ms)
			continue;
		if (from < gpa)
			send_out(pass, hint, from, gpa - from);
		from = next;
		account->resting += next - gpa;
		at_latest(pass, until);
	}
	if (from < end)
		send_out(pass, hint, from, end - from);
}

/* A run that is in RAM. */
static void send_out_what_is_not_stuck(struct pass *pass, const Hint *hint, uint64_t gpa,
				       uint64_t end)
{
	uint64_t start;

	while (hint_stuck_next_free(&hint->stuck, &gpa, end, &start))
		send_out_what_does_not_rest(pass, hint, start, gpa);
}

static void make_out_orders(struct pass *pass)
{
	for (guint i = 0; i < pass->parts->len; i++) {
		const struct part *part = &g_array_index(pass->parts, struct part, i);
		uint64_t gpa = part->gpa, start;

		hint_parts_pass(pass, part);
		if (part->hint == pass->nobody || hint_round_had_turn(part->hint))
			continue;
		while (picture_next_run(pass->now->picture, false, &gpa, part->end, &start))
			send_out_what_is_not_stuck(pass, part->hint, start, gpa);
	}
}

/* A run that is out. */
static void bring_home(struct pass *pass, const Hint *hint, uint64_t gpa, uint64_t end)
{
	uint64_t start, bytes;

	while (hint_stuck_next_free(&hint->stuck, &gpa, end, &start)) {
		bytes = within_one_go(pass, gpa - start);
		if (bytes)
			hint_policy_order(pass, pass->orders, hint, false, start, bytes);
	}
}

static void make_home_orders(struct pass *pass)
{
	for (guint i = 0; i < pass->home->len; i++) {
		const struct part *part = &g_array_index(pass->home, struct part, i);
		uint64_t gpa = part->gpa, start;

		while (picture_next_run(pass->now->picture, true, &gpa, part->end, &start))
			bring_home(pass, part->hint, start, gpa);
	}
}

/* ---- what became of each hint ------------------------------------------- */

static uint64_t take(uint64_t *from, uint64_t bytes)
{
	uint64_t taken = MIN(*from, bytes);

	*from -= taken;
	return taken;
}

static void tell_outcome(struct pass *pass, Hint *hint)
{
	const struct account *account = account_of(pass, hint);
	HintOutcome *outcome = &hint->outcome;
	uint64_t left = account->obeying;

	memset(outcome->skipped, 0, sizeof(outcome->skipped));
	outcome->status = hint->fresh ? HINT_STATUS_ACCEPTED : HINT_STATUS_DONE;
	outcome->done_bytes = account->in_slots - account->missing;
	outcome->skipped[HINT_REASON_NO_MEMORY] = hint->asked_bytes - account->in_slots;
	outcome->skipped[HINT_REASON_OTHER_HINT] = account->missing - account->obeying;
	outcome->skipped[HINT_REASON_RESTING] = take(&left, account->resting);
	for (unsigned int i = 1; i <= HINT_REASON_LAST; i++)
		outcome->skipped[i] += take(&left, hint->tried[i]);
	outcome->skipped[pass->no_room] += take(&left, account->held);
	if (hint_round_had_turn(hint))
		outcome->skipped[HINT_REASON_ONCE] += left;
}

/* What is wanted once has no other turn: why it was not moved now is why it never will be. */
static void remember_why(const struct pass *pass, Hint *hint)
{
	struct account *account = account_of(pass, hint);

	hint->tried[HINT_REASON_RESTING] += account->resting;
	hint->tried[pass->no_room] += account->held;
	account->resting = account->held = 0;
}

static void settle(struct pass *pass, Hint *hint)
{
	if (!account_of(pass, hint)->ordered && !pass->more) {
		hint_round_end(hint, pass->now->now_ms);
		if (hint_round_had_turn(hint))
			remember_why(pass, hint);
	}
	if (hint_round_waits(hint) && account_of(pass, hint)->obeying)
		at_latest(pass, hint->next_try_ms);
	tell_outcome(pass, hint);
}

static bool stands(const Hint *hint)
{
	return hint->outcome.status != HINT_STATUS_REFUSED;
}

static void begin_account(struct pass *pass, Hint *hint)
{
	g_hash_table_insert(pass->accounts, hint, g_new0(struct account, 1));
	hint_round_begin(hint, pass->now->now_ms);
	hint_parts_count(pass, hint);
}

int64_t hint_policy(HintTable *table, const HintSituation *situation, GArray *orders)
{
	struct pass pass = {
		.table = table,
		.now = situation,
		.nobody = hint_table_nobody(table),
		.out_sums = picture_sums_new(situation->picture),
		.here_sums = picture_sums_of_pool(situation->picture, situation->pool_id),
		.accounts = g_hash_table_new_full(NULL, NULL, NULL, g_free),
		.parts = g_array_new(FALSE, FALSE, sizeof(struct part)),
		.home = g_array_new(FALSE, FALSE, sizeof(struct part)),
		.out_orders = g_array_new(FALSE, FALSE, sizeof(HintOrder)),
		.orders = orders,
		.most = situation->most,
		.next_ms = HINT_NEVER,
	};

	g_hash_table_insert(pass.accounts, pass.nobody, g_new0(struct account, 1));
	for (Hint *hint = hint_table_first(table); hint; hint = hint_table_next(table, hint))
		if (stands(hint))
			begin_account(&pass, hint);
	hint_parts_find(&pass);
	hint_room_find(&pass);
	make_home_orders(&pass);
	make_out_orders(&pass);
	hint_room_make(&pass);
	g_array_append_vals(orders, pass.out_orders->data, pass.out_orders->len);
	for (Hint *hint = hint_table_first(table); hint; hint = hint_table_next(table, hint))
		if (stands(hint))
			settle(&pass, hint);
	if (orders->len || pass.more)
		pass.next_ms = situation->now_ms;
	g_hash_table_destroy(pass.accounts);
	picture_sums_free(pass.out_sums);
	picture_sums_free(pass.here_sums);
	g_array_free(pass.parts, TRUE);
	g_array_free(pass.home, TRUE);
	g_array_free(pass.out_orders, TRUE);
	return pass.next_ms;
}

void hint_policy_tried(HintTable *table, const HintOrder *order, const struct vmirror_moved *moved,
		       const Picture *picture, int64_t now_ms)
{
	Hint *hint =
		order->cookie ? hint_table_find(table, order->cookie) : hint_table_nobody(table);

	if (!hint || hint->serial != order->serial)
		return;
	if (!order->makes_room)
		hint_round_tried(hint, &order->range, order->out, moved, picture);
	else if (moved->moved_pages * VMIRROR_PAGE_SIZE < order->range.bytes)
		hint->stays_ms = now_ms + HINT_RETRY_FIRST_MS;
}
