// SPDX-License-Identifier: LGPL-2.1-or-later
/* race.c - threads write and check memory while it goes out and comes back all the time */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <sys/mman.h>

#include "selfvm.h"

#define LENGTH (16 * MiB)
#define THREADS 4
#define SECONDS 5

static atomic_bool stop;
static char *memory;

/* Each thread owns one word of every page, so all fault on the same folios. */
static void *hammer(void *arg)
{
	uint64_t me = (uintptr_t)arg, round = 0;

	while (!atomic_load(&stop)) {
		for (uint64_t i = 0; i < LENGTH; i += VMIRROR_PAGE_SIZE) {
			volatile uint64_t *word = (void *)(memory + i + me * 512);

			if (*word != (round ? round * 1000 + me + i : 0))
				FAIL("thread %llu, page %llu: %llu in round %llu",
				     (unsigned long long)me, (unsigned long long)i / 4096,
				     (unsigned long long)*word, (unsigned long long)round);
			*word = (round + 1) * 1000 + me + i;
		}
		round++;
	}
	return (void *)(uintptr_t)round;
}

static void run(bool huge)
{
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	pthread_t threads[THREADS];
	struct selfvm self;
	uint64_t gpa, rounds = 0, out = 0;
	time_t end = time(NULL) + SECONDS;
	int vm, pool;

	selfvm_create(&self);
	memory = map_anonymous(LENGTH, huge);
	memset(memory, 0, LENGTH);
	gpa = selfvm_add_slot(&self, memory, LENGTH);
	vm = vm_attach(&self.t, "race", 0);
	pool = pool_create(&self.t, "race", LENGTH / 2);
	atomic_store(&stop, false);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, hammer, (void *)i));
	while (time(NULL) < end) {
		migrate(vm, pool, gpa, LENGTH, &moved);
		out += moved.moved_pages;
		recall(vm, gpa + LENGTH / 2, LENGTH / 4, &moved);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		CHECK(!pthread_join(threads[i], &result));
		rounds += (uintptr_t)result;
	}
	recall(vm, gpa, LENGTH, &moved);
	check_none_out(vm);
	vm_stat(vm, &vs);
	printf("  %s pages: %llu out, %llu back by fault, %llu rounds\n", huge ? "2 MiB" : "4 KiB",
	       (unsigned long long)out, (unsigned long long)vs.back_fault,
	       (unsigned long long)rounds);
	CHECK(vs.out_pages == 0 && vs.back_fault > 0 && rounds > 0);
	CHECK(vs.moved_out == vs.back_fault + vs.back_recall);
	close(vm);
	close(pool);
	selfvm_destroy(&self);
	munmap(memory, LENGTH);
}

void case_race(struct target *t)
{
	(void)t;
	run(false);
	run(true);
}
