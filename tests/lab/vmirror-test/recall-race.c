// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * recall-race.c - RECALL brings all of it home, also what is in flight when it looks
 *
 * Threads touch pages, and so have folios split and neighbours tried, some of which then stay in the
 * pool; another one evicts, by device page; or pages are on their way to another pool.  When RECALL
 * has said that it is done nothing is left.
 */
#include <sys/mman.h>

#include "place.h"
#include "repeat.h"
#include "setting.h"

#define HUGE_HOME "/sys/module/vmirror/parameters/huge_home"
#define LENGTH (4 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define ROUND_MS 5000
#define TOUCHERS 2
#define NOTHING_MS 60000

static unsigned int touch(void *arg, unsigned int *seed)
{
	char *memory = arg;

	(void)*(volatile char *)(memory + (uint64_t)(rand_r(seed) % PAGES) * VMIRROR_PAGE_SIZE);
	return rand_r(seed) % 300;
}

static unsigned int evict(void *arg, unsigned int *seed)
{
	struct place *p = arg;
	struct vmirror_pool_evict args = {
		.size = sizeof(args),
		.offset = rand_r(seed) % 2 * (LENGTH / 2),
		.length = LENGTH / 2,
	};

	CHECK(ioctl(p->pool, VMIRROR_POOL_EVICT, &args) == 0);
	return rand_r(seed) % 5000;
}

/* Anything that was in flight has landed. */
#define LANDED_US 3000

static void check_home(struct place *p, const struct vmirror_moved *moved)
{
	uint64_t left;

	CHECK(all_moved(moved) == PAGES && moved->done_bytes == LENGTH);
	usleep(LANDED_US);
	left = pages_in_state(p->vm, p->gpa, LENGTH, VMIRROR_STATE_POOL);
	if (left > moved->skipped_pages[VMIRROR_SKIP_BUSY])
		FAIL("RECALL has left %llu pages, and told of %llu", (unsigned long long)left,
		     (unsigned long long)moved->skipped_pages[VMIRROR_SKIP_BUSY]);
}

static void whole_out(struct place *p, int pool)
{
	place_out(p, pool, 0, LENGTH, 1u << VMIRROR_SKIP_BUSY | 1u << VMIRROR_SKIP_ABSENT, 100);
}

/* Nobody is in its way: it has no excuse. */
static void check_alone(struct place *p)
{
	struct vmirror_moved moved;

	whole_out(p, p->pool);
	recall(p->vm, p->gpa, LENGTH, &moved);
	CHECK(!moved.skipped_pages[VMIRROR_SKIP_BUSY]);
	check_home(p, &moved);
}

static void run(bool huge, bool huge_home)
{
	struct repeat touchers[TOUCHERS] = { 0 }, evicter = { .turn = evict, .seed = 7 };
	uint64_t rounds = 0, came = 0, end, limit;
	struct vmirror_moved moved;
	struct place p;

	set(HUGE_HOME, huge_home ? "Y" : "N");
	place_open(&p, "recall-race", LENGTH, false, huge);
	fill_pattern(p.memory, LENGTH, 6);
	for (unsigned int i = 0; i < TOUCHERS; i++) {
		touchers[i] = (struct repeat) { .turn = touch, .arg = p.memory, .seed = i + 1 };
		repeat_start(&touchers[i]);
	}
	evicter.arg = &p;
	repeat_start(&evicter);
	end = now_ms() + ROUND_MS;
	limit = end + 60000;
	for (; now_ms() < end || !came; rounds++) {
		CHECK(now_ms() < limit);
		if (huge)	/* they are in pieces since they came home */
			madvise(p.memory, LENGTH, MADV_COLLAPSE);
		migrate(p.vm, p.pool, p.gpa, LENGTH, &moved);
		usleep(rounds % 8 * 100);
		recall(p.vm, p.gpa, LENGTH, &moved);
		check_home(&p, &moved);
		came += moved.moved_pages;
	}
	for (unsigned int i = 0; i < TOUCHERS; i++)
		repeat_stop(&touchers[i]);
	repeat_stop(&evicter);
	check_alone(&p);
	check_pattern(p.memory, LENGTH, 6);
	place_close(&p);
	printf("  %s pages%s: %llu rounds, %llu pages came by RECALL\n", huge ? "2 MiB" : "4 KiB",
	       huge_home ? "" : ", split on their way", (unsigned long long)rounds,
	       (unsigned long long)came);
}

struct carrier {
	struct place *place;
	int to;
	struct vmirror_moved moved;
};

static void *carry(void *arg)
{
	struct carrier *c = arg;

	migrate_with(c->place->vm, c->to, c->place->gpa, LENGTH, VMIRROR_MIGRATE_PEERS, &c->moved);
	return NULL;
}

static uint64_t moved_out(struct place *p)
{
	struct vmirror_vm_stat stat;

	vm_stat(p->vm, &stat);
	return stat.moved_out;
}

/*
 * RECALL, at some moment while all of it goes from pool to pool.  What it has brought home before
 * the other call got there goes out once more, rightly, and counts as moved out; no more is left.
 */
static uint64_t carry_round(struct place *p, int to, unsigned int wait_us)
{
	struct carrier carrier = { .place = p, .to = to };
	uint64_t before = moved_out(p), again, left;
	struct vmirror_moved moved;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, carry, &carrier) == 0);
	usleep(wait_us);
	recall(p->vm, p->gpa, LENGTH, &moved);
	pthread_join(thread, NULL);
	again = moved_out(p) - before;
	left = pages_in_state(p->vm, p->gpa, LENGTH, VMIRROR_STATE_POOL);
	if (left > again + moved.skipped_pages[VMIRROR_SKIP_BUSY])
		FAIL("RECALL has left %llu pages, told of %llu, and %llu went out after it",
		     (unsigned long long)left,
		     (unsigned long long)moved.skipped_pages[VMIRROR_SKIP_BUSY],
		     (unsigned long long)again);
	CHECK(carrier.moved.moved_pages >= again);
	return carrier.moved.moved_pages - again;
}

/* How long a carrier takes is measured, so that RECALL comes at each part of it. */
static void carried(bool huge)
{
	uint64_t carried = 0, rounds = 0, start, took, end;
	unsigned int seed = 3;
	struct place p;
	int pools[2];

	place_open(&p, "carried", LENGTH, false, huge);
	pools[0] = p.pool;
	pools[1] = pool_create(&p.self.t, "other", LENGTH);
	fill_pattern(p.memory, LENGTH, 9);
	whole_out(&p, pools[0]);
	start = now_ms();
	carry(&(struct carrier) { .place = &p, .to = pools[1] });
	took = now_ms() - start + 1;
	for (end = now_ms() + ROUND_MS; now_ms() < end; rounds++) {
		int from = rounds % 2;

		check_pattern(p.memory, LENGTH, 9);
		if (huge)
			madvise(p.memory, LENGTH, MADV_COLLAPSE);
		whole_out(&p, pools[from]);
		carried += carry_round(&p, pools[!from], rand_r(&seed) % (took * 1000));
	}
	check_pattern(p.memory, LENGTH, 9);
	check_alone(&p);
	CHECK(carried > PAGES);
	close(pools[1]);
	place_close(&p);
	printf("  %s pages, from pool to pool: %llu rounds, %llu pages carried in the race\n",
	       huge ? "2 MiB" : "4 KiB", (unsigned long long)rounds, (unsigned long long)carried);
}

/* Where nothing can be, it is not waited for: a call that takes an age is one that waits. */
static void over_nothing(int prot, const char *what)
{
	const uint64_t length = 64ull << 30;
	uint64_t start;
	struct vmirror_moved moved;
	struct target own = process_self();
	int vm = vm_attach(&own, "nothing", 0);
	char *memory = mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(memory != MAP_FAILED);
	start = now_ms();
	recall(vm, (uintptr_t)memory, length, &moved);
	printf("  64 GiB of %s memory: RECALL took %llu ms\n", what,
	       (unsigned long long)(now_ms() - start));
	CHECK(now_ms() - start < NOTHING_MS);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ABSENT] == length / VMIRROR_PAGE_SIZE);
	CHECK(munmap(memory, length) == 0);
	close(vm);
	close(own.sys);
}

void case_recall_race(struct target *t)
{
	(void)t;
	over_nothing(PROT_READ | PROT_WRITE, "untouched");
	over_nothing(PROT_NONE, "inaccessible");
	run(false, true);
	run(true, true);
	run(true, false);
	carried(false);
	carried(true);
}
