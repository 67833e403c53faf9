/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * units.h - sizes and guest address ranges as people write and read them
 *
 * Pure functions.  Those that can fail return false, leave their outputs untouched
 * and, where error is not NULL, set *error to a message to be freed with g_free().
 */
#ifndef HMMD_UNITS_H
#define HMMD_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A size: a decimal or 0x-number, then nothing or B (bytes), K, KiB, M, MiB, G, GiB, T or
 * TiB, all of them powers of 1024.  A decimal number with a unit may have a
 * fraction ("1.5GiB") if the result is a whole number of bytes.  One space may come before
 * the unit.  Nothing else may come before or after.
 */
bool units_parse_bytes(const char *text, uint64_t *bytes, char **error);

/*
 * A guest range, "GPA+SIZE": GPA is a number of bytes, decimal or 0x; SIZE is as above.
 * Both are multiples of 4 KiB, SIZE is not 0, and the end is at most 1 << VMIRROR_GPA_BITS.
 */
bool units_parse_range(const char *text, uint64_t *gpa, uint64_t *bytes, char **error);

/*
 * The largest unit that leaves at least 1 before the point, with up to two decimals where
 * the number is not whole: "64 MiB", "1.5 GiB", "4 KiB", "12 B", "0".
 * Free the result with g_free().
 */
char *units_format_bytes(uint64_t bytes);

#endif /* HMMD_UNITS_H */
