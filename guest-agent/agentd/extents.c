// SPDX-License-Identifier: LGPL-2.1-or-later
#include "extents.h"

#include <stdlib.h>

/* Bits of a pagemap entry: Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT	  (UINT64_C(1) << 63)
#define PAGEMAP_FILE	  (UINT64_C(1) << 61)
#define PAGEMAP_EXCLUSIVE (UINT64_C(1) << 56)
#define PAGEMAP_FRAME	  ((UINT64_C(1) << 55) - 1)

uint64_t page_frame(uint64_t entry)
{
	return entry & PAGEMAP_FRAME;
}

enum page_kind page_kind(uint64_t entry)
{
	if (!(entry & PAGEMAP_PRESENT) || page_frame(entry) == 0)
		return PAGE_ABSENT;
	if ((entry & PAGEMAP_FILE) || !(entry & PAGEMAP_EXCLUSIVE))
		return PAGE_SHARED;
	return PAGE_OWN;
}

void extents_begin(struct extents *extents)
{
	extents->nr = 0;
	extents->crowded = false;
}

bool extents_add(struct extents *extents, uint64_t gpa, uint64_t length)
{
	struct hint_extent *last = extents->nr ? &extents->at[extents->nr - 1] : NULL;

	if (last && last->gpa + last->length == gpa) {
		last->length += length;
		return true;
	}
	if (last && gpa + length == last->gpa) {
		last->gpa = gpa;
		last->length += length;
		return true;
	}
	if (extents->nr == extents->room && !extents->crowded) {
		extents_order(extents);
		extents->crowded = extents->nr > extents->room / 4 * 3;
	}
	if (extents->nr == extents->room)
		return false;
	extents->at[extents->nr++] = (struct hint_extent){ gpa, length };
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct hint_extent *x = a, *y = b;

	return x->gpa < y->gpa ? -1 : x->gpa > y->gpa;
}

void extents_order(struct extents *extents)
{
	size_t n = 0;

	if (extents->nr == 0)
		return;
	qsort(extents->at, extents->nr, sizeof(extents->at[0]), compare);
	for (size_t i = 1; i < extents->nr; i++) {
		struct hint_extent *last = &extents->at[n];
		const struct hint_extent *next = &extents->at[i];

		if (next->gpa > last->gpa + last->length)
			extents->at[++n] = *next;
		else if (next->gpa + next->length > last->gpa + last->length)
			last->length = next->gpa + next->length - last->gpa;
	}
	extents->nr = n + 1;
}

uint64_t extents_bytes(const struct extents *extents)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < extents->nr; i++)
		bytes += extents->at[i].length;
	return bytes;
}

static uint64_t mix(uint64_t digest, uint64_t value)
{
	digest = (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return digest ^ digest >> 29;
}

uint64_t extents_digest(const struct extents *extents)
{
	uint64_t digest = mix(UINT64_C(0xcbf29ce484222325), extents->nr);

	for (size_t i = 0; i < extents->nr; i++)
		digest = mix(mix(digest, extents->at[i].gpa), extents->at[i].length);
	return digest;
}
