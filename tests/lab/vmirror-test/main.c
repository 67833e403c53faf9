// SPDX-License-Identifier: LGPL-2.1-or-later
/* main.c - vmirror-test CASE PID [VERIFY-COMMAND]: which case to run, on which VM */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <sys/syscall.h>

#include "test.h"

static const struct {
	const char *name;
	void (*run)(struct target *t);
	bool own_vm;
} cases[] = {
	{ .name = "abi", .run = case_abi },
	{ .name = "move", .run = case_move },
	{ .name = "ring", .run = case_ring },
	{ .name = "teardown", .run = case_teardown },
	{ .name = "signals", .run = case_signals },
	{ .name = "reasons", .run = case_reasons, .own_vm = true },
	{ .name = "memory", .run = case_memory, .own_vm = true },
	{ .name = "race", .run = case_race, .own_vm = true },
	{ .name = "mixed", .run = case_mixed, .own_vm = true },
	{ .name = "parts", .run = case_parts, .own_vm = true },
	{ .name = "two-pools", .run = case_two_pools, .own_vm = true },
	{ .name = "populate", .run = case_populate, .own_vm = true },
	{ .name = "process", .run = case_process, .own_vm = true },
	{ .name = "failnth", .run = case_failnth, .own_vm = true },
};

/* The number of the fd in the VMM that is its KVM VM. */
static int find_kvm_fd(pid_t pid)
{
	char dir[64], path[PATH_MAX], link[64];
	struct dirent *entry;
	int found = -1;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", pid);
	d = opendir(dir);
	if (!d)
		FAIL("%s: %s", dir, strerror(errno));
	while (found < 0 && (entry = readdir(d))) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (!strcmp(link, "anon_inode:kvm-vm"))
			found = atoi(entry->d_name);
	}
	closedir(d);
	return found;
}

static int take_kvm_fd(pid_t pid)
{
	int number = find_kvm_fd(pid), pidfd, fd;

	if (number < 0)
		FAIL("process %d has no KVM VM", pid);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(pidfd >= 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	CHECK(fd >= 0);
	close(pidfd);
	return fd;
}

static int usage(void)
{
	fprintf(stderr, "usage: vmirror-test CASE [PID [VERIFY-COMMAND]]\ncases:");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fprintf(stderr, " %s%s", cases[i].name, cases[i].own_vm ? "" : "(PID)");
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct target t = { 0 };

	if (argc < 2 || argc > 4)
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);	/* a case that is killed has said how far it came */
	t.sys = open(VMIRROR_DEVICE, O_RDWR | O_CLOEXEC);
	if (t.sys < 0)
		FAIL("%s: %s", VMIRROR_DEVICE, strerror(errno));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		if (!cases[i].own_vm && argc < 3)
			return usage();
		if (!cases[i].own_vm) {
			t.pid = atoi(argv[2]);
			t.verify = argv[3];
			t.kvm = take_kvm_fd(t.pid);
		}
		check_nothing_left(&t);
		cases[i].run(&t);
		check_nothing_left(&t);
		printf("%s: passed\n", argv[1]);
		return 0;
	}
	return usage();
}
