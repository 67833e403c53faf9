/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * move.h - moving guest pages out or back, in steps
 *
 * A step is one ioctl of at most 16 MiB.  Between two of them the main thread may ask for
 * an end.  Worker, except for the MoveProgress, which both sides may touch.
 */
#ifndef HMMD_MOVE_H
#define HMMD_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "room.h"
#include "vmirror.h"

#define MOVE_STEP (UINT64_C(16) << 20)

/* Every field is read and written with the functions below. */
typedef struct {
	uint64_t done;
	uint64_t total;
	uint64_t moved;
	int stop;
} MoveProgress;

static inline uint64_t move_get(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static inline void move_put(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline bool move_stopped(const MoveProgress *at)
{
	return __atomic_load_n(&at->stop, __ATOMIC_RELAXED);
}

static inline void move_stop(MoveProgress *at)
{
	__atomic_store_n(&at->stop, 1, __ATOMIC_RELAXED);
}

enum move_what {
	MOVE_RANGES, /* these ranges */
	MOVE_BYTES,  /* so many bytes, wherever they are */
	MOVE_ALL,    /* everything the VM has */
};

typedef struct {
	/* in */
	int vm_fd;
	int pool_fd; /* -1: back to RAM */
	enum move_what what;
	const struct control_range *ranges;
	size_t nr_ranges;
	uint64_t bytes;
	uint32_t only_pool; /* MOVE_ALL back: not 0: only what is in that pool */
	Room *room;	    /* out: makes some where the pool is full; NULL: full is full */
	MoveProgress *at;

	/* out */
	uint64_t asked_bytes;
	struct vmirror_moved moved; /* the sum */
	bool pool_full;		    /* it ended for that */
	int error;		    /* 0 or -errno, of the step that ended it */
} Move;

/*
 * Do it.  Returns when it is done, when nothing is left to try, when the pool is full, when
 * it was stopped, or after an error; move->moved tells what has moved in any case.
 * When it came to its end, asked_bytes that neither moved nor were tried because the
 * pool was full are counted as VMIRROR_SKIP_POOL_FULL.
 */
void move_run(Move *move);

#endif /* HMMD_MOVE_H */
