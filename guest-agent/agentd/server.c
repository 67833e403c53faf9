// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * server.c - the local socket
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agentd.h"

#define BACKLOG 64

static void server_ready(struct agent *agent, struct watch *watch, uint32_t events)
{
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		connection_open(agent, fd);
}

/* What an agent that was killed has left, but not the socket of one that runs. */
static int remove_stale(int fd, const struct sockaddr_un *address)
{
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return EADDRINUSE;
	return unlink(address->sun_path) < 0 ? errno : 0;
}

static int bind_socket(int fd, const struct sockaddr_un *address)
{
	int error;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return errno;
	error = remove_stale(fd, address);
	if (error)
		return error;
	return bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
}

int server_begin(struct agent *agent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = agent->options.socket;
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	error = bind_socket(fd, &address);
	/* Anybody may ask; what about is another question. */
	if (!error && (chmod(path, 0666) < 0 || listen(fd, BACKLOG) < 0))
		error = errno;
	agent->server = (struct watch){ fd, server_ready };
	if (!error)
		error = loop_add(agent, &agent->server, EPOLLIN);
	if (error)
		close(fd);
	return error;
}
