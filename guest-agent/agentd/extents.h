/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * extents.h - guest-physical ranges, put together from pages.  Pure functions.
 */
#ifndef AGENTD_EXTENTS_H
#define AGENTD_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hint.h"

/*
 * @at: room for @room extents, the caller's
 * @crowded: ordering them would make little room: no use to try again
 */
struct extents {
	struct hint_extent *at;
	size_t nr, room;
	bool crowded;
};

/* What a /proc/PID/pagemap entry is to a hint. */
enum page_kind {
	PAGE_ABSENT = 1, /* no page, swapped out, or its number is hidden */
	PAGE_SHARED,	 /* not this process's alone: file, shared, the zero page, not copied yet */
	PAGE_OWN,	 /* may be told */
};

enum page_kind page_kind(uint64_t entry);
uint64_t page_frame(uint64_t entry);

/* Empty it. */
void extents_begin(struct extents *extents);

/* One more.  False: there is no room, nothing is changed but perhaps the order. */
bool extents_add(struct extents *extents, uint64_t gpa, uint64_t length);

/* Ascending, and those that touch or overlap made one. */
void extents_order(struct extents *extents);

uint64_t extents_bytes(const struct extents *extents);

/* The same for the same extents; for others another, but by chance. */
uint64_t extents_digest(const struct extents *extents);

#endif /* AGENTD_EXTENTS_H */
