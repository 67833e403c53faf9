// SPDX-License-Identifier: LGPL-2.1-or-later
/* teardown.c - every order in which things can go while pages are out */
#include <signal.h>

#include <sys/time.h>
#include <sys/wait.h>

#include "test.h"

enum order { VM_FIRST, POOL_FIRST, EXIT, KILLED, KILLED_BUSY, NR_ORDERS };

static const char *const names[NR_ORDERS] = {
	"vm fd closed first", "pool fd closed first", "holder exits", "holder is killed",
	"holder is killed while it migrates",
};

static void hold(struct target *t, enum order order, int ready)
{
	int vm = vm_attach(t, "teardown", 0), pool;
	struct vmirror_moved moved;
	uint64_t length, gpa = lowest_ram(vm, &length);

	pool = pool_create(t, "teardown", length);
	migrate(vm, pool, gpa, length, &moved);
	CHECK(moved.moved_pages > 0);
	CHECK(write(ready, "x", 1) == 1);
	switch (order) {
	case VM_FIRST:
		close(vm);
		close(pool);
		break;
	case POOL_FIRST:
		close(pool);
		close(vm);
		break;
	case KILLED:
		pause();
		break;
	case KILLED_BUSY:
		for (;;) {
			struct vmirror_recall args = {
				.size = sizeof(args), .gpa = gpa, .length = length,
			};
			struct vmirror_migrate again = {
				.size = sizeof(again), .pool_fd = pool, .gpa = gpa, .length = length,
			};

			ioctl(vm, VMIRROR_RECALL, &args);
			ioctl(vm, VMIRROR_MIGRATE, &again);
		}
	default:
		break;
	}
	exit(0);
}

static void try_order(struct target *t, enum order order)
{
	int pipefd[2], status;
	char byte;
	pid_t pid;

	printf("  %s\n", names[order]);
	fflush(stdout);
	CHECK(pipe(pipefd) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		hold(t, order, pipefd[1]);
	close(pipefd[1]);
	CHECK(read(pipefd[0], &byte, 1) == 1);
	close(pipefd[0]);
	if (order == KILLED_BUSY)
		usleep(200000);
	if (order == KILLED || order == KILLED_BUSY)
		kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (order == KILLED || order == KILLED_BUSY)
		CHECK(WIFSIGNALED(status));
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	wait_nothing_left(t);
	verify(t);
}

void case_teardown(struct target *t)
{
	for (enum order order = 0; order < NR_ORDERS; order++)
		try_order(t, order);
}

#define ENDS_MS 60000

static uint64_t too_late;	/* or 0 */

static void on_alarm(int sig)
{
	(void)sig;
	if (too_late && now_ms() > too_late)
		FAIL("a call that is interrupted again and again gets nowhere");
}

/*
 * Where the handler has it so, a call that was interrupted goes on by itself; and not from the
 * start, or a long one would never end.
 */
static void restarts(int vm, uint64_t gpa, uint64_t length)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { { 0, 0 }, { 0, 0 } };
	uint64_t some = length < 4 * MiB ? length : 4 * MiB;

	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
	for (int i = 0; i < 2000; i++)
		pages_in_state(vm, gpa, some, VMIRROR_STATE_RAM);
	too_late = now_ms() + ENDS_MS;
	for (int i = 0; i < 20; i++)
		pages_in_state(vm, gpa, length, VMIRROR_STATE_RAM);
	CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
	too_late = 0;
}

/* A signal ends a long MIGRATE early, in good order: what is done is told. */
void case_signals(struct target *t)
{
	struct sigaction action = { .sa_handler = on_alarm };
	int vm = vm_attach(t, "signals", 0), pool, early = 0;
	uint64_t length, gpa = lowest_ram(vm, &length);
	struct vmirror_moved moved;

	pool = pool_create(t, "signals", length);
	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < 50; i++) {
		struct vmirror_migrate args = {
			.size = sizeof(args), .pool_fd = pool, .gpa = gpa, .length = length,
		};
		int ret;

		ualarm(500 + i * 400, 0);
		ret = ioctl(vm, VMIRROR_MIGRATE, &args);
		ualarm(0, 0);
		CHECK(ret == 0 || errno == EINTR);
		if (!ret) {
			CHECK(all_moved(&args.moved) == args.moved.done_bytes / VMIRROR_PAGE_SIZE);
			early += args.moved.done_bytes < length;
		}
		recall(vm, gpa, length, &moved);
	}
	CHECK(early > 0);
	restarts(vm, gpa, length);
	verify(t);
	close(vm);
	close(pool);
}
