/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * picture.h - which pages of a VM are in which pool
 *
 *	gpa ──▶  [ out: pool 1, offset 0 ........ ]      [ out: pool 2, ... ]
 *	         runs that follow each other in GPA and in the pool are one extent
 *
 * Only what is out takes memory, in proportion to its fragments.  A picture that would
 * need more extents than it may have becomes incomplete: it forgets everything and stays so
 * until it is reset.
 */
#ifndef HMMD_PICTURE_H
#define HMMD_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Picture Picture;

typedef struct {
	uint64_t gpa;
	uint64_t pages;
	uint32_t pool_id;
	uint64_t pool_offset;
} PictureExtent;

Picture *picture_new(size_t max_extents);
void picture_free(Picture *picture);

/* Nothing is out, and that is known. */
void picture_reset(Picture *picture);

/* The pages are in that pool, whatever was known of them. */
void picture_set(Picture *picture, uint64_t gpa, uint64_t pages, uint32_t pool_id,
		 uint64_t pool_offset);

/* The pages are not in any pool. */
void picture_clear(Picture *picture, uint64_t gpa, uint64_t pages);

bool picture_complete(const Picture *picture);
size_t picture_extents(const Picture *picture);
uint64_t picture_pages(const Picture *picture);
uint64_t picture_pool_pages(const Picture *picture, uint32_t pool_id);

/* The first extent that ends after gpa; false if there is none. */
bool picture_next(const Picture *picture, uint64_t gpa, PictureExtent *extent);

/*
 * From *gpa on, the next run of memory that is out, or that is not: it begins at *start, and *gpa is
 * its end then.  false if there is none before end.
 */
bool picture_next_run(const Picture *picture, bool out, uint64_t *gpa, uint64_t end,
		      uint64_t *start);

/* Every extent, ascending. */
void picture_each(const Picture *picture, void (*what)(const PictureExtent *extent, void *data),
		  void *data);

/* Whether any page of the range is out. */
bool picture_overlaps(const Picture *picture, uint64_t gpa, uint64_t pages);

#endif /* HMMD_PICTURE_H */
