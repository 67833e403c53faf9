// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * content.c - what the memory holds
 *
 * The content of a page depends on the seed and the page's index, so a lost, stale, shifted or
 * swapped page shows.
 */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "memfill.h"

static uint64_t page_base(uint64_t seed, uint64_t page)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15 + page + 1;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t word(uint64_t base, uint64_t i)
{
	return base + i * 0x9e3779b97f4a7c15;
}

void fill(struct memory *m, uint64_t seed)
{
	m->seed = seed;
	for (uint64_t page = 0; page < m->pages; page++) {
		uint64_t *p = m->words + page * WORDS, base = page_base(seed, page);

		for (uint64_t i = 0; i < WORDS; i++)
			p[i] = word(base, i);
	}
}

void touch(const struct memory *m, uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end; page++) {
		volatile uint64_t *p = m->words + page * WORDS;

		*p = *p;
	}
}

void corrupt(const struct memory *m, uint64_t page)
{
	*((volatile uint8_t *)(m->words + page * WORDS) + 1234) ^= 0x10;
}

static bool page_is_right(const struct memory *m, uint64_t page, FILE *out)
{
	const volatile uint64_t *p = m->words + page * WORDS;
	uint64_t base = page_base(m->seed, page);

	for (uint64_t i = 0; i < WORDS; i++) {
		uint64_t got = p[i];

		if (got == word(base, i))
			continue;
		fprintf(out,
			"WRONG page %" PRIu64 " offset %" PRIu64 ": wanted 0x%016" PRIx64
			", got 0x%016" PRIx64 "\n",
			page, i * 8, word(base, i), got);
		return false;
	}
	return true;
}

int verify(const struct memory *m, uint64_t first, uint64_t end, uint64_t usec, FILE *out)
{
	for (uint64_t page = first; page < end; page++) {
		if (!page_is_right(m, page, out))
			return 1;
		if (usec)
			usleep((useconds_t)usec);
	}
	fprintf(out, "OK %" PRIu64 " pages\n", end - first);
	return 0;
}

int loop(struct memory *m, uint64_t seconds, FILE *out)
{
	time_t end = time(NULL) + (time_t)seconds;
	uint64_t rounds = 0;

	do {
		for (uint64_t page = 0; page < m->pages; page++)
			if (!page_is_right(m, page, out))
				return 1;
		fill(m, m->seed + 1);
		rounds++;
	} while (time(NULL) < end);
	fprintf(out, "OK %" PRIu64 " rounds\n", rounds);
	return 0;
}
