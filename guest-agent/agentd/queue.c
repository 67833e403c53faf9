// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * queue.c - which hint is looked at next
 *
 * There are six waits (pace.h), and a queue for each.  All in one queue wait equally long, so it is
 * in order of time by itself.  A seventh is for those that the host has not been told of; it and
 * the others take turns, so that neither holds up the other.
 */
#include "agentd.h"

void queue_new(struct agent *agent, struct hint *hint)
{
	list_remove(&hint->queued);
	hint->step = 0;
	hint->due_ms = agent->now_ms;
	list_append(&agent->hints.queues[QUEUE_NEW], &hint->queued);
}

void queue_later(struct agent *agent, struct hint *hint)
{
	list_remove(&hint->queued);
	hint->due_ms = agent->now_ms + pace_recheck_ms(hint->step);
	list_append(&agent->hints.queues[hint->step], &hint->queued);
}

static struct hint *first(const struct list *queue)
{
	return list_empty(queue) ? NULL : container_of(queue->next, struct hint, queued);
}

/* Of those that are looked at again, the one that is due first. */
static struct hint *first_again(struct hint_table *table)
{
	struct hint *found = NULL;

	for (int i = 0; i < PACE_STEPS; i++) {
		struct hint *hint = first(&table->queues[i]);

		if (hint && (!found || hint->due_ms < found->due_ms))
			found = hint;
	}
	return found;
}

struct hint *queue_take(struct agent *agent)
{
	struct hint_table *table = &agent->hints;
	struct hint *new = first(&table->queues[QUEUE_NEW]);
	struct hint *again = first_again(table);
	struct hint *hint;

	if (again && again->due_ms > agent->now_ms)
		again = NULL;
	hint = new && (table->turn_new || !again) ? new : again;
	table->turn_new = hint != new;
	if (hint)
		list_remove(&hint->queued);
	return hint;
}

int64_t queue_due_ms(struct agent *agent)
{
	struct hint *hint = first(&agent->hints.queues[QUEUE_NEW]);

	if (!hint)
		hint = first_again(&agent->hints);
	return hint ? hint->due_ms : INT64_MAX;
}
