// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * connect.c - a connection to the agent, and one request over it
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "private.h"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until there is something to read: 0, ETIMEDOUT, or ENOTCONN. */
static int wait_readable(int fd, int timeout_ms)
{
	const int64_t end = now_ms() + timeout_ms;
	struct pollfd item = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
		int n = poll(&item, 1, left < 0 && timeout_ms >= 0 ? 0 : (int)left);

		if (n > 0)
			return 0;
		if (n == 0)
			return ETIMEDOUT;
		if (errno != EINTR)
			return ENOTCONN;
	}
}

static int receive(int fd, enum local_type type, void *reply, int timeout_ms)
{
	struct local_reply head;
	ssize_t n;
	int error;

	error = wait_readable(fd, timeout_ms);
	if (error)
		return ENOTCONN; /* an agent that does not answer is none */
	do
		n = recv(fd, reply, LOCAL_REPLY_MAX, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || local_check_reply(reply, (size_t)n, type))
		return ENOTCONN;
	memcpy(&head, reply, sizeof(head));
	return head.error;
}

int exchange(int fd, const void *request, size_t size, enum local_type type, void *reply,
	     int timeout_ms)
{
	ssize_t n;

	do
		n = send(fd, request, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)size)
		return ENOTCONN;
	return receive(fd, type, reply, timeout_ms);
}

/* The agent's greeting: does it take us? */
static int greeted(int fd)
{
	char reply[sizeof(struct local_reply)];
	struct local_reply head;
	ssize_t n;

	if (wait_readable(fd, REPLY_TIMEOUT_MS))
		return ENOTCONN;
	do
		n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || local_check_reply(reply, (size_t)n, LOCAL_HELLO))
		return ENOTCONN;
	memcpy(&head, reply, sizeof(head));
	return head.error;
}

int connect_agent(const struct sockaddr_un *address, int *fd)
{
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (s < 0)
		return errno == ENOBUFS || errno == ENOMEM ? ENOMEM : ENOTCONN;
	if (connect(s, (const struct sockaddr *)address, sizeof(*address)) < 0)
		error = errno == EAGAIN ? EUSERS : ENOTCONN; /* EAGAIN: its queue is full */
	else
		error = greeted(s);
	if (error) {
		close(s);
		return error;
	}
	*fd = s;
	return 0;
}
