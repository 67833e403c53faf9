// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * translate.c - from a hint's addresses to what the host is told
 *
 * One hint at a time, a slice of it at a time.  How fresh that is: a new hint is translated at once.
 * From then on it is looked at again after 1 s, and as long as nothing has changed after 2, 4, 8, 16
 * and then every 30 s; a change brings it back to 1 s.  So pages that the guest's kernel has moved
 * (compaction, huge pages, swap), or that were made since, are told within 1 s where there
 * is movement and within 30 s where there was none.  The host is told again only if the extents have
 * changed.  All this stays within a budget of pages looked at in a second (--pages-per-second); where
 * that is too little the looks come later.  What was told stays as told until then: a page that was
 * freed meanwhile is hinted for nothing, which costs whoever has it now a little time and no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agentd.h"

int translator_begin(struct agent *agent)
{
	struct translator *t = &agent->translator;
	const int64_t rate = agent->options.pages_per_second;

	t->pages = budget_begin(rate, rate, agent->now_ms);
	t->extents.room = EXTENTS_PER_JOB;
	t->extents.at = malloc(EXTENTS_PER_JOB * sizeof(t->extents.at[0]));
	return t->extents.at ? 0 : ENOMEM;
}

/* Begin with a hint.  One whose process is gone or hides now is forgotten. */
static void begin(struct agent *agent, struct hint *hint)
{
	struct translator *t = &agent->translator;
	uint64_t others = agent->hints.nr_extents - hint->nr_extents;
	uint64_t room = agent->options.max_extents;
	int directory, error;

	error = process_open(hint->process, hint->status.uid, &directory);
	if (!error) {
		error = scan_begin(&t->scan, directory, &hint->status);
		close(directory);
	}
	if (error == EMFILE || error == ENFILE || error == ENOMEM) {
		queue_later(agent, hint);
		return;
	}
	if (error) {
		hint_forget(agent, hint);
		return;
	}
	if (agent->channel.limits.max_extents < room)
		room = agent->channel.limits.max_extents;
	room = room > others ? room - others : 0;
	t->extents.room = room < EXTENTS_PER_JOB ? room : EXTENTS_PER_JOB;
	extents_begin(&t->extents);
	t->hint = hint;
	t->sending = t->begun = false;
	t->sent = 0;
	budget_spend(&t->pages, 64); /* files were opened */
}

static void end(struct agent *agent)
{
	struct hint *hint = agent->translator.hint;

	agent->translator.hint = NULL;
	if (!hint->forgotten)
		queue_later(agent, hint);
}

/* All pages were looked at. */
static void scanned(struct agent *agent)
{
	struct translator *t = &agent->translator;
	struct local_status *status = &t->hint->status;
	uint64_t digest;
	bool changed;

	scan_end(&t->scan);
	extents_order(&t->extents);
	digest = extents_digest(&t->extents);
	changed = !t->hint->told || digest != t->hint->digest;
	t->hint->step = (uint8_t)(t->hint->told ? pace_next_step(t->hint->step, changed) : 0);
	status->asked_bytes = t->scan.asked;
	status->told_bytes = extents_bytes(&t->extents);
	status->shared_bytes = t->scan.shared;
	status->left_bytes = t->scan.left;
	status->absent_bytes = t->scan.asked - status->told_bytes - t->scan.shared - t->scan.left;
	if (status->absent_bytes > t->scan.asked)
		status->absent_bytes = 0; /* a page that moved was seen twice */
	if (!changed) {
		end(agent);
		return;
	}
	agent->hints.nr_extents += t->extents.nr - t->hint->nr_extents;
	t->hint->nr_extents = (uint32_t)t->extents.nr;
	t->hint->digest = digest;
	t->sending = true;
}

/* As many parts as the channel has room for.  True: something was done. */
static bool send_parts(struct agent *agent)
{
	struct translator *t = &agent->translator;
	uint32_t nr;
	bool done = false;

	while (channel_put_part(agent, t->hint, &t->extents, t->sent, &nr)) {
		t->begun = true;
		done = true;
		t->sent += nr;
		if (t->sent < t->extents.nr)
			continue;
		t->hint->told = true;
		end(agent);
		channel_put_forgotten(agent);
		break;
	}
	return done;
}

bool translator_work(struct agent *agent)
{
	struct translator *t = &agent->translator;
	int64_t pages;
	bool all;

	if (!agent->channel.up)
		return false;
	if (t->hint && t->sending)
		return send_parts(agent);
	if (!budget_has(&t->pages, agent->now_ms))
		return false;
	if (!t->hint) {
		struct hint *hint = queue_take(agent);

		if (hint)
			begin(agent, hint);
		return hint != NULL;
	}
	all = scan_step(&t->scan, &t->extents, &pages);
	budget_spend(&t->pages, pages);
	if (all)
		scanned(agent);
	return true;
}

int64_t translator_due_ms(struct agent *agent)
{
	struct translator *t = &agent->translator;
	int64_t due;

	if (!agent->channel.up)
		return INT64_MAX;
	/* What is in the channel goes first: the port says when that can be. */
	if (t->hint && t->sending)
		return channel_writing(agent) ? INT64_MAX : agent->now_ms;
	due = t->hint ? agent->now_ms : queue_due_ms(agent);
	if (due == INT64_MAX)
		return due;
	if (due < agent->now_ms + budget_wait_ms(&t->pages))
		due = agent->now_ms + budget_wait_ms(&t->pages);
	return due;
}

bool translator_drop(struct agent *agent, struct hint *hint)
{
	struct translator *t = &agent->translator;

	if (t->hint != hint)
		return true;
	if (t->begun)
		return false;
	if (!t->sending)
		scan_end(&t->scan);
	t->hint = NULL;
	return true;
}

void translator_reset(struct agent *agent)
{
	struct translator *t = &agent->translator;

	if (!t->hint)
		return;
	if (!t->sending)
		scan_end(&t->scan);
	t->hint = NULL;
}
