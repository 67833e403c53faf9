// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * handle.c - a handle's life, and its connection
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "private.h"

int result(int error)
{
	if (!error)
		return 0;
	errno = error;
	return -1;
}

PUBLIC struct hmmhint *hmmhint_open_at(const char *path)
{
	struct hmmhint *h;

	if (strlen(path) >= sizeof(h->address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->wake < 0) {
		free(h);
		errno = ENOMEM;
		return NULL;
	}
	h->pid = getpid();
	h->fd = -1;
	h->address.sun_family = AF_UNIX;
	strcpy(h->address.sun_path, path);
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

PUBLIC struct hmmhint *hmmhint_open(void)
{
	return hmmhint_open_at(LOCAL_SOCKET);
}

PUBLIC void hmmhint_close(struct hmmhint *h)
{
	int saved = errno;

	if (!h)
		return;
	if (h->pid == getpid()) {
		keeper_stop(h);
		/* A forked child may still have the socket: this ends it for all. */
		if (h->fd >= 0)
			shutdown(h->fd, SHUT_RDWR);
		pthread_mutex_destroy(&h->lock);
	}
	standing_drop_pid(h, 0);
	if (h->fd >= 0)
		close(h->fd);
	close(h->wake);
	free(h);
	errno = saved;
}

int handle_lock(struct hmmhint *h)
{
	/* Not the lock: in the child it may be held by a thread that there is not. */
	if (h->pid != getpid())
		return ECHILD;
	pthread_mutex_lock(&h->lock);
	return 0;
}

void handle_unlock(struct hmmhint *h)
{
	pthread_mutex_unlock(&h->lock);
}

void handle_disconnect(struct hmmhint *h)
{
	if (h->fd < 0)
		return;
	close(h->fd);
	h->fd = -1;
	standing_lost(h);
	keeper_wake(h);
}

int handle_connect(struct hmmhint *h)
{
	int error = 0;

	if (h->fd < 0)
		error = connect_agent(&h->address, &h->fd);
	if (!error)
		error = standing_give(h);
	if (error == ENOTCONN)
		handle_disconnect(h);
	return error;
}

int handle_ask(struct hmmhint *h, const void *request, size_t size, enum local_type type)
{
	for (int tries = 0;; tries++) {
		bool fresh = h->fd < 0;
		int error = handle_connect(h);

		if (error)
			return error;
		error = exchange(h->fd, request, size, type, h->reply, REPLY_TIMEOUT_MS);
		if (error != ENOTCONN)
			return error;
		handle_disconnect(h);
		if (fresh || tries)
			return error;
	}
}
