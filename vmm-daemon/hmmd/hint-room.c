// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-room.c - what there is room for, and who makes some
 *
 * Two things may be lacking: room in the pool, which only what is in that pool can leave; and what
 * the quota permits, which whatever comes home leaves, from any pool.
 */
#include "hint-policy-private.h"

void hint_room_find(struct pass *pass)
{
	const HintSituation *now = pass->now;
	uint64_t quota = now->quota - now->quota % VMIRROR_PAGE_SIZE;
	uint64_t all_out = pass->out_sums->bytes;

	pass->pool_room = now->room;
	pass->quota_room = quota > all_out ? quota - all_out : 0;
	pass->no_room = !now->have_pool		       ? HINT_REASON_NO_POOL
			: pass->quota_room < now->room ? HINT_REASON_QUOTA
						       : HINT_REASON_POOL_FULL;
	pass->from_any = pass->out > quota ? pass->out - quota : 0;
}

/* a - b, but not less than nothing. */
static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* How much of the bytes fits into room, and what others can add to it. */
static uint64_t fit(uint64_t bytes, uint64_t room, uint64_t others)
{
	return MIN(bytes, room) + MIN(less(bytes, room), others);
}

uint64_t hint_room_take(struct pass *pass, const Hint *hint, uint64_t bytes)
{
	bool claims = hint->fresh && hint->advice != HINT_ADVICE_COLD;
	uint64_t all =
		less(claims ? pass->behind.all : pass->nobodys, pass->from_here + pass->from_any);
	uint64_t here = less(claims ? pass->behind.here : pass->nobodys, pass->from_here);
	uint64_t room = MIN(pass->pool_room, pass->quota_room), fits, from_here, others;

	if (!pass->now->have_pool)
		return 0;
	fits = MIN(fit(bytes, pass->pool_room, MIN(here, all)), fit(bytes, pass->quota_room, all));
	if (less(fits, room) > pass->most) {
		fits = room + pass->most;
		pass->more = true;
	}
	from_here = less(fits, pass->pool_room);
	others = less(fits, room);
	pass->pool_room = pass->pool_room + from_here - fits;
	pass->quota_room = pass->quota_room + others - fits;
	pass->from_here += from_here;
	pass->from_any += others - from_here;
	return fits;
}

/* How much of a run of memory that is out has to come home; counts it as done. */
static uint64_t give_back(struct pass *pass, bool here, uint64_t bytes)
{
	uint64_t from_here = here ? MIN(pass->from_here, bytes) : 0;
	uint64_t from_any = MIN(pass->from_any, bytes - from_here);

	pass->from_here -= from_here;
	pass->from_any -= from_any;
	return from_here + from_any;
}

static void make_of_part(struct pass *pass, const struct part *part, uint64_t *most)
{
	PictureExtent extent;
	uint64_t gpa = part->gpa;

	while (*most && gpa < part->end && picture_next(pass->now->picture, gpa, &extent) &&
	       extent.gpa < part->end) {
		uint64_t start = MAX(extent.gpa, gpa);
		uint64_t bytes;

		gpa = MIN(extent.gpa + extent.pages * VMIRROR_PAGE_SIZE, part->end);
		bytes = give_back(pass, extent.pool_id == pass->now->pool_id,
				  MIN(gpa - start, *most));
		if (bytes)
			hint_policy_order(pass, pass->orders, part->hint, false, start, bytes);
		*most -= bytes;
	}
}

void hint_room_make(struct pass *pass)
{
	uint64_t most = pass->now->most;

	for (guint i = pass->parts->len; i && (pass->from_here || pass->from_any); i--) {
		const struct part *part = &g_array_index(pass->parts, struct part, i - 1);

		if (part->hint->stays_ms > pass->now->now_ms)
			at_latest(pass, part->hint->stays_ms);
		else
			make_of_part(pass, part, &most);
	}
}
