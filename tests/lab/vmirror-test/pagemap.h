/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pagemap.h - where this process's pages lie in the machine's memory */
#ifndef VMIRROR_TEST_PAGEMAP_H
#define VMIRROR_TEST_PAGEMAP_H

#include <stdint.h>

/* What /proc/self/pagemap says of @pages from @memory on, an entry for each (Documentation/admin-guide/mm/pagemap.rst). */
void page_entries(const char *memory, uint64_t pages, uint64_t *entries);

/* The frame number of each; 0 for one that is not in RAM. */
void page_frames(const char *memory, uint64_t pages, uint64_t *frames);

/* The NUMA node of each; negative for one that is not in RAM. */
void page_nodes(char *memory, uint64_t pages, int *nodes);

#endif
