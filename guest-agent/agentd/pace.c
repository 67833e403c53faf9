// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pace.h"

uint32_t pace_recheck_ms(unsigned int step)
{
	static const uint32_t ms[PACE_STEPS] = { 1000, 2000, 4000, 8000, 16000, 30000 };

	return ms[step < PACE_STEPS ? step : PACE_STEPS - 1];
}

unsigned int pace_next_step(unsigned int step, bool changed)
{
	if (changed)
		return 0;
	return step + 1 < PACE_STEPS ? step + 1 : PACE_STEPS - 1;
}
