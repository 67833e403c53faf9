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
static const struct name states[] = {
	[HMMHINT_WAITING] = { "waiting", NULL },
	[HMMHINT_ACCEPTED] = { "accepted", NULL },
	[HMMHINT_DONE] = { "done", NULL },
	[HMMHINT_REFUSED] = { "refused", NULL },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct name *look(const struct name *table, size_t count, size_t value)
{
	static const struct name unknown = { "unknown", "unknown" };

	return value && value < count ? &table[value] : &unknown;
}

PUBLIC const char *hmmhint_advice_name(int advice)
{
	return look(advices, COUNT(advices), (size_t)advice)->name;
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
	return look(states, COUNT(states), state)->name;
}

PUBLIC const char *hmmhint_reason_name(uint32_t reason)
{
	return look(reasons, COUNT(reasons), reason)->name;
}

PUBLIC const char *hmmhint_reason_text(uint32_t reason)
{
	return look(reasons, COUNT(reasons), reason)->text;
}
