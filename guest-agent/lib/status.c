// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status.c - asking what has become of hints
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

void status_from_local(struct hmmhint_status *status, const struct local_status *local)
{
	*status = (struct hmmhint_status){
		.cookie = local->cookie,
		.addr = local->address,
		.len = local->length,
		.pid = local->pid,
		.uid = local->uid,
		.advice = local->advice,
		.priority = local->priority,
		.flags = (local->flags & LOCAL_KEEP ? HMMHINT_KEEP : 0) |
			 (local->flags & LOCAL_WHOLE ? HMMHINT_WHOLE : 0),
		.state = local->state,
		.reason = local->reason,
		.asked_bytes = local->asked_bytes,
		.told_bytes = local->told_bytes,
		.done_bytes = local->done_bytes,
		.absent_bytes = local->absent_bytes,
		.shared_bytes = local->shared_bytes,
		.left_bytes = local->left_bytes,
		.nr_skips = local->nr_skips,
	};
	for (uint32_t i = 0; i < local->nr_skips; i++) {
		status->skips[i].reason = local->skips[i].reason;
		status->skips[i].bytes = local->skips[i].bytes;
	}
}

/* Hint @i of a reply that was checked. */
static void get_status(struct hmmhint_status *status, const char *reply, size_t i, uint64_t *number)
{
	struct local_status local;

	memcpy(&local, reply + sizeof(struct local_reply) + i * sizeof(local), sizeof(local));
	status_from_local(status, &local);
	*number = local.number;
}

PUBLIC int hmmhint_status(struct hmmhint *h, uint64_t cookie, struct hmmhint_status *status)
{
	struct local_ask ask = {
		.header = local_header(LOCAL_STATUS, sizeof(ask)),
		.cookie = cookie,
	};
	uint64_t number;
	int error = local_check_request(&ask, sizeof(ask));

	if (!error)
		error = handle_lock(h);
	if (error)
		return result(error);
	error = handle_ask(h, &ask, sizeof(ask), LOCAL_STATUS);
	if (!error)
		get_status(status, h->reply, 0, &number);
	handle_unlock(h);
	return result(error);
}

/* Over a connection of its own: the agent answers when it is over. */
PUBLIC int hmmhint_wait(struct hmmhint *h, uint64_t cookie, int timeout_ms)
{
	struct local_ask ask = {
		.header = local_header(LOCAL_WAIT, sizeof(ask)),
		.cookie = cookie,
		.timeout_ms = timeout_ms,
	};
	int patience = timeout_ms < 0				   ? -1
		       : timeout_ms > INT32_MAX - REPLY_TIMEOUT_MS ? INT32_MAX
								   : timeout_ms + REPLY_TIMEOUT_MS;
	int fd, error = local_check_request(&ask, sizeof(ask));
	char *reply;

	if (!error)
		error = handle_lock(h);
	if (error)
		return result(error);
	error = handle_connect(h); /* an agent that has begun anew has to know the hint first */
	handle_unlock(h);
	if (error)
		return result(error);
	reply = malloc(LOCAL_REPLY_MAX);
	if (!reply)
		return result(ENOMEM);
	error = connect_agent(&h->address, &fd);
	if (!error) {
		error = exchange(fd, &ask, sizeof(ask), LOCAL_WAIT, reply, patience);
		close(fd);
	}
	free(reply);
	return result(error);
}

/* One reply's worth more: *@more is false at the end. */
static int list_more(struct hmmhint *h, struct hmmhint_status **list, size_t *nr, uint64_t *number,
		     bool *more)
{
	struct local_ask ask = {
		.header = local_header(LOCAL_LIST, sizeof(ask)),
		.number = *number,
	};
	struct hmmhint_status *longer;
	struct local_reply reply;
	int error = handle_ask(h, &ask, sizeof(ask), LOCAL_LIST);

	if (error)
		return error;
	memcpy(&reply, h->reply, sizeof(reply));
	*more = reply.nr > 0;
	if (!reply.nr)
		return 0;
	longer = realloc(*list, (*nr + reply.nr) * sizeof(*longer));
	if (!longer)
		return ENOMEM;
	*list = longer;
	for (uint32_t i = 0; i < reply.nr; i++) {
		uint64_t before = *number;

		get_status(&longer[(*nr)++], h->reply, i, number);
		if (*number <= before)
			return ENOTCONN; /* it would never end */
	}
	return 0;
}

PUBLIC int hmmhint_list(struct hmmhint *h, struct hmmhint_status **list, size_t *nr)
{
	struct hmmhint_status *got = NULL;
	uint64_t number = 0;
	size_t n = 0;
	bool more = true;
	int error = handle_lock(h);

	if (error)
		return result(error);
	while (!error && more)
		error = list_more(h, &got, &n, &number, &more);
	handle_unlock(h);
	if (error) {
		free(got);
		return result(error);
	}
	*list = got;
	*nr = n;
	return 0;
}
