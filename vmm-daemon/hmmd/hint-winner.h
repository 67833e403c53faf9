/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-winner.h - of all hints about the same byte, which one it obeys
 *
 * No I/O.  hint-policy.h has the rule.
 */
#ifndef HMMD_HINT_WINNER_H
#define HMMD_HINT_WINNER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hint-table.h"
#include "vmirror.h"

/* [gpa, end) lies in one slot and obeys that hint. */
typedef struct {
	uint64_t gpa;
	uint64_t end;
	Hint *hint;
} HintStretch;

/* Whether the hint wants memory out, rather than in RAM. */
bool hint_wants_out(const Hint *hint);

/* Call what for every part of the hint's extents that lies in a slot, ascending. */
void hint_each_part(Hint *hint, const struct vmirror_slot *slots, uint32_t nr_slots,
		    void (*what)(Hint *hint, uint64_t gpa, uint64_t end, void *data), void *data);

/* All that obeys a hint, ascending: an array of HintStretch, which the caller frees. */
GArray *hint_winner(const HintTable *table, const struct vmirror_slot *slots, uint32_t nr_slots);

#endif /* HMMD_HINT_WINNER_H */
