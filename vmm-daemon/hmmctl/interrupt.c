// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "hmmctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

void interrupt_catch(void)
{
	struct sigaction action = { .sa_handler = note_interrupt };

	/*
	 * Not even where SIGINT was ignored: a shell starts background jobs that
	 * way, and "hmmctl events &" shall end by kill -INT.
	 */
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* What is left until @deadline; FALSE if nothing is. */
static gboolean time_left(gint64 deadline, struct timespec *left)
{
	gint64 us = deadline - g_get_monotonic_time();

	if (us <= 0)
		return FALSE;
	left->tv_sec = us / G_USEC_PER_SEC;
	left->tv_nsec = us % G_USEC_PER_SEC * 1000;
	return TRUE;
}

gboolean interrupt_poll(int fd, short events, gint64 deadline, GError **error)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	struct timespec left = { 0 };
	sigset_t blocked, before;
	int ready, saved_errno;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	do {
		gboolean expired = deadline >= 0 && !time_left(deadline, &left);

		if (expired)
			memset(&left, 0, sizeof(left)); /* look once more, without waiting */
		pthread_sigmask(SIG_BLOCK, &blocked, &before);
		if (interrupted) {
			ready = -1;
			saved_errno = EINTR;
		} else {
			ready = ppoll(&pfd, 1, deadline < 0 ? NULL : &left, &before);
			saved_errno = errno;
		}
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (ready == 0 && expired) {
			g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_TIMEOUT,
					    "hmmd did not answer in time");
			return FALSE;
		}
	} while (ready == 0 || (ready < 0 && saved_errno == EINTR && !interrupted));

	if (ready > 0)
		return TRUE;
	if (interrupted)
		g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_INTERRUPTED, "interrupted");
	else
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_FAILED, "poll: %s",
			    g_strerror(saved_errno));
	return FALSE;
}
