/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* setting.h - settings of the kernel that a case needs; they are what they were when it ends */
#ifndef VMIRROR_TEST_SETTING_H
#define VMIRROR_TEST_SETTING_H

#include <stdint.h>

/* Write @value to @path; at the program's end the first value that was there goes back. */
void set(const char *path, const char *value);

/*
 * khugepaged makes huge pages as fast as it can.  That has a price: it has all CPUs' LRU lists
 * drained at every turn, at the lowest priority, and MIGRATE waits for it.
 */
void make_khugepaged_eager(void);

/* The number behind @name in a file of names and numbers; of the file's first if that is NULL. */
uint64_t number_in(const char *path, const char *name);

#endif
