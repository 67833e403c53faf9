/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* random.h - numbers at random that a seed brings back (splitmix64) */
#ifndef VMIRROR_TEST_RANDOM_H
#define VMIRROR_TEST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* @stream: threads have one seed in common, and each has numbers of its own. */
static inline struct random random_of(uint64_t seed, uint64_t stream)
{
	return (struct random) { seed * 0xd1342543de82ef95ull + stream * 0x2545f4914f6cdd1dull };
}

static inline uint64_t random_word(struct random *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* 0 to @n - 1 */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return random_word(r) % n;
}

static inline bool one_in(struct random *r, uint64_t n)
{
	return random_below(r, n) == 0;
}

#define ONE_OF(r, array) ((array)[random_below(r, sizeof(array) / sizeof((array)[0]))])

#endif
