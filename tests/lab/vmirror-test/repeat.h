/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* repeat.h - a thread that does something again and again, as long as it is let */
#ifndef VMIRROR_TEST_REPEAT_H
#define VMIRROR_TEST_REPEAT_H

#include <pthread.h>
#include <stdatomic.h>

/**
 * struct repeat - such a thread
 * @turn: what it does, with @arg and a seed for rand_r(); returns how many microseconds to pause
 * @rounds: how often it was done
 */
struct repeat {
	unsigned int (*turn)(void *arg, unsigned int *seed);
	void *arg;
	unsigned int seed;
	atomic_uint rounds;

	pthread_t thread;
	atomic_bool stop;
};

/* @turn, @arg and @seed are set, and all else is zero. */
void repeat_start(struct repeat *r);
void repeat_stop(struct repeat *r);

#endif
