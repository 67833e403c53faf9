// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent_check.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

void agent_start(struct setup *setup, const char *const *more)
{
	const char *argv[16] = { "./hmm-agentd", "--port", setup->port, "--socket", setup->socket };
	unsigned int n = 5;

	while (more && *more)
		argv[n++] = *more++;
	setup->agent = fork();
	if (setup->agent == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(126);
	}
}

/* It listens before it opens the port. */
struct hmmhint *setup_begin(struct setup *setup, const char *const *more)
{
	struct hmmhint *h;

	memset(setup, 0, sizeof(*setup));
	setup->directory = g_dir_make_tmp("hmm-agentd-XXXXXX", NULL);
	g_assert(setup->directory);
	g_chmod(setup->directory, 0711);
	setup->port = g_build_filename(setup->directory, "port", NULL);
	setup->socket = g_build_filename(setup->directory, "socket", NULL);
	host_begin(&setup->host, setup->port);
	agent_start(setup, more);
	g_assert(host_accept(&setup->host));
	g_assert(host_hello(&setup->host));
	h = hmmhint_open_at(setup->socket);
	g_assert(h);
	return h;
}

int wait_exit(pid_t pid)
{
	const int64_t end = test_now_ms() + PATIENCE_MS;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (got < 0 && errno != EINTR)
			return -1;
		if (test_now_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		g_usleep(2000);
	}
}

void agent_kill(struct setup *setup)
{
	kill(setup->agent, SIGKILL);
	wait_exit(setup->agent);
	setup->agent = 0;
}

bool agent_runs(const struct setup *setup)
{
	return waitpid(setup->agent, NULL, WNOHANG) == 0;
}

/* It ends well when it is asked to. */
void setup_end(struct setup *setup, struct hmmhint *h)
{
	hmmhint_close(h);
	if (setup->agent) {
		kill(setup->agent, SIGTERM);
		g_assert(wait_exit(setup->agent) == 0);
	}
	host_end(&setup->host);
	unlink(setup->port);
	unlink(setup->socket);
	rmdir(setup->directory);
	g_free(setup->port);
	g_free(setup->socket);
	g_free(setup->directory);
}

char *test_map(size_t bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	g_assert(memory != MAP_FAILED);
	memset(memory, 0x5a, bytes);
	return memory;
}

static uint64_t frame_of(int pagemap, const char *page)
{
	uint64_t entry;
	off_t at = (off_t)((uintptr_t)page / PAGE * sizeof(entry));

	g_assert(pread(pagemap, &entry, sizeof(entry), at) == sizeof(entry));
	return entry & ((UINT64_C(1) << 55) - 1);
}

static bool has_frame(const struct told *told, uint64_t gpa)
{
	for (size_t i = 0; i < told->nr; i++)
		if (gpa >= told->extents[i].gpa &&
		    gpa < told->extents[i].gpa + told->extents[i].length)
			return true;
	return false;
}

bool told_is_memory(const struct told *told, const void *memory, size_t bytes)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	bool same = told_bytes(told) == bytes;

	if (!same)
		printf("\n%" G_GUINT64_FORMAT " bytes told, expected %zu\n", told_bytes(told),
		       bytes);
	g_assert(pagemap >= 0);
	for (size_t at = 0; same && at < bytes; at += PAGE) {
		uint64_t frame = frame_of(pagemap, (const char *)memory + at);

		same = frame && has_frame(told, frame * PAGE);
		if (!same)
			printf("\npage %zu is not told\n", at / PAGE);
	}
	close(pagemap);
	return same;
}

int in_process(uid_t uid, int (*run)(void *data), void *data)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (uid &&
		    (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
			_exit(125);
		_exit(run(data));
	}
	return pid < 0 ? -1 : wait_exit(pid);
}
