// SPDX-License-Identifier: LGPL-2.1-or-later
#include "picture.h"

#include <glib.h>

#include "vmirror.h"

/*
 * The extents are in a balanced tree, ascending by gpa, and do not overlap.  The page counts
 * are kept beside it, so that asking for them costs nothing.
 */
struct Picture {
	GSequence *extents;
	GHashTable *pool_pages; /* pool id -> uint64_t * */
	uint64_t pages;
	size_t max_extents;
	bool complete;
};

static uint64_t end_of(const PictureExtent *extent)
{
	return extent->gpa + extent->pages * VMIRROR_PAGE_SIZE;
}

static int by_gpa(gconstpointer a, gconstpointer b, gpointer data)
{
	const PictureExtent *x = a, *y = b;

	(void)data;
	return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

Picture *picture_new(size_t max_extents)
{
	Picture *picture = g_new0(Picture, 1);

	picture->max_extents = max_extents;
	picture->extents = g_sequence_new(g_free);
	picture->pool_pages = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	picture->complete = true;
	return picture;
}

void picture_free(Picture *picture)
{
	if (!picture)
		return;
	g_sequence_free(picture->extents);
	g_hash_table_destroy(picture->pool_pages);
	g_free(picture);
}

static void forget(Picture *picture)
{
	g_sequence_remove_range(g_sequence_get_begin_iter(picture->extents),
				g_sequence_get_end_iter(picture->extents));
	g_hash_table_remove_all(picture->pool_pages);
	picture->pages = 0;
}

void picture_reset(Picture *picture)
{
	forget(picture);
	picture->complete = true;
}

static void count(Picture *picture, uint32_t pool_id, int64_t pages)
{
	gpointer key = GUINT_TO_POINTER(pool_id);
	uint64_t *pool_pages = g_hash_table_lookup(picture->pool_pages, key);

	if (!pool_pages) {
		pool_pages = g_new0(uint64_t, 1);
		g_hash_table_insert(picture->pool_pages, key, pool_pages);
	}
	*pool_pages += (uint64_t)pages;
	picture->pages += (uint64_t)pages;
	if (*pool_pages == 0)
		g_hash_table_remove(picture->pool_pages, key);
}

/* The first extent that ends after gpa, or the end. */
static GSequenceIter *find(const Picture *picture, uint64_t gpa)
{
	PictureExtent key = { .gpa = gpa };
	/* search() gives the place behind all that begin at or before gpa. */
	GSequenceIter *iter = g_sequence_search(picture->extents, &key, by_gpa, NULL);
	GSequenceIter *before;

	if (!g_sequence_iter_is_begin(iter)) {
		before = g_sequence_iter_prev(iter);
		if (end_of(g_sequence_get(before)) > gpa)
			return before;
	}
	return iter;
}

/* Insert before iter, joined with its neighbours where they go on in the pool too. */
static void insert(Picture *picture, GSequenceIter *iter, PictureExtent extent)
{
	PictureExtent *before = NULL, *after = NULL;

	if (!g_sequence_iter_is_begin(iter))
		before = g_sequence_get(g_sequence_iter_prev(iter));
	if (!g_sequence_iter_is_end(iter))
		after = g_sequence_get(iter);
	count(picture, extent.pool_id, (int64_t)extent.pages);
	if (after && end_of(&extent) == after->gpa && extent.pool_id == after->pool_id &&
	    extent.pool_offset + extent.pages * VMIRROR_PAGE_SIZE == after->pool_offset) {
		extent.pages += after->pages;
		*after = extent;
	} else {
		iter = g_sequence_insert_before(iter, g_memdup2(&extent, sizeof(extent)));
	}
	if (before && end_of(before) == extent.gpa && before->pool_id == extent.pool_id &&
	    before->pool_offset + before->pages * VMIRROR_PAGE_SIZE == extent.pool_offset) {
		before->pages += extent.pages;
		g_sequence_remove(iter);
	}
}

/* Cut the range out; the place where something may be put instead. */
static GSequenceIter *cut(Picture *picture, uint64_t gpa, uint64_t end)
{
	GSequenceIter *iter = find(picture, gpa), *next;
	PictureExtent *extent, tail;
	uint64_t from, to;

	while (!g_sequence_iter_is_end(iter)) {
		extent = g_sequence_get(iter);
		if (extent->gpa >= end)
			break;
		from = MAX(extent->gpa, gpa);
		to = MIN(end_of(extent), end);
		count(picture, extent->pool_id, -(int64_t)((to - from) / VMIRROR_PAGE_SIZE));
		tail = *extent;
		tail.gpa = to;
		tail.pages = (end_of(extent) - to) / VMIRROR_PAGE_SIZE;
		tail.pool_offset += to - extent->gpa;
		extent->pages = (from - extent->gpa) / VMIRROR_PAGE_SIZE;
		next = g_sequence_iter_next(iter);
		if (tail.pages)
			next = g_sequence_insert_before(next, g_memdup2(&tail, sizeof(tail)));
		if (!extent->pages)
			g_sequence_remove(iter);
		iter = next;
		if (tail.pages)
			break;
	}
	return iter;
}

static void check_room(Picture *picture)
{
	if (picture_extents(picture) <= picture->max_extents)
		return;
	forget(picture);
	picture->complete = false;
}

void picture_set(Picture *picture, uint64_t gpa, uint64_t pages, uint32_t pool_id,
		 uint64_t pool_offset)
{
	PictureExtent extent = { gpa, pages, pool_id, pool_offset };

	if (!picture->complete || !pages)
		return;
	insert(picture, cut(picture, gpa, end_of(&extent)), extent);
	check_room(picture);
}

void picture_clear(Picture *picture, uint64_t gpa, uint64_t pages)
{
	if (!picture->complete || !pages)
		return;
	cut(picture, gpa, gpa + pages * VMIRROR_PAGE_SIZE);
	check_room(picture);
}

bool picture_complete(const Picture *picture)
{
	return picture->complete;
}

size_t picture_extents(const Picture *picture)
{
	return (size_t)g_sequence_get_length(picture->extents);
}

uint64_t picture_pages(const Picture *picture)
{
	return picture->pages;
}

uint64_t picture_pool_pages(const Picture *picture, uint32_t pool_id)
{
	const uint64_t *pages = g_hash_table_lookup(picture->pool_pages, GUINT_TO_POINTER(pool_id));

	return pages ? *pages : 0;
}

bool picture_next(const Picture *picture, uint64_t gpa, PictureExtent *extent)
{
	GSequenceIter *iter = find(picture, gpa);

	if (g_sequence_iter_is_end(iter))
		return false;
	*extent = *(const PictureExtent *)g_sequence_get(iter);
	return true;
}

bool picture_next_run(const Picture *picture, bool out, uint64_t *gpa, uint64_t end,
		      uint64_t *start)
{
	PictureExtent extent;

	while (*gpa < end) {
		bool found = picture_next(picture, *gpa, &extent) && extent.gpa < end;
		uint64_t out_gpa = found ? MAX(extent.gpa, *gpa) : end;
		uint64_t out_end = found ? MIN(end_of(&extent), end) : end;

		*start = out ? out_gpa : *gpa;
		if (out) {
			*gpa = out_end;
			return found;
		}
		*gpa = out_gpa > *start ? out_gpa : out_end;
		if (out_gpa > *start)
			return true;
	}
	return false;
}

void picture_each(const Picture *picture, void (*what)(const PictureExtent *extent, void *data),
		  void *data)
{
	g_sequence_foreach(picture->extents, (GFunc)(void (*)(void))what, data);
}

bool picture_overlaps(const Picture *picture, uint64_t gpa, uint64_t pages)
{
	PictureExtent extent;

	return picture_next(picture, gpa, &extent) && extent.gpa < gpa + pages * VMIRROR_PAGE_SIZE;
}
