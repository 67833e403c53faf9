// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * crowd.c - a thread for each CPU, all at the same pages
 *
 * Each adds to words of its own, and takes away at the end what it has added: the content is then
 * what it was, and verify says so.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "memfill.h"

#define WORDS_APART 8 /* a cache line */
#define MEMBERS_MAX (WORDS / WORDS_APART)

/*
 * struct member - a thread and what it did
 * @first, @pages: in @m, the same for all
 * @added: for each page, how often one was added to this thread's word in it
 * @wrong: the page whose word was not what this thread had left there; @pages where there is none
 */
struct member {
	pthread_t thread;
	const struct memory *m;
	uint64_t number, first, pages;
	const atomic_bool *stop;
	uint64_t *added;
	uint64_t rounds, wrong;
};

static volatile uint64_t *own_word(const struct member *c, uint64_t page)
{
	return c->m->words + (c->first + page) * WORDS + c->number * WORDS_APART;
}

static void stay_on_cpu(uint64_t n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(n, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *add(void *arg)
{
	struct member *c = arg;
	uint64_t *start = calloc(c->pages, sizeof(*start));

	stay_on_cpu(c->number);
	for (uint64_t page = 0; start && page < c->pages; page++)
		start[page] = *own_word(c, page);
	while (start && !atomic_load(c->stop) && c->wrong == c->pages) {
		/* All go the same way in even rounds; in odd ones each has its own. */
		uint64_t page = (c->rounds * 37 + (c->rounds % 2 ? c->number * 61 : 0)) % c->pages;

		if (*own_word(c, page) != start[page] + c->added[page])
			c->wrong = page;
		else
			*own_word(c, page) = start[page] + ++c->added[page];
		c->rounds++;
	}
	for (uint64_t page = 0; page < c->pages; page++)
		*own_word(c, page) -= c->added[page];
	free(start);
	return NULL;
}

static int report(const struct member *members, uint64_t n, FILE *out)
{
	uint64_t least = UINT64_MAX;

	for (uint64_t i = 0; i < n; i++) {
		const struct member *c = &members[i];

		if (c->wrong < c->pages) {
			fprintf(out,
				"WRONG page %" PRIu64 ": CPU %" PRIu64 "'s word in round %" PRIu64
				"\n",
				c->first + c->wrong, i, c->rounds);
			return 1;
		}
		if (c->rounds < least)
			least = c->rounds;
	}
	fprintf(out, "%s %" PRIu64 " CPUs, %" PRIu64 " rounds each at least\n",
		least ? "OK" : "WRONG", n, least);
	return least ? 0 : 1;
}

int crowd(const struct memory *m, uint64_t first, uint64_t end, uint64_t seconds, FILE *out)
{
	uint64_t n = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), started = 0;
	struct member members[MEMBERS_MAX] = { 0 };
	uint64_t *added;
	atomic_bool stop = false;

	if (n > MEMBERS_MAX)
		n = MEMBERS_MAX;
	added = calloc(n * (end - first), sizeof(*added));
	for (; added && started < n; started++) {
		members[started] = (struct member){
			.m = m,
			.number = started,
			.first = first,
			.pages = end - first,
			.stop = &stop,
			.added = added + started * (end - first),
			.wrong = end - first,
		};
		if (pthread_create(&members[started].thread, NULL, add, &members[started]))
			break;
	}
	if (added && started == n)
		sleep((unsigned int)seconds);
	atomic_store(&stop, true);
	for (uint64_t i = 0; i < started; i++)
		pthread_join(members[i].thread, NULL);
	free(added);
	if (started < n) {
		fprintf(out, "no memory for threads\n");
		return 1;
	}
	return report(members, n, out);
}
