// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * guest.c - what it costs a guest to be attached
 *
 * The states last for milliseconds only and take turns, so that whatever else slows the
 * machine down hits them alike: a difference of a hundredth can be seen so.
 */
#include <sched.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "vcpu.h"

#define RAM	(64 * MiB)
#define TRIES	3

enum state { DETACHED, ATTACHED, CHURNED, NR_STATES };

static const char *const state_names[] = { "detached", "attached", "churned" };
static const char *const loop_names[] = { "compute", "memory" };

/* Shared with the process that is another VM: it answers to wanted with moving. */
struct churn {
	bool wanted;
	bool moving;
	uint64_t rounds;
};

/* The Nth CPU that we may use, if there are so many. */
static void stay_on_cpu(int n)
{
	cpu_set_t allowed, one;

	CHECK(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
		return;
	}
}

/* Another VM: out and back all the time while it is wanted; until its parent dies or ends it. */
static void churn(struct churn *shared, uint64_t length)
{
	struct mirrored *m;

	CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	stay_on_cpu(1);
	m = mirrored_create(length, true);
	for (;;) {
		bool wanted = __atomic_load_n(&shared->wanted, __ATOMIC_ACQUIRE);

		__atomic_store_n(&shared->moving, wanted, __ATOMIC_RELEASE);
		if (wanted) {
			mirrored_out_and_back(m);
			shared->rounds++;
		} else {
			usleep(1000);
		}
	}
}

static pid_t churn_start(struct churn *shared, uint64_t length)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		churn(shared, length);
	return pid;
}

/* Let the other VM move, or stop; returns when it does. */
static void churn_want(struct churn *shared, pid_t pid, bool wanted)
{
	__atomic_store_n(&shared->wanted, wanted, __ATOMIC_RELEASE);
	for (int i = 0; __atomic_load_n(&shared->moving, __ATOMIC_ACQUIRE) != wanted; i++) {
		CHECK(i < 60000 && waitpid(pid, NULL, WNOHANG) == 0);
		usleep(1000);
	}
}

/* The shortest of a few, because interruptions only make times longer; and their mean. */
static void time_loops(struct vcpu *v, enum state state, int round)
{
	uint64_t best[NR_LOOPS] = { UINT64_MAX, UINT64_MAX }, sum[NR_LOOPS] = { 0 };

	for (int i = 0; i < NR_LOOPS; i++)
		vcpu_loop(v, i);	/* the caches are cold */
	for (int i = 0; i < TRIES * NR_LOOPS; i++) {
		uint64_t ns = vcpu_loop(v, i % NR_LOOPS);

		sum[i % NR_LOOPS] += ns;
		if (ns < best[i % NR_LOOPS])
			best[i % NR_LOOPS] = ns;
	}
	for (int i = 0; i < NR_LOOPS && round >= 0; i++)
		printf("{\"part\":\"guest\",\"loop\":\"%s\",\"state\":\"%s\",\"round\":%d,"
		       "\"ns\":%llu,\"mean_ns\":%llu}\n",
		       loop_names[i], state_names[state], round, (unsigned long long)best[i],
		       (unsigned long long)sum[i] / TRIES);
}

static void in_state(struct vcpu *v, enum state state, int round)
{
	int vm;

	/* A detach leaves the kernel something to tidy up: the same before every state. */
	close(vm_attach(&v->self.t, "bench-guest", 0));
	vm = state == DETACHED ? -1 : vm_attach(&v->self.t, "bench-guest", 0);
	time_loops(v, state, round);
	if (vm >= 0)
		close(vm);
}

void bench_guest(const struct bench *b)
{
	struct churn *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct vcpu v;
	pid_t pid;

	CHECK(shared != MAP_FAILED);
	pid = churn_start(shared, b->length);
	stay_on_cpu(0);
	vcpu_create(&v, RAM);
	for (int round = -1; round < b->reps; round++) {
		if (round % 50 == 0)
			progress("guest", round, b->reps);
		/* Which of the two is first changes; two rounds make one figure. */
		in_state(&v, round % 2 ? ATTACHED : DETACHED, round);
		in_state(&v, round % 2 ? DETACHED : ATTACHED, round);
		/* The other VM has its turn less often: to start and to stop it takes time. */
		if (round % 8 == 0 || round % 8 == 1) {
			churn_want(shared, pid, true);
			in_state(&v, CHURNED, round);
			churn_want(shared, pid, false);
		}
	}
	printf("{\"part\":\"churn\",\"bytes\":%llu,\"rounds\":%llu}\n",
	       (unsigned long long)b->length, (unsigned long long)shared->rounds);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vcpu_destroy(&v);
	munmap(shared, PAGE);
}
