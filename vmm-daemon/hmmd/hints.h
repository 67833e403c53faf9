/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hints.h - what a VM's hints look like from outside: for who tells people of them
 */
#ifndef HMMD_HINTS_H
#define HMMD_HINTS_H

#include "hint-channel.h"
#include "hint-table.h"
#include "hmmd.h"

/* X(FIELD, "name") */
#define HINTS_COUNTER_LIST(X) \
	X(forgets, "forgets") \
	X(results, "results") /* that were sent */

typedef struct {
#define HINTS_COUNTER_FIELD(field, name) uint64_t field;
	HINTS_COUNTER_LIST(HINTS_COUNTER_FIELD)
#undef HINTS_COUNTER_FIELD
} HintsCounters;

typedef struct {
	const HintChannel *channel; /* NULL: QEMU has no such port */
	const HintTable *table;
	const SettingsHints *settings;
	const HintsCounters *counters;
} HintsView;

HintsView hints_view(const Hints *hints);

#endif /* HMMD_HINTS_H */
