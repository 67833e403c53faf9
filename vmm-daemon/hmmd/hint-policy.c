// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-policy.h"

#include <string.h>

#include "hint-round.h"
#include "hint-winner.h"
#include "picture-sums.h"

/* How long to wait for room that someone else may leave. */
#define ROOM_MS 5000

/* A stretch of memory, with what it has in the pool. */
struct part {
	uint64_t gpa;
	uint64_t end;
	Hint *hint;
	uint64_t out;
};

/* What the pass finds out about a hint, for its outcome. */
struct account {
	uint64_t in_slots;
	uint64_t missing; /* bytes that are not where it wants them */
	uint64_t obeying; /* of these, what obeys it */
	uint64_t resting;
	uint64_t held; /* for want of room */
	bool ordered;
};

struct pass {
	HintTable *table;
	PictureSums *out_sums;
	Hint *nobody;
	const HintSituation *now;
	GHashTable *accounts; /* Hint * -> struct account * */
	GArray *parts;	      /* that are wanted out, best first */
	GArray *home;	      /* that are wanted in RAM */
	GArray *out_orders;
	GArray *orders;
	uint64_t room;	    /* that is free, for hints */
	uint64_t out;	    /* what all hints have out */
	uint64_t behind;    /* what parts after this one have out, and can have back */
	uint64_t nobodys;   /* of that, what obeys no hint: it is last */
	uint64_t displaced; /* what has to go, the last first */
	enum hint_reason no_room;
	uint64_t most;
	bool more; /* it was too much for one go */
	int64_t next_ms;
};

static struct account *account_of(const struct pass *pass, const Hint *hint)
{
	return g_hash_table_lookup(pass->accounts, hint);
}

static void at_latest(struct pass *pass, int64_t ms)
{
	pass->next_ms = MIN(pass->next_ms, ms);
}

/* ---- which parts there are, and which of them come first ---------------- */

static void count_part(Hint *hint, uint64_t gpa, uint64_t end, void *data)
{
	struct pass *pass = data;
	struct account *account = account_of(pass, hint);
	uint64_t out = picture_sums_bytes(pass->out_sums, gpa, end);

	account->in_slots += end - gpa;
	account->missing += hint_wants_out(hint) ? end - gpa - out : out;
}

static unsigned int urgency(const Hint *hint)
{
	switch (hint->advice) {
	case HINT_ADVICE_DEVICE:
		return 0;
	case HINT_ADVICE_WILLNEED_DEVICE:
		return 1;
	case HINT_ADVICE_COLD:
		return 2;
	default:
		return 3; /* nobody's */
	}
}

static int best_first(gconstpointer a, gconstpointer b)
{
	const struct part *x = a, *y = b;

	if (x->hint->priority != y->hint->priority)
		return x->hint->priority > y->hint->priority ? -1 : 1;
	if (urgency(x->hint) != urgency(y->hint))
		return urgency(x->hint) < urgency(y->hint) ? -1 : 1;
	if (x->hint->number != y->hint->number)
		return x->hint->number < y->hint->number ? -1 : 1;
	return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

/* What is out of it, unless that would not come home just now. */
static uint64_t can_give(const struct pass *pass, const struct part *part)
{
	return part->hint->stays_ms <= pass->now->now_ms ? part->out : 0;
}

static void add_nobodys(struct pass *pass, uint64_t gpa, uint64_t end)
{
	struct part part = { gpa, end, pass->nobody, end - gpa };

	pass->behind += can_give(pass, &part);
	pass->nobodys += can_give(pass, &part);
	g_array_append_val(pass->parts, part);
}

/* What is in the pool, between the stretches. */
static void find_nobodys(struct pass *pass, const GArray *stretches)
{
	guint next = 0;

	for (guint i = 0; i < pass->out_sums->runs->len; i++) {
		const PictureRun *run = &g_array_index(pass->out_sums->runs, PictureRun, i);
		uint64_t gpa = run->gpa;

		while (run->pool_id == pass->now->pool_id && gpa < run->end) {
			const HintStretch *stretch =
				next < stretches->len ? &g_array_index(stretches, HintStretch, next)
						      : NULL;
			uint64_t end = stretch ? MIN(run->end, stretch->gpa) : run->end;

			if (gpa < end)
				add_nobodys(pass, gpa, end);
			if (!stretch || stretch->gpa >= run->end)
				break;
			gpa = MAX(gpa, stretch->end);
			if (stretch->end > run->end)
				break;
			next++;
		}
	}
}

static void find_parts(struct pass *pass)
{
	const HintSituation *now = pass->now;
	g_autoptr(GArray) stretches = hint_winner(pass->table, now->slots, now->nr_slots);

	for (guint i = 0; i < stretches->len; i++) {
		const HintStretch *stretch = &g_array_index(stretches, HintStretch, i);
		struct part part = {
			.gpa = stretch->gpa,
			.end = stretch->end,
			.hint = stretch->hint,
			.out = picture_sums_bytes(pass->out_sums, stretch->gpa, stretch->end),
		};
		struct account *account = account_of(pass, part.hint);

		if (hint_wants_out(part.hint)) {
			account->obeying += part.end - part.gpa - part.out;
			pass->out += part.out;
			pass->behind += can_give(pass, &part);
			g_array_append_val(pass->parts, part);
		} else {
			account->obeying += part.out;
			g_array_append_val(pass->home, part);
		}
	}
	find_nobodys(pass, stretches);
	g_array_sort(pass->parts, best_first);
}

static void find_room(struct pass *pass)
{
	const HintSituation *now = pass->now;
	uint64_t quota = now->quota - now->quota % VMIRROR_PAGE_SIZE;
	uint64_t all_out = pass->out_sums->bytes;
	uint64_t left = quota > all_out ? quota - all_out : 0;

	pass->room = now->have_pool ? MIN(now->room, left) : 0;
	pass->no_room = !now->have_pool	   ? HINT_REASON_NO_POOL
			: left < now->room ? HINT_REASON_QUOTA
					   : HINT_REASON_POOL_FULL;
	pass->displaced = pass->out > quota ? pass->out - quota : 0;
}

/* ---- orders ------------------------------------------------------------- */

static void order(struct pass *pass, GArray *orders, const Hint *hint, bool out, uint64_t gpa,
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

	account_of(pass, hint)->ordered |= !made.makes_room;
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

/* How much of what is wanted out there is room for. */
static uint64_t find_room_for(struct pass *pass, const Hint *hint, uint64_t bytes)
{
	uint64_t free = MIN(bytes, pass->room), others = 0;
	bool claims = hint->fresh && hint->advice != HINT_ADVICE_COLD;
	uint64_t can_go = claims ? pass->behind : pass->nobodys;

	if (can_go > pass->displaced)
		others = MIN(bytes - free, can_go - pass->displaced);
	if (!pass->now->have_pool)
		return 0;
	if (others > pass->most) {
		others = pass->most;
		pass->more = true;
	}
	pass->room -= free;
	pass->displaced += others;
	return free + others;
}

/* A run that could go out, that does not rest. */
static void send_out(struct pass *pass, const Hint *hint, uint64_t gpa, uint64_t bytes)
{
	uint64_t fits;

	if (gpa + bytes <= hint->tried_to)
		return;
	if (gpa < hint->tried_to) {
		bytes -= hint->tried_to - gpa;
		gpa = hint->tried_to;
	}
	if (!hint_round_may_try(hint, pass->now->now_ms))
		return;
	fits = find_room_for(pass, hint, bytes);
	if (fits < bytes) {
		account_of(pass, hint)->held += bytes - fits;
		at_latest(pass, pass->now->now_ms + ROOM_MS);
	}
	fits = within_one_go(pass, fits);
	if (fits)
		order(pass, pass->out_orders, hint, true, gpa, fits);
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

static void make_out_orders(struct pass *pass)
{
	for (guint i = 0; i < pass->parts->len; i++) {
		const struct part *part = &g_array_index(pass->parts, struct part, i);
		uint64_t gpa = part->gpa, start;

		pass->behind -= can_give(pass, part);
		if (part->hint == pass->nobody)
			continue;
		while (picture_next_run(pass->now->picture, false, &gpa, part->end, &start))
			send_out_what_does_not_rest(pass, part->hint, start, gpa);
	}
}

static void make_home_orders(struct pass *pass)
{
	for (guint i = 0; i < pass->home->len; i++) {
		const struct part *part = &g_array_index(pass->home, struct part, i);
		uint64_t gpa = MAX(part->gpa, part->hint->tried_to), start, bytes;

		while (hint_round_may_try(part->hint, pass->now->now_ms) &&
		       picture_next_run(pass->now->picture, true, &gpa, part->end, &start)) {
			bytes = within_one_go(pass, gpa - start);
			if (bytes)
				order(pass, pass->orders, part->hint, false, start, bytes);
		}
	}
}

/* The last ones make room for the first. */
static void make_room(struct pass *pass)
{
	uint64_t most = pass->now->most;

	for (guint i = pass->parts->len; i && pass->displaced && most; i--) {
		const struct part *part = &g_array_index(pass->parts, struct part, i - 1);
		uint64_t gpa = part->gpa, start, bytes;

		if (part->hint->stays_ms > pass->now->now_ms) {
			at_latest(pass, part->hint->stays_ms);
			continue;
		}
		while (pass->displaced && most &&
		       picture_next_run(pass->now->picture, true, &gpa, part->end, &start)) {
			bytes = MIN(MIN(pass->displaced, gpa - start), most);
			order(pass, pass->orders, part->hint, false, start, bytes);
			pass->displaced -= bytes;
			most -= bytes;
		}
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
}

static void settle(struct pass *pass, Hint *hint)
{
	if (!account_of(pass, hint)->ordered && !pass->more &&
	    hint_round_may_try(hint, pass->now->now_ms))
		hint_round_end(hint, pass->now->now_ms);
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
	hint_each_part(hint, pass->now->slots, pass->now->nr_slots, count_part, pass);
}

int64_t hint_policy(HintTable *table, const HintSituation *situation, GArray *orders)
{
	struct pass pass = {
		.table = table,
		.now = situation,
		.nobody = hint_table_nobody(table),
		.out_sums = picture_sums_new(situation->picture),
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
	find_parts(&pass);
	find_room(&pass);
	make_home_orders(&pass);
	make_out_orders(&pass);
	make_room(&pass);
	g_array_append_vals(orders, pass.out_orders->data, pass.out_orders->len);
	for (Hint *hint = hint_table_first(table); hint; hint = hint_table_next(table, hint))
		if (stands(hint))
			settle(&pass, hint);
	if (orders->len || pass.more)
		pass.next_ms = situation->now_ms;
	g_hash_table_destroy(pass.accounts);
	picture_sums_free(pass.out_sums);
	g_array_free(pass.parts, TRUE);
	g_array_free(pass.home, TRUE);
	g_array_free(pass.out_orders, TRUE);
	return pass.next_ms;
}

void hint_policy_tried(HintTable *table, const HintOrder *order, const struct vmirror_moved *moved,
		       int64_t now_ms)
{
	Hint *hint =
		order->cookie ? hint_table_find(table, order->cookie) : hint_table_nobody(table);

	if (!hint || hint->serial != order->serial)
		return;
	if (!order->makes_room)
		hint_round_tried(hint, order->range.gpa + order->range.bytes, order->out, moved);
	else if (moved->moved_pages * VMIRROR_PAGE_SIZE < order->range.bytes)
		hint->stays_ms = now_ms + HINT_RETRY_FIRST_MS;
}
