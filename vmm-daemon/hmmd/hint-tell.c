// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-tell.c - results, from what became of the hints to the guest
 */
#include "hints-private.h"

static gboolean tell_later(gpointer data)
{
	Hints *hints = data;

	hints->news_source = 0;
	hints_tell(hints);
	return G_SOURCE_REMOVE;
}

static bool send_result(Hints *hints, const struct hint_result *result)
{
	size_t room, n;
	void *to = hint_channel_room(hints->channel, &room);

	n = hint_put_result(to, room, hint_channel_session(hints->channel), result);
	if (!n)
		return false;
	hint_channel_sent(hints->channel, n);
	hints->counters.results++;
	return true;
}

static void tell_refusals(Hints *hints)
{
	HintRefusal refusal;
	size_t room;

	for (;;) {
		hint_channel_room(hints->channel, &room);
		if (room < sizeof(struct hint_wire_result) ||
		    !hint_table_next_refusal(hints->table, &refusal))
			return;
		send_result(hints, &(struct hint_result){
					   .cookie = refusal.cookie,
					   .status = HINT_STATUS_REFUSED,
					   .reason = refusal.reason,
					   .asked_bytes = refusal.asked_bytes,
				   });
	}
}

void hints_tell(Hints *hints)
{
	int64_t wait_ms;
	Hint *hint;

	if (!hints->channel || hint_channel_state(hints->channel) != HINT_CHANNEL_OPEN)
		return;
	tell_refusals(hints);
	while ((hint = hint_news_next(&hints->news, hints_now_ms(), &wait_ms))) {
		struct hint_result result = hint_news_result(hint);

		if (!send_result(hints, &result))
			return;
		hint_news_told(&hints->news, hint, hints_now_ms());
	}
	if (wait_ms > 0 && !hints->news_source)
		hints->news_source = g_timeout_add((guint)wait_ms, tell_later, hints);
}
