/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-policy.h - what is to be done about the hints of a VM
 *
 * From hints, the picture of the VM, its slots, quota and the room in its pool to orders.  No I/O.
 *
 * Every byte of a slot obeys one hint at most, of those that are about it:
 *
 *	pin-host before anything else; then the higher priority; then the later one
 *
 * host and pin-host want it in RAM; device and cold want it in the pool; willneed-device wants it
 * in the pool once, and leaves it where it goes from there: its outcome goes on saying why the rest
 * of it did not move then, and HINT_REASON_ONCE for what has come home.  Where not all can be in the pool, for
 * want of room or for the quota, these are:
 *
 *	of the higher priority; device before willneed-device before cold; the older hint
 *
 * All that the VM has out counts against its quota, and whatever comes home leaves some of it; room
 * in the pool is left only by what is in that pool.  What obeys no hint makes room for what does.
 * A new hint also has others that are behind it in this order come home if it needs their room; one
 * whose pages could not move at once, or cold, does not.
 *
 * Pages that rest (hint-rest.h) are left alone.  What could not move, and only that, is tried again
 * later (hint-round.h).
 */
#ifndef HMMD_HINT_POLICY_H
#define HMMD_HINT_POLICY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "hint-rest.h"
#include "hint-table.h"
#include "picture.h"
#include "vmirror.h"

#define HINT_NEVER INT64_MAX

typedef struct {
	const struct vmirror_slot *slots; /* ascending */
	uint32_t nr_slots;
	const Picture *picture;
	const HintRest *rest;
	bool have_pool;
	uint32_t pool_id; /* where hinted memory goes */
	uint64_t room;	  /* bytes that are free in the pool */
	uint64_t quota;	  /* bytes that may be out for hints */
	uint64_t most;	  /* bytes to move in one go */
	int64_t now_ms;
} HintSituation;

typedef struct {
	uint64_t cookie; /* of the hint that the memory obeys */
	uint64_t serial; /* of that hint: the cookie may have another one by then */
	uint64_t owner;	 /* of that hint */
	bool out;	 /* to the pool, else to RAM */
	bool makes_room; /* to RAM for others that go out: if not all of it does, they must not */
	struct control_range range;
} HintOrder;

/*
 * Append orders, of struct HintOrder, to be done in their order; fills in the outcome of each hint,
 * and where its attempts are.  Returns when to ask again if nothing else happens: HINT_NEVER if there
 * is no need; now_ms if there is more to do once these orders are done.
 */
int64_t hint_policy(HintTable *table, const HintSituation *situation, GArray *orders);

/*
 * What became of an order.  picture: as it is after that, or NULL.  Nothing is done if the order's
 * hint is not there any more.
 */
void hint_policy_tried(HintTable *table, const HintOrder *order, const struct vmirror_moved *moved,
		       const Picture *picture, int64_t now_ms);

#endif /* HMMD_HINT_POLICY_H */
