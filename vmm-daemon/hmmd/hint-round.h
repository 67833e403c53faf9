/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-round.h - the attempts to have a hint's memory where it wants it
 *
 * A round tries each page of a hint once, in as many orders as it takes.  What could not move is
 * stuck: it rests for a time that doubles with each round in vain, and then there is another round.
 * The rest of the hint does not wait for that.
 */
#ifndef HMMD_HINT_ROUND_H
#define HMMD_HINT_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "hint-table.h"
#include "picture.h"
#include "vmirror.h"

#define HINT_RETRY_FIRST_MS   1000
#define HINT_RETRY_LONGEST_MS 60000

/* The pause may be over: what is stuck is worth another try then. */
void hint_round_begin(Hint *hint, int64_t now_ms);

/* Whether it had all the attempts that it gets: it is wanted once. */
bool hint_round_had_turn(const Hint *hint);

/* Something is stuck until next_try_ms. */
bool hint_round_waits(const Hint *hint);

/*
 * A range of it was tried.  picture: as it is after that, which tells what of it is stuck; NULL if
 * nobody knows.
 */
void hint_round_tried(Hint *hint, const struct control_range *range, bool out,
		      const struct vmirror_moved *moved, const Picture *picture);

/* There is nothing more of it that could be tried now. */
void hint_round_end(Hint *hint, int64_t now_ms);

#endif /* HMMD_HINT_ROUND_H */
