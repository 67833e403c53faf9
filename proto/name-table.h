/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * name-table.h - tables of names, made of the X-macro lists of enums; libc only
 *
 * Only for the .c files that have such tables; the names are asked for through what these export.
 * A list is of X(value, NAME, "name", "text"); no value is 0.
 */
#ifndef HMMD_NAME_TABLE_H
#define HMMD_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct name {
	uint32_t value;
	const char *name;
	const char *text;
};

#define NAME_ENTRY(value, NAME, name, text) { value, name, text },
#define NAME_TABLE(table, LIST) \
	static const struct name table[] = { LIST(NAME_ENTRY){ 0, NULL, NULL } }

/* Never NULL: what the table does not have is "unknown". */
static inline const struct name *by_value(const struct name *table, uint32_t value)
{
	static const struct name unknown = { 0, "unknown", "unknown" };

	for (; table->name; table++)
		if (table->value == value)
			return table;
	return &unknown;
}

/* The value with that name, or 0 if there is none. */
static inline int by_name(const struct name *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return (int)table->value;
	return 0;
}

#endif /* HMMD_NAME_TABLE_H */
