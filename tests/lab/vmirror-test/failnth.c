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
#include <sys/wait.h>

#include "selfvm.h"

#define SMALL_BYTES (24 * VMIRROR_PAGE_SIZE)
#define HUGE_BYTES (2 * MiB)
#define SEED 8

/* How an attempt ended: its exit status. */
enum { ALL_WENT_WELL, WRONG, ONE_FAILED };

/* What an attempt finds. */
struct world {
	struct selfvm self;
	struct target t;
	int vm, pool;
	char *memory;
	uint64_t length;
};

/*
 * struct scenario - a call, and what there is before it
 * @prepare: beside what follows
 * @judge: what is true afterwards; without it the call may also be refused
 * @with_vm: this process is attached
 * @with_pool: there is a pool
 * @huge: the memory is 2 MiB in one, not some pages
 * @untouched: the memory has no pages yet
 * @out: the memory is in the pool
 */
struct scenario {
	const char *name;
	void (*prepare)(struct world *w);
	int (*attempt)(struct world *w);
	void (*judge)(struct world *w, int ret);
	bool with_vm, with_pool, huge, untouched, out;
};

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

static void bring_out(struct world *w)
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

static void check_memory(struct world *w)
{
	check_pattern(w->memory, w->length, SEED);
}

/* Everything home and accounted for. */
static void check_home(struct world *w)
{
	struct vmirror_vm_stat stat;

	check_none_out(w->vm);
	vm_stat(w->vm, &stat);
	CHECK(stat.moved_out == stat.back_fault + stat.back_recall && stat.dropped == 0);
}

/* --- what is attempted, and what may come of it ------------------------------ */

static int attempt_info(struct world *w)
{
	struct vmirror_info args = { .size = sizeof(args) };

	return ioctl(w->t.sys, VMIRROR_INFO, &args);
}

static int attempt_pool_create(struct world *w)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_RAM, .bytes = HUGE_BYTES,
		.name = "failnth",
	};

	return w->pool = ioctl(w->t.sys, VMIRROR_POOL_CREATE, &args);
}

static int attempt_attach(struct world *w)
{
	struct vmirror_vm_attach args = {
		.size = sizeof(args), .kvm_fd = w->t.kvm, .pid = w->t.pid, .name = "failnth",
		.flags = w->t.kvm < 0 ? VMIRROR_ATTACH_PROCESS : 0,
	};

	return w->vm = ioctl(w->t.sys, VMIRROR_VM_ATTACH, &args);
}

static void prepare_kvm(struct world *w)
{
	selfvm_create(&w->self);
	selfvm_add_slot(&w->self, map_anonymous(HUGE_BYTES, false), HUGE_BYTES);
	w->t = w->self.t;
}

/* One more slot that vmirror has not seen. */
static void prepare_slot(struct world *w)
{
	prepare_kvm(w);
	w->vm = vm_attach(&w->t, "failnth", 0);
	selfvm_add_slot(&w->self, map_anonymous(HUGE_BYTES, false), HUGE_BYTES);
}

static int count_slots(struct world *w)
{
	struct vmirror_slot slots[4];
	struct vmirror_slots args = {
		.size = sizeof(args), .slots = (uintptr_t)slots, .nr_slots = 4,
	};

	return ioctl(w->vm, VMIRROR_SLOTS, &args) ?: (int)args.nr_slots;
}

/* What could not be done is done by the next who asks. */
static void judge_slots(struct world *w, int ret)
{
	CHECK(ret == 2 || ret == -1);
	CHECK(count_slots(w) == 2);
}

static int attempt_vm_stat(struct world *w)
{
	struct vmirror_vm_stat args = { .size = sizeof(args) };

	return ioctl(w->vm, VMIRROR_VM_STAT, &args);
}

static int attempt_pool_stat(struct world *w)
{
	struct vmirror_pool_stat args = { .size = sizeof(args) };

	return ioctl(w->pool, VMIRROR_POOL_STAT, &args);
}

static int attempt_snapshot(struct world *w)
{
	static struct vmirror_extent extents[64];
	struct vmirror_snapshot args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
		.extents = (uintptr_t)extents, .nr_extents = 64,
	};

	return ioctl(w->vm, VMIRROR_SNAPSHOT, &args);
}

static int out_with(struct world *w, uint32_t flags)
{
	struct vmirror_migrate args = {
		.size = sizeof(args), .flags = flags, .pool_fd = w->pool,
		.gpa = (uintptr_t)w->memory, .length = w->length,
	};
	int ret = ioctl(w->vm, VMIRROR_MIGRATE, &args);

	CHECK(ret || all_moved(&args.moved) == w->length / VMIRROR_PAGE_SIZE);
	return ret;
}

static int attempt_migrate(struct world *w)
{
	return out_with(w, 0);
}

static int attempt_populate(struct world *w)
{
	return out_with(w, VMIRROR_MIGRATE_POPULATE);
}

static int attempt_recall(struct world *w)
{
	struct vmirror_recall args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
	};
	int ret = ioctl(w->vm, VMIRROR_RECALL, &args);

	CHECK(ret || all_moved(&args.moved) == w->length / VMIRROR_PAGE_SIZE);
	return ret;
}

/* Unless it was refused as a whole, all is home. */
static void judge_recall(struct world *w, int ret)
{
	if (!ret)
		check_none_out(w->vm);
}

/* From the pool into another one, which then goes. */
static int attempt_peers(struct world *w)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_RAM, .bytes = HUGE_BYTES, .name = "peer",
	};
	struct world to = *w;
	int ret;

	to.pool = ioctl(w->t.sys, VMIRROR_POOL_CREATE, &args);
	if (to.pool < 0)
		return -1;
	ret = out_with(&to, VMIRROR_MIGRATE_PEERS);
	return close(to.pool) ?: ret;
}

static int attempt_evict(struct world *w)
{
	struct vmirror_pool_evict args = { .size = sizeof(args), .length = HUGE_BYTES };

	return ioctl(w->pool, VMIRROR_POOL_EVICT, &args);
}

static int attempt_device_read(struct world *w)
{
	static char buffer[HUGE_BYTES];
	struct vmirror_device_create args = { .size = sizeof(args) };
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &args);
	int64_t done;

	if (device < 0)
		return -1;
	done = device_access(device, VMIRROR_DEVICE_READ, (uintptr_t)w->memory, buffer, w->length, NULL);
	if (done > 0)
		check_pattern(buffer, done, SEED);
	return done < 0 ? -1 : close(device);
}

static int attempt_device_write(struct world *w)
{
	static char buffer[HUGE_BYTES];
	struct vmirror_device_create args = { .size = sizeof(args) };
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &args);

	if (device < 0)
		return -1;
	fill_pattern(buffer, w->length, SEED);
	if (device_access(device, VMIRROR_DEVICE_WRITE, (uintptr_t)w->memory, buffer, w->length, NULL) < 0)
		return -1;
	return close(device);
}

static int attempt_exclusive(struct world *w)
{
	struct vmirror_device_create create = { .size = sizeof(create) };
	struct vmirror_device_exclusive args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
	};
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &create);

	return device < 0 ? -1 : ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args);
}

static int attempt_read(struct world *w)
{
	check_memory(w);
	return 0;
}

static int attempt_write(struct world *w)
{
	for (uint64_t i = 0; i < w->length; i += VMIRROR_PAGE_SIZE)
		*(volatile char *)(w->memory + i + 9) = 1;
	return 0;
}

/* A CPU's touch takes back what is the device's alone. */
static void judge_exclusive(struct world *w, int ret)
{
	(void)ret;
	check_memory(w);
}

static void must_succeed(struct world *w, int ret)
{
	(void)w;
	CHECK(ret == 0);
}

static int attempt_close_vm(struct world *w)
{
	int vm = w->vm;

	w->vm = -1;
	return close(vm);
}

static int attempt_close_pool(struct world *w)
{
	int pool = w->pool;

	w->pool = -1;
	return close(pool);
}

static const struct scenario scenarios[] = {
	{ "INFO", .attempt = attempt_info },
	{ "POOL_CREATE", .attempt = attempt_pool_create },
	{ "POOL_STAT", .attempt = attempt_pool_stat, .with_pool = true },
	{ "close of an empty pool", .attempt = attempt_close_pool, .judge = must_succeed, .with_pool = true },
	{ "VM_ATTACH of a process", .attempt = attempt_attach },
	{ "VM_ATTACH of a VM", .prepare = prepare_kvm, .attempt = attempt_attach },
	{ "SLOTS, with a new one", .prepare = prepare_slot, .attempt = count_slots, .judge = judge_slots },
	{ "VM_STAT", .attempt = attempt_vm_stat, .with_vm = true },
	{ "SNAPSHOT, 4 KiB", .attempt = attempt_snapshot, .with_vm = true, .out = true },
	{ "SNAPSHOT, 2 MiB", .attempt = attempt_snapshot, .out = true, .huge = true },
	{ "MIGRATE, 4 KiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true },
	{ "MIGRATE, 2 MiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true, .huge = true },
	{ "MIGRATE, made there, 4 KiB", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true },
	{ "MIGRATE, made there, 2 MiB", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true, .huge = true },
	{ "RECALL, 4 KiB", .attempt = attempt_recall, .judge = judge_recall, .out = true },
	{ "RECALL, 2 MiB", .attempt = attempt_recall, .judge = judge_recall, .out = true, .huge = true },
	{ "MIGRATE, peers, 4 KiB", .attempt = attempt_peers, .out = true },
	{ "MIGRATE, peers, 2 MiB", .attempt = attempt_peers, .out = true, .huge = true },
	{ "POOL_EVICT, 4 KiB", .attempt = attempt_evict, .judge = judge_recall, .out = true },
	{ "POOL_EVICT, 2 MiB", .attempt = attempt_evict, .judge = judge_recall, .out = true, .huge = true },
	{ "DEVICE_READ, 4 KiB", .attempt = attempt_device_read, .out = true },
	{ "DEVICE_READ, 2 MiB", .attempt = attempt_device_read, .out = true, .huge = true },
	{ "DEVICE_WRITE, 4 KiB", .attempt = attempt_device_write, .out = true },
	{ "DEVICE_WRITE, 2 MiB", .attempt = attempt_device_write, .out = true, .huge = true },
	{ "DEVICE_EXCLUSIVE, 4 KiB", .attempt = attempt_exclusive, .judge = judge_exclusive, .out = true },
	{ "DEVICE_EXCLUSIVE, 2 MiB", .attempt = attempt_exclusive, .judge = judge_exclusive, .with_vm = true,
	  .huge = true },
	{ "read, 4 KiB", .attempt = attempt_read, .judge = must_succeed, .out = true },
	{ "read, 2 MiB", .attempt = attempt_read, .judge = must_succeed, .out = true, .huge = true },
	{ "write, 4 KiB", .attempt = attempt_write, .judge = must_succeed, .out = true },
	{ "write, 2 MiB", .attempt = attempt_write, .judge = must_succeed, .out = true, .huge = true },
	{ "close of a VM, 4 KiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true },
	{ "close of a VM, 2 MiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true, .huge = true },
	{ "close of a pool, 4 KiB", .attempt = attempt_close_pool, .judge = must_succeed, .out = true },
	{ "close of a pool, 2 MiB", .attempt = attempt_close_pool, .judge = must_succeed, .out = true,
	  .huge = true },
};

/* --- one after the other ------------------------------------------------------ */

static void prepare(const struct scenario *s, struct world *w)
{
	w->t = process_self();
	w->vm = -1;
	w->pool = -1;
	w->length = s->huge ? HUGE_BYTES : SMALL_BYTES;
	w->memory = map_anonymous(HUGE_BYTES, s->huge);
	if (!s->untouched)
		fill_pattern(w->memory, w->length, SEED);
	if (s->with_vm || s->out)
		w->vm = vm_attach(&w->t, "failnth", 0);
	if (s->with_pool || s->out)
		w->pool = pool_create(&w->t, "failnth", HUGE_BYTES);
	if (s->out)
		bring_out(w);
	if (s->prepare)
		s->prepare(w);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK(fail_nth >= 0);
	disarm();		/* whatever memory this takes for the first time, it takes now */
}

/* Afterwards all works as ever. */
static void settle(const struct scenario *s, struct world *w)
{
	struct vmirror_moved moved;

	if (s->untouched)
		fill_pattern(w->memory, w->length, SEED);
	if (w->vm >= 0 && w->pool >= 0 && !s->prepare) {
		bring_out(w);
		recall(w->vm, (uintptr_t)w->memory, w->length, &moved);
	}
	if (w->vm >= 0)
		check_home(w);
	check_memory(w);
}

static void attempt(const struct scenario *s, unsigned int n)
{
	struct world w = { 0 };
	int ret, error;
	bool failed;

	prepare(s, &w);
	arm(n);
	ret = s->attempt(&w);
	error = errno;
	failed = disarm();
	if (ret < 0 && !(failed && error == ENOMEM))
		FAIL("%s: allocation %u: %s", s->name, n, strerror(error));
	if (s->judge)
		s->judge(&w, ret);
	settle(s, &w);
	exit(failed ? ONE_FAILED : ALL_WENT_WELL);
}

void case_failnth(struct target *t)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *s = &scenarios[i];
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
}
