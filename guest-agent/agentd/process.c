// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * process.c - processes, by pidfd: a number that is given to another process misleads nobody
 *
 * Of a connection the kernel gives the peer's pidfd itself (SO_PEERPIDFD, Linux 6.5).  Older ones
 * give only its number as it connected.  Then the pidfd is opened at once, and the peer's end of the
 * socket must still be open after that.  It is closed as its process ends, so the number has not been
 * given to another; unless the process left the socket to a child and ended: what then has its
 * number must still be the same user's, as process_open() sees to each time, and a user may see
 * into all his processes anyway.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agentd.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int open_pidfd(pid_t pid, int *pidfd)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? EMFILE : ESRCH;
	*pidfd = (int)fd;
	return 0;
}

static bool has_ended(int pidfd)
{
	struct pollfd item = { .fd = pidfd, .events = POLLIN };

	return poll(&item, 1, 0) != 0;
}

static void process_end(struct agent *agent, struct process *process)
{
	if (process->ended)
		return;
	process->ended = true;
	process->refs++;
	loop_remove(agent, &process->watch);
	close(process->watch.fd);
	process->watch.fd = -1;
	while (!list_empty(&process->hints))
		hint_forget(agent, container_of(process->hints.next, struct hint, of_process));
	process_put(agent, process);
}

static void process_ready(struct agent *agent, struct watch *watch, uint32_t events)
{
	(void)events;
	process_end(agent, container_of(watch, struct process, watch));
}

/* Takes the pidfd. */
static int process_get(struct agent *agent, pid_t pid, int pidfd, struct process **got)
{
	struct process *process;
	int error = ENOSPC;

	if (has_ended(pidfd)) {
		close(pidfd);
		return ESRCH;
	}
	for (struct list *at = agent->processes.next, *next; at != &agent->processes; at = next) {
		process = container_of(at, struct process, link);
		next = at->next;
		if (process->pid != pid || process->ended)
			continue;
		/* Two that live have not the same number. */
		if (!has_ended(process->watch.fd)) {
			close(pidfd);
			process->refs++;
			*got = process;
			return 0;
		}
		process_end(agent, process);
		break;
	}
	process = agent->nr_processes < MAX_PROCESSES ? calloc(1, sizeof(*process)) : NULL;
	if (process) {
		process->pid = pid;
		process->refs = 1;
		process->watch = (struct watch){ pidfd, process_ready };
		list_begin(&process->hints);
		error = loop_add(agent, &process->watch, EPOLLIN);
	}
	if (error) {
		close(pidfd);
		free(process);
		return error;
	}
	list_append(&agent->processes, &process->link);
	agent->nr_processes++;
	*got = process;
	return 0;
}

int process_of_peer(struct agent *agent, int fd, pid_t pid, struct process **process)
{
	struct pollfd item = { .fd = fd, .events = POLLRDHUP };
	socklen_t size = sizeof(int);
	int pidfd, error;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0) {
		if (errno != ENOPROTOOPT)
			return errno == EMFILE || errno == ENFILE ? EMFILE : ESRCH;
		error = open_pidfd(pid, &pidfd);
		if (error)
			return error;
		if (poll(&item, 1, 0) != 0) {
			close(pidfd);
			return ESRCH;
		}
	}
	return process_get(agent, pid, pidfd, process);
}

int process_of_pid(struct agent *agent, pid_t pid, struct process **process)
{
	int pidfd, error = open_pidfd(pid, &pidfd);

	return error ? error : process_get(agent, pid, pidfd, process);
}

void process_put(struct agent *agent, struct process *process)
{
	if (--process->refs)
		return;
	if (!process->ended) {
		loop_remove(agent, &process->watch);
		close(process->watch.fd);
	}
	list_remove(&process->link);
	agent->nr_processes--;
	free(process);
}

/*
 * A file in the directory belongs to the process's effective user, and to root where the process is
 * not dumpable, as one that has changed its user or runs a set-user-ID program is not.  (The directory
 * itself is always the effective user's.)  A pidfd that has not ended after the directory was
 * opened says that it is of this process, and so is all in it.
 */
int process_open(const struct process *process, uid_t uid, int *directory)
{
	struct stat about;
	char path[32];
	int fd, error;

	if (process->ended)
		return ESRCH;
	snprintf(path, sizeof(path), "/proc/%d", (int)process->pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? EMFILE : ESRCH;
	if (has_ended(process->watch.fd) || fstatat(fd, "pagemap", &about, 0) < 0)
		error = ESRCH;
	else
		error = uid == 0 || about.st_uid == uid ? 0 : EACCES;
	if (error) {
		close(fd);
		return error;
	}
	*directory = fd;
	return 0;
}
