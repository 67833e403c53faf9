// SPDX-License-Identifier: LGPL-2.1-or-later
#include "walk.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "kernel-steps.h"

#define SLOTS_MAX 65536u /* KVM itself allows half of it */

static int by_gpa(const void *a, const void *b)
{
	const struct vmirror_slot *x = a, *y = b;

	return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

int walk_slots(int vm_fd, struct vmirror_slot **slots, uint32_t *nr)
{
	uint32_t room = 64, found;
	int err;

	*slots = NULL;
	for (;;) {
		*slots = g_renew(struct vmirror_slot, *slots, room);
		found = room;
		err = kernel_slots(vm_fd, *slots, &found);
		if (err)
			return err;
		if (found <= room)
			break;
		/* The VM may plug memory while we look: leave some room. */
		if (found > SLOTS_MAX)
			return -E2BIG;
		room = found + 16;
	}
	*nr = found;
	qsort(*slots, found, sizeof(**slots), by_gpa);
	return 0;
}

int walk_start(Walk *walk, int vm_fd, uint64_t gpa, uint64_t end)
{
	/* Not the extents: they are large, and written before they are read. */
	memset(walk, 0, offsetof(Walk, extents));
	walk->vm_fd = vm_fd;
	walk->gpa = gpa;
	walk->end = end;
	return walk_slots(vm_fd, &walk->slots, &walk->nr_slots);
}

/* Fill the extents from the next place that has memory; 1, or 0 at the end, or -errno. */
static int refill(Walk *walk)
{
	const struct vmirror_slot *slot;
	uint64_t end, done;
	int err;

	for (; walk->slot < walk->nr_slots; walk->slot++) {
		slot = &walk->slots[walk->slot];
		walk->gpa = MAX(walk->gpa, slot->gpa);
		end = MIN(slot->gpa + slot->length, walk->end);
		while (walk->gpa < end) {
			walk->nr_extents = WALK_EXTENTS;
			walk->next = 0;
			err = kernel_snapshot(walk->vm_fd, walk->gpa, end - walk->gpa,
					      walk->extents, &walk->nr_extents, &done);
			if (err == -ENXIO)
				break; /* the slot went away meanwhile */
			if (err)
				return err;
			walk->gpa += done;
			if (walk->nr_extents)
				return 1;
			if (!done)
				break;
		}
	}
	return 0;
}

static bool goes_on(const struct vmirror_extent *a, const struct vmirror_extent *b)
{
	return a->gpa + (uint64_t)a->pages * VMIRROR_PAGE_SIZE == b->gpa && a->state == b->state &&
	       a->order == b->order && a->pages + b->pages >= a->pages;
}

int walk_next(Walk *walk, struct vmirror_extent *extent)
{
	int more = 1;

	if (walk->next == walk->nr_extents)
		more = refill(walk);
	if (more <= 0)
		return more;
	*extent = walk->extents[walk->next++];
	while (walk->merge && walk->next < walk->nr_extents &&
	       goes_on(extent, &walk->extents[walk->next]))
		extent->pages += walk->extents[walk->next++].pages;
	return 1;
}

void walk_end(Walk *walk)
{
	g_clear_pointer(&walk->slots, g_free);
}
