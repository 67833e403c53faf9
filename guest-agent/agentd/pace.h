/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pace.h - how often.  Pure functions.
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

#endif /* AGENTD_PACE_H */
