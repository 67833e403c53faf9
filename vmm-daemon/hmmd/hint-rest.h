/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-rest.h - what comes back right after it went out is left alone, each time for longer
 *
 * By blocks of 2 MiB of the guest.  A block whose pages a CPU brings back within HINT_REST_SOON_MS
 * after they went out, or within as long as it had to rest before, rests for HINT_REST_FIRST_MS,
 * the next time for twice as long, up to HINT_REST_LONGEST_MS; one that stays out for longer begins
 * anew.  So does one that goes out for another owner: the guest has given the memory to another
 * process, or says so; what it costs it to say so each time is bounded elsewhere (hint-pass.c).  What
 * somebody on the host has recalled or evicted rests for HINT_REST_RECALLED_MS, whoever asks for it.
 * No I/O; times are milliseconds of one clock.
 */
#ifndef HMMD_HINT_REST_H
#define HMMD_HINT_REST_H

#include <stdint.h>

#define HINT_REST_BLOCK	      (UINT64_C(2) << 20)
#define HINT_REST_RECALLED_MS 600000
#define HINT_REST_SOON_MS     5000
#define HINT_REST_FIRST_MS    2000
#define HINT_REST_LONGEST_MS  3600000

typedef struct HintRest HintRest;

/* max_blocks: of how many it keeps account at most; of more nothing is known. */
HintRest *hint_rest_new(unsigned int max_blocks);
void hint_rest_free(HintRest *rest);

/* Pages go out, for a hint of that owner; pages were brought back by a CPU. */
void hint_rest_out(HintRest *rest, uint64_t gpa, uint64_t pages, uint64_t owner, int64_t now_ms);
void hint_rest_back(HintRest *rest, uint64_t gpa, uint64_t pages, int64_t now_ms);

/* Pages were brought back by who is in charge of the host, or for room that others need. */
void hint_rest_recalled(HintRest *rest, uint64_t gpa, uint64_t pages, int64_t now_ms);

/* Until when the block at gpa rests from that owner's hints: a time that is past if it does not. */
int64_t hint_rest_until(const HintRest *rest, uint64_t gpa, uint64_t owner);

#endif /* HMMD_HINT_REST_H */
