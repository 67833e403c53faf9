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

/* In the group: write and check until told to end. */
static void live(struct fire *f, int ready, int end)
{
	char byte;

	CHECK(fcntl(end, F_SETFL, O_NONBLOCK) == 0);
	set("cgroup.procs", getpid());
	fire_write(f, (struct run) { 0, f->pages }, 400);
	CHECK(write(ready, "x", 1) == 1);
	while (read(end, &byte, 1) != 1) {
		fire_write(f, fire_run(f), 401);
		fire_check(f, fire_run(f));
	}
	fire_check_all(f);
	_exit(0);
}

/*
 * @limit: what the process may have, of LENGTH that it uses: less than that where there is
 *	swap
 * @room: bytes of its memory that may be out at a time
 */
static void under_limit(bool huge, uint64_t limit, uint64_t room)
{
	uint64_t oom = get("memory.events", "oom_kill "), max = get("memory.events", "max ");
	uint64_t until, out = 0;
	int ready[2], end[2], status, vm, pool;
	struct vmirror_vm_stat vs;
	struct fire f;
	pid_t pid;
	char byte;

	fire_begin(&f, LENGTH, huge);
	CHECK(madvise(f.memory, LENGTH, MADV_DONTNEED) == 0);	/* it is to be the group's */
	CHECK(pipe(ready) == 0 && pipe(end) == 0);
	set("memory.max", limit);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		live(&f, ready[1], end[0]);
	CHECK(read(ready[0], &byte, 1) == 1);
	vm = vm_attach(&(struct target) { .pid = pid, .kvm = -1, .sys = f.t.sys }, "memcg", 0);
	pool = pool_create(&f.t, "memcg", room);
	for (until = now_ms() + STORM_MS; now_ms() < until;) {
		struct vmirror_migrate args = {
			.size = sizeof(args),
			.pool_fd = pool,
			.gpa = (uintptr_t)f.memory,
			.length = LENGTH,
		};

		if (ioctl(vm, VMIRROR_MIGRATE, &args))
			break;			/* it has died: see below */
		out += args.moved.moved_pages;
		usleep(1000);
	}
	CHECK(write(end[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	vm_stat(vm, &vs);
	printf("  %s pages, limit %llu MiB of %llu, pool %llu MiB: %llu pages out, "
	       "%llu back by fault, %llu times at the limit\n", huge ? "2 MiB" : "4 KiB",
	       limit / MiB, LENGTH / MiB, room / MiB, (unsigned long long)out,
	       (unsigned long long)vs.back_fault,
	       (unsigned long long)(get("memory.events", "max ") - max));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		FAIL("the process ended with status %#x; %llu killed for lack of memory", status,
		     (unsigned long long)(get("memory.events", "oom_kill ") - oom));
	CHECK(get("memory.events", "oom_kill ") == oom);
	CHECK(out > 0 && vs.back_fault > 0 && vs.out_pages == 0);
	CHECK(limit > LENGTH || get("memory.events", "max ") > max);
	close(vm);
	close(pool);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(end[i]);
	}
	fire_write(&f, (struct run) { 0, f.pages }, 402);
	all_out(f.vm, f.pool, f.memory, LENGTH);
	fire_check(&f, (struct run) { 0, 1 });
	fire_end(&f);
}

/*
 * All of it is out when the process comes to its limit: pages that come home take the place of those
 * in the pool, and nothing more.
 */
static void home_at_limit(bool huge)
{
	uint64_t oom = get("memory.events", "oom_kill ");
	int ready[2], go[2], status, vm, pool;
	struct vmirror_vm_stat vs;
	struct fire f;
	pid_t pid;
	char byte;

	fire_begin(&f, LENGTH, huge);
	CHECK(madvise(f.memory, LENGTH, MADV_DONTNEED) == 0);	/* it is to be the group's */
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	set("memory.max", 4 * LENGTH);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		set("cgroup.procs", getpid());
		fire_write(&f, (struct run) { 0, f.pages }, 500);
		CHECK(write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1);
		fire_check_all(&f);
		_exit(0);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	vm = vm_attach(&(struct target) { .pid = pid, .kvm = -1, .sys = f.t.sys }, "limit", 0);
	pool = pool_create(&f.t, "limit", LENGTH);
	all_out(vm, pool, f.memory, LENGTH);
	set("memory.max", get("memory.current", NULL) + 32 * VMIRROR_PAGE_SIZE);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		FAIL("at its limit the process ended with status %#x", status);
	CHECK(get("memory.events", "oom_kill ") == oom);
	vm_stat(vm, &vs);
	CHECK(vs.moved_out >= f.pages && vs.back_fault == vs.moved_out && !vs.out_pages);
	close(vm);
	close(pool);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	fire_write(&f, (struct run) { 0, f.pages }, 501);
	fire_end(&f);
}

static bool is_there_swap(void)
{
	FILE *file = fopen("/proc/swaps", "r");
	char line[256];
	bool found;

	CHECK(file);
	found = fgets(line, sizeof(line), file) && fgets(line, sizeof(line), file);
	fclose(file);
	return found;
}

void case_memcg(struct target *t)
{
	(void)t;
	CHECK(mkdir(GROUP, 0755) == 0 || errno == EEXIST);
	for (int huge = 0; huge < 2; huge++) {
		under_limit(huge, LENGTH + 4 * MiB, LENGTH);
		if (is_there_swap())
			under_limit(huge, LENGTH * 3 / 4, LENGTH / 4);
		else
			printf("  less than it uses: not tried, there is no swap\n");
		home_at_limit(huge);
	}
	CHECK(rmdir(GROUP) == 0);
}
