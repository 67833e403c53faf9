// SPDX-License-Identifier: LGPL-2.1-or-later
/* touch.c - threads that write to each page of a range once */
#include <pthread.h>

#include "bench.h"

#define MAX_THREADS 16

const int thread_counts[NR_THREAD_COUNTS] = { 1, 2, 4 };

struct toucher {
	pthread_t thread;
	pthread_barrier_t *gate;
	volatile char *first;
	uint64_t pages;
	uint64_t start, end;
};

static void *touch(void *arg)
{
	struct toucher *t = arg;

	pthread_barrier_wait(t->gate);
	t->start = now_ns();
	/* A store and no load: one fault a page.  The last byte is nobody's content. */
	for (uint64_t i = 0; i < t->pages; i++)
		t->first[i * PAGE + PAGE - 1] = 1;
	t->end = now_ns();
	return NULL;
}

/* Each thread has its own part of the range.  From the first one's start to the last one's end. */
uint64_t touch_pages(void *memory, uint64_t length, int threads)
{
	struct toucher touchers[MAX_THREADS];
	uint64_t pages = length / PAGE, start = UINT64_MAX, end = 0;
	pthread_barrier_t gate;

	CHECK(threads <= MAX_THREADS);
	CHECK(pthread_barrier_init(&gate, NULL, threads) == 0);
	for (int i = 0; i < threads; i++) {
		uint64_t from = pages * i / threads, to = pages * (i + 1) / threads;

		touchers[i] = (struct toucher) {
			.gate = &gate, .first = (char *)memory + from * PAGE, .pages = to - from,
		};
		CHECK(pthread_create(&touchers[i].thread, NULL, touch, &touchers[i]) == 0);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(touchers[i].thread, NULL);
		if (touchers[i].start < start)
			start = touchers[i].start;
		if (touchers[i].end > end)
			end = touchers[i].end;
	}
	pthread_barrier_destroy(&gate);
	return end - start;
}
