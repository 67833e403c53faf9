// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memcg.c - a process under a memory limit: what is out counts as its memory still, and comes
 * back under the limit; it is never killed for it
 */
#include <fcntl.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fire.h"
#include "swap.h"

#define GROUP "/sys/fs/cgroup/vmirror-test"
#define LENGTH (16 * MiB)
#define STORM_MS 4000

static void set(const char *file, uint64_t value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%llu\n", (unsigned long long)value) < 0 || fclose(f))
		FAIL("%s: %s", path, strerror(errno));
}

static uint64_t get(const char *file, const char *name)
{
	uint64_t value = 0;
	char path[128], line[128];
	FILE *f;

	snprintf(path, sizeof(path), GROUP "/%s", file);
	f = fopen(path, "r");
	if (!f)
		FAIL("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (!name || !strncmp(line, name, strlen(name))) {
			value = strtoull(line + (name ? strlen(name) : 0), NULL, 10);
			break;
		}
	fclose(f);
	return value;
}

/**
 * struct member - a child of ours in the group, whose memory is mirrored
 * @limit: what it may have at first, of LENGTH that it uses
 * @room: bytes of its memory that may be out at a time
 * @salt: what it writes
 * @live: what it does then, until it reads a byte from @end
 * @killed: how many the group had lost for lack of memory before
 */
struct member {
	const char *name;
	uint64_t limit, room, salt;
	void (*live)(struct fire *f, int end);

	struct fire f;
	pid_t pid;
	int ready[2], end[2];
	int vm, pool;
	uint64_t killed;
};

static void be_member(struct member *m)
{
	set("cgroup.procs", getpid());
	fire_write(&m->f, (struct run) { 0, m->f.pages }, m->salt);
	CHECK(write(m->ready[1], "x", 1) == 1);
	m->live(&m->f, m->end[0]);
	fire_check_all(&m->f);
	_exit(0);
}

static void begin(struct member *m, bool huge)
{
	char byte;

	m->killed = get("memory.events", "oom_kill ");
	fire_begin(&m->f, LENGTH, huge);
	CHECK(madvise(m->f.memory, LENGTH, MADV_DONTNEED) == 0);	/* it is to be the group's */
	CHECK(pipe(m->ready) == 0 && pipe(m->end) == 0);
	set("memory.max", m->limit);
	m->pid = fork();
	CHECK(m->pid >= 0);
	if (!m->pid)
		be_member(m);
	CHECK(read(m->ready[0], &byte, 1) == 1);
	m->vm = vm_attach(&(struct target) { .pid = m->pid, .kvm = -1, .sys = m->f.t.sys },
			  m->name, 0);
	m->pool = pool_create(&m->f.t, m->name, m->room);
}

/* Let it end, and return how it did. */
static int let_end(struct member *m)
{
	int status;

	CHECK(write(m->end[1], "x", 1) == 1);
	CHECK(waitpid(m->pid, &status, 0) == m->pid);
	return status;
}

static void check_lived(struct member *m, int status)
{
	uint64_t killed = get("memory.events", "oom_kill ");

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		FAIL("the process ended with status %#x; %llu killed for lack of memory", status,
		     (unsigned long long)(killed - m->killed));
	CHECK(killed == m->killed);
}

static void close_all(struct member *m)
{
	close(m->vm);
	close(m->pool);
	for (int i = 0; i < 2; i++) {
		close(m->ready[i]);
		close(m->end[i]);
	}
}

static void write_and_check(struct fire *f, int end)
{
	char byte;

	CHECK(fcntl(end, F_SETFL, O_NONBLOCK) == 0);
	while (read(end, &byte, 1) != 1) {
		fire_write(f, fire_run(f), 401);
		fire_check(f, fire_run(f));
	}
}

/* Send it out for a while; returns how many pages went. */
static uint64_t storm(struct member *m)
{
	uint64_t end = now_ms() + STORM_MS, out = 0;

	while (now_ms() < end) {
		struct vmirror_migrate args = {
			.size = sizeof(args),
			.pool_fd = m->pool,
			.gpa = (uintptr_t)m->f.memory,
			.length = LENGTH,
		};

		if (ioctl(m->vm, VMIRROR_MIGRATE, &args))
			break;			/* it has died: see check_lived() */
		out += args.moved.moved_pages;
		usleep(1000);
	}
	return out;
}

/* @limit: less than LENGTH: then there is swap for the rest */
static void under_limit(bool huge, uint64_t limit, uint64_t room)
{
	struct member m = {
		.name = "memcg", .limit = limit, .room = room, .salt = 400, .live = write_and_check,
	};
	uint64_t max = get("memory.events", "max "), out;
	struct vmirror_vm_stat vs;
	int status;

	begin(&m, huge);
	out = storm(&m);
	status = let_end(&m);
	vm_stat(m.vm, &vs);
	printf("  %s pages, limit %llu MiB of %llu, pool %llu MiB: %llu pages out, "
	       "%llu back by fault, %llu times at the limit\n", huge ? "2 MiB" : "4 KiB",
	       limit / MiB, LENGTH / MiB, room / MiB, (unsigned long long)out,
	       (unsigned long long)vs.back_fault,
	       (unsigned long long)(get("memory.events", "max ") - max));
	check_lived(&m, status);
	CHECK(out > 0 && vs.back_fault > 0 && vs.out_pages == 0);
	CHECK(limit > LENGTH || get("memory.events", "max ") > max);
	close_all(&m);
	fire_write(&m.f, (struct run) { 0, m.f.pages }, 402);
	all_out(m.f.vm, m.f.pool, m.f.memory, LENGTH);
	fire_check(&m.f, (struct run) { 0, 1 });
	fire_end(&m.f);
}

static void wait_for_end(struct fire *f, int end)
{
	char byte;

	(void)f;
	CHECK(read(end, &byte, 1) == 1);
}

/*
 * All of it is out when the process comes to its limit: pages that come home take the place of those
 * in the pool, and nothing more.
 */
static void home_at_limit(bool huge)
{
	struct member m = {
		.name = "limit", .limit = 4 * LENGTH, .room = LENGTH, .salt = 500, .live = wait_for_end,
	};
	struct vmirror_vm_stat vs;

	begin(&m, huge);
	all_out(m.vm, m.pool, m.f.memory, LENGTH);
	set("memory.max", get("memory.current", NULL) + 32 * VMIRROR_PAGE_SIZE);
	check_lived(&m, let_end(&m));
	vm_stat(m.vm, &vs);
	CHECK(vs.moved_out >= m.f.pages && vs.back_fault == vs.moved_out && !vs.out_pages);
	close_all(&m);
	fire_write(&m.f, (struct run) { 0, m.f.pages }, 501);
	fire_end(&m.f);
}

void case_memcg(struct target *t)
{
	char swap[256];

	(void)t;
	find_swap(swap, sizeof(swap));
	CHECK(mkdir(GROUP, 0755) == 0 || errno == EEXIST);
	for (int huge = 0; huge < 2; huge++) {
		under_limit(huge, LENGTH + 4 * MiB, LENGTH);
		under_limit(huge, LENGTH * 3 / 4, LENGTH / 4);
		home_at_limit(huge);
	}
	CHECK(rmdir(GROUP) == 0);
}
