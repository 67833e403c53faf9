/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * room.h - making room in a full pool: its coldest pages go home
 *
 * Left alone are pages that the order at hand is about, and whatever was put into the pool, or
 * used there, since the order began.  Worker.
 */
#ifndef HMMD_ROOM_H
#define HMMD_ROOM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "control.h"

typedef struct {
	int vm_fd;
	int pool_fd;
	uint64_t idle_ns;		    /* pages that have been idle for less stay */
	const struct control_range *ranges; /* of the VM: these stay; NULL: all that it has there */
	size_t nr_ranges;

	gint64 began;		/* when the order did, in microseconds */
	bool *keep;		/* for each block of the pool; NULL until it is needed */
	uint64_t evicted_pages; /* the sum */
} Room;

/* Fill in the fields above; room_end() must follow. */
void room_begin(Room *room, int vm_fd, int pool_fd, uint64_t idle_ns);

/* Make room for so many pages.  Returns how many came home: less than there are asked for, or 0. */
uint64_t room_make(Room *room, uint64_t pages);
void room_end(Room *room);

#endif /* HMMD_ROOM_H */
