/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace.h - how often, and how much in a second.  Pure functions; times are milliseconds of one clock.
 */
#ifndef AGENTD_PACE_H
#define AGENTD_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A hint is looked at again after 1 s, and, as long as nothing has changed, after 2, 4, 8, 16, and
 * then every 30 s.
 */
#define PACE_STEPS 6
uint32_t pace_recheck_ms(unsigned int step);
unsigned int pace_next_step(unsigned int step, bool changed);

/*
 * A budget: @rate in a second, and what was not used up to @burst.  It may be overdrawn: nothing
 * more is given then until that is made up for.
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

#endif /* AGENTD_PACE_H */
