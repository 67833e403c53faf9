/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-table.h - what a guest has asked for
 *
 * Frames go in, hints that stand come out.  No I/O.  However much the guest sends, no more is kept
 * than the limits say.
 */
#ifndef HMMD_HINT_TABLE_H
#define HMMD_HINT_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hint-stuck.h"
#include "hint.h"

typedef struct HintTable HintTable;

/* What became of a hint.  skipped: bytes that are not where the hint wants them, by reason. */
typedef struct {
	enum hint_status status;
	enum hint_reason reason; /* of REFUSED */
	uint64_t done_bytes;
	uint64_t skipped[HINT_REASON_LAST + 1];
} HintOutcome;

/*
 * A hint.  The first part is the guest's, and does not change; the second is the policy's
 * (hint-policy.h); the third tells what the guest was told (hint-news.h).
 */
typedef struct {
	uint64_t cookie;
	uint64_t owner;
	enum hint_advice advice;
	uint8_t priority;
	uint64_t number; /* of two hints the later one has the higher one */
	uint64_t serial; /* of what it says: another one with each frame */
	uint32_t nr_extents;
	struct hint_extent *extents; /* NULL if it was refused */
	uint64_t asked_bytes;

	HintOutcome outcome;
	bool fresh;	     /* no round of attempts is over yet */
	HintStuck stuck;     /* what could not move */
	unsigned int step;   /* how often that was tried in vain */
	int64_t next_try_ms; /* when it is tried again; 0: this round is not over */
	int64_t stays_ms;    /* until then it is not asked to make room: it could not */
	uint64_t tried[HINT_REASON_LAST + 1]; /* bytes that are stuck, by reason */

	GList *news; /* its place among those of which there is something to tell, or NULL */
	bool told;
	int64_t told_ms;
	HintOutcome told_outcome;
} Hint;

/* A hint that is not kept, so that only this is to be told of it. */
typedef struct {
	uint64_t cookie;
	uint64_t asked_bytes;
	enum hint_reason reason;
} HintRefusal;

/* Since the table was made. */
typedef struct {
	uint64_t hints; /* that came, all parts of them, whatever became of them */
	uint64_t refused[HINT_REASON_LAST + 1];
} HintTableCounters;

/* advice: a bit 1 << enum hint_advice for each kind of hint that is taken */
HintTable *hint_table_new(uint32_t max_hints, uint32_t max_extents, unsigned int advice);
void hint_table_free(HintTable *table);

/* forget: a hint is about to be freed.  new_hint: one is kept from now on, refused or not. */
typedef struct {
	void (*forget)(Hint *hint, void *data);
	void (*new_hint)(Hint *hint, void *data);
	void *data;
} HintTableEvents;

/*
 * A HINT frame that hint_find() has found.  Returns false if it has no place here: HINT_ERROR_ORDER.
 * What is refused without being kept is to be fetched by hint_table_next_refusal(): two at most.
 *
 * One that says again what its cookie has said, but of other memory, is the same hint: the guest
 * has moved its pages.  It keeps its number, and what became of it so far.
 */
bool hint_table_take(HintTable *table, const void *frame, const HintTableEvents *events);

/* cookie may be HINT_COOKIE_ALL; a part of a hint that is not finished goes as well. */
void hint_table_forget(HintTable *table, uint64_t cookie, const HintTableEvents *events);

/* The oldest refusal that was not taken yet; false if there is none. */
bool hint_table_next_refusal(HintTable *table, HintRefusal *refusal);

const HintTableCounters *hint_table_counters(const HintTable *table);

/* Hints in the order of their numbers; those that were refused are among them. */
uint32_t hint_table_hints(const HintTable *table);
uint32_t hint_table_extents(const HintTable *table);
Hint *hint_table_first(const HintTable *table);
Hint *hint_table_next(const HintTable *table, const Hint *hint);
/* Stands for memory that obeys no hint: of cookie 0, least of all, and in no list. */
Hint *hint_table_nobody(HintTable *table);
Hint *hint_table_find(const HintTable *table, uint64_t cookie);

#endif /* HMMD_HINT_TABLE_H */
