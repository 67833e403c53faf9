// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check.h"
#include "hint.h"

/* The values 1 to @last have these names. */
static void named(const char *(*name)(uint32_t value), uint32_t last, const char *expected)
{
	g_autoptr(GString) got = g_string_new(NULL);

	for (uint32_t value = 1; value <= last; value++)
		g_string_append_printf(got, "%s%s", value > 1 ? " " : "", name(value));
	CHECK_TEXT(got->str, expected);
}

static void names(void)
{
	named(hint_advice_name, HINT_ADVICE_LAST, "device host cold willneed-device pin-host");
	named(hint_status_name, HINT_STATUS_LAST, "accepted done refused");
	named(hint_reason_name, HINT_REASON_LAST,
	      "bad-extents too-many off no-pool quota other-hint resting no-memory absent pinned "
	      "unmovable pool-full busy failed once");
	named(hint_error_name, HINT_ERROR_LAST,
	      "bad-frame bad-order bad-version ending half-frame");
}

static void back(void)
{
	for (uint32_t value = 1; value <= HINT_ADVICE_LAST; value++)
		CHECK_NUMBER((uint32_t)hint_advice_value(hint_advice_name(value)), value);
	for (uint32_t value = 1; value <= HINT_REASON_LAST; value++)
		CHECK_NUMBER((uint32_t)hint_reason_value(hint_reason_name(value)), value);
}

static void texts(void)
{
	CHECK_TEXT(hint_reason_text(HINT_REASON_POOL_FULL), "no room left in device memory");
	for (uint32_t value = 1; value <= HINT_REASON_LAST; value++) {
		CU_ASSERT_STRING_NOT_EQUAL(hint_reason_text(value), "unknown");
		CU_ASSERT_STRING_NOT_EQUAL(hint_reason_text(value), hint_reason_name(value));
	}
}

static void no_names(void)
{
	CHECK_TEXT(hint_advice_name(0), "unknown");
	CHECK_TEXT(hint_advice_name(HINT_ADVICE_LAST + 1), "unknown");
	CHECK_TEXT(hint_status_name(0), "unknown");
	CHECK_TEXT(hint_status_name(HINT_STATUS_LAST + 1), "unknown");
	CHECK_TEXT(hint_reason_name(0), "unknown");
	CHECK_TEXT(hint_reason_name(HINT_REASON_LAST + 1), "unknown");
	CHECK_TEXT(hint_reason_text(UINT32_MAX), "unknown");
	CHECK_TEXT(hint_error_name(0), "unknown");
	CHECK_TEXT(hint_error_name(HINT_ERROR_LAST + 1), "unknown");
	CHECK_NUMBER((uint32_t)hint_advice_value(""), 0);
	CHECK_NUMBER((uint32_t)hint_advice_value("unknown"), 0);
	CHECK_NUMBER((uint32_t)hint_advice_value("Device"), 0);
	CHECK_NUMBER((uint32_t)hint_advice_value("device "), 0);
	CHECK_NUMBER((uint32_t)hint_reason_value(""), 0);
	CHECK_NUMBER((uint32_t)hint_reason_value("unknown"), 0);
	CHECK_NUMBER((uint32_t)hint_reason_value("Pinned"), 0);
}

int main(void)
{
	static const struct check checks[] = {
		{ "names", names },
		{ "back", back },
		{ "texts", texts },
		{ "no names", no_names },
	};

	return run_checks("hint-names", checks, G_N_ELEMENTS(checks));
}
