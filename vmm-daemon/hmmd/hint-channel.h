/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-channel.h - hmmd's end of a guest's port org.hmmd.agent.0: PROTOCOL.md, "Hint channel"
 *
 * It connects, says hello, finds frames, and begins anew after whatever goes wrong.  What it costs
 * is bounded: one frame of input, HINT_CHANNEL_OUT_MAX bytes of output, so many frames in a
 * second; a guest that is faster, or does not read, is not read from.
 */
#ifndef HMMD_HINT_CHANNEL_H
#define HMMD_HINT_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hint.h"

#define HINT_CHANNEL_OUT_MAX   32768u
#define HINT_CHANNEL_UNREAD_MS 1000

/* A frame costs one of the guest's frames_per_second, and one more for each of so many bytes. */
#define HINT_CHANNEL_UNIT 4096u

typedef struct HintChannel HintChannel;

/* X(NAME, "name") */
#define HINT_CHANNEL_STATE_LIST(X)                                                   \
	X(CONNECTING, "connecting") /* the socket cannot be had yet */               \
	X(GREETING, "greeting")	    /* HOST_HELLO was said: no agent has answered */ \
	X(OPEN, "open")		    /* an agent talks */                             \
	X(WAITING, "waiting")	    /* the conversation was ended; soon a new one begins */

enum hint_channel_state {
#define HINT_CHANNEL_STATE_ENUM(NAME, name) HINT_CHANNEL_##NAME,
	HINT_CHANNEL_STATE_LIST(HINT_CHANNEL_STATE_ENUM)
#undef HINT_CHANNEL_STATE_ENUM
};

/* X(FIELD, "name") */
#define HINT_CHANNEL_COUNTER_LIST(X)                                             \
	X(connections, "connections") /* that were made */                       \
	X(sessions, "sessions")	      /* that were begun */                      \
	X(frames, "frames")	      /* that were taken */                      \
	X(paused, "paused")	      /* times that it was too fast: it waits */ \
	X(unread, "unread")	      /* times that it has not read for HINT_CHANNEL_UNREAD_MS */

typedef struct {
#define HINT_CHANNEL_COUNTER_FIELD(field, name) uint64_t field;
	HINT_CHANNEL_COUNTER_LIST(HINT_CHANNEL_COUNTER_FIELD)
#undef HINT_CHANNEL_COUNTER_FIELD
	uint64_t errors[HINT_ERROR_LAST + 1]; /* conversations that were ended, by why */
} HintChannelCounters;

typedef struct {
	/* A HINT or FORGET: 0, or why the conversation ends. */
	enum hint_error (*frame)(const void *frame, void *data);

	/* There is room to send: hint_channel_room(). */
	void (*writable)(void *data);

	/* A conversation was ended, or there can be none: why, for a person. */
	void (*trouble)(const char *why, void *data);

	/* The agent has been silent, or away, for HINT_GONE_MS: all that it said is void. */
	void (*gone)(void *data);
	void *data;
} HintChannelUser;

/*
 * path: of the unix socket; pid: the process that must listen there, for the path is no more than
 * its word
 */
HintChannel *hint_channel_new(const char *path, pid_t pid, const struct hint_limits *limits,
			      const HintChannelUser *user);

/* Tells the guest that this is the end. */
void hint_channel_free(HintChannel *channel);

enum hint_channel_state hint_channel_state(const HintChannel *channel);
const char *hint_channel_state_name(const HintChannel *channel);
uint32_t hint_channel_session(const HintChannel *channel);
const char *hint_channel_path(const HintChannel *channel);
const HintChannelCounters *hint_channel_counters(const HintChannel *channel);

/*
 * Where to write a frame of the session, and how much room there is: none unless the channel is
 * open.  Then say how long it has become.
 */
void *hint_channel_room(HintChannel *channel, size_t *room);
void hint_channel_sent(HintChannel *channel, size_t n);

#endif /* HMMD_HINT_CHANNEL_H */
