// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * one-folio.c - many threads fault on one and the same folio, at the same moment, while it is
 * recalled and sent out again
 */
#include <sys/mman.h>
#include <sys/uio.h>

#include "fire.h"

#define THREADS 8
#define ROUND_MS 4000

/*
 * struct crowd - threads that all want one folio
 * @pages: 1, or all of a 2 MiB folio
 * @together: they begin each round together, with the folio out
 * @shared: a word that all of them add to
 */
struct crowd {
	char *memory;
	uint64_t pages;
	pthread_barrier_t together;
	uint64_t *shared;
	atomic_bool stop;
};

struct member {
	struct crowd *crowd;
	unsigned int number;
	uint64_t rounds;
};

/* Each thread's own word of a page. */
static char *own_word(struct member *m, uint64_t page)
{
	return m->crowd->memory + page * VMIRROR_PAGE_SIZE + 64 * (m->number + 1);
}

static void write_through_gup(char *to, uint64_t value)
{
	struct iovec from = { &value, sizeof(value) }, remote = { to, sizeof(value) };

	CHECK(process_vm_writev(getpid(), &from, 1, &remote, 1, 0) == sizeof(value));
}

/* Half of them as KVM does it. */
static uint64_t get(struct member *m, char *word)
{
	return m->number % 2 ? read_through_gup(word) : *(volatile uint64_t *)word;
}

static void put(struct member *m, char *word, uint64_t value)
{
	if (m->number % 2)
		write_through_gup(word, value);
	else
		*(volatile uint64_t *)word = value;
}

static void *want_it(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->crowd;

	for (;;) {
		/* The same page in even rounds, another one for each in odd rounds. */
		uint64_t page = (m->rounds * 37 + (m->rounds % 2 ? m->number * 61 : 0)) % c->pages;
		uint64_t before;

		pthread_barrier_wait(&c->together);
		if (atomic_load(&c->stop))
			return NULL;
		before = get(m, own_word(m, page));
		put(m, own_word(m, page), before + 1);
		if (get(m, own_word(m, page)) != before + 1)
			FAIL("thread %u: a word that nobody else writes has changed", m->number);
		__atomic_fetch_add(c->shared, 1, __ATOMIC_RELAXED);
		m->rounds++;
		pthread_barrier_wait(&c->together);
	}
}

static uint64_t sum_of_words(struct member *m)
{
	uint64_t sum = 0;

	for (uint64_t page = 0; page < m->crowd->pages; page++)
		sum += *(uint64_t *)own_word(m, page);
	return sum;
}

/* @while_out: what happens to the folio while the threads are at it. */
static void run(struct target *t, bool huge, bool recalled)
{
	struct crowd c = { .pages = huge ? BLOCK_PAGES : 1 };
	uint64_t length = c.pages * VMIRROR_PAGE_SIZE, end, out = 0, all = 0;
	int vm = vm_attach(t, "one-folio", 0), pool = pool_create(t, "one-folio", 2 * BLOCK);
	struct member members[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;

	c.memory = map_anonymous(BLOCK, huge);
	c.shared = (void *)c.memory;
	memset(c.memory, 0, length);
	CHECK(pthread_barrier_init(&c.together, NULL, THREADS + 1) == 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		members[i] = (struct member) { .crowd = &c, .number = i };
		CHECK(pthread_create(&threads[i], NULL, want_it, &members[i]) == 0);
	}
	for (end = now_ms() + ROUND_MS; now_ms() < end;) {
		migrate(vm, pool, (uintptr_t)c.memory, length, &moved);
		out += moved.moved_pages;
		pthread_barrier_wait(&c.together);
		if (recalled) {
			recall(vm, (uintptr_t)c.memory, length, &moved);
			migrate(vm, pool, (uintptr_t)c.memory, length, &moved);
			out += moved.moved_pages;
		}
		pthread_barrier_wait(&c.together);
	}
	atomic_store(&c.stop, true);
	pthread_barrier_wait(&c.together);
	for (unsigned int i = 0; i < THREADS; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
		CHECK(sum_of_words(&members[i]) == members[i].rounds);
		all += members[i].rounds;
	}
	CHECK(*c.shared == all);
	recall(vm, (uintptr_t)c.memory, length, &moved);
	check_none_out(vm);
	vm_stat(vm, &vs);
	printf("  one %s folio%s: %llu rounds of %d threads, %llu pages out, %llu faults served\n",
	       huge ? "2 MiB" : "4 KiB", recalled ? ", recalled meanwhile" : "",
	       (unsigned long long)all / THREADS, THREADS, (unsigned long long)out,
	       (unsigned long long)vs.faults);
	CHECK(out > 0 && vs.faults > 0);
	CHECK(vs.moved_out == vs.back_fault + vs.back_recall);
	pthread_barrier_destroy(&c.together);
	close(vm);
	close(pool);
	munmap(c.memory, BLOCK);
}

void case_one_folio(struct target *t)
{
	struct target own = process_self();

	(void)t;
	for (int huge = 0; huge < 2; huge++)
		for (int recalled = 0; recalled < 2; recalled++)
			run(&own, huge, recalled);
	close(own.sys);
}
