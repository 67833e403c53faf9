// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * torture.c - a process does to its memory whatever a process can, while the memory goes out and
 * comes back, pools are closed and the mirror itself ends and begins anew
 *
 * Each plot of memory has an owner, a thread that knows what must be in it (torture-plot.c). A
 * mover sends all of it about; a keeper closes pools and the vm fd under them.
 */
#include <pthread.h>

#include "torture.h"

#define PLOTS 3
#define POOLS 2
#define HANG_SECONDS 100

/* Both together hold more than all. */
_Static_assert(POOLS * TORTURE_POOL_BYTES > PLOTS * PLOT_LENGTH, "");

static struct target own;
static struct plot plots[PLOTS];
static atomic_int vm_fd, pool_fds[POOLS];
static atomic_bool stop;
static struct diary movers_diary = { 0 }, keepers_diary = { 0 };
static uint64_t moves, renewals;

int torture_vm(void)
{
	return vm_fd;
}

int torture_pool(struct random *r)
{
	return pool_fds[random_below(r, POOLS)];
}

static void *own_plot(void *arg)
{
	struct plot *plot = arg;

	while (!stop)
		plot_deed(plot);
	return NULL;
}

/* --- the mover ------------------------------------------------------------------------ */

static void snapshot(uint64_t gpa, uint64_t length)
{
	static struct vmirror_extent extents[PLOT_PAGES];
	struct vmirror_snapshot args = {
		.size = sizeof(args), .gpa = gpa, .length = length,
		.extents = (uintptr_t)extents, .nr_extents = PLOT_PAGES,
	};

	if (ioctl(torture_vm(), VMIRROR_SNAPSHOT, &args))
		return;
	for (uint32_t i = 0; i < args.nr_extents; i++)
		CHECK(extents[i].gpa >= gpa && extents[i].gpa - gpa < length);
}

static void *move_all(void *arg)
{
	struct random *r = arg;

	for (; !stop; moves++) {
		uint64_t gpa = (uintptr_t)plots[random_below(r, PLOTS)].memory;
		uint64_t first = one_in(r, 2) ? 0 : random_below(r, PLOT_PAGES);
		uint64_t length = PLOT_LENGTH - first * VMIRROR_PAGE_SIZE;
		struct vmirror_migrate out = {
			.size = sizeof(out),
			.flags = one_in(r, 3) ? VMIRROR_MIGRATE_POPULATE : 0,
			.pool_fd = torture_pool(r),
			.gpa = gpa + first * VMIRROR_PAGE_SIZE,
			.length = length,
		};
		struct vmirror_recall back = { .size = sizeof(back), .gpa = out.gpa, .length = length };

		diary_begin(&movers_diary, "out", out.gpa / VMIRROR_PAGE_SIZE, length / VMIRROR_PAGE_SIZE);
		diary_end(&movers_diary, ioctl(torture_vm(), VMIRROR_MIGRATE, &out) ? errno : 0);
		snapshot(gpa, PLOT_LENGTH);
		if (one_in(r, 4)) {
			diary_begin(&movers_diary, "back", out.gpa / VMIRROR_PAGE_SIZE, length / VMIRROR_PAGE_SIZE);
			diary_end(&movers_diary, ioctl(torture_vm(), VMIRROR_RECALL, &back) ? errno : 0);
		}
		usleep(random_below(r, 50000));
	}
	return NULL;
}

/* --- the keeper ----------------------------------------------------------------------- */

/*
 * The old one ends when the last call that uses it does, and the last child that a plot has forked
 * and that has its fd, too: in the meantime its name is taken, and a process is mirrored only once.
 */
static int until_free(int (*make)(int number), int number)
{
	uint64_t start = now_ms();
	int fd;

	while ((fd = make(number)) < 0) {
		if (errno != EEXIST || now_ms() - start > HANG_SECONDS * 1000)
			FAIL("not made anew: %s", strerror(errno));
		usleep(1000);
	}
	return fd;
}

static int make_vm(int number)
{
	struct vmirror_vm_attach args = {
		.size = sizeof(args), .flags = VMIRROR_ATTACH_PROCESS, .kvm_fd = -1, .pid = own.pid,
		.ring_records = VMIRROR_RING_MIN, .name = "torture",
	};

	(void)number;
	return ioctl(own.sys, VMIRROR_VM_ATTACH, &args);
}

static int make_pool(int number)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_RAM, .bytes = TORTURE_POOL_BYTES,
	};

	snprintf(args.name, sizeof(args.name), "torture-%d", number);
	return ioctl(own.sys, VMIRROR_POOL_CREATE, &args);
}

static void renew(atomic_int *fd, int (*make)(int number), int number)
{
	int old = atomic_exchange(fd, -1);

	if (old >= 0)
		CHECK(close(old) == 0);
	atomic_store(fd, until_free(make, number));
}

static void *keep(void *arg)
{
	struct random *r = arg;

	for (; !stop; renewals++) {
		uint64_t number = random_below(r, POOLS + 1);

		usleep(random_below(r, 400000));
		diary_begin(&keepers_diary, number < POOLS ? "renew a pool" : "renew the mirror", number, 0);
		if (number < POOLS)
			renew(&pool_fds[number], make_pool, number);
		else
			renew(&vm_fd, make_vm, 0);
		diary_end(&keepers_diary, 0);
	}
	return NULL;
}

/* --- all of it ------------------------------------------------------------------------ */

/* Everything home, everything as it must be, nothing left. */
static void end(void)
{
	struct vmirror_vm_stat vs;
	struct vmirror_pool_stat ps;
	struct vmirror_moved moved;

	recall(vm_fd, 0, 1ull << 46, &moved);
	recall(vm_fd, 1ull << 46, 1ull << 46, &moved);
	check_none_out(vm_fd);
	vm_stat(vm_fd, &vs);
	CHECK(vs.moved_out == vs.back_fault + vs.back_recall + vs.dropped);
	for (int i = 0; i < POOLS; i++) {
		pool_stat(pool_fds[i], &ps);
		CHECK(ps.used_bytes == 0);
	}
	for (int i = 0; i < PLOTS; i++)
		plot_check(&plots[i]);
	/* That they can be made anew says that they had ended. */
	renew(&vm_fd, make_vm, 0);
	CHECK(close(vm_fd) == 0);
	for (int i = 0; i < POOLS; i++) {
		renew(&pool_fds[i], make_pool, i);
		CHECK(close(pool_fds[i]) == 0);
	}
}

/* All this time; a thread that gets nowhere is told of. */
static void watch(unsigned long seconds)
{
	uint64_t deeds[PLOTS] = { 0 }, since[PLOTS], until = now_ms() + seconds * 1000;

	for (int i = 0; i < PLOTS; i++)
		since[i] = now_ms();
	while (now_ms() < until) {
		usleep(100000);
		for (int i = 0; i < PLOTS; i++) {
			if (*(volatile uint64_t *)&plots[i].counts.deeds != deeds[i])
				since[i] = now_ms();
			deeds[i] = plots[i].counts.deeds;
			if (now_ms() - since[i] > HANG_SECONDS * 1000)
				FAIL("%s gets nowhere", plots[i].name);
		}
	}
}

/* In so many, something comes of each kind of deed. */
#define LONG_DEEDS 2000

static void sum_up(void)
{
	struct plot_counts all = { 0 };

	for (int i = 0; i < PLOTS; i++) {
		struct plot_counts *one = &plots[i].counts;

		all.deeds += one->deeds;
		all.moved_pages += one->moved_pages;
		all.peer_pages += one->peer_pages;
		all.evicted_pages += one->evicted_pages;
		all.read_pages += one->read_pages;
		all.written_pages += one->written_pages;
		all.exclusive_pages += one->exclusive_pages;
	}
	printf("  %llu deeds, %llu moves of all, %llu pools and mirrors renewed\n",
	       (unsigned long long)all.deeds, (unsigned long long)moves,
	       (unsigned long long)renewals);
	printf("  pages: %llu out, %llu out or to a peer, %llu evicted; a software device has "
	       "read %llu, written %llu, had %llu for itself\n",
	       (unsigned long long)all.moved_pages, (unsigned long long)all.peer_pages,
	       (unsigned long long)all.evicted_pages, (unsigned long long)all.read_pages,
	       (unsigned long long)all.written_pages, (unsigned long long)all.exclusive_pages);
	CHECK(all.moved_pages > 0 && moves > 0);
	CHECK(all.deeds < LONG_DEEDS || (all.peer_pages && all.evicted_pages && all.read_pages &&
	      all.written_pages && all.exclusive_pages));
}

void case_torture(struct target *t)
{
	struct random mover = random_of(t->seed, PLOTS), keeper = random_of(t->seed, PLOTS + 1);
	pthread_t threads[PLOTS + 2];

	printf("  seed %llu\n", (unsigned long long)t->seed);
	own = process_self();
	vm_fd = make_vm(0);
	CHECK(vm_fd >= 0);
	for (int i = 0; i < POOLS; i++) {
		pool_fds[i] = make_pool(i);
		CHECK(pool_fds[i] >= 0);
	}
	for (int i = 0; i < PLOTS; i++)
		plot_open(&plots[i], i, t->seed);
	torture_dma_open();
	diary_open(&movers_diary, "mover");
	diary_open(&keepers_diary, "keeper");
	for (int i = 0; i < PLOTS; i++)
		CHECK(!pthread_create(&threads[i], NULL, own_plot, &plots[i]));
	CHECK(!pthread_create(&threads[PLOTS], NULL, move_all, &mover));
	CHECK(!pthread_create(&threads[PLOTS + 1], NULL, keep, &keeper));
	watch(t->seconds);
	stop = true;
	for (int i = 0; i < PLOTS + 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
	end();
	close(own.sys);
	sum_up();
	torture_dma_close();
}
