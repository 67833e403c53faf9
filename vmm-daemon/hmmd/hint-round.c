// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-round.h"

#include <string.h>

static bool failed(const Hint *hint)
{
	for (unsigned int i = 0; i <= HINT_REASON_LAST; i++)
		if (hint->tried[i])
			return true;
	return false;
}

void hint_round_begin(Hint *hint, int64_t now_ms)
{
	if (!hint->tried_to && hint->next_try_ms <= now_ms)
		memset(hint->tried, 0, sizeof(hint->tried));
}

bool hint_round_may_try(const Hint *hint, int64_t now_ms)
{
	/* What is only wanted once has had its turn. */
	if (hint->advice == HINT_ADVICE_WILLNEED_DEVICE && !hint->fresh)
		return false;
	return hint->tried_to || !failed(hint) || hint->next_try_ms <= now_ms;
}

bool hint_round_waits(const Hint *hint)
{
	return failed(hint) && !hint->tried_to;
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

void hint_round_tried(Hint *hint, uint64_t end, bool out, const struct vmirror_moved *moved)
{
	hint->tried_to = end;
	for (unsigned int i = 0; i <= VMIRROR_SKIP_LAST; i++)
		if (is_failure(i, out))
			hint->tried[reasons[i]] += moved->skipped_pages[i] * VMIRROR_PAGE_SIZE;
}

static int64_t pause_ms(unsigned int step)
{
	int64_t ms = (int64_t)HINT_RETRY_FIRST_MS << (step < 16 ? step : 16);

	return ms < HINT_RETRY_LONGEST_MS ? ms : HINT_RETRY_LONGEST_MS;
}

void hint_round_end(Hint *hint, int64_t now_ms)
{
	if (!failed(hint))
		hint->step = 0;
	else if (hint->tried_to || hint->fresh)
		hint->next_try_ms = now_ms + pause_ms(hint->step++);
	hint->tried_to = 0;
	hint->fresh = false;
}
