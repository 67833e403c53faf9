// SPDX-License-Identifier: LGPL-2.1-or-later
/* memory.c - content to move, and what the kernel made of it */
#include <fcntl.h>

#include <sys/mman.h>

#include "bench.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define WORDS (PAGE / sizeof(uint64_t))

static uint64_t next(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

static uint64_t first_word(uint64_t seed, uint64_t page)
{
	return next((seed << 32 | page) + 0x9e3779b97f4a7c15ull);
}

/*
 * Half of each page random, half zero: lz4 makes it half as large, as it does with much
 * of what real guests hold.
 */
void fill_half(void *memory, uint64_t length, uint64_t seed)
{
	uint64_t *words = memory;

	for (uint64_t page = 0; page < length / PAGE; page++, words += WORDS) {
		uint64_t x = first_word(seed, page);

		for (unsigned int i = 0; i < WORDS / 2; i++) {
			words[i] = x;
			x = next(x);
		}
		memset(words + WORDS / 2, 0, PAGE / 2);
	}
}

void check_half(const void *memory, uint64_t length, uint64_t seed)
{
	const uint64_t *words = memory;

	for (uint64_t page = 0; page < length / PAGE; page++, words += WORDS)
		if (words[0] != first_word(seed, page) || words[WORDS / 2] != 0)
			FAIL("page %llu is not what it was", (unsigned long long)page);
}

/* Swap-in and single faults leave small pages behind: make them 2 MiB ones again. */
void make_huge(void *memory, uint64_t length)
{
	for (int tries = 0; madvise(memory, length, MADV_COLLAPSE); tries++) {
		if (tries == 100)
			FAIL("no huge pages: %s", strerror(errno));
		usleep(10000);
	}
}

/* Pages that the page table holds no page for, but a swap entry. */
uint64_t pages_in_swap(const void *memory, uint64_t length)
{
	uint64_t entries[512], first = (uintptr_t)memory / PAGE, n = length / PAGE, found = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	for (uint64_t i = 0; i < n; i += 512) {
		CHECK(pread(fd, entries, sizeof(entries), (first + i) * 8) == sizeof(entries));
		for (unsigned int j = 0; j < 512; j++)
			found += entries[j] >> 62 & 1;
	}
	close(fd);
	return found;
}
