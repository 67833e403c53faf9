// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * benchloop: time a loop of arithmetic and a loop over memory, in a guest.
 *
 * Usage: benchloop ROUNDS [MIB]. Each round prints "compute NS" and "memory NS": the time of the same fixed work each time.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>

#define STEPS (8u << 20)
#define LINE  (64 / sizeof(uint64_t))
#define PASSES 4

static volatile uint64_t sink;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void compute(void)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	for (unsigned int i = 0; i < STEPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	sink = x;
}

/* A quarter of the cache lines of each page, each time one of every page in turn: hard on caches and TLBs. */
static void memory(uint64_t *words, size_t bytes)
{
	size_t page = 4096 / sizeof(*words), n = bytes / sizeof(*words);
	uint64_t sum = 0;

	for (size_t first = 0; first < page / 4; first += LINE)
		for (size_t i = first; i < n; i += page)
			sum += words[i]++;
	sink = sum;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 0;
	size_t bytes = (argc > 2 ? strtoul(argv[2], NULL, 10) : 32) << 20;
	uint64_t *words;

	if (rounds < 1 || argc > 3 || bytes == 0) {
		fputs("Usage: benchloop ROUNDS [MIB]\n", stderr);
		return 2;
	}
	words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (words == MAP_FAILED) {
		perror("benchloop");
		return 1;
	}
	compute();
	memory(words, bytes);
	for (int i = 0; i < rounds; i++) {
		uint64_t start = now_ns(), middle, end;

		compute();
		middle = now_ns();
		for (int pass = 0; pass < PASSES; pass++)
			memory(words, bytes);
		end = now_ns();
		printf("compute %" PRIu64 "\nmemory %" PRIu64 "\n", middle - start, end - middle);
	}
	return 0;
}
