/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-round.h - the attempts to have a hint's memory where it wants it
 *
 * A round goes through all of a hint's memory once, in as many orders as it takes.  After one in
 * which something could not move there is a pause, which doubles.
 */
#ifndef HMMD_HINT_ROUND_H
#define HMMD_HINT_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "hint-table.h"
#include "vmirror.h"

#define HINT_RETRY_FIRST_MS   1000
#define HINT_RETRY_LONGEST_MS 60000

/* The pause is over: what could not move is worth another try. */
void hint_round_begin(Hint *hint, int64_t now_ms);
bool hint_round_may_try(const Hint *hint, int64_t now_ms);

/* It pauses, until next_try_ms. */
bool hint_round_waits(const Hint *hint);

/* Something of it was tried, up to that address. */
void hint_round_tried(Hint *hint, uint64_t end, bool out, const struct vmirror_moved *moved);

/* There is nothing more of it that could be tried now. */
void hint_round_end(Hint *hint, int64_t now_ms);

#endif /* HMMD_HINT_ROUND_H */
