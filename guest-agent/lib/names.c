// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names.c - names of what hmmhint.h numbers, as the channel has them
 */
#include <assert.h>
#include <string.h>

#include "private.h"

static_assert(HMMHINT_DEVICE == (int)HINT_ADVICE_DEVICE, "advice");
static_assert(HMMHINT_HOST == (int)HINT_ADVICE_HOST, "advice");
static_assert(HMMHINT_COLD == (int)HINT_ADVICE_COLD, "advice");
static_assert(HMMHINT_WILLNEED_DEVICE == (int)HINT_ADVICE_WILLNEED_DEVICE, "advice");
static_assert(HMMHINT_PIN_HOST == (int)HINT_ADVICE_PIN_HOST, "advice");
static_assert(HMMHINT_PRIORITY_MAX == HINT_PRIORITY_MAX, "priority");
static_assert(HMMHINT_SKIPS_MAX == HINT_SKIP_MAX, "skips");
static_assert(HMMHINT_WAITING == (int)LOCAL_WAITING && HMMHINT_REFUSED == (int)LOCAL_REFUSED,
	      "states");

struct name {
	const char *name;
	const char *text;
};

#define NAME(value, NAME, name, text) [value] = { name, text },

static const struct name advices[] = { HINT_ADVICE_LIST(NAME) };
static const struct name reasons[] = { HINT_REASON_LIST(NAME) };
static const char *const states[] = { NULL, "waiting", "accepted", "done", "refused" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

PUBLIC const char *hmmhint_advice_name(int advice)
{
	return advice > 0 && (size_t)advice < COUNT(advices) ? advices[advice].name : "unknown";
}

PUBLIC int hmmhint_advice_value(const char *name)
{
	for (size_t i = 1; i < COUNT(advices); i++)
		if (strcmp(advices[i].name, name) == 0)
			return (int)i;
	return 0;
}

PUBLIC const char *hmmhint_state_name(uint32_t state)
{
	return state && state < COUNT(states) ? states[state] : "unknown";
}

PUBLIC const char *hmmhint_reason_name(uint32_t reason)
{
	return reason && reason < COUNT(reasons) ? reasons[reason].name : "unknown";
}

PUBLIC const char *hmmhint_reason_text(uint32_t reason)
{
	return reason && reason < COUNT(reasons) ? reasons[reason].text : "unknown";
}
