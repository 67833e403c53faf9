/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* failnth.h - what the files of the case failnth share */
#ifndef VMIRROR_TEST_FAILNTH_H
#define VMIRROR_TEST_FAILNTH_H

#include "selfvm.h"

#define FAILNTH_SMALL (24 * VMIRROR_PAGE_SIZE)
#define FAILNTH_HUGE (2 * MiB)
#define FAILNTH_SEED 8

/* What an attempt finds. */
struct failnth_world {
	struct selfvm self;
	struct target t;
	int vm, pool, device, peer;
	pid_t child;
	char *memory;
	uint64_t length, moved;
};

/*
 * struct failnth_scenario - a call, and what there is before it
 * @prepare: beside what follows
 * @judge: what is true afterwards; without it the call may also be refused
 * @with_vm: this process is attached
 * @with_pool: there is a pool
 * @huge: the memory is 2 MiB in one, not some pages
 * @untouched: the memory has no pages yet
 * @out: the memory is in the pool
 * @coherent: the pool is one of coherent memory
 * @moves: where no allocation fails, pages move
 * @split: 2 MiB folios come home as single pages: they are split
 */
struct failnth_scenario {
	const char *name;
	void (*prepare)(struct failnth_world *w);
	int (*attempt)(struct failnth_world *w);
	void (*judge)(struct failnth_world *w, int ret);
	bool with_vm, with_pool, huge, untouched, out, coherent, moves, split;
};

struct failnth_list {
	const struct failnth_scenario *scenarios;
	unsigned int nr;
};

#define FAILNTH_LIST(array) { (array), sizeof(array) / sizeof((array)[0]) }

/*
 * For @prepare and @judge: a child that has the memory, too, until it ends.  Before that the memory
 * must hold what it held.
 */
void failnth_fork(struct failnth_world *w);
void failnth_child_ends(struct failnth_world *w);

/* What devices read into and write from: there before an allocation fails. */
extern char failnth_buffer[FAILNTH_HUGE];

/* What is attempted, and what may come of it: in failnth-calls.c, -device.c, -dma.c, -touch.c. */
extern const struct failnth_list failnth_calls, failnth_device_calls, failnth_dma_calls, failnth_touches;

/* --- failnth-dma.c: with a PCI device, which has to be there ------------------------ */

void failnth_dma_open(void);
void failnth_dma_close(void);

#endif
