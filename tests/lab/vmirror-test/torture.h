/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* torture.h - what the files of the case torture share */
#ifndef VMIRROR_TEST_TORTURE_H
#define VMIRROR_TEST_TORTURE_H

#include <stdatomic.h>

#include "random.h"
#include "selfvm.h"

#define PLOT_LENGTH (8 * MiB)
#define PLOT_PAGES (PLOT_LENGTH / VMIRROR_PAGE_SIZE)
#define TORTURE_POOL_BYTES (16 * MiB)

/* --- torture.c: the mirror of this process, and pools, which come and go ----------- */

/* Any of them; -1, or a number that means something else, while it is closed and opened again. */
int torture_vm(void);
int torture_pool(struct random *r);

/* --- torture-diary.c: what each thread did last, told if the case fails ------------- */

#define DIARY_LINES 48

struct diary {
	const char *who;
	struct diary *next;
	struct diary_line {
		uint64_t ms;
		const char *what;
		uint64_t first, pages;
		int error;
	} lines[DIARY_LINES];
	unsigned int written;
};

void diary_open(struct diary *diary, const char *who);
/* What is about to be done; the line stays open for diary_end(). */
void diary_begin(struct diary *diary, const char *what, uint64_t first, uint64_t pages);
void diary_end(struct diary *diary, int error);

/* --- torture-plot.c: memory that one thread owns, and what each page of it must hold -- */

/**
 * struct plot_page - what is known of a page
 * @value: its content's number; 0 is zero
 * @mapped: there is memory
 * @writable: it may be written to
 * @lazy: it may be zero instead, since MADV_FREE
 */
struct plot_page {
	uint32_t value;
	bool mapped, writable, lazy;
};

/* What devices and pools were asked for, and did. */
struct plot_counts {
	uint64_t deeds, moved_pages, peer_pages, evicted_pages;
	uint64_t read_pages, written_pages, exclusive_pages;
};

/**
 * struct plot - memory that a thread owns
 * @buffer: what a software device has read, or is to write
 * @last_value: the number that was given out last
 */
struct plot {
	char *memory, *buffer;
	struct plot_page pages[PLOT_PAGES];
	struct random random;
	struct diary diary;
	char name[16];
	uint32_t last_value;
	struct plot_counts counts;
};

/* Pages of a plot: [first, first + pages) */
struct plot_range {
	uint64_t first, pages;
};

static inline char *plot_at(struct plot *plot, uint64_t page)
{
	return plot->memory + page * VMIRROR_PAGE_SIZE;
}

/* The next run of mapped pages in what is left of @range, if there is one: it is taken off. */
bool plot_next_run(struct plot *plot, struct plot_range *range, struct plot_range *run);
/* Numbers of fds may mean something else when they are used: 0, or why that was not done. */
int plot_done_or_why_not(int ret);
void plot_open(struct plot *plot, unsigned int number, uint64_t seed);
/* Do one thing to it. */
void plot_deed(struct plot *plot);
/* Is all of it as it must be?  Fails where it is not. */
void plot_check(struct plot *plot);

/* --- torture-content.c: what pages hold ------------------------------------------------ */

bool content_is(const char *page, uint32_t value);
void content_write(char *page, uint32_t value);
/* Is it as it must be at @at, the page or a copy of it?  Fails where it is not. */
void plot_check_page(struct plot *plot, uint64_t page, const char *at);
/* Deeds return 0, or the error that kept them from being done; wrong content fails. */
int plot_check_range(struct plot *plot, struct plot_range range);
int plot_check_through_gup(struct plot *plot, struct plot_range range);
int plot_write_new(struct plot *plot, struct plot_range range);

/* --- torture-device.c: a software device in the midst of it -------------------------------- */

#define PLOT_BUFFER (2 * MiB)

/* Deeds, of a device of their own, in what is mapped; at most PLOT_BUFFER at a time. */
int plot_read_by_device(struct plot *plot, struct plot_range range);
int plot_write_by_device(struct plot *plot, struct plot_range range);
int plot_take_from_cpus(struct plot *plot, struct plot_range range);
/* For a while nobody can read the range, and a device is told so. */
int plot_hide(struct plot *plot, struct plot_range range);

/* --- torture-dma.c: a PCI device in the midst of it -------------------------------------- */

/* Of all plots, one at a time can use the device; where there is none, there are no such deeds. */
void torture_dma_open(void);
void torture_dma_close(void);
/* A deed: the device carries what one page of the range holds to another page, by DMA. */
int plot_carry_by_device(struct plot *plot, struct plot_range range);

#endif
