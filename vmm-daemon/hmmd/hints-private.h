/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hints-private.h - the hints of one VM, as the files that have them work together share them
 */
#ifndef HMMD_HINTS_PRIVATE_H
#define HMMD_HINTS_PRIVATE_H

#include "budget.h"
#include "hint-news.h"
#include "hint-policy.h"
#include "hints.h"

struct Hints {
	Vm *vm;
	SettingsHints settings;
	HintChannel *channel; /* NULL: QEMU has no such port */
	guint look_source;    /* whether it has one by now */
	HintTable *table;
	HintTableEvents events;
	HintRest *rest;
	GQueue news;
	guint news_source;
	bool stopped; /* nothing more is begun */

	struct vmirror_slot *slots;
	uint32_t nr_slots;
	bool slots_known;

	Job *job;
	guint pass_source;
	int64_t pass_due_ms; /* of pass_source */
	int64_t settled_ms;  /* the agent has begun to tell, and may be in the midst of it */
	bool pool_missing;   /* and somebody was told why */
	struct budget work;
	HintsCounters counters;
};

static inline int64_t hints_now_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

/* ---- hint-pass.c: when the policy is asked, and its orders -------------- */

/* What jobs may take of a worker's time. */
struct budget hints_work_budget(void);

/* Have a pass in so long, or earlier. */
void hints_wake(Hints *hints, int64_t in_ms);

/* ---- hint-tell.c: what the guest is told -------------------------------- */

/* Whatever there is to tell, as far as there is room and it is not too early; the rest later. */
void hints_tell(Hints *hints);

#endif /* HMMD_HINTS_PRIVATE_H */
