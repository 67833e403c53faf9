/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-policy-private.h - one pass of the policy, as the files that do it share it
 */
#ifndef HMMD_HINT_POLICY_PRIVATE_H
#define HMMD_HINT_POLICY_PRIVATE_H

#include "hint-policy.h"
#include "picture-sums.h"

/* Bytes that are out: in whatever pool, and of these in the pool where hints go. */
struct out_bytes {
	uint64_t all;
	uint64_t here;
};

/* A stretch of memory. */
struct part {
	uint64_t gpa;
	uint64_t end;
	Hint *hint;
	struct out_bytes out;
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
	PictureSums *here_sums; /* of the pool where hints go */
	Hint *nobody;
	const HintSituation *now;
	GHashTable *accounts; /* Hint * -> struct account * */
	GArray *parts;	      /* that are wanted out, best first */
	GArray *home;	      /* that are wanted in RAM */
	GArray *out_orders;
	GArray *orders;
	uint64_t pool_room;	 /* that is free in the pool */
	uint64_t quota_room;	 /* that the quota leaves, wherever it is */
	uint64_t out;		 /* what all hints have out */
	struct out_bytes behind; /* what parts after this one have out, and can have back */
	uint64_t nobodys;	 /* of that, what obeys no hint: it is last, and all of it here */
	uint64_t from_here;	 /* what has to leave the pool, the last first */
	uint64_t from_any;	 /* what has to come home besides, from any pool */
	enum hint_reason no_room;
	uint64_t most;
	bool more; /* it was too much for one go */
	int64_t next_ms;
};

static inline struct account *account_of(const struct pass *pass, const Hint *hint)
{
	return g_hash_table_lookup(pass->accounts, hint);
}

/* Ask again then, or earlier. */
static inline void at_latest(struct pass *pass, int64_t ms)
{
	pass->next_ms = MIN(pass->next_ms, ms);
}

/* ---- hint-policy.c ------------------------------------------------------ */

void hint_policy_order(struct pass *pass, GArray *orders, const Hint *hint, bool out, uint64_t gpa,
		       uint64_t bytes);

/* ---- hint-parts.c: which parts there are, and which of them come first -- */

/* How much of the hint there is, and is not where it wants it. */
void hint_parts_count(struct pass *pass, Hint *hint);
void hint_parts_find(struct pass *pass);

/* The turn is this part's: the others are behind it from here on. */
void hint_parts_pass(struct pass *pass, const struct part *part);

/* ---- hint-room.c: room, and who has to make some ------------------------ */

void hint_room_find(struct pass *pass);

/* How much of what is wanted out there is room for, or will be. */
uint64_t hint_room_take(struct pass *pass, const Hint *hint, uint64_t bytes);

/* Order what has to go: the last ones make room for the first. */
void hint_room_make(struct pass *pass);

#endif /* HMMD_HINT_POLICY_PRIVATE_H */
