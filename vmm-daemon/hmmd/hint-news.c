// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-news.h"

/* A change of more than a hundredth of what was asked for is worth telling. */
static bool differs(const Hint *hint, uint64_t now, uint64_t told)
{
	return (now > told ? now - told : told - now) > hint->asked_bytes / 100;
}

static bool is_news(const Hint *hint)
{
	const HintOutcome *now = &hint->outcome, *told = &hint->told_outcome;
	bool all = now->done_bytes == hint->asked_bytes;

	if (!hint->told || now->status != told->status || now->reason != told->reason ||
	    differs(hint, now->done_bytes, told->done_bytes) ||
	    (all && now->done_bytes != told->done_bytes))
		return true;
	for (unsigned int i = 1; i <= HINT_REASON_LAST; i++)
		if (now->status == HINT_STATUS_DONE &&
		    differs(hint, now->skipped[i], told->skipped[i]))
			return true;
	return false;
}

void hint_news_add(GQueue *news, Hint *hint)
{
	if (hint->news || !is_news(hint))
		return;
	/* One that was never told of need not wait: those that may have to are behind it. */
	if (!hint->told)
		g_queue_push_head(news, hint);
	else
		g_queue_push_tail(news, hint);
	hint->news = hint->told ? g_queue_peek_tail_link(news) : g_queue_peek_head_link(news);
}

void hint_news_remove(GQueue *news, Hint *hint)
{
	if (hint->news)
		g_queue_delete_link(news, hint->news);
	hint->news = NULL;
}

Hint *hint_news_next(const GQueue *news, int64_t now_ms, int64_t *wait_ms)
{
	Hint *hint = news->head ? news->head->data : NULL;

	*wait_ms = hint && hint->told ? hint->told_ms + HINT_NEWS_MS - now_ms : 0;
	return *wait_ms > 0 ? NULL : hint;
}

struct hint_result hint_news_result(const Hint *hint)
{
	const HintOutcome *outcome = &hint->outcome;
	struct hint_result result = {
		.cookie = hint->cookie,
		.status = outcome->status,
		.reason = outcome->reason,
		.asked_bytes = hint->asked_bytes,
		.done_bytes = outcome->done_bytes,
	};

	for (unsigned int i = 1; i <= HINT_REASON_LAST; i++)
		if (outcome->skipped[i])
			result.skips[result.nr_skips++] =
				(struct hint_skip){ (enum hint_reason)i, outcome->skipped[i] };
	return result;
}

void hint_news_told(GQueue *news, Hint *hint, int64_t now_ms)
{
	hint_news_remove(news, hint);
	hint->told = true;
	hint->told_ms = now_ms;
	hint->told_outcome = hint->outcome;
}
