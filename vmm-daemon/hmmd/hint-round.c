// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-round.h"

#include <string.h>

bool hint_round_had_turn(const Hint *hint)
{
	return hint->advice == HINT_ADVICE_WILLNEED_DEVICE && !hint->fresh;
}

bool hint_round_waits(const Hint *hint)
{
	return hint->next_try_ms && !hint_round_had_turn(hint);
}

void hint_round_begin(Hint *hint, int64_t now_ms)
{
	if (!hint_round_waits(hint) || hint->next_try_ms > now_ms)
		return;
	hint->next_try_ms = 0;
	hint_stuck_clear(&hint->stuck);
	memset(hint->tried, 0, sizeof(hint->tried));
}

static const enum hint_reason reasons[VMIRROR_SKIP_LAST + 1] = {
	[VMIRROR_SKIP_NO_SLOT] = HINT_REASON_NO_MEMORY,
	[VMIRROR_SKIP_ABSENT] = HINT_REASON_ABSENT,
	[VMIRROR_SKIP_PINNED] = HINT_REASON_PINNED,
	[VMIRROR_SKIP_LOCKED] = HINT_REASON_PINNED,
	[VMIRROR_SKIP_SHARED] = HINT_REASON_UNMOVABLE,
	[VMIRROR_SKIP_FILE] = HINT_REASON_UNMOVABLE,
	[VMIRROR_SKIP_HUGETLB] = HINT_REASON_UNMOVABLE,
	[VMIRROR_SKIP_SPECIAL] = HINT_REASON_UNMOVABLE,
	[VMIRROR_SKIP_KSM] = HINT_REASON_UNMOVABLE,
	[VMIRROR_SKIP_POOL_FULL] = HINT_REASON_POOL_FULL,
	[VMIRROR_SKIP_BUSY] = HINT_REASON_BUSY,
	[VMIRROR_SKIP_COPY_FAILED] = HINT_REASON_FAILED,
};

/* On the way home, what is not out is where it belongs. */
static bool is_failure(unsigned int skip, bool out)
{
	return reasons[skip] && (out || skip != VMIRROR_SKIP_ABSENT);
}

void hint_round_tried(Hint *hint, const struct control_range *range, bool out,
		      const struct vmirror_moved *moved, const Picture *picture)
{
	uint64_t gpa = range->gpa, end = range->gpa + range->bytes, start;

	for (unsigned int i = 0; i <= VMIRROR_SKIP_LAST; i++)
		if (is_failure(i, out))
			hint->tried[reasons[i]] += moved->skipped_pages[i] * VMIRROR_PAGE_SIZE;
	if (moved->moved_pages * VMIRROR_PAGE_SIZE >= range->bytes)
		return;
	if (!picture)
		hint_stuck_add(&hint->stuck, gpa, end);
	while (picture && picture_next_run(picture, !out, &gpa, end, &start))
		hint_stuck_add(&hint->stuck, start, gpa);
}

static int64_t pause_ms(unsigned int step)
{
	int64_t ms = (int64_t)HINT_RETRY_FIRST_MS << (step < 16 ? step : 16);

	return ms < HINT_RETRY_LONGEST_MS ? ms : HINT_RETRY_LONGEST_MS;
}

void hint_round_end(Hint *hint, int64_t now_ms)
{
	if (hint_stuck_none(&hint->stuck))
		hint->step = 0;
	else if (!hint->next_try_ms)
		hint->next_try_ms = now_ms + pause_ms(hint->step++);
	hint->fresh = false;
}
