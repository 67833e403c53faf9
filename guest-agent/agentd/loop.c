// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * loop.c - waiting for what happens next
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "agentd.h"

/* Slices of work between two looks at what has happened. */
#define SLICES 4

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int loop_begin(struct agent *agent)
{
	sigset_t ends;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	agent->now_ms = clock_ms();
	agent->epoll = epoll_create1(EPOLL_CLOEXEC);
	agent->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	return agent->epoll < 0 || agent->signals < 0 ? errno : 0;
}

static int control(struct agent *agent, int how, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(agent->epoll, how, watch->fd, &event) < 0 ? errno : 0;
}

int loop_add(struct agent *agent, struct watch *watch, uint32_t events)
{
	return control(agent, EPOLL_CTL_ADD, watch, events);
}

void loop_change(struct agent *agent, struct watch *watch, uint32_t events)
{
	control(agent, EPOLL_CTL_MOD, watch, events);
}

void loop_remove(struct agent *agent, struct watch *watch)
{
	control(agent, EPOLL_CTL_DEL, watch, 0);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long there is nothing to do: -1 is for ever. */
static int idle_ms(struct agent *agent)
{
	int64_t due = earlier(translator_due_ms(agent), connection_due_ms(agent));

	due = earlier(due, agent->channel.say_ms);
	if (agent->port.state != PORT_OPEN)
		due = earlier(due, agent->port.try_ms);
	if (due == INT64_MAX)
		return -1;
	due -= agent->now_ms;
	return due < 0 ? 0 : (int)earlier(due, 3600000);
}

/* What is due by now. */
static void work(struct agent *agent)
{
	port_timers(agent);
	channel_timers(agent);
	connection_timers(agent);
	channel_put_forgotten(agent);
	for (int i = 0; i < SLICES; i++)
		if (!translator_work(agent))
			break;
	if (channel_writing(agent))
		channel_write(agent);
}

static void signal_ready(struct agent *agent, struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	close(agent->signals);
	agent->signals = -1;
}

void loop_run(struct agent *agent)
{
	struct watch signals = { agent->signals, signal_ready };

	if (loop_add(agent, &signals, EPOLLIN))
		return;
	while (agent->signals >= 0) {
		struct epoll_event event;
		int n = epoll_wait(agent->epoll, &event, 1, idle_ms(agent));

		agent->now_ms = clock_ms();
		if (n == 1) {
			struct watch *watch = event.data.ptr;

			watch->ready(agent, watch, event.events);
		}
		work(agent);
	}
}
