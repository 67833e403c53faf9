// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * scan.c - a hint's addresses, from mapping to mapping, page by page
 *
 * /proc/PID/pagemap tells of each page whether it is there, its frame (to who has CAP_SYS_ADMIN),
 * whether it is a file's or shared memory's, and whether this process alone has it mapped.  Only
 * pages that are, and are not a file's, are taken: what another process uses as well is not this
 * one's to have moved.
 *
 * /proc/PID/maps tells where memory is at all: it is read for whole processes and for long ranges,
 * so that holes cost nothing.  A short range is read as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agentd.h"
#include "maps.h"

/* Up to here a range is read without a look at the mappings. */
#define DIRECT_MAX (UINT64_C(256) << 20)

/* What a line of maps, and a call, cost the budget: about as much as so many pages. */
#define LINE_COST 16
#define CALL_COST 64

int scan_begin(struct scan *scan, int directory, const struct local_status *hint)
{
	bool whole = hint->flags & LOCAL_WHOLE;
	bool direct = !whole && hint->length <= DIRECT_MAX;

	scan->pagemap = openat(directory, "pagemap", O_RDONLY | O_CLOEXEC);
	if (scan->pagemap < 0)
		return errno;
	scan->maps = direct ? -1 : openat(directory, "maps", O_RDONLY | O_CLOEXEC);
	if (!direct && scan->maps < 0) {
		int error = errno;

		close(scan->pagemap);
		return error;
	}
	scan->first = hint->address;
	scan->last = whole ? UINT64_MAX : hint->address + hint->length;
	scan->at = direct ? scan->first : 0;
	scan->end = direct ? scan->last : 0;
	scan->whole = whole;
	scan->skipping = false;
	scan->text = 0;
	scan->asked = whole ? 0 : hint->length;
	scan->shared = 0;
	scan->left = 0;
	return 0;
}

void scan_end(struct scan *scan)
{
	close(scan->pagemap);
	if (scan->maps >= 0)
		close(scan->maps);
}

/* Take a line off the text that is there.  False: read on. */
static bool take_line(struct scan *scan, struct mapping *mapping, bool *valid)
{
	char *newline = memchr(scan->buffer, '\n', scan->text);
	size_t n = newline ? (size_t)(newline - scan->buffer) + 1 : scan->text;

	if (!newline && scan->text < sizeof(scan->buffer))
		return false;
	/* A name that is longer than the buffer: what matters is in front of it. */
	*valid = !scan->skipping && maps_line(scan->buffer, n, mapping);
	scan->skipping = !newline;
	memmove(scan->buffer, scan->buffer + n, scan->text - n);
	scan->text -= n;
	return true;
}

/* What of a mapping the hint is about becomes what is read next. */
static void choose(struct scan *scan, const struct mapping *mapping)
{
	uint64_t start = mapping->start > scan->first ? mapping->start : scan->first;
	uint64_t end = mapping->end < scan->last ? mapping->end : scan->last;

	if (start >= end || (scan->whole && !(mapping->private && mapping->anonymous)))
		return;
	if (scan->whole)
		scan->asked += end - start;
	if (!mapping->private) {
		scan->shared += end - start;
		return;
	}
	scan->at = start;
	scan->end = end;
}

/* The next mapping that matters.  False: there is none. */
static bool next_mapping(struct scan *scan, int64_t *pages)
{
	struct mapping mapping;
	bool valid;
	ssize_t n;

	while (take_line(scan, &mapping, &valid)) {
		*pages += LINE_COST;
		if (!valid)
			continue;
		if (mapping.start >= scan->last)
			return false;
		choose(scan, &mapping);
		if (scan->at < scan->end)
			return true;
	}
	n = read(scan->maps, scan->buffer + scan->text, sizeof(scan->buffer) - scan->text);
	*pages += CALL_COST;
	if (n <= 0)
		return false;
	scan->text += (size_t)n;
	return true;
}

static void take_page(struct scan *scan, struct extents *extents, uint64_t entry)
{
	const uint64_t limit = (UINT64_C(1) << HINT_GPA_BITS) / HINT_PAGE_SIZE;

	switch (page_kind(entry)) {
	case PAGE_ABSENT:
		break;
	case PAGE_SHARED:
		scan->shared += HINT_PAGE_SIZE;
		break;
	case PAGE_OWN:
		if (page_frame(entry) >= limit ||
		    !extents_add(extents, page_frame(entry) * HINT_PAGE_SIZE, HINT_PAGE_SIZE))
			scan->left += HINT_PAGE_SIZE;
		break;
	}
}

/* Some pages of the mapping.  False: there is nothing behind them any more. */
static bool read_pages(struct scan *scan, struct extents *extents, int64_t *pages)
{
	static uint64_t entries[PAGEMAP_ROOM];
	uint64_t n = (scan->end - scan->at) / HINT_PAGE_SIZE;
	ssize_t got;

	if (n > PAGEMAP_ROOM)
		n = PAGEMAP_ROOM;
	got = pread(scan->pagemap, entries, n * sizeof(entries[0]),
		    (off_t)(scan->at / HINT_PAGE_SIZE * sizeof(entries[0])));
	*pages += CALL_COST;
	if (got < (ssize_t)sizeof(entries[0]))
		return false;
	n = (uint64_t)got / sizeof(entries[0]);
	for (uint64_t i = 0; i < n; i++)
		take_page(scan, extents, entries[i]);
	scan->at += n * HINT_PAGE_SIZE;
	*pages += (int64_t)n;
	return true;
}

bool scan_step(struct scan *scan, struct extents *extents, int64_t *pages)
{
	*pages = 0;
	if (scan->at < scan->end) {
		if (read_pages(scan, extents, pages))
			return false;
		scan->at = scan->end; /* beyond what a process may have */
		return scan->maps < 0;
	}
	return scan->maps < 0 || !next_mapping(scan, pages);
}
