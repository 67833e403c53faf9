// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * request.c - what is asked, and who may ask it
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agentd.h"

/* Whom it is about, if the caller may speak of it: a reference. */
static int find_process(struct agent *agent, struct connection *connection, pid_t pid,
			struct process **process)
{
	uid_t uid = connection->user->uid;
	int directory, error;

	if (pid == 0 || pid == connection->process->pid) {
		*process = connection->process;
		(*process)->refs++;
	} else if (uid != 0) {
		return EPERM;
	} else {
		error = process_of_pid(agent, pid, process);
		if (error)
			return error == EMFILE ? ENOSPC : error;
	}
	error = process_open(*process, uid, &directory);
	if (error) {
		process_put(agent, *process);
		return error == EMFILE ? ENOSPC : error;
	}
	close(directory);
	return 0;
}

static bool is_same(const struct local_status *status, const struct local_advise *advise)
{
	return status->address == advise->address && status->length == advise->length &&
	       status->advice == advise->advice && status->priority == advise->priority &&
	       status->flags == advise->flags;
}

/* A library that gives its hints again: the agent may have them still, from another connection. */
static int adopt(struct agent *agent, struct connection *connection,
		 const struct local_advise *advise, const struct process *process, bool *adopted)
{
	struct hint *hint = hint_find_cookie(agent, advise->cookie);

	*adopted = false;
	if (hint_is_going(agent, advise->cookie))
		return EAGAIN;
	if (!hint)
		return 0;
	if (hint->process != process || !connection_may(connection, hint) ||
	    !is_same(&hint->status, advise))
		return EEXIST;
	list_remove(&hint->of_connection);
	if (!(advise->flags & LOCAL_KEEP))
		list_append(&connection->hints, &hint->of_connection);
	*adopted = true;
	return 0;
}

static void advise(struct agent *agent, struct connection *connection, const void *request)
{
	struct local_reply reply = { .header.type = LOCAL_ADVISE };
	struct local_advise asked;
	struct process *process;
	struct hint *hint;
	bool adopted = false;
	int error;

	memcpy(&asked, request, sizeof(asked));
	error = find_process(agent, connection, asked.pid, &process);
	if (error) {
		connection_error(connection, LOCAL_ADVISE, error);
		return;
	}
	if (asked.cookie)
		error = adopt(agent, connection, &asked, process, &adopted);
	reply.cookie = asked.cookie;
	if (!error && !adopted) {
		error = hint_add(agent, &asked, process, connection, &hint);
		if (!error)
			reply.cookie = hint->status.cookie;
	}
	process_put(agent, process);
	if (error)
		connection_error(connection, LOCAL_ADVISE, error);
	else
		connection_reply(connection, &reply, 0);
}

static bool is_meant(const struct local_forget *forget, const struct hint *hint)
{
	switch (forget->which) {
	case LOCAL_THIS:
		return hint->status.cookie == forget->cookie;
	case LOCAL_OF_PID:
		return hint->status.pid == forget->pid;
	}
	return true;
}

static void forget(struct agent *agent, struct connection *connection, const void *request)
{
	struct local_reply reply = { .header.type = LOCAL_FORGET };
	struct list *all = &agent->hints.by_number;
	struct local_forget asked;
	struct list *at, *next;

	memcpy(&asked, request, sizeof(asked));
	for (at = all->next; at != all; at = next) {
		struct hint *hint = container_of(at, struct hint, by_number);

		next = at->next;
		if (!is_meant(&asked, hint) || !connection_may(connection, hint))
			continue;
		hint_forget(agent, hint);
		reply.nr++;
	}
	if (asked.which == LOCAL_THIS && reply.nr == 0)
		reply.error = ENOENT;
	connection_reply(connection, &reply, 0);
}

static void status(struct agent *agent, struct connection *connection, const void *request)
{
	struct local_ask asked;
	struct hint *hint;

	memcpy(&asked, request, sizeof(asked));
	hint = hint_find_cookie(agent, asked.cookie);
	if (hint && connection_may(connection, hint))
		connection_reply_hint(connection, LOCAL_STATUS, hint);
	else
		connection_error(connection, LOCAL_STATUS, ENOENT);
}

static void list(struct agent *agent, struct connection *connection, const void *request)
{
	static union {
		struct local_reply reply;
		char room[LOCAL_REPLY_MAX];
	} answer;
	char *at_hint = answer.room + sizeof(struct local_reply);
	const struct list *all = &agent->hints.by_number;
	struct local_ask asked;
	uint32_t nr = 0;

	memcpy(&asked, request, sizeof(asked));
	for (struct list *at = all->next; at != all && nr < LOCAL_LIST_MAX; at = at->next) {
		struct hint *hint = container_of(at, struct hint, by_number);

		if (hint->status.number <= asked.number || !connection_may(connection, hint))
			continue;
		memcpy(at_hint + nr++ * sizeof(hint->status), &hint->status, sizeof(hint->status));
	}
	answer.reply = (struct local_reply){ .header.type = LOCAL_LIST, .nr = nr };
	connection_reply(connection, &answer.reply, nr);
}

void request_handle(struct agent *agent, struct connection *connection, const void *request)
{
	struct local_header header;
	struct local_ask asked;

	memcpy(&header, request, sizeof(header));
	switch (header.type) {
	case LOCAL_ADVISE:
		advise(agent, connection, request);
		break;
	case LOCAL_FORGET:
		forget(agent, connection, request);
		break;
	case LOCAL_STATUS:
		status(agent, connection, request);
		break;
	case LOCAL_WAIT:
		memcpy(&asked, request, sizeof(asked));
		connection_wait(agent, connection, asked.cookie, asked.timeout_ms);
		break;
	case LOCAL_LIST:
		list(agent, connection, request);
		break;
	}
}
