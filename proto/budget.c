// SPDX-License-Identifier: LGPL-2.1-or-later
#include "budget.h"

struct budget budget_begin(int64_t rate, int64_t burst, int64_t now_ms)
{
	return (struct budget){ .rate = rate, .burst = burst, .left = burst, .at_ms = now_ms };
}

/* More than enough to fill it whatever was overdrawn; keeps the product in range. */
#define LONGEST_MS 3600000

static void advance(struct budget *budget, int64_t now_ms)
{
	int64_t ms = now_ms - budget->at_ms;

	if (ms <= 0)
		return;
	if (ms > LONGEST_MS)
		ms = LONGEST_MS;
	budget->at_ms = now_ms;
	budget->rest += ms * budget->rate;
	budget->left += budget->rest / 1000;
	budget->rest %= 1000;
	if (budget->left >= budget->burst) {
		budget->left = budget->burst;
		budget->rest = 0;
	}
}

bool budget_has(struct budget *budget, int64_t now_ms)
{
	advance(budget, now_ms);
	return budget->left > 0;
}

void budget_spend(struct budget *budget, int64_t n)
{
	budget->left -= n;
}

int64_t budget_wait_ms(const struct budget *budget)
{
	if (budget->left > 0)
		return 0;
	return ((1 - budget->left) * 1000 - budget->rest + budget->rate - 1) / budget->rate;
}

bool budget_full(struct budget *budget, int64_t now_ms)
{
	advance(budget, now_ms);
	return budget->left >= budget->burst;
}
