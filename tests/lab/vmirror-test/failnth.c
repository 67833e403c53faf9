// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * failnth.c - every allocation of every call fails once
 *
 * The kernel fails the n-th allocation of a task that asks for it (/proc/thread-self/fail-nth).
 * Each call is made again and again, with a later allocation failing each time, until there
 * are no more.  It may be refused with ENOMEM, or do less than asked where that is allowed;
 * pages that come home must come, and memory must hold what it held.
 *
 * Each attempt is a process of its own, so that it begins with nothing allocated before.
 */
#include <fcntl.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "failnth.h"
#include "setting.h"

/* How an attempt ended: its exit status. */
enum { ALL_WENT_WELL, WRONG, ONE_FAILED };

char failnth_buffer[FAILNTH_HUGE];
static int fail_nth = -1;

static void arm(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	CHECK(write(fail_nth, text, length) == length);
}

/* Returns whether an allocation has failed. */
static bool disarm(void)
{
	char text[16] = "";

	CHECK(pread(fail_nth, text, sizeof(text) - 1, 0) > 0);
	CHECK(write(fail_nth, "0", 1) == 1);
	return atoi(text) == 0;
}

static void bring_out(struct failnth_world *w)
{
	struct vmirror_moved moved;

	for (int tries = 0; tries < 100; tries++) {
		migrate(w->vm, w->pool, (uintptr_t)w->memory, w->length, &moved);
		if (pages_in_state(w->vm, (uintptr_t)w->memory, w->length, VMIRROR_STATE_POOL) ==
		    w->length / VMIRROR_PAGE_SIZE)
			return;
		usleep(10000);
	}
	FAIL("not all pages go out");
}

void failnth_fork(struct failnth_world *w)
{
	pid_t parent = getpid();

	w->child = fork();
	CHECK(w->child >= 0);
	if (w->child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	/* No pool and no VM lives on with it. */
	close_range(3, ~0u, 0);
	for (;;)
		pause();
}

void failnth_child_ends(struct failnth_world *w)
{
	check_pattern(w->memory, w->length, FAILNTH_SEED);
	CHECK(kill(w->child, SIGKILL) == 0);
	CHECK(waitpid(w->child, NULL, 0) == w->child);
}

/* Everything home and accounted for; nothing takes room in the pool any more. */
static void check_home(struct failnth_world *w)
{
	struct vmirror_pool_stat pool;
	struct vmirror_vm_stat stat;

	check_none_out(w->vm);
	vm_stat(w->vm, &stat);
	CHECK(stat.moved_out == stat.back_fault + stat.back_recall && stat.dropped == 0);
	if (w->pool >= 0) {
		pool_stat(w->pool, &pool);
		CHECK(pool.used_bytes == 0);
	}
}

/* --- one after the other ------------------------------------------------------ */

static void prepare(const struct failnth_scenario *s, struct failnth_world *w)
{
	w->t = process_self();
	w->vm = -1;
	w->pool = -1;
	w->length = s->huge ? FAILNTH_HUGE : FAILNTH_SMALL;
	w->memory = map_anonymous(FAILNTH_HUGE, s->huge);
	if (!s->untouched)
		fill_pattern(w->memory, w->length, FAILNTH_SEED);
	if (s->with_vm || s->out)
		w->vm = vm_attach(&w->t, "failnth", 0);
	if (s->with_pool || s->out)
		w->pool = s->coherent ? pool_create_coherent(&w->t, "failnth", FAILNTH_HUGE) :
					pool_create(&w->t, "failnth", FAILNTH_HUGE);
	if (s->split)
		set("/sys/module/vmirror/parameters/huge_home", "N");
	if (s->out)
		bring_out(w);
	memset(failnth_buffer, 1, sizeof(failnth_buffer));
	if (s->prepare)
		s->prepare(w);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(fail_nth >= 0);
	disarm();		/* whatever memory this takes for the first time, it takes now */
}

/* Afterwards all works as ever. */
static void settle(const struct failnth_scenario *s, struct failnth_world *w)
{
	struct vmirror_moved moved;

	if (s->untouched)
		fill_pattern(w->memory, w->length, FAILNTH_SEED);
	if (w->vm >= 0 && w->pool >= 0) {
		bring_out(w);
		recall(w->vm, (uintptr_t)w->memory, w->length, &moved);
	}
	if (w->vm >= 0)
		check_home(w);
	check_pattern(w->memory, w->length, FAILNTH_SEED);
}

static void attempt(const struct failnth_scenario *s, unsigned int n)
{
	struct failnth_world w = { 0 };
	int ret, error;
	bool failed;

	prepare(s, &w);
	arm(n);
	ret = s->attempt(&w);
	error = errno;
	failed = disarm();
	if (ret < 0 && !(failed && error == ENOMEM))
		FAIL("%s: allocation %u: %s", s->name, n, strerror(error));
	if (s->moves && !failed)
		CHECK(w.moved > 0);
	if (s->judge)
		s->judge(&w, ret);
	settle(s, &w);
	exit(failed ? ONE_FAILED : ALL_WENT_WELL);
}

/* Again and again, until no allocation is left that could fail. */
static void sweep(struct target *t, const struct failnth_scenario *s)
{
	unsigned int n = 0;
	int status;

	do {
		pid_t pid;

		n++;
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			attempt(s, n);
		CHECK(waitpid(pid, &status, 0) == pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) == WRONG)
			FAIL("%s: allocation %u", s->name, n);
		wait_nothing_left(t);
	} while (WEXITSTATUS(status) == ONE_FAILED);
	printf("  %s: %u allocations\n", s->name, n - 1);
}

void case_failnth(struct target *t)
{
	static const struct failnth_list *const lists[] = {
		&failnth_calls, &failnth_device_calls, &failnth_dma_calls, &failnth_touches,
	};

	failnth_dma_open();
	for (unsigned int i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (unsigned int j = 0; j < lists[i]->nr; j++)
			sweep(t, &lists[i]->scenarios[j]);
	failnth_dma_close();
}
