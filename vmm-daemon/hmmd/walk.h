/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * walk.h - a cursor over the memory of a VM, one run of pages at a time
 *
 *	walk_start(&walk, vm_fd, gpa, end)
 *	while ((err = walk_next(&walk, &extent)) > 0) ...
 *	walk_end(&walk)
 *
 * It takes the slots once and snapshots as it goes, so a run may be out of date when the
 * caller gets to it.  Worker.
 */
#ifndef HMMD_WALK_H
#define HMMD_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "vmirror.h"

#define WALK_EXTENTS 512u

typedef struct {
	int vm_fd;
	bool merge; /* set it to get runs joined that differ in the pool only */
	struct vmirror_slot *slots;
	uint32_t nr_slots;
	uint32_t slot; /* the one we are in */
	uint64_t gpa;  /* up to where the extents reach */
	uint64_t end;
	uint32_t nr_extents;
	uint32_t next;
	struct vmirror_extent extents[WALK_EXTENTS];
} Walk;

/* The part of the VM's memory from gpa to end.  0 or -errno; walk_end() in both cases. */
int walk_start(Walk *walk, int vm_fd, uint64_t gpa, uint64_t end);

/* 1 and the next run, 0 at the end, or -errno. */
int walk_next(Walk *walk, struct vmirror_extent *extent);
void walk_end(Walk *walk);

/* The VM's slots, ascending; *slots is for g_free(), also after an error. */
int walk_slots(int vm_fd, struct vmirror_slot **slots, uint32_t *nr);

#endif /* HMMD_WALK_H */
