// SPDX-License-Identifier: LGPL-2.1-or-later
/* repeat.c - see repeat.h */
#include "repeat.h"
#include "test.h"

static void *repeat(void *arg)
{
	struct repeat *r = arg;

	while (!atomic_load(&r->stop)) {
		unsigned int pause = r->turn(r->arg, &r->seed);

		r->rounds++;
		if (pause)
			usleep(pause);
	}
	return NULL;
}

void repeat_start(struct repeat *r)
{
	CHECK(pthread_create(&r->thread, NULL, repeat, r) == 0);
}

void repeat_stop(struct repeat *r)
{
	atomic_store(&r->stop, true);
	pthread_join(r->thread, NULL);
}
