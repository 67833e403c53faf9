// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint.h"
#include "name-table.h"

NAME_TABLE(advices, HINT_ADVICE_LIST);
NAME_TABLE(statuses, HINT_STATUS_LIST);
NAME_TABLE(reasons, HINT_REASON_LIST);
NAME_TABLE(errors, HINT_ERROR_LIST);

const char *hint_advice_name(uint32_t value)
{
	return by_value(advices, value)->name;
}

int hint_advice_value(const char *name)
{
	return by_name(advices, name);
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

int hint_reason_value(const char *name)
{
	return by_name(reasons, name);
}

const char *hint_error_name(uint32_t value)
{
	return by_value(errors, value)->name;
}
