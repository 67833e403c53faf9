// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fuzz.c - calls at random on /dev/vmirror and what it gives out, by several threads at once
 *
 * Every errno must be one that vmirror.h names for that call; what a good call answers must add
 * up; memory of known content keeps it, though it goes out and comes back all the time; and at
 * the end nothing is left.  Which call comes next, and with what, is the seed's doing; what
 * meets what is not.
 */
#include <signal.h>

#include <sys/mman.h>

#include "fuzz.h"

#define THREADS 4
#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)
#define HANG_SECONDS 60

static struct fuzz_worker workers[THREADS];
static atomic_bool stop;

static void *work(void *arg)
{
	struct fuzz_worker *w = arg;

	while (!atomic_load(&stop))
		fuzz_deed(w);
	atomic_store(&w->doing, "end");
	fuzz_unmap_ring(w);
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Signals all the time, so that nothing takes long; and an eye on who gets stuck. */
static void watch(struct random *r, uint64_t seconds)
{
	unsigned long seen[THREADS] = { 0 };
	uint64_t since[THREADS], end = now_ms() + seconds * 1000;

	for (int i = 0; i < THREADS; i++)
		since[i] = now_ms();
	while (now_ms() < end) {
		usleep(10000);
		pthread_kill(workers[random_below(r, THREADS)].thread, SIGUSR1);
		for (int i = 0; i < THREADS; i++) {
			unsigned long steps = atomic_load(&workers[i].steps);

			if (steps != seen[i])
				since[i] = now_ms();
			seen[i] = steps;
			if (now_ms() - since[i] > HANG_SECONDS * 1000)
				FAIL("a thread is stuck in %s", atomic_load(&workers[i].doing));
		}
	}
}

static void prepare(void)
{
	struct fuzz_places *p = &fuzz_places;

	selfvm_create(&p->self);
	p->known = map_anonymous(FUZZ_LENGTH, false);
	CHECK(madvise(p->known, FUZZ_LENGTH / 2, MADV_HUGEPAGE) == 0);
	for (uint64_t page = 0; page < FUZZ_LENGTH / PAGE; page++)
		for (uint64_t i = 0; i < PAGE / 8; i++)
			((uint64_t *)p->known)[page * 512 + i] = fuzz_known_word(page) + i;
	p->scratch = fuzz_map_guarded(FUZZ_LENGTH);
	p->known_gpa = selfvm_add_slot(&p->self, p->known, FUZZ_LENGTH);
	p->scratch_gpa = selfvm_add_slot(&p->self, p->scratch, FUZZ_LENGTH);
	p->has_edu = edu_is_there(&p->edu);
	if (p->has_edu)
		edu_bind(&p->edu, "vmirror");
	fuzz_fds_open(&p->self);
}

void case_fuzz(struct target *t)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct random random = random_of(t->seed, THREADS);
	unsigned long calls = 0, good = 0, steps = 0;

	printf("  seed %llu\n", (unsigned long long)t->seed);
	prepare();
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < THREADS; i++) {
		workers[i].seed = t->seed * THREADS + i;
		workers[i].guarded = fuzz_map_guarded(PAGE);
		CHECK(!pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	watch(&random, t->seconds);
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(workers[i].thread, NULL));
		steps += workers[i].steps;
		calls += workers[i].calls;
		good += workers[i].good;
	}
	fuzz_fds_close();
	wait_nothing_left(t);
	if (fuzz_places.has_edu)
		edu_bind(&fuzz_places.edu, NULL);
	for (uint64_t page = 0; page < FUZZ_LENGTH / PAGE; page++)
		for (uint64_t i = 0; i < PAGE / 8; i++)
			if (((uint64_t *)fuzz_places.known)[page * 512 + i] != fuzz_known_word(page) + i)
				FAIL("page %llu at the end", (unsigned long long)page);
	printf("  %lu steps, %lu ioctls, %lu of them did something\n", steps, calls, good);
	CHECK(good > 0 && good < calls);
}
