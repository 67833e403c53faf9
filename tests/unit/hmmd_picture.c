// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "picture.h"
#include "vmirror.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

static void check_extent(Picture *picture, uint64_t from, uint64_t gpa, uint64_t pages,
			 uint32_t pool, uint64_t offset)
{
	PictureExtent extent = { 0 };

	CU_ASSERT(picture_next(picture, from * PAGE, &extent));
	CHECK_NUMBER(extent.gpa, gpa * PAGE);
	CHECK_NUMBER(extent.pages, pages);
	CHECK_NUMBER(extent.pool_id, pool);
	CHECK_NUMBER(extent.pool_offset, offset * PAGE);
}

static void empty(void)
{
	Picture *picture = picture_new(10);
	PictureExtent extent;

	CU_ASSERT(picture_complete(picture));
	CU_ASSERT_FALSE(picture_next(picture, 0, &extent));
	CU_ASSERT_FALSE(picture_overlaps(picture, 0, UINT64_C(1) << 40));
	CHECK_NUMBER(picture_pages(picture), 0);
	picture_clear(picture, 0, 100);
	CHECK_NUMBER(picture_extents(picture), 0);
	picture_free(picture);
}

static void joins(void)
{
	Picture *picture = picture_new(10);

	picture_set(picture, 0, 1, 1, 0);
	picture_set(picture, 2 * PAGE, 1, 1, 2 * PAGE);
	CHECK_NUMBER(picture_extents(picture), 2);
	picture_set(picture, PAGE, 1, 1, PAGE);
	CHECK_NUMBER(picture_extents(picture), 1);
	check_extent(picture, 0, 0, 3, 1, 0);
	/* the same place, another pool; the same pool, another place */
	picture_set(picture, 3 * PAGE, 1, 2, 3 * PAGE);
	picture_set(picture, 4 * PAGE, 1, 2, 7 * PAGE);
	CHECK_NUMBER(picture_extents(picture), 3);
	CHECK_NUMBER(picture_pool_pages(picture, 1), 3);
	CHECK_NUMBER(picture_pool_pages(picture, 2), 2);
	CHECK_NUMBER(picture_pool_pages(picture, 3), 0);
	picture_free(picture);
}

static void cuts(void)
{
	Picture *picture = picture_new(10);

	picture_set(picture, 0, 10, 1, 100 * PAGE);
	picture_clear(picture, 4 * PAGE, 2);
	CHECK_NUMBER(picture_extents(picture), 2);
	check_extent(picture, 0, 0, 4, 1, 100);
	check_extent(picture, 4, 6, 4, 1, 106);
	CU_ASSERT_FALSE(picture_overlaps(picture, 4 * PAGE, 2));
	CU_ASSERT(picture_overlaps(picture, 4 * PAGE, 3));
	CU_ASSERT(picture_overlaps(picture, 3 * PAGE, 1));
	picture_clear(picture, 3 * PAGE, 4);
	check_extent(picture, 0, 0, 3, 1, 100);
	check_extent(picture, 3, 7, 3, 1, 107);
	CHECK_NUMBER(picture_pages(picture), 6);
	picture_clear(picture, 0, 1000);
	CHECK_NUMBER(picture_pages(picture), 0);
	CHECK_NUMBER(picture_extents(picture), 0);
	picture_free(picture);
}

static void bounded(void)
{
	Picture *picture = picture_new(4);

	for (unsigned int i = 0; i < 4; i++)
		picture_set(picture, 2 * i * PAGE, 1, 1, 0);
	CU_ASSERT(picture_complete(picture));
	picture_set(picture, 100 * PAGE, 1, 1, 0);
	CU_ASSERT_FALSE(picture_complete(picture));
	CHECK_NUMBER(picture_extents(picture), 0);
	CHECK_NUMBER(picture_pool_pages(picture, 1), 0);
	picture_set(picture, 0, 1, 1, 0);
	CHECK_NUMBER(picture_extents(picture), 0);
	picture_reset(picture);
	CU_ASSERT(picture_complete(picture));
	picture_set(picture, 0, 1, 1, 0);
	CHECK_NUMBER(picture_extents(picture), 1);
	picture_free(picture);
}

/* ---- against a plain array ---------------------------------------------- */

#define NR 512

struct page {
	uint32_t pool; /* 0: not out */
	uint64_t offset;
};

static void compare(Picture *picture, const struct page *pages)
{
	uint64_t pos = 0, seen = 0, counts[4] = { 0 };
	size_t extents = 0;
	PictureExtent extent;
	bool same = true;

	while (picture_next(picture, pos * PAGE, &extent)) {
		uint64_t first = extent.gpa / PAGE;

		for (; pos < first; pos++)
			same &= pages[pos].pool == 0;
		for (uint64_t i = 0; i < extent.pages; i++, pos++)
			same &= pages[pos].pool == extent.pool_id &&
				pages[pos].offset == extent.pool_offset + i * PAGE;
		seen += extent.pages;
		extents++;
	}
	for (; pos < NR; pos++)
		same &= pages[pos].pool == 0;
	for (unsigned int i = 0; i < NR; i++)
		counts[pages[i].pool]++;
	CU_ASSERT(same);
	CHECK_NUMBER(seen, picture_pages(picture));
	CHECK_NUMBER(extents, picture_extents(picture));
	for (uint32_t pool = 1; pool < 4; pool++)
		CHECK_NUMBER(picture_pool_pages(picture, pool), counts[pool]);
}

/* No two neighbours that could be one. */
static void check_joined(Picture *picture)
{
	PictureExtent a, b;
	uint64_t pos = 0;

	while (picture_next(picture, pos, &a)) {
		pos = a.gpa + a.pages * PAGE;
		if (picture_next(picture, pos, &b) && b.gpa == pos)
			CU_ASSERT(a.pool_id != b.pool_id ||
				  a.pool_offset + a.pages * PAGE != b.pool_offset);
	}
}

static void random_moves(void)
{
	static struct page pages[NR];
	Picture *picture = picture_new(NR);

	srandom(4);
	memset(pages, 0, sizeof(pages));
	for (unsigned int round = 0; round < 20000; round++) {
		unsigned int first = (unsigned int)random() % NR;
		unsigned int nr = 1 + (unsigned int)random() % MIN(32, NR - first);
		uint32_t pool = (uint32_t)random() % 4;
		/* Often what fits to the neighbours, so that joins happen. */
		uint64_t offset = random() % 2 ? first * PAGE : (uint64_t)(random() % 64) * PAGE;

		for (unsigned int i = 0; i < nr; i++)
			pages[first + i] = pool ? (struct page){ pool, offset + i * PAGE }
						: (struct page){ 0, 0 };
		if (pool)
			picture_set(picture, first * PAGE, nr, pool, offset);
		else
			picture_clear(picture, first * PAGE, nr);
		if (round % 16 == 0) {
			compare(picture, pages);
			check_joined(picture);
		}
	}
	picture_free(picture);
}

int main(void)
{
	static const struct check checks[] = {
		{ "empty", empty },
		{ "joins", joins },
		{ "cuts", cuts },
		{ "bounded", bounded },
		{ "random moves", random_moves },
	};

	return run_checks("picture", checks, G_N_ELEMENTS(checks));
}
