// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdbool.h>

#include "check.h"
#include "names.h"
#include "vmirror.h"

static void names(void)
{
	CHECK_TEXT(vmirror_skip_name(VMIRROR_SKIP_PINNED), "pinned");
	CHECK_TEXT(vmirror_skip_text(VMIRROR_SKIP_POOL_FULL), "no room left in the pool");
	CHECK_TEXT(vmirror_reason_name(VMIRROR_REASON_CPU_FAULT), "cpu-fault");
	CHECK_TEXT(vmirror_reason_text(VMIRROR_REASON_CPU_FAULT), "a CPU touched the page");
	CHECK_TEXT(vmirror_state_name(VMIRROR_STATE_POOL), "pool");
	CHECK_TEXT(vmirror_event_name(VMIRROR_EVENT_LOST), "lost");
	CHECK_TEXT(vmirror_engine_name(VMIRROR_ENGINE_RAM), "ram");
}

static void unknown(void)
{
	CHECK_TEXT(vmirror_skip_name(0), "unknown");
	CHECK_TEXT(vmirror_skip_text(VMIRROR_SKIP_LAST + 1), "unknown");
	CHECK_TEXT(vmirror_event_name(UINT32_MAX), "unknown");
	CHECK_NUMBER((unsigned int)vmirror_engine_value("rom"), 0);
	CHECK_NUMBER((unsigned int)vmirror_engine_value(""), 0);
	CHECK_NUMBER((unsigned int)vmirror_skip_value("unknown"), 0);
}

/* The lists have no value twice and no name twice, and none is 0 or beyond its array. */
static void back_and_forth(void)
{
#define SAME(value, NAME, name, text) \
	CHECK_NUMBER((unsigned int)vmirror_skip_value(vmirror_skip_name(value)), value);
	VMIRROR_SKIP_LIST(SAME)
#undef SAME
#define SAME(value, NAME, name, text) \
	CHECK_NUMBER((unsigned int)vmirror_engine_value(vmirror_engine_name(value)), value);
	VMIRROR_ENGINE_LIST(SAME)
#undef SAME
	CU_ASSERT(VMIRROR_SKIP_LAST < VMIRROR_SKIP_SLOTS);
}

int main(void)
{
	static const struct check checks[] = {
		{ "names", names },
		{ "unknown", unknown },
		{ "back and forth", back_and_forth },
	};

	return run_checks("names", checks, G_N_ELEMENTS(checks));
}
