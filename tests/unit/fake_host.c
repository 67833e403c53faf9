// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_host.h"

#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int64_t test_now_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

void host_begin(struct fake_host *host, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(host, 0, sizeof(*host));
	host->fd = -1;
	host->session = 0x1000;
	host->limits = (struct hint_limits){
		.min_version = 1,
		.max_version = 1,
		.max_hints = 4096,
		.max_extents = 1 << 20,
		.frames_per_second = 1000,
	};
	host->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	g_assert(bind(host->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	g_assert(listen(host->listener, 4) == 0);
}

bool host_accept(struct fake_host *host)
{
	struct pollfd item = { .fd = host->listener, .events = POLLIN };

	if (poll(&item, 1, PATIENCE_MS) != 1)
		return false;
	host->fd = accept4(host->listener, NULL, NULL, SOCK_CLOEXEC);
	host->reader = (struct hint_reader){ HINT_SIDE_GUEST, host->session, false };
	host->n = host->used = 0;
	return host->fd >= 0;
}

void host_hang_up(struct fake_host *host)
{
	if (host->fd >= 0)
		close(host->fd);
	host->fd = -1;
}

void host_end(struct fake_host *host)
{
	host_hang_up(host);
	close(host->listener);
}

void host_send(struct fake_host *host, const void *bytes, size_t n)
{
	g_assert(send(host->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static bool read_more(struct fake_host *host, int timeout_ms)
{
	struct pollfd item = { .fd = host->fd, .events = POLLIN };
	ssize_t n;

	memmove(host->in, host->in + host->used, host->n - host->used);
	host->n -= host->used;
	host->used = 0;
	if (poll(&item, 1, timeout_ms) != 1)
		return false;
	n = read(host->fd, host->in + host->n, sizeof(host->in) - host->n);
	if (n <= 0)
		return false;
	host->n += (size_t)n;
	return true;
}

const void *host_frame(struct fake_host *host, int timeout_ms)
{
	const int64_t end = test_now_ms() + timeout_ms;

	for (;;) {
		int64_t left = end - test_now_ms();
		const void *frame;
		size_t used;

		switch (hint_find(&host->reader, host->in + host->used, host->n - host->used, &used,
				  &frame)) {
		case HINT_FOUND_FRAME:
			host->used += used;
			host->pings += hint_type_of(frame) == HINT_TYPE_PING;
			if (hint_type_of(frame) != HINT_TYPE_GUEST_START &&
			    hint_type_of(frame) != HINT_TYPE_PING)
				return frame;
			continue;
		case HINT_FOUND_BROKEN:
			printf("\nwhat the agent says is broken\n");
			return NULL;
		case HINT_FOUND_NOTHING:
			host->used += used;
		}
		if (!read_more(host, left < 0 ? 0 : (int)left))
			return NULL;
	}
}

static bool is_type(const void *frame, enum hint_type type)
{
	if (frame && hint_type_of(frame) == type)
		return true;
	printf("\nframe of type %d, expected %d\n", frame ? (int)hint_type_of(frame) : 0,
	       (int)type);
	return false;
}

bool host_hello(struct fake_host *host)
{
	char hello[HINT_FRAME_MAX];
	uint32_t capabilities;
	const void *frame;

	host->session++;
	host_send(host, hello,
		  hint_put_host_hello(hello, sizeof(hello), host->session, &host->limits));
	host->reader = (struct hint_reader){ HINT_SIDE_GUEST, host->session, false };
	frame = host_frame(host, PATIENCE_MS);
	if (!is_type(frame, HINT_TYPE_GUEST_HELLO) ||
	    hint_get_guest_hello(frame, &capabilities) != 1)
		return false;
	return host_forget(host, HINT_COOKIE_ALL);
}

bool host_hint(struct fake_host *host, struct told *told)
{
	uint64_t end = 0;

	*told = (struct told){ .nr = 0 };
	do {
		const void *frame = host_frame(host, PATIENCE_MS);

		if (!is_type(frame, HINT_TYPE_HINT) || !hint_extents_valid(frame, &end))
			return false;
		told->request = hint_get_hint(frame);
		if (told->request.first != (told->nr == 0))
			return false;
		told->extents = g_renew(struct hint_extent, told->extents,
					told->nr + told->request.nr_extents);
		for (uint32_t i = 0; i < told->request.nr_extents; i++)
			told->extents[told->nr++] = hint_get_extent(frame, i);
	} while (!told->request.last);
	return true;
}

bool host_forget(struct fake_host *host, uint64_t cookie)
{
	const void *frame = host_frame(host, PATIENCE_MS);

	return is_type(frame, HINT_TYPE_FORGET) && hint_get_cookie(frame) == cookie;
}

bool host_silent(struct fake_host *host, int ms)
{
	return host_frame(host, ms) == NULL;
}

void host_result(struct fake_host *host, const struct hint_result *result)
{
	char frame[HINT_FRAME_MAX];

	host_send(host, frame, hint_put_result(frame, sizeof(frame), host->session, result));
}

void told_clear(struct told *told)
{
	g_free(told->extents);
	told->extents = NULL;
}

uint64_t told_bytes(const struct told *told)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < told->nr; i++)
		bytes += told->extents[i].length;
	return bytes;
}
