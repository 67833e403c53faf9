// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint.c - the hints, and what became of them
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agentd.h"

void hints_begin(struct hint_table *table)
{
	list_begin(&table->by_number);
	list_begin(&table->forgotten);
	for (int i = 0; i < QUEUE_COUNT; i++)
		list_begin(&table->queues[i]);
}

static struct hint **bucket(struct agent *agent, uint64_t cookie)
{
	return &agent->hints.buckets[(cookie ^ cookie >> 32) % HINT_BUCKETS];
}

struct hint *hint_find_cookie(struct agent *agent, uint64_t cookie)
{
	struct hint *hint = *bucket(agent, cookie);

	while (hint && hint->status.cookie != cookie)
		hint = hint->next_in_bucket;
	return hint;
}

bool hint_is_going(struct agent *agent, uint64_t cookie)
{
	const struct list *forgotten = &agent->hints.forgotten;

	for (struct list *at = forgotten->next; at != forgotten; at = at->next)
		if (container_of(at, struct hint, by_number)->status.cookie == cookie)
			return true;
	return false;
}

/* By chance, so that none that an earlier agent gave away comes again, and nobody guesses one. */
static uint64_t new_cookie(struct agent *agent)
{
	uint64_t cookie = 0;

	while (cookie == 0 || hint_find_cookie(agent, cookie)) {
		if (getrandom(&cookie, sizeof(cookie), 0) != sizeof(cookie))
			return 0;
		cookie >>= 1; /* for those who read it as a signed number */
	}
	return cookie;
}

static int may_add(struct agent *agent, const struct user *user)
{
	const struct options *options = &agent->options;

	if (user->uid != 0 && user->nr_hints >= options->max_hints_per_user)
		return EDQUOT;
	if (agent->hints.nr >= options->max_hints ||
	    (agent->channel.up && agent->hints.nr >= agent->channel.limits.max_hints))
		return ENOSPC;
	return 0;
}

int hint_add(struct agent *agent, const struct local_advise *advise, struct process *process,
	     struct connection *connection, struct hint **added)
{
	struct hint_table *table = &agent->hints;
	struct user *user = connection->user;
	uint64_t cookie = advise->cookie ? advise->cookie : new_cookie(agent);
	int error = may_add(agent, user);
	struct hint *hint;

	if (error)
		return error;
	hint = cookie ? calloc(1, sizeof(*hint)) : NULL;
	if (!hint)
		return ENOMEM;
	hint->user = user;
	hint->process = process;
	hint->status = (struct local_status){
		.cookie = cookie,
		.number = ++table->last_number,
		.address = advise->address,
		.length = advise->length,
		.pid = process->pid,
		.uid = user->uid,
		.advice = advise->advice,
		.priority = advise->priority,
		.flags = advise->flags,
		.state = LOCAL_WAITING,
	};
	process->refs++;
	user->nr_hints++;
	table->nr++;
	list_begin(&hint->queued);
	list_begin(&hint->of_connection);
	if (!(advise->flags & LOCAL_KEEP))
		list_append(&connection->hints, &hint->of_connection);
	list_append(&process->hints, &hint->of_process);
	list_append(&table->by_number, &hint->by_number);
	hint->next_in_bucket = *bucket(agent, cookie);
	*bucket(agent, cookie) = hint;
	queue_new(agent, hint);
	*added = hint;
	return 0;
}

/* Nobody but the host knows it from here on. */
static void hide(struct agent *agent, struct hint *hint)
{
	struct hint **at = bucket(agent, hint->status.cookie);

	while (*at != hint)
		at = &(*at)->next_in_bucket;
	*at = hint->next_in_bucket;
	list_remove(&hint->by_number);
	list_remove(&hint->of_process);
	list_remove(&hint->of_connection);
	list_remove(&hint->queued);
	process_put(agent, hint->process);
	hint->process = NULL;
	hint->forgotten = true;
}

void hint_free(struct agent *agent, struct hint *hint)
{
	list_remove(&hint->by_number);
	agent->hints.nr--;
	agent->hints.nr_extents -= hint->nr_extents;
	hint->user->nr_hints--;
	free(hint);
}

void hint_forget(struct agent *agent, struct hint *hint)
{
	uint64_t cookie = hint->status.cookie;
	bool idle = translator_drop(agent, hint);

	hide(agent, hint);
	if (idle && !(hint->told && agent->channel.up))
		hint_free(agent, hint);
	else
		list_append(&agent->hints.forgotten, &hint->by_number);
	connections_look(agent, cookie);
}

static void set_skips(struct local_status *status, const struct hint_result *result)
{
	memset(status->skips, 0, sizeof(status->skips));
	status->nr_skips = result->nr_skips;
	for (uint32_t i = 0; i < result->nr_skips; i++) {
		status->skips[i].reason = result->skips[i].reason;
		status->skips[i].bytes = result->skips[i].bytes;
	}
}

void hint_result(struct agent *agent, const struct hint_result *result)
{
	struct hint *hint = hint_find_cookie(agent, result->cookie);

	if (!hint || !hint->told)
		return;
	hint->status.state = (uint16_t)(result->status + 1);
	hint->status.reason = (uint16_t)result->reason;
	hint->status.done_bytes = result->done_bytes;
	set_skips(&hint->status, result);
	connections_look(agent, result->cookie);
}

void hints_untold(struct agent *agent)
{
	struct hint_table *table = &agent->hints;

	translator_reset(agent);
	while (!list_empty(&table->forgotten))
		hint_free(agent, container_of(table->forgotten.next, struct hint, by_number));
	for (struct list *at = table->by_number.next; at != &table->by_number; at = at->next) {
		struct hint *hint = container_of(at, struct hint, by_number);

		table->nr_extents -= hint->nr_extents;
		hint->nr_extents = 0;
		hint->told = false;
		hint->status.state = LOCAL_WAITING;
		hint->status.reason = 0;
		hint->status.nr_skips = 0;
		memset(hint->status.skips, 0, sizeof(hint->status.skips));
		hint->status.done_bytes = 0;
		queue_new(agent, hint);
	}
}
