/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * picture-sums.h - how much of any range is out, without going through all of it
 *
 * Made of a picture as it is at one time.
 */
#ifndef HMMD_PICTURE_SUMS_H
#define HMMD_PICTURE_SUMS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "picture.h"

typedef struct {
	uint64_t gpa;
	uint64_t end;
	uint64_t before; /* bytes that are out below gpa */
} PictureRun;

typedef struct {
	GArray *runs;	/* of PictureRun, ascending */
	uint64_t bytes; /* of all of them */
	bool one_pool;	/* all of them are in this one */
	uint32_t pool_id;
} PictureSums;

PictureSums *picture_sums_new(const Picture *picture);
PictureSums *picture_sums_of_pool(const Picture *picture, uint32_t pool_id);
void picture_sums_free(PictureSums *sums);
uint64_t picture_sums_bytes(const PictureSums *sums, uint64_t gpa, uint64_t end);

#endif /* HMMD_PICTURE_SUMS_H */
