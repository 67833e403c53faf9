// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names.c - names of what hmmhint.h numbers, as the channel has them
 */
#include <assert.h>

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

static const char *const states[] = {
	[HMMHINT_WAITING] = "waiting",
	[HMMHINT_ACCEPTED] = "accepted",
	[HMMHINT_DONE] = "done",
	[HMMHINT_REFUSED] = "refused",
};

PUBLIC const char *hmmhint_advice_name(int advice)
{
	return hint_advice_name((uint32_t)advice);
}

PUBLIC int hmmhint_advice_value(const char *name)
{
	return hint_advice_value(name);
}

PUBLIC const char *hmmhint_state_name(uint32_t state)
{
	return state && state < sizeof(states) / sizeof(states[0]) ? states[state] : "unknown";
}

PUBLIC const char *hmmhint_reason_name(uint32_t reason)
{
	return hint_reason_name(reason);
}

PUBLIC const char *hmmhint_reason_text(uint32_t reason)
{
	return hint_reason_text(reason);
}
