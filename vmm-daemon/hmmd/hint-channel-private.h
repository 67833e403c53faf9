/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-channel-private.h - what hint-channel.c, the conversation, and hint-connect.c, the
 * connection, know of each other
 */
#ifndef HMMD_HINT_CHANNEL_PRIVATE_H
#define HMMD_HINT_CHANNEL_PRIVATE_H

#include <glib.h>

#include "budget.h"
#include "hint-channel.h"

#define HINT_CHANNEL_BACKOFF_MS 1000 /* the first one */

struct HintChannel {
	char *path;
	pid_t pid;
	struct hint_limits limits;
	HintChannelUser user;
	enum hint_channel_state state;
	HintChannelCounters counters;

	int fd;
	guint in_source;
	guint out_source;
	guint pause_source;   /* reading goes on by itself */
	guint connect_source; /* CONNECTING, WAITING: when to try */
	guint tick_source;
	unsigned int backoff_ms;
	int trouble; /* why it could not connect, as was told */

	struct hint_reader reader;
	struct budget frames;
	bool hello_due;	  /* GUEST_START was read: answer when that may be */
	int64_t hello_ms; /* when HOST_HELLO was said */
	int64_t open_ms;  /* when GUEST_HELLO was read */
	int64_t heard_ms; /* when the agent was last heard, or could not be */
	int64_t tick_ms;  /* when it last ticked */
	int64_t half_ms;  /* since when the frame at hand is half; 0: it is not */
	bool stands;	  /* what was said, as far as the user knows */
	int64_t sent_ms;  /* when the guest's side last took something of out, or it was empty */
	bool unread;	  /* it takes nothing: that is counted */

	size_t nr_in;
	size_t nr_out;
	unsigned char in[HINT_FRAME_MAX];
	unsigned char out[HINT_CHANNEL_OUT_MAX];
};

static inline int64_t channel_now_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

static inline void channel_drop_source(guint *source)
{
	if (*source)
		g_source_remove(*source);
	*source = 0;
}

/* ---- hint-channel.c ----------------------------------------------------- */

/*
 * Begin a session, as GUEST_START asks for; not more often than it may, and not in the midst of
 * another frame: then it stays due.
 */
void channel_say_hello(HintChannel *channel);

/* Take what was read, as far as it may be; then wait for more. */
void channel_go_on_reading(HintChannel *channel);

/* ---- hint-connect.c ----------------------------------------------------- */

void channel_connect_in(HintChannel *channel, enum hint_channel_state state, unsigned int ms);
void channel_hang_up(HintChannel *channel);

/* QEMU has closed it, or is not there: try again. */
void channel_lost(HintChannel *channel);

/* ERROR, behind what is still to be sent, if there is room for all of it; before hanging up. */
void channel_say_last(HintChannel *channel, enum hint_error error);

/* What the guest says makes no sense.  It is told so if it reads; then there is a while of silence. */
void channel_end_conversation(HintChannel *channel, enum hint_error error);

#endif /* HMMD_HINT_CHANNEL_PRIVATE_H */
