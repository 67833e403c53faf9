/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-stuck.h - which of a hint's memory could not move
 *
 * A set of ranges, of HINT_STUCK_MAX at most: of more the nearest become one, with what is between
 * them.  No I/O.
 */
#ifndef HMMD_HINT_STUCK_H
#define HMMD_HINT_STUCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define HINT_STUCK_MAX 31u /* and one more for a moment: half a KiB */

/* Begins as { 0 }. */
typedef struct {
	GArray *ranges; /* ascending, and not touching each other; NULL: none */
} HintStuck;

void hint_stuck_clear(HintStuck *stuck);
bool hint_stuck_none(const HintStuck *stuck);

/* [gpa, end) is stuck. */
void hint_stuck_add(HintStuck *stuck, uint64_t gpa, uint64_t end);

/*
 * From *gpa on, the next range that is not stuck: it begins at *start, and *gpa is its end then.
 * false if there is none before end.
 */
bool hint_stuck_next_free(const HintStuck *stuck, uint64_t *gpa, uint64_t end, uint64_t *start);

#endif /* HMMD_HINT_STUCK_H */
