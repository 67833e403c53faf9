// SPDX-License-Identifier: LGPL-2.1-or-later
#include "names.h"

#include <stddef.h>
#include <string.h>

#include "vmirror.h"

struct name {
	uint32_t value;
	const char *name;
	const char *text;
};

#define NAME_ENTRY(value, NAME, name, text) { value, name, text },
#define NAME_TABLE(table, LIST) \
	static const struct name table[] = { LIST(NAME_ENTRY){ 0, NULL, NULL } }

NAME_TABLE(skips, VMIRROR_SKIP_LIST);
NAME_TABLE(reasons, VMIRROR_REASON_LIST);
NAME_TABLE(states, VMIRROR_STATE_LIST);
NAME_TABLE(events, VMIRROR_EVENT_LIST);
NAME_TABLE(engines, VMIRROR_ENGINE_LIST);

static const struct name unknown = { 0, "unknown", "unknown" };

static const struct name *by_value(const struct name *table, uint32_t value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table;
	return &unknown;
}

static int by_name(const struct name *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return (int)table->value;
	return 0;
}

const char *vmirror_skip_name(uint32_t value)
{
	return by_value(skips, value)->name;
}

const char *vmirror_skip_text(uint32_t value)
{
	return by_value(skips, value)->text;
}

int vmirror_skip_value(const char *name)
{
	return by_name(skips, name);
}

const char *vmirror_reason_name(uint32_t value)
{
	return by_value(reasons, value)->name;
}

const char *vmirror_reason_text(uint32_t value)
{
	return by_value(reasons, value)->text;
}

const char *vmirror_state_name(uint32_t value)
{
	return by_value(states, value)->name;
}

const char *vmirror_event_name(uint32_t value)
{
	return by_value(events, value)->name;
}

const char *vmirror_engine_name(uint32_t value)
{
	return by_value(engines, value)->name;
}

int vmirror_engine_value(const char *name)
{
	return by_name(engines, name);
}
