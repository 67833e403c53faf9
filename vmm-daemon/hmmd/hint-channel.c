// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-channel.c - the conversation with the agent in a guest
 */
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>

#include "hint-channel-private.h"

#define HELLO_MS       1000 /* from HOST_HELLO to HOST_HELLO, at least */
#define HALF_MS	       5000 /* how long a frame may stay half */
#define TICK_SECONDS   1    /* how exactly such times are kept */
#define LATE_MS	       3000 /* a tick that comes so late */
#define FRAMES_AT_ONCE 64   /* before others have their turn */

static const char *const state_names[] = {
#define STATE_NAME(NAME, name) name,
	HINT_CHANNEL_STATE_LIST(STATE_NAME)
};

/* ---- writing ------------------------------------------------------------ */

static gboolean flush_out(gint fd, GIOCondition condition, gpointer data);

/* Returns false if the connection is lost. */
static bool flush(HintChannel *channel)
{
	while (channel->nr_out) {
		ssize_t n = send(channel->fd, channel->out, channel->nr_out,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			channel_lost(channel);
			return false;
		}
		if (n < 0)
			break;
		channel->nr_out -= (size_t)n;
		channel->sent_ms = channel_now_ms();
		channel->unread = false;
		memmove(channel->out, channel->out + n, channel->nr_out);
	}
	if (channel->nr_out && !channel->out_source)
		channel->out_source = g_unix_fd_add(channel->fd, G_IO_OUT, flush_out, channel);
	if (!channel->nr_out)
		channel_drop_source(&channel->out_source);
	return true;
}

static gboolean flush_out(gint fd, GIOCondition condition, gpointer data)
{
	HintChannel *channel = data;

	(void)fd, (void)condition;
	if (!flush(channel))
		return G_SOURCE_CONTINUE;
	if (channel->state == HINT_CHANNEL_OPEN)
		channel->user.writable(channel->user.data);
	channel_go_on_reading(channel);
	return G_SOURCE_CONTINUE;
}

void *hint_channel_room(HintChannel *channel, size_t *room)
{
	*room = channel->state == HINT_CHANNEL_OPEN ? sizeof(channel->out) - channel->nr_out : 0;
	return channel->out + channel->nr_out;
}

void hint_channel_sent(HintChannel *channel, size_t n)
{
	if (!channel->nr_out)
		channel->sent_ms = channel_now_ms();
	channel->nr_out += n;
	if (!channel->out_source)
		channel->out_source = g_unix_fd_add(channel->fd, G_IO_OUT, flush_out, channel);
}

/* ---- a session begins --------------------------------------------------- */

/* 0 is none, and that of the last one would let its frames through. */
static uint32_t new_session(uint32_t last)
{
	uint32_t session;

	do
		session = g_random_int();
	while (!session || session == last);
	return session;
}

/* GUEST_START asks for it; not more often than it may, and not in the midst of another frame. */
void channel_say_hello(HintChannel *channel)
{
	if (channel->nr_out || channel_now_ms() - channel->hello_ms < HELLO_MS)
		return;
	channel->counters.sessions++;
	channel->hello_due = false;
	channel->hello_ms = channel->sent_ms = channel_now_ms();
	channel->half_ms = 0;
	channel->state = HINT_CHANNEL_GREETING;
	channel->reader = (struct hint_reader){
		.from = HINT_SIDE_GUEST,
		.session = new_session(channel->reader.session),
	};
	channel->nr_out = hint_put_host_hello(channel->out, sizeof(channel->out),
					      channel->reader.session, &channel->limits);
	flush(channel);
}

/* ---- reading ------------------------------------------------------------ */

static enum hint_error answer_hello(HintChannel *channel, const void *frame)
{
	uint32_t capabilities;
	uint16_t version = hint_get_guest_hello(frame, &capabilities);

	if (channel->state != HINT_CHANNEL_GREETING)
		return HINT_ERROR_ORDER;
	if (version < channel->limits.min_version || version > channel->limits.max_version)
		return HINT_ERROR_VERSION;
	channel->state = HINT_CHANNEL_OPEN;
	channel->open_ms = channel_now_ms();
	channel->stands = true;
	return 0;
}

static enum hint_error answer_ping(HintChannel *channel, const void *frame)
{
	size_t room;
	void *to = hint_channel_room(channel, &room);

	hint_channel_sent(channel,
			  hint_put_pong(to, room, channel->reader.session, hint_get_token(frame)));
	return 0;
}

static enum hint_error take_frame(HintChannel *channel, const void *frame)
{
	channel->counters.frames++;
	switch (hint_type_of(frame)) {
	case HINT_TYPE_GUEST_START:
		channel->hello_due = true;
		return 0;
	case HINT_TYPE_GUEST_HELLO:
		return answer_hello(channel, frame);
	default:
		break;
	}
	if (channel->state != HINT_CHANNEL_OPEN)
		return HINT_ERROR_ORDER;
	if (hint_type_of(frame) == HINT_TYPE_PING)
		return answer_ping(channel, frame);
	return channel->user.frame(frame, channel->user.data);
}

/* Whether there is room for the answer to whatever comes. */
static bool may_take(const HintChannel *channel)
{
	return channel->nr_out <= sizeof(channel->out) / 2;
}

enum taken {
	TAKEN_ALL,     /* there is no whole frame left */
	TAKEN_SOME,    /* others have their turn */
	TAKEN_ENOUGH,  /* for this second */
	TAKEN_BLOCKED, /* until something was sent */
	TAKEN_ENDED,   /* the conversation was ended */
};

static enum taken take_frames(HintChannel *channel, size_t *used)
{
	for (unsigned int i = 0; i < FRAMES_AT_ONCE; i++) {
		enum hint_error error;
		enum hint_found found;
		const void *frame;
		size_t n;

		if (!may_take(channel))
			return TAKEN_BLOCKED;
		if (!budget_has(&channel->frames, channel_now_ms()))
			return TAKEN_ENOUGH;
		found = hint_find(&channel->reader, channel->in + *used, channel->nr_in - *used, &n,
				  &frame);
		*used += n;
		if (found == HINT_FOUND_NOTHING && n == 0)
			return TAKEN_ALL;
		budget_spend(&channel->frames, 1 + (int64_t)(n / HINT_CHANNEL_UNIT));
		if (found == HINT_FOUND_NOTHING)
			return TAKEN_ALL;
		error = found == HINT_FOUND_BROKEN ? HINT_ERROR_FRAME : take_frame(channel, frame);
		if (error) {
			channel_end_conversation(channel, error);
			return TAKEN_ENDED;
		}
	}
	return TAKEN_SOME;
}

static gboolean read_in(gint fd, GIOCondition condition, gpointer data);

static gboolean pause_over(gpointer data)
{
	HintChannel *channel = data;

	channel->pause_source = 0;
	channel_go_on_reading(channel);
	return G_SOURCE_REMOVE;
}

/* Wait for what there is to wait for. */
static void wait_for_more(HintChannel *channel, enum taken taken)
{
	bool all = taken == TAKEN_ALL;

	channel->half_ms = !all || !channel->nr_in ? 0
			   : channel->half_ms	   ? channel->half_ms
						   : channel_now_ms();
	channel->counters.paused += taken == TAKEN_ENOUGH;
	if (!all)
		channel_drop_source(&channel->in_source);
	else if (!channel->in_source)
		channel->in_source = g_unix_fd_add(channel->fd, G_IO_IN, read_in, channel);
	if (taken == TAKEN_SOME || taken == TAKEN_ENOUGH)
		channel->pause_source =
			g_timeout_add((guint)budget_wait_ms(&channel->frames), pause_over, channel);
}

void channel_go_on_reading(HintChannel *channel)
{
	enum taken taken;
	size_t used = 0;

	if (channel->fd < 0 || channel->pause_source)
		return;
	taken = take_frames(channel, &used);
	if (taken == TAKEN_ENDED)
		return;
	memmove(channel->in, channel->in + used, channel->nr_in - used);
	channel->nr_in -= used;
	if (used)
		channel->half_ms = 0;
	if (used && channel->state == HINT_CHANNEL_OPEN)
		channel->heard_ms = channel_now_ms();
	wait_for_more(channel, taken);
	if (channel->hello_due)
		channel_say_hello(channel);
}

static gboolean read_in(gint fd, GIOCondition condition, gpointer data)
{
	HintChannel *channel = data;
	ssize_t n = recv(fd, channel->in + channel->nr_in, sizeof(channel->in) - channel->nr_in,
			 MSG_DONTWAIT);

	(void)condition;
	if (n > 0)
		channel->nr_in += (size_t)n;
	if (n > 0)
		channel_go_on_reading(channel);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		channel_lost(channel);
	return G_SOURCE_CONTINUE;
}

/* ---- what does not happen ----------------------------------------------- */

static void forget_all(HintChannel *channel)
{
	if (channel->stands)
		channel->user.gone(channel->user.data);
	channel->stands = false;
}

/* An agent that says nothing; but one that we did not listen to may have something to say. */
static void check_silence(HintChannel *channel, int64_t now)
{
	bool open = channel->state == HINT_CHANNEL_OPEN;

	if (open && channel->pause_source)
		channel->heard_ms = now;
	/* Nor was it heard while hmmd did not come to it. */
	if (now - channel->tick_ms > LATE_MS)
		channel->heard_ms = now;
	channel->tick_ms = now;
	if (now - channel->heard_ms < HINT_GONE_MS)
		return;
	forget_all(channel);
	/* One that does not read may be a VM that stands still: nobody's fault. */
	if (open && channel->nr_out)
		channel_lost(channel);
	else if (open)
		channel->hello_due = true;
}

static void check_half(HintChannel *channel, int64_t now)
{
	if (!channel->half_ms || now - channel->half_ms < HALF_MS)
		return;
	channel->half_ms = 0;
	if (channel->reader.begun)
		channel_end_conversation(channel, HINT_ERROR_HALF);
	else
		channel->nr_in = 0; /* remains of a session before this one */
}

/* One that does not read is told nothing more, and in the end not read from; see may_take(). */
static void check_unread(HintChannel *channel, int64_t now)
{
	if (!channel->nr_out || channel->unread || now - channel->sent_ms < HINT_CHANNEL_UNREAD_MS)
		return;
	channel->unread = true;
	channel->counters.unread++;
}

static gboolean tick(gpointer data)
{
	HintChannel *channel = data;
	int64_t now = channel_now_ms();

	check_unread(channel, now);
	check_silence(channel, now);
	check_half(channel, now);
	if (channel->fd >= 0 && channel->hello_due)
		channel_say_hello(channel);
	return G_SOURCE_CONTINUE;
}

/* ---- from outside ------------------------------------------------------- */

HintChannel *hint_channel_new(const char *path, pid_t pid, const struct hint_limits *limits,
			      const HintChannelUser *user)
{
	HintChannel *channel = g_new0(HintChannel, 1);

	channel->path = g_strdup(path);
	channel->pid = pid;
	channel->limits = *limits;
	channel->user = *user;
	channel->fd = -1;
	channel->backoff_ms = HINT_CHANNEL_BACKOFF_MS;
	channel->frames = budget_begin(limits->frames_per_second, limits->frames_per_second,
				       channel_now_ms());
	channel->tick_source = g_timeout_add_seconds(TICK_SECONDS, tick, channel);
	channel_connect_in(channel, HINT_CHANNEL_CONNECTING, 0);
	return channel;
}

void hint_channel_free(HintChannel *channel)
{
	if (!channel)
		return;
	if (channel->state == HINT_CHANNEL_OPEN)
		channel_say_last(channel, HINT_ERROR_ENDING);
	channel_hang_up(channel);
	channel_drop_source(&channel->connect_source);
	channel_drop_source(&channel->tick_source);
	g_free(channel->path);
	g_free(channel);
}

enum hint_channel_state hint_channel_state(const HintChannel *channel)
{
	return channel->state;
}

const char *hint_channel_state_name(const HintChannel *channel)
{
	return state_names[channel->state];
}

uint32_t hint_channel_session(const HintChannel *channel)
{
	return channel->state == HINT_CHANNEL_OPEN ? channel->reader.session : 0;
}

const char *hint_channel_path(const HintChannel *channel)
{
	return channel->path;
}

const HintChannelCounters *hint_channel_counters(const HintChannel *channel)
{
	return &channel->counters;
}
