// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * connection.c - who speaks, one request after the other
 *
 * Who it is the kernel has noted as the socket was connected; what the process says of itself counts
 * for nothing, and neither does what it has become since, or to whom it has given the socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agentd.h"

bool connection_may(const struct connection *connection, const struct hint *hint)
{
	return connection->user->uid == 0 || connection->user->uid == hint->status.uid;
}

/* ---- replies ---------------------------------------------------------------------------- */

/* False: it could not be. */
static bool send_reply(int fd, struct local_reply *reply, enum local_type type, size_t nr_hints)
{
	size_t n = sizeof(*reply) + nr_hints * sizeof(struct local_status);

	reply->header = local_header(type, n);
	return send(fd, reply, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

void connection_reply(struct connection *connection, struct local_reply *reply, size_t nr_hints)
{
	/* That it has ended comes out of epoll: nothing is freed here. */
	if (!send_reply(connection->watch.fd, reply, (enum local_type)reply->header.type, nr_hints))
		shutdown(connection->watch.fd, SHUT_RDWR);
}

void connection_error(struct connection *connection, enum local_type type, int error)
{
	struct local_reply reply = { .header.type = (uint16_t)type, .error = error };

	connection_reply(connection, &reply, 0);
}

void connection_reply_hint(struct connection *connection, enum local_type type,
			   const struct hint *hint)
{
	union {
		struct local_reply reply;
		char room[sizeof(struct local_reply) + sizeof(struct local_status)];
	} answer = { .reply = { .header.type = (uint16_t)type, .nr = 1 } };

	memcpy(answer.room + sizeof(struct local_reply), &hint->status, sizeof(hint->status));
	connection_reply(connection, &answer.reply, 1);
}

/* ---- waiting ---------------------------------------------------------------------------- */

static void answer_wait(struct agent *agent, struct connection *connection)
{
	struct hint *hint = hint_find_cookie(agent, connection->wait_cookie);
	int error = 0;

	if (!hint || !connection_may(connection, hint))
		error = ENOENT;
	else if (hint->status.state < LOCAL_DONE && connection->wait_ms > agent->now_ms)
		return;
	else if (hint->status.state < LOCAL_DONE)
		error = ETIMEDOUT;
	connection->wait_cookie = 0;
	if (error)
		connection_error(connection, LOCAL_WAIT, error);
	else
		connection_reply_hint(connection, LOCAL_WAIT, hint);
}

void connection_wait(struct agent *agent, struct connection *connection, uint64_t cookie,
		     int32_t timeout_ms)
{
	connection->wait_cookie = cookie;
	connection->wait_ms = timeout_ms < 0 ? INT64_MAX : agent->now_ms + timeout_ms;
	answer_wait(agent, connection);
}

void connections_look(struct agent *agent, uint64_t cookie)
{
	for (struct list *at = agent->connections.next; at != &agent->connections; at = at->next) {
		struct connection *connection = container_of(at, struct connection, link);

		if (connection->wait_cookie == cookie)
			answer_wait(agent, connection);
	}
}

void connection_timers(struct agent *agent)
{
	for (struct list *at = agent->connections.next; at != &agent->connections; at = at->next) {
		struct connection *connection = container_of(at, struct connection, link);

		if (connection->wait_cookie && connection->wait_ms <= agent->now_ms)
			answer_wait(agent, connection);
	}
}

int64_t connection_due_ms(struct agent *agent)
{
	int64_t due = INT64_MAX;

	for (struct list *at = agent->connections.next; at != &agent->connections; at = at->next) {
		struct connection *connection = container_of(at, struct connection, link);

		if (connection->wait_cookie && connection->wait_ms < due)
			due = connection->wait_ms;
	}
	return due;
}

/* ---- life ------------------------------------------------------------------------------- */

void connection_close(struct agent *agent, struct connection *connection)
{
	loop_remove(agent, &connection->watch);
	close(connection->watch.fd);
	list_remove(&connection->link);
	agent->nr_connections--;
	connection->user->nr_connections--;
	while (!list_empty(&connection->hints))
		hint_forget(agent,
			    container_of(connection->hints.next, struct hint, of_connection));
	process_put(agent, connection->process);
	free(connection);
}

static void connection_ready(struct agent *agent, struct watch *watch, uint32_t events)
{
	struct connection *connection = container_of(watch, struct connection, watch);
	char request[LOCAL_REQUEST_MAX];
	struct local_header header;
	ssize_t n = 0;
	int error;

	if (events & EPOLLIN)
		n = recv(watch->fd, request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Before the answer to WAIT there is nothing to ask. */
	if (n <= 0 || (size_t)n > sizeof(request) || connection->wait_cookie) {
		connection_close(agent, connection);
		return;
	}
	error = local_check_request(request, (size_t)n);
	if (error == EPROTO) {
		connection_close(agent, connection);
		return;
	}
	memcpy(&header, request, sizeof(header));
	if (!error && !budget_has(&connection->user->requests, agent->now_ms))
		error = EAGAIN;
	if (error) {
		connection_error(connection, (enum local_type)header.type, error);
		return;
	}
	budget_spend(&connection->user->requests, 1);
	request_handle(agent, connection, request);
}

/* May there be one more?  The user is found on the way. */
static int may_open(struct agent *agent, uid_t uid, struct user **user)
{
	*user = user_get(agent, uid);
	if (!*user || agent->nr_connections >= agent->options.max_connections)
		return EUSERS;
	if (uid != 0 && (*user)->nr_connections >= agent->options.max_connections_per_user)
		return EUSERS;
	if (!budget_has(&(*user)->requests, agent->now_ms))
		return EAGAIN;
	budget_spend(&(*user)->requests, 1);
	return 0;
}

static int make(struct agent *agent, int fd, const struct ucred *peer, struct user *user)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int error;

	if (!connection)
		return ENOMEM;
	connection->watch = (struct watch){ fd, connection_ready };
	connection->user = user;
	list_begin(&connection->hints);
	error = process_of_peer(agent, fd, peer->pid, &connection->process);
	if (error) {
		free(connection);
		return error == ESRCH ? ENOTCONN : EUSERS;
	}
	error = loop_add(agent, &connection->watch, EPOLLIN);
	if (error) {
		process_put(agent, connection->process);
		free(connection);
		return ENOMEM;
	}
	list_append(&agent->connections, &connection->link);
	agent->nr_connections++;
	user->nr_connections++;
	connection_error(connection, LOCAL_HELLO, 0);
	return 0;
}

void connection_open(struct agent *agent, int fd)
{
	struct local_reply refusal = { .error = 0 };
	socklen_t size = sizeof(struct ucred);
	struct user *user = NULL;
	struct ucred peer;
	int error = ENOTCONN;

	/* A process that this pid namespace does not have has the number 0. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
		error = may_open(agent, peer.uid, &user);
	if (!error)
		error = make(agent, fd, &peer, user);
	if (!error)
		return;
	refusal.error = error;
	send_reply(fd, &refusal, LOCAL_HELLO, 0);
	close(fd);
}
