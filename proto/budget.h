/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * budget.h - how much in a second: what one side lets the other have, and keeps to itself
 *
 * Pure functions, libc only; times are milliseconds of one clock.
 */
#ifndef HMMD_BUDGET_H
#define HMMD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * @rate in a second, and what was not used up to @burst.  It may be overdrawn: nothing more is
 * given then until that is made up for.
 */
struct budget {
	int64_t rate, burst, left;
	int64_t at_ms;
	int64_t rest; /* thousandths that are due */
};

struct budget budget_begin(int64_t rate, int64_t burst, int64_t now_ms);
bool budget_has(struct budget *budget, int64_t now_ms);
void budget_spend(struct budget *budget, int64_t n);
int64_t budget_wait_ms(const struct budget *budget); /* until it has, if that is called now */
bool budget_full(struct budget *budget, int64_t now_ms);

#endif /* HMMD_BUDGET_H */
