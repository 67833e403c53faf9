/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failing.h - memory in pools whose engine fails, with failing_engine.ko
 *
 * Each page that there is holds its tag (fire.h); page_tag() says which.
 */
#ifndef VMIRROR_TEST_FAILING_H
#define VMIRROR_TEST_FAILING_H

#include "fire.h"

#define FOR_EVER UINT64_MAX

/* What the memory is made of. */
struct layout {
	const char *name;
	uint64_t huge_pages;		/* in 2 MiB folios, at its beginning */
	uint64_t small_pages;		/* behind them */
	bool coherent;			/* it goes to memory that CPUs reach as well: no fault brings it home */
};

/* How many calls of the engine it takes to copy all of it. */
static inline uint64_t calls_for(const struct layout *layout)
{
	return layout->huge_pages / BLOCK_PAGES + layout->small_pages;
}

extern const struct layout layouts[];
extern const int nr_layouts;
extern const struct layout small_pages, huge_page;

/**
 * struct failing_world - memory, mirrored without KVM, and where it goes
 * @pages: how many there are in @memory
 * @tag: what the first page holds; 0: it was not touched yet, and all hold zero
 * @pool: where it goes
 * @peer: another pool, or -1
 */
struct failing_world {
	struct target t;
	const struct layout *layout;
	char *memory;
	uint64_t length, pages, tag;
	int vm, pool, peer;
};

/* Let calls number @nth and the following of the engine fail, @times of them. */
void arm(const char *op, uint64_t nth, uint64_t times);
/* Returns how many did. */
uint64_t heal(void);
/* Nothing can be read any more from this byte of a pool; FOR_EVER: from none. */
void break_offset(uint64_t offset);

void world_begin(struct failing_world *w, const struct layout *layout);
/* The same, in memory that nobody has touched. */
void world_begin_untouched(struct failing_world *w, const struct layout *layout);
/* Make its pool. */
int world_pool(struct failing_world *w);
/* Everything must come home, and add up; the engine works. */
void world_end(struct failing_world *w);
char *world_at(struct failing_world *w, uint64_t page);
uint64_t page_tag(const struct failing_world *w, uint64_t page);
void world_check(struct failing_world *w);
void world_write(struct failing_world *w, uint64_t tag);
/* All of it, with flags of MIGRATE; whatever comes of it.  Asked for once: some may be held. */
void world_try(struct failing_world *w, int pool, uint32_t flags, struct vmirror_moved *moved);
/* Pages that another task had hold of just then; one that is being moved about looks absent. */
uint64_t held_pages(const struct vmirror_moved *moved);
/*
 * The same, until none is held.  @moved: what moved in all these tries, and why the rest stayed in
 * the last of them.
 */
void world_migrate(struct failing_world *w, int pool, uint32_t flags, struct vmirror_moved *moved);
/* All out; in 2 MiB folios, as the layout has it. */
void world_out(struct failing_world *w);
/* So many are out: the kernel's numbers, what is mapped, and what the pools hold agree. */
void expect_out(struct failing_world *w, uint64_t pages);
void expect_used(int pool, uint64_t pages);
uint64_t pool_offset_of(struct failing_world *w, uint64_t page);

/* Can a CPU read that page?  If not, it got a SIGBUS there. */
bool can_read(struct failing_world *w, uint64_t page);

void failing_out(void);
void failing_peers(void);
void failing_home(void);
void failing_faults(void);
void failing_ends(void);
void failing_device(void);

#endif
