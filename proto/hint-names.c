// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "hint.h"

struct name {
	uint32_t value;
	const char *name;
	const char *text;
};

#define NAME_ENTRY(value, NAME, name, text) { value, name, text },
#define NAME_TABLE(table, LIST) \
	static const struct name table[] = { LIST(NAME_ENTRY){ 0, NULL, NULL } }

NAME_TABLE(advices, HINT_ADVICE_LIST);
NAME_TABLE(statuses, HINT_STATUS_LIST);
NAME_TABLE(reasons, HINT_REASON_LIST);
NAME_TABLE(errors, HINT_ERROR_LIST);

static const struct name unknown = { 0, "unknown", "unknown" };

static const struct name *by_value(const struct name *table, uint32_t value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table;
	return &unknown;
}

const char *hint_advice_name(uint32_t value)
{
	return by_value(advices, value)->name;
}

int hint_advice_value(const char *name)
{
	for (const struct name *advice = advices; advice->name; advice++)
		if (strcmp(advice->name, name) == 0)
			return (int)advice->value;
	return 0;
}

const char *hint_status_name(uint32_t value)
{
	return by_value(statuses, value)->name;
}

const char *hint_reason_name(uint32_t value)
{
	return by_value(reasons, value)->name;
}

const char *hint_reason_text(uint32_t value)
{
	return by_value(reasons, value)->text;
}

const char *hint_error_name(uint32_t value)
{
	return by_value(errors, value)->name;
}
