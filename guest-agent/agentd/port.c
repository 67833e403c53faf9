// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * port.c - the virtio port, or a unix socket in its place
 *
 * Of a port whose other end is closed poll() says POLLHUP for as long as that lasts, and read()
 * returns 0.  It is not closed then, but not watched either: twice a second a look is taken whether
 * the host is back.  A socket is closed, and connected again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agentd.h"

#define TRY_MS 500

static int connect_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int open_port(struct port *port, const char *path)
{
	struct stat about;

	if (stat(path, &about) < 0)
		return -1;
	port->is_socket = S_ISSOCK(about.st_mode);
	if (port->is_socket)
		return connect_socket(path);
	return open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void hung_up(struct agent *agent, bool close_it)
{
	struct port *port = &agent->port;

	if (port->state == PORT_OPEN) {
		loop_remove(agent, &port->watch);
		log_info("the host has hung up");
	}
	if (close_it || port->is_socket) {
		if (port->watch.fd >= 0)
			close(port->watch.fd);
		port->watch.fd = -1;
		port->state = PORT_CLOSED;
	} else {
		port->state = PORT_HUNG_UP;
	}
	port->try_ms = agent->now_ms + TRY_MS;
	channel_gone(agent);
}

static void port_ready(struct agent *agent, struct watch *watch, uint32_t events)
{
	struct port *port = &agent->port;

	(void)watch;
	if (events & EPOLLIN)
		channel_read(agent);
	if (port->state == PORT_OPEN && (events & EPOLLOUT))
		channel_write(agent);
	/* What it said last was read before that: POLLIN comes along with it until all is. */
	if (port->state == PORT_OPEN && !(events & EPOLLIN) && (events & (EPOLLHUP | EPOLLERR)))
		hung_up(agent, false);
}

void port_begin(struct agent *agent)
{
	agent->port = (struct port){
		.watch = { -1, port_ready },
		.state = PORT_CLOSED,
		.try_ms = agent->now_ms,
	};
}

static bool reopened(struct agent *agent)
{
	struct port *port = &agent->port;

	port->watch.fd = open_port(port, agent->options.port);
	if (port->watch.fd < 0 && !port->complained) {
		log_info("%s: %s; trying on", agent->options.port, strerror(errno));
		port->complained = true;
	}
	return port->watch.fd >= 0;
}

void port_timers(struct agent *agent)
{
	struct port *port = &agent->port;
	struct pollfd item = { .events = POLLIN };

	if (port->state == PORT_OPEN || port->try_ms > agent->now_ms)
		return;
	port->try_ms = agent->now_ms + TRY_MS;
	if (port->state == PORT_CLOSED && !reopened(agent))
		return;
	port->state = PORT_HUNG_UP;
	item.fd = port->watch.fd;
	if (poll(&item, 1, 0) > 0 && (item.revents & (POLLHUP | POLLERR | POLLNVAL))) {
		if (port->is_socket || (item.revents & (POLLERR | POLLNVAL)))
			hung_up(agent, true);
		return;
	}
	if (loop_add(agent, &port->watch, EPOLLIN)) {
		hung_up(agent, true);
		return;
	}
	port->state = PORT_OPEN;
	port->complained = false;
	log_info("%s: the host is there", agent->options.port);
	channel_connected(agent);
}

ssize_t port_read(struct agent *agent, void *to, size_t room)
{
	ssize_t n = read(agent->port.watch.fd, to, room);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	hung_up(agent, n < 0);
	return -1;
}

ssize_t port_write(struct agent *agent, const void *from, size_t n)
{
	struct port *port = &agent->port;
	ssize_t done;

	if (port->state != PORT_OPEN)
		return -1;
	done = port->is_socket ? send(port->watch.fd, from, n, MSG_NOSIGNAL)
			       : write(port->watch.fd, from, n);
	if (done >= 0)
		return done;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	hung_up(agent, !port->is_socket && errno != EPIPE);
	return -1;
}

void port_want_write(struct agent *agent, bool want)
{
	if (agent->port.state == PORT_OPEN)
		loop_change(agent, &agent->port.watch, EPOLLIN | (want ? EPOLLOUT : 0));
}
