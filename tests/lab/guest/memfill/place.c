// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * place.c - where the memory lies
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memfill.h"

/* @bytes at a multiple of 2 MiB. */
static char *map_aligned(size_t bytes, bool huge)
{
	char *map, *at;

	map = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	at = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
	madvise(at, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return at;
}

/*
 * Every other page that the kernel has just handed out is given back: what stays is half of each
 * part of memory, so compaction has pages to move and places to move them to.
 */
static bool make_holes(const struct memory *m)
{
	size_t bytes = m->pages * PAGE;
	char *others = map_aligned(bytes, false);

	if (!others)
		return false;
	for (size_t i = 0; i < bytes; i += PAGE) {
		((char *)m->words)[i] = 1;
		others[i] = 1;
	}
	return munmap(others, bytes) == 0;
}

bool place(struct memory *m, const struct request *r)
{
	m->pages = r->mib * (1 << 20) / PAGE;
	m->huge = r->huge;
	m->words = (uint64_t *)map_aligned(m->pages * PAGE, r->huge);
	if (!m->words)
		return false;
	return !r->holes || make_holes(m);
}

static uint64_t pfn_of(int pagemap, const void *addr)
{
	off_t at = (off_t)((uintptr_t)addr / PAGE * sizeof(uint64_t));
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry), at) != sizeof(entry))
		return 0;
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

static int open_pagemap(FILE *out)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pagemap < 0)
		fprintf(out, "no /proc/self/pagemap\n");
	return pagemap;
}

static void print_extent(uint64_t pfn, uint64_t n, FILE *out)
{
	if (n > 0)
		fprintf(out, "0x%" PRIx64 "+%" PRIu64 "\n", pfn * PAGE, n * PAGE);
}

int print_extents(const struct memory *m, uint64_t first, uint64_t end, FILE *out)
{
	int pagemap = open_pagemap(out);
	uint64_t from = 0, n = 0;

	if (pagemap < 0)
		return 1;
	for (uint64_t page = first; page < end; page++) {
		uint64_t pfn = pfn_of(pagemap, m->words + page * WORDS);

		if (n > 0 && pfn == from + n) {
			n++;
			continue;
		}
		print_extent(from, n, out);
		from = pfn;
		n = pfn != 0;
	}
	print_extent(from, n, out);
	close(pagemap);
	return 0;
}

/* Of all mappings that have a page of it. */
static unsigned long huge_kib(const struct memory *m)
{
	uintptr_t first = (uintptr_t)m->words, last = first + m->pages * PAGE - 1;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long from, to, kib, sum = 0;
	char line[256];
	bool ours = false;

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			ours = from <= last && to > first;
		else if (ours && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			sum += kib;
	}
	if (smaps)
		fclose(smaps);
	return sum;
}

int print_info(const struct memory *m, FILE *out)
{
	fprintf(out, "pages %" PRIu64 " seed %" PRIu64 " huge %lu pid %d range 0x%lx+%lu\n",
		m->pages, m->seed, huge_kib(m) / 4, getpid(), (unsigned long)m->words,
		m->pages * PAGE);
	return 0;
}

/* ---- other pages ------------------------------------------------------------------------ */

static uint64_t *pfns(const struct memory *m, FILE *out)
{
	uint64_t *list = calloc(m->pages, sizeof(*list));
	int pagemap = open_pagemap(out);

	for (uint64_t page = 0; list && pagemap >= 0 && page < m->pages; page++)
		list[page] = pfn_of(pagemap, m->words + page * WORDS);
	if (pagemap >= 0)
		close(pagemap);
	return list;
}

/* How many lie elsewhere than @before. */
static int print_moved(const struct memory *m, const uint64_t *before, FILE *out)
{
	uint64_t *now = pfns(m, out), n = 0;

	for (uint64_t page = 0; before && now && page < m->pages; page++)
		n += now[page] != before[page];
	fprintf(out, "moved %" PRIu64 " of %" PRIu64 " pages\n", n, m->pages);
	free(now);
	return before && now ? 0 : 1;
}

static bool replace_part(char *at, size_t bytes, bool huge)
{
	char *other = map_aligned(bytes, huge);

	if (!other)
		return false;
	memcpy(other, at, bytes);
	return mremap(other, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at;
}

int replace(const struct memory *m, FILE *out)
{
	uint64_t *before = pfns(m, out);
	size_t bytes = m->pages * PAGE;
	int status = 0;

	for (size_t i = 0; i < bytes && !status; i += HUGE)
		if (!replace_part((char *)m->words + i, bytes - i < HUGE ? bytes - i : HUGE,
				  m->huge))
			status = 1;
	if (status)
		fprintf(out, "no memory to move to\n");
	else
		status = print_moved(m, before, out);
	free(before);
	return status;
}

int compact(const struct memory *m, FILE *out)
{
	uint64_t *before = pfns(m, out);
	int knob = open("/proc/sys/vm/compact_memory", O_WRONLY | O_CLOEXEC), status;

	if (knob < 0 || write(knob, "1", 1) != 1)
		fprintf(out, "this kernel does not compact its memory\n");
	if (knob >= 0)
		close(knob);
	status = print_moved(m, before, out);
	free(before);
	return status;
}
