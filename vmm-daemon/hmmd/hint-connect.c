// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-connect.c - the connection to QEMU that a hint channel needs: made, lost, and made again
 */
#include <errno.h>
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
	channel->half_ms = 0;
	channel->unread = false;
	channel->hello_due = false;
}

void channel_lost(HintChannel *channel)
{
	channel_hang_up(channel);
	channel_connect_in(channel, HINT_CHANNEL_CONNECTING, CONNECT_MS);
}

void channel_say_last(HintChannel *channel, enum hint_error error)
{
	unsigned char frame[64];
	size_t n = hint_put_error(frame, sizeof(frame), channel->reader.session, error);
	ssize_t sent = 0;

	/* Answers to what came before it; where there is no room for all of them it is not to be had. */
	if (channel->nr_out)
		sent = send(channel->fd, channel->out, channel->nr_out,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent == (ssize_t)channel->nr_out)
		send(channel->fd, frame, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void channel_end_conversation(HintChannel *channel, enum hint_error error)
{
	channel->counters.errors[error]++;
	channel->user.trouble(hint_error_name(error), channel->user.data);
	channel_say_last(channel, error);
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

/* Returns a socket, or -errno. */
static int connect_to(const HintChannel *channel)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (g_strlcpy(address.sun_path, channel->path, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path))
		err = -ENAMETOOLONG;
	else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	else if (!is_right_peer(channel, fd))
		err = -EPERM;
	if (err)
		close(fd);
	return err ? err : fd;
}

/* Say it once, not each second. */
static void tell_trouble(HintChannel *channel, int err)
{
	g_autofree char *what = g_strdup_printf("%s: %s", channel->path,
						err == EPERM ? "not that VM's process listens there"
							     : g_strerror(err));

	if (channel->trouble != err)
		channel->user.trouble(what, channel->user.data);
	channel->trouble = err;
}

static gboolean try_to_connect(gpointer data)
{
	HintChannel *channel = data;

	channel->connect_source = 0;
	channel->fd = connect_to(channel);
	if (channel->fd < 0) {
		tell_trouble(channel, -channel->fd);
		channel->fd = -1;
		channel_connect_in(channel, HINT_CHANNEL_CONNECTING, CONNECT_MS);
		return G_SOURCE_REMOVE;
	}
	channel->trouble = 0;
	channel->counters.connections++;
	channel->hello_ms = 0;
	channel_say_hello(channel);
	channel_go_on_reading(channel);
	return G_SOURCE_REMOVE;
}

void channel_connect_in(HintChannel *channel, enum hint_channel_state state, unsigned int ms)
{
	channel->state = state;
	channel_drop_source(&channel->connect_source);
	channel->connect_source = g_timeout_add(ms, try_to_connect, channel);
}
