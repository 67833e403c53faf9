// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keeper.c - a thread that sees the agent go, and gives the handle's hints to the next one
 *
 * A program that has given its hints may never call the library again, so somebody else has to.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "private.h"

#define RETRY_MS   1000
#define STACK_SIZE (256 * 1024)

void keeper_wake(struct hmmhint *h)
{
	const uint64_t one = 1;

	/* Where it cannot be written it is readable already. */
	if (write(h->wake, &one, sizeof(one)) < 0)
		return;
}

/* A pass: give again what is not given.  Returns how long to sleep: -1 until something happens. */
static int pass(struct hmmhint *h, int *fd)
{
	struct pollfd item = { .fd = h->fd, .events = 0 };

	if (h->fd >= 0 && poll(&item, 1, 0) > 0)
		handle_disconnect(h);
	if (!h->standing) {
		*fd = -1;
		return -1;
	}
	if (handle_connect(h)) {
		*fd = -1;
		return RETRY_MS;
	}
	*fd = h->fd;
	return -1;
}

static void *keep(void *data)
{
	struct hmmhint *h = data;
	uint64_t count;

	for (;;) {
		struct pollfd items[2] = { { .fd = h->wake, .events = POLLIN } };
		int timeout = 0;
		bool closing;

		if (read(h->wake, &count, sizeof(count)) < 0)
			count = 0;
		pthread_mutex_lock(&h->lock);
		closing = h->closing;
		if (!closing)
			timeout = pass(h, &items[1].fd);
		pthread_mutex_unlock(&h->lock);
		if (closing)
			return NULL;
		/*
		 * Another thread may close this fd and get another of that number: it wakes us
		 * then, and pass() looks at what there is.
		 */
		poll(items, 2, timeout);
	}
}

void keeper_start(struct hmmhint *h)
{
	sigset_t all, before;
	pthread_attr_t attr;

	if (h->keeping) {
		keeper_wake(h);
		return;
	}
	if (pthread_attr_init(&attr))
		return;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	h->keeping = pthread_create(&h->keeper, &attr, keep, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}

void keeper_stop(struct hmmhint *h)
{
	bool keeping;

	pthread_mutex_lock(&h->lock);
	h->closing = true;
	keeping = h->keeping;
	pthread_mutex_unlock(&h->lock);
	if (!keeping)
		return;
	keeper_wake(h);
	pthread_join(h->keeper, NULL);
}
