/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.h - what the parts of vmirror-bench share
 *
 * vmirror-bench times one thing after another and prints each single timing, a sample, as
 * a line of JSON.  It computes nothing: medians and ratios are made of the samples later.
 * It ends with a message when anything is not as it must be; see test.h for CHECK.
 */
#ifndef VMIRROR_BENCH_H
#define VMIRROR_BENCH_H

#include "selfvm.h"

#define PAGE VMIRROR_PAGE_SIZE

/**
 * struct bench - what to do
 * @reps: how many times
 * @length: bytes of the range that moves
 * @zram: compare with swap on zram, which somebody has set up
 * @touched: attach: touch the large VM's memory first
 */
struct bench {
	int reps;
	uint64_t length;
	bool zram;
	bool touched;
};

/* How often each threaded case runs: with so many threads. */
extern const int thread_counts[];
#define NR_THREAD_COUNTS 3

/* sample.c: -1 as rep is the round that warms up, and prints nothing. */
uint64_t now_ns(void);
void sample_pages(const char *what, bool huge, int threads, int rep, uint64_t bytes, uint64_t ns);
void progress(const char *part, int rep, int reps);

/* memory.c */
void fill_half(void *memory, uint64_t length, uint64_t seed);
void check_half(const void *memory, uint64_t length, uint64_t seed);
void make_huge(void *memory, uint64_t length);
uint64_t pages_in_swap(const void *memory, uint64_t length);

/* touch.c */
uint64_t touch_pages(void *memory, uint64_t length, int threads);

/* mirrored.c: out and back through vmirror */
struct mirrored;
struct mirrored *mirrored_create(uint64_t length, bool huge);
void mirrored_round(struct mirrored *m, int rep);
void mirrored_out_and_back(struct mirrored *m);
void mirrored_destroy(struct mirrored *m);

/* rivals.c: copy, first touch, swap on zram */
struct rivals;
struct rivals *rivals_create(uint64_t length, bool huge, bool zram);
void rivals_round(struct rivals *r, int rep);
void rivals_destroy(struct rivals *r);

/* uffd.c */
void uffd_round(uint64_t length, int rep);

/* attach.c, guest.c, footprint.c */
void bench_attach(const struct bench *b);
void bench_guest(const struct bench *b);
void bench_footprint(const struct bench *b);

#endif
