// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * channel.c - the conversation with the host: proto/PROTOCOL.md, "Hint channel"
 */
#include <string.h>

#include "agentd.h"

/* GUEST_START: each second; after an error the host takes up to a minute before it comes again. */
#define ASK_MS		 1000
#define ASK_AFTER_ERROR	 65000
#define ASK_LONGEST	 60000
#define OUT_LEFT_FORGETS 4096 /* room that is kept for small frames */

static const struct hint_reader nobody = { HINT_SIDE_HOST, 0, false };

/* A part of a frame that was written already is what the host passes over. */
static void silence(struct channel *channel)
{
	channel->nr_out = channel->out_at = 0;
}

void channel_begin(struct agent *agent)
{
	agent->channel.reader = nobody;
	agent->channel.say_ms = INT64_MAX;
}

/* There is no session any more; ask for one in @after_ms, or not at all (INT64_MAX). */
static void down(struct agent *agent, int64_t after_ms)
{
	struct channel *channel = &agent->channel;
	bool was_up = channel->up;

	channel->reader = nobody;
	channel->up = false;
	channel->say_ms = after_ms == INT64_MAX ? INT64_MAX : agent->now_ms + after_ms;
	silence(channel);
	if (was_up)
		hints_untold(agent);
}

/* Half a second: a host that has just come says hello by itself. */
void channel_connected(struct agent *agent)
{
	agent->channel.nr_in = 0;
	agent->channel.ask_after = ASK_MS;
	down(agent, ASK_MS / 2);
}

void channel_gone(struct agent *agent)
{
	down(agent, INT64_MAX);
}

/* ---- writing ---------------------------------------------------------------------------- */

static void *out_room(struct channel *channel, size_t *room)
{
	if (channel->out_at == channel->nr_out)
		silence(channel);
	if (channel->out_at) {
		memmove(channel->out, channel->out + channel->out_at,
			channel->nr_out - channel->out_at);
		channel->nr_out -= channel->out_at;
		channel->out_at = 0;
	}
	*room = sizeof(channel->out) - channel->nr_out;
	return channel->out + channel->nr_out;
}

void channel_write(struct agent *agent)
{
	struct channel *channel = &agent->channel;

	while (channel->out_at < channel->nr_out) {
		ssize_t n = port_write(agent, channel->out + channel->out_at,
				       channel->nr_out - channel->out_at);

		if (n < 0)
			return;
		if (n == 0)
			break;
		channel->out_at += (size_t)n;
	}
	port_want_write(agent, channel->out_at < channel->nr_out);
}

bool channel_writing(const struct agent *agent)
{
	return agent->channel.out_at < agent->channel.nr_out;
}

bool channel_put_part(struct agent *agent, const struct hint *hint, const struct extents *extents,
		      uint32_t from, uint32_t *nr)
{
	struct channel *channel = &agent->channel;
	struct hint_request request = {
		.cookie = hint->status.cookie,
		.owner = (uint64_t)hint->status.pid,
		.advice = (enum hint_advice)hint->status.advice,
		.priority = hint->status.priority,
		.first = from == 0,
	};
	size_t room, n;
	void *to = out_room(channel, &room);

	*nr = (uint32_t)extents->nr - from;
	if (*nr > HINT_EXTENTS_MAX)
		*nr = HINT_EXTENTS_MAX;
	request.last = from + *nr == extents->nr;
	request.nr_extents = *nr;
	n = room > OUT_LEFT_FORGETS
		    ? hint_put_hint(to, room - OUT_LEFT_FORGETS, channel->reader.session, &request,
				    extents->at + from)
		    : 0;
	channel->nr_out += n;
	return n > 0;
}

/* Not between the parts of a hint. */
void channel_put_forgotten(struct agent *agent)
{
	struct channel *channel = &agent->channel;
	struct list *forgotten = &agent->hints.forgotten;

	if (!channel->up || (agent->translator.hint && agent->translator.begun))
		return;
	while (!list_empty(forgotten)) {
		struct hint *hint = container_of(forgotten->next, struct hint, by_number);
		size_t room, n;
		void *to = out_room(channel, &room);

		n = hint_put_forget(to, room, channel->reader.session, hint->status.cookie);
		if (n == 0)
			return;
		channel->nr_out += n;
		hint_free(agent, hint);
	}
}

/* ---- reading ---------------------------------------------------------------------------- */

/* A new conversation: the host knows nothing, and whatever it did know is no more. */
static void host_hello(struct agent *agent, const void *frame)
{
	struct channel *channel = &agent->channel;
	uint32_t session = channel->reader.session;
	size_t room;
	char *to;

	silence(channel);
	to = out_room(channel, &room);
	channel->limits = hint_get_host_hello(frame);
	channel->up = true;
	channel->say_ms = agent->now_ms + HINT_ALIVE_MS;
	channel->ask_after = ASK_MS;
	channel->nr_out += hint_put_guest_hello(to, room, session, HINT_VERSION, 0);
	to = out_room(channel, &room);
	channel->nr_out += hint_put_forget(to, room, session, HINT_COOKIE_ALL);
	log_info("session %08x: the host takes %u hints, %u extents", session,
		 channel->limits.max_hints, channel->limits.max_extents);
	hints_untold(agent);
}

static void take_frame(struct agent *agent, const void *frame)
{
	struct hint_result result;

	switch (hint_type_of(frame)) {
	case HINT_TYPE_HOST_HELLO:
		host_hello(agent, frame);
		break;
	case HINT_TYPE_RESULT:
		result = hint_get_result(frame);
		hint_result(agent, &result);
		break;
	case HINT_TYPE_ERROR:
		log_error("the host ends the conversation: %s",
			  hint_error_name(hint_get_error(frame)));
		down(agent, ASK_AFTER_ERROR);
		break;
	default:
		break; /* PONG */
	}
}

static void broken(struct agent *agent)
{
	struct channel *channel = &agent->channel;
	int64_t after = channel->ask_after;

	log_error("what the host says cannot be understood; asking it anew");
	channel->ask_after = after * 2 < ASK_LONGEST ? after * 2 : ASK_LONGEST;
	down(agent, after);
}

static void take_frames(struct agent *agent)
{
	struct channel *channel = &agent->channel;
	size_t used = 0;

	for (;;) {
		const void *frame;
		size_t n;
		enum hint_found found = hint_find(&channel->reader, channel->in + used,
						  channel->nr_in - used, &n, &frame);

		used += n;
		if (found == HINT_FOUND_NOTHING)
			break;
		/* A new beginning may be among what follows; nothing is broken before that. */
		if (found == HINT_FOUND_BROKEN)
			broken(agent);
		else
			take_frame(agent, frame);
	}
	memmove(channel->in, channel->in + used, channel->nr_in - used);
	channel->nr_in -= used;
}

void channel_read(struct agent *agent)
{
	struct channel *channel = &agent->channel;
	ssize_t n = port_read(agent, channel->in + channel->nr_in,
			      sizeof(channel->in) - channel->nr_in);

	if (n <= 0)
		return;
	channel->nr_in += (size_t)n;
	take_frames(agent);
}

void channel_timers(struct agent *agent)
{
	struct channel *channel = &agent->channel;
	size_t room;
	void *to;

	if (channel->say_ms > agent->now_ms)
		return;
	channel->say_ms = agent->now_ms + (channel->up ? HINT_ALIVE_MS : channel->ask_after);
	to = out_room(channel, &room);
	/* One that nobody has read yet says it as well as two. */
	if (channel->nr_out)
		return;
	channel->nr_out += channel->up ? hint_put_ping(to, room, channel->reader.session, 0)
				       : hint_put_guest_start(to, room);
}
