// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-policy-private.h"

void hint_room_find(struct pass *pass)
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

uint64_t hint_room_take(struct pass *pass, const Hint *hint, uint64_t bytes)
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

void hint_room_make(struct pass *pass)
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
			hint_policy_order(pass, pass->orders, part->hint, false, start, bytes);
			pass->displaced -= bytes;
			most -= bytes;
		}
	}
}
