// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-connect.c - the connection to QEMU that a hint channel needs: made, lost, and made again
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hint-channel-private.h"

#define CONNECT_MS     1000 /* from try to try */
#define BACKOFF_MAX_MS 60000
#define CALM_MS	       60000 /* a conversation that long was a good one */

/* ---- the end of a connection -------------------------------------------- */

void channel_hang_up(HintChannel *channel)
{
	channel_drop_source(&channel->in_source);
	channel_drop_source(&channel->out_source);
	channel_drop_source(&channel->pause_source);
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
	channel->nr_in = channel->nr_out = 0;
}

void channel_lost(HintChannel *channel)
{
	channel_hang_up(channel);
	channel_connect_in(channel, HINT_CHANNEL_CONNECTING, CONNECT_MS);
}

void channel_end_conversation(HintChannel *channel, enum hint_error error)
{
	unsigned char frame[64];
	size_t n = hint_put_error(frame, sizeof(frame), channel->reader.session, error);

	channel->counters.errors++;
	channel->user.ended(error, channel->user.data);
	if (!channel->nr_out)
		send(channel->fd, frame, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	channel_hang_up(channel);
	if (channel->state == HINT_CHANNEL_OPEN && channel_now_ms() - channel->open_ms > CALM_MS)
		channel->backoff_ms = HINT_CHANNEL_BACKOFF_MS;
	channel_connect_in(channel, HINT_CHANNEL_WAITING, channel->backoff_ms);
	channel->backoff_ms = MIN(2 * channel->backoff_ms, BACKOFF_MAX_MS);
}

/* ---- a connection begins ------------------------------------------------ */

/* Else a VMM could have us speak to whoever listens where it says. */
static bool is_right_peer(const HintChannel *channel, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       peer.pid == channel->pid;
}

static bool connect_now(HintChannel *channel)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	if (g_strlcpy(address.sun_path, channel->path, sizeof(address.sun_path)) >=
		    sizeof(address.sun_path) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    !is_right_peer(channel, fd)) {
		close(fd);
		return false;
	}
	channel->fd = fd;
	channel->counters.connections++;
	return true;
}

static gboolean try_to_connect(gpointer data)
{
	HintChannel *channel = data;

	channel->connect_source = 0;
	if (!connect_now(channel)) {
		channel_connect_in(channel, HINT_CHANNEL_CONNECTING, CONNECT_MS);
		return G_SOURCE_REMOVE;
	}
	channel->hello_ms = 0;
	channel_say_hello(channel);
	channel_go_on_reading(channel);
	return G_SOURCE_REMOVE;
}

void channel_connect_in(HintChannel *channel, enum hint_channel_state state, unsigned int ms)
{
	channel->state = state;
	channel->connect_source = g_timeout_add(ms, try_to_connect, channel);
}
