// SPDX-License-Identifier: LGPL-2.1-or-later
#include "names.h"

#include "name-table.h"
#include "vmirror.h"

NAME_TABLE(skips, VMIRROR_SKIP_LIST);
NAME_TABLE(reasons, VMIRROR_REASON_LIST);
NAME_TABLE(states, VMIRROR_STATE_LIST);
NAME_TABLE(events, VMIRROR_EVENT_LIST);
NAME_TABLE(engines, VMIRROR_ENGINE_LIST);

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
