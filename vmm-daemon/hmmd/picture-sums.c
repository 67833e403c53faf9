// SPDX-License-Identifier: LGPL-2.1-or-later
#include "picture-sums.h"

#include "vmirror.h"

static void add(const PictureExtent *extent, void *data)
{
	PictureSums *sums = data;
	PictureRun run = {
		.gpa = extent->gpa,
		.end = extent->gpa + extent->pages * VMIRROR_PAGE_SIZE,
		.before = sums->bytes,
	};

	if (sums->one_pool && sums->pool_id != extent->pool_id)
		return;
	sums->bytes += run.end - run.gpa;
	g_array_append_val(sums->runs, run);
}

static PictureSums *sum(const Picture *picture, bool one_pool, uint32_t pool_id)
{
	PictureSums *sums = g_new0(PictureSums, 1);

	sums->one_pool = one_pool;
	sums->pool_id = pool_id;
	sums->runs = g_array_new(FALSE, FALSE, sizeof(PictureRun));
	picture_each(picture, add, sums);
	return sums;
}

PictureSums *picture_sums_new(const Picture *picture)
{
	return sum(picture, false, 0);
}

PictureSums *picture_sums_of_pool(const Picture *picture, uint32_t pool_id)
{
	return sum(picture, true, pool_id);
}

void picture_sums_free(PictureSums *sums)
{
	g_array_free(sums->runs, TRUE);
	g_free(sums);
}

static uint64_t below(const PictureSums *sums, uint64_t gpa)
{
	guint low = 0, high = sums->runs->len;
	const PictureRun *run;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (g_array_index(sums->runs, PictureRun, middle).gpa < gpa)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	run = &g_array_index(sums->runs, PictureRun, low - 1);
	return run->before + MIN(run->end, gpa) - run->gpa;
}

uint64_t picture_sums_bytes(const PictureSums *sums, uint64_t gpa, uint64_t end)
{
	return below(sums, end) - below(sums, gpa);
}
