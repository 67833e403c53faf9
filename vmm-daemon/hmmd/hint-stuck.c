// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-stuck.h"

struct range {
	uint64_t gpa;
	uint64_t end;
};

static struct range *range_at(const HintStuck *stuck, guint i)
{
	return &g_array_index(stuck->ranges, struct range, i);
}

void hint_stuck_clear(HintStuck *stuck)
{
	if (stuck->ranges)
		g_array_free(stuck->ranges, TRUE);
	stuck->ranges = NULL;
}

bool hint_stuck_none(const HintStuck *stuck)
{
	return !stuck->ranges;
}

/* The first that ends at gpa or after it; there may be none. */
static guint first_from(const HintStuck *stuck, uint64_t gpa)
{
	guint i = 0;

	while (i < stuck->ranges->len && range_at(stuck, i)->end < gpa)
		i++;
	return i;
}

static void join_nearest(HintStuck *stuck)
{
	uint64_t least = UINT64_MAX;
	guint nearest = 1;

	for (guint i = 1; i < stuck->ranges->len; i++) {
		uint64_t gap = range_at(stuck, i)->gpa - range_at(stuck, i - 1)->end;

		if (gap < least) {
			least = gap;
			nearest = i;
		}
	}
	range_at(stuck, nearest - 1)->end = range_at(stuck, nearest)->end;
	g_array_remove_index(stuck->ranges, nearest);
}

void hint_stuck_add(HintStuck *stuck, uint64_t gpa, uint64_t end)
{
	struct range made = { gpa, end };
	guint first, i;

	if (!stuck->ranges)
		stuck->ranges = g_array_new(FALSE, FALSE, sizeof(struct range));
	first = first_from(stuck, gpa);
	for (i = first; i < stuck->ranges->len && range_at(stuck, i)->gpa <= end; i++) {
		made.gpa = MIN(made.gpa, range_at(stuck, i)->gpa);
		made.end = MAX(made.end, range_at(stuck, i)->end);
	}
	if (i > first)
		g_array_remove_range(stuck->ranges, first, i - first);
	g_array_insert_val(stuck->ranges, first, made);
	if (stuck->ranges->len > HINT_STUCK_MAX)
		join_nearest(stuck);
}

bool hint_stuck_next_free(const HintStuck *stuck, uint64_t *gpa, uint64_t end, uint64_t *start)
{
	uint64_t from = *gpa, to = end;

	for (guint i = 0; stuck->ranges && i < stuck->ranges->len; i++) {
		const struct range *range = range_at(stuck, i);

		if (range->end <= from)
			continue;
		if (range->gpa > from) {
			to = MIN(range->gpa, end);
			break;
		}
		from = range->end;
	}
	if (from >= end)
		return false;
	*start = from;
	*gpa = to;
	return true;
}
