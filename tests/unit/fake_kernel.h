/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_kernel.h - the calls of kernel-steps.h on a VM that is an array
 *
 * Linked in place of kernel-steps.c by the tests of what is built on it.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "vmirror.h"

#define FAKE_PAGES  8192u /* 32 MiB from GPA 0, then a hole */
#define FAKE_SLOT2  0x100000000ull
#define FAKE_PAGES2 1024u /* 4 MiB from 4 GiB */

#define FAKE_BLOCKS 32u /* 2 MiB blocks of the pool */

struct fake_page {
	uint16_t state;
	uint8_t order;
	uint32_t skip; /* not 0: will not move, for that reason */
	uint32_t pool;
};

struct fake_vm {
	struct fake_page pages[FAKE_PAGES + FAKE_PAGES2];
	uint64_t pool_free;			       /* pages */
	struct vmirror_pool_block blocks[FAKE_BLOCKS]; /* what others have in the pool */
	unsigned int evictions;
	uint32_t last_evicted; /* block */
	uint32_t blocker;      /* of the first slot */
	unsigned int calls;    /* of migrate and recall */
	uint64_t longest;      /* bytes of one such call */
	int fail_with;	       /* at call number fail_at */
	unsigned int fail_at;
	void (*on_call)(void); /* before each such call */
};

extern struct fake_vm fake;

/* Everything in RAM in 4 KiB pages, and a pool that takes it all. */
void fake_reset(void);

/* Pages of 2 MiB from first on. */
void fake_huge(unsigned int first, unsigned int blocks);
unsigned int fake_count(uint16_t state);

#endif /* FAKE_KERNEL_H */
