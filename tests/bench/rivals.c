// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * rivals.c - what the same bytes cost elsewhere
 *
 * The ceiling of a move is a plain copy, the floor of a fault is the first touch of fresh
 * memory, and the way that hosts go today is swap on zram.  None of this memory is in a
 * VM, so no notifier is in the way.
 */
#include <sys/mman.h>

#include "bench.h"

struct rivals {
	char *source, *target, *swapped;
	uint64_t length;
	bool huge;
};

struct rivals *rivals_create(uint64_t length, bool huge, bool zram)
{
	struct rivals *r = calloc(1, sizeof(*r));

	CHECK(r);
	r->length = length;
	r->huge = huge;
	r->source = map_anonymous(length, huge);
	r->target = map_anonymous(length, huge);
	fill_half(r->source, length, huge);
	fill_half(r->target, length, huge);
	if (zram) {
		r->swapped = map_anonymous(length, huge);
		fill_half(r->swapped, length, huge);
	}
	return r;
}

static void plain_copy(struct rivals *r, int rep)
{
	uint64_t start = now_ns();

	memcpy(r->target, r->source, r->length);
	sample_pages("copy", r->huge, 1, rep, r->length, now_ns() - start);
}

static void first_touch(struct rivals *r, int threads, int rep)
{
	char *fresh = map_anonymous(r->length, r->huge);

	sample_pages("first-touch", r->huge, threads, rep, r->length,
		     touch_pages(fresh, r->length, threads));
	munmap(fresh, r->length);
}

/* Pages that would not go (a few are on the way to the LRU lists) do not count. */
static void through_zram(struct rivals *r, int threads, int rep)
{
	uint64_t start, end, bytes;

	if (r->huge)
		make_huge(r->swapped, r->length);
	start = now_ns();
	CHECK(madvise(r->swapped, r->length, MADV_PAGEOUT) == 0);
	end = now_ns();
	bytes = pages_in_swap(r->swapped, r->length) * PAGE;
	if (bytes < r->length / 2)
		FAIL("only %llu bytes went to swap", (unsigned long long)bytes);
	sample_pages("zram-out", r->huge, 1, rep, bytes, end - start);
	sample_pages("zram-in", r->huge, threads, rep, bytes,
		     touch_pages(r->swapped, r->length, threads));
	CHECK(pages_in_swap(r->swapped, r->length) == 0);
}

void rivals_round(struct rivals *r, int rep)
{
	plain_copy(r, rep);
	for (int i = 0; i < NR_THREAD_COUNTS; i++) {
		first_touch(r, thread_counts[i], rep);
		if (r->swapped)
			through_zram(r, thread_counts[i], rep);
	}
}

void rivals_destroy(struct rivals *r)
{
	munmap(r->source, r->length);
	munmap(r->target, r->length);
	if (r->swapped) {
		check_half(r->swapped, r->length, r->huge);
		munmap(r->swapped, r->length);
	}
	free(r);
}
