/* SPDX-License-Identifier: GPL-2.0-only */
/* migrate.h - what the files of the way out share */
#ifndef VMIRROR_MIGRATE_H
#define VMIRROR_MIGRATE_H

#include "private.h"

/*
 * struct out - moving one block out, or making it in the pool
 * @start: where the block begins in the VMM
 * @there: pages the look found in RAM, or in other pools
 * @absent: pages that can be made in the pool
 * @hidden: pages that the look could not see: only the migration finds them
 * @unseen: those of them that are not there, unless NUMA balancing is watching them
 * @files: the look found pages of files
 * @make: make pages that are not there
 * @huge: the block should move as one: it is mapped by one PMD, or shall be
 * @whole: batch->taken is one whole block of the pool
 * @nr_taken: valid entries in batch->taken
 * @used: how many of them became device pages
 */
struct out {
	struct vmirror_walk *walk;
	unsigned long start;
	unsigned int there;
	unsigned int absent;
	unsigned int hidden;
	unsigned int unseen;
	bool files;
	bool make;
	bool huge;
	bool whole;
	unsigned int nr_taken;
	unsigned int used;
};

/* --- migrate-look.c ---------------------------------------------------------- */

int vmirror_out_look(struct out *out, unsigned long end);
bool vmirror_out_is_wanted(struct out *out, struct page *page);
bool vmirror_out_is_huge_wanted(struct out *out);
bool vmirror_out_files_until(struct out *out, unsigned long start, unsigned long *end);
enum vmirror_skip vmirror_out_why_not(unsigned long pfn);

/* --- migrate-take.c ---------------------------------------------------------- */

void vmirror_out_take(struct out *out);
bool vmirror_out_have_pages(struct out *out, unsigned int n);
void vmirror_out_give_rest(struct out *out);

#endif /* VMIRROR_MIGRATE_H */
