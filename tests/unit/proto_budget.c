// SPDX-License-Identifier: LGPL-2.1-or-later
#include "budget.h"
#include "check.h"

static void budget_in_time(void)
{
	struct budget budget = budget_begin(100, 200, 5000);

	CU_ASSERT(budget_full(&budget, 5000));
	CU_ASSERT(budget_has(&budget, 5000));
	budget_spend(&budget, 250);
	CU_ASSERT(!budget_has(&budget, 5000));
	CHECK_NUMBER((uint64_t)budget_wait_ms(&budget), 510);
	CU_ASSERT(!budget_has(&budget, 5509));
	CHECK_NUMBER((uint64_t)budget_wait_ms(&budget), 1);
	CU_ASSERT(budget_has(&budget, 5510));
	CHECK_NUMBER((uint64_t)budget.left, 1);
	/* Small steps lose nothing. */
	for (int64_t ms = 5511; ms <= 6510; ms++)
		budget_has(&budget, ms);
	CHECK_NUMBER((uint64_t)budget.left, 101);
	CU_ASSERT(!budget_full(&budget, 6510));
	CU_ASSERT(budget_full(&budget, INT64_C(1) << 60));
	CHECK_NUMBER((uint64_t)budget.left, 200);
	/* A clock that goes back changes nothing. */
	CU_ASSERT(budget_has(&budget, 0));
	CHECK_NUMBER((uint64_t)budget.left, 200);
}

int main(void)
{
	static const struct check checks[] = {
		{ "a budget in time", budget_in_time },
	};

	return run_checks("budget", checks, G_N_ELEMENTS(checks));
}
