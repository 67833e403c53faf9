// SPDX-License-Identifier: LGPL-2.1-or-later
/* main.c - vmirror-test CASE [ARGUMENT]...: which case to run, on which VM */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <sys/syscall.h>

#include "test.h"

/*
 * struct entry - a case
 * @arguments: of a running VM, the process id of its VMM; else the case makes what it needs
 * @beside: others may hold pools and VMs meanwhile
 */
static const struct entry {
	const char *name;
	void (*run)(struct target *t);
	enum { NONE, VM, SEED } arguments;
	bool beside;
} cases[] = {
	{ .name = "abi", .run = case_abi, .arguments = VM },
	{ .name = "move", .run = case_move, .arguments = VM },
	{ .name = "ring", .run = case_ring, .arguments = VM },
	{ .name = "teardown", .run = case_teardown, .arguments = VM },
	{ .name = "orphans", .run = case_orphans },
	{ .name = "signals", .run = case_signals, .arguments = VM },
	{ .name = "reasons", .run = case_reasons },
	{ .name = "memory", .run = case_memory },
	{ .name = "race", .run = case_race },
	{ .name = "mixed", .run = case_mixed },
	{ .name = "khugepaged", .run = case_khugepaged },
	{ .name = "parts", .run = case_parts },
	{ .name = "grown", .run = case_grown },
	{ .name = "two-pools", .run = case_two_pools },
	{ .name = "evict", .run = case_evict },
	{ .name = "populate", .run = case_populate },
	{ .name = "guest", .run = case_guest, .arguments = VM },
	{ .name = "device", .run = case_device },
	{ .name = "dma", .run = case_dma },
	{ .name = "dma-guest", .run = case_dma_guest, .arguments = VM },
	{ .name = "process", .run = case_process },
	{ .name = "fault-around", .run = case_fault_around },
	{ .name = "soft-dirty", .run = case_soft_dirty },
	{ .name = "change", .run = case_change },
	{ .name = "kernel-moves", .run = case_kernel_moves },
	{ .name = "balancing", .run = case_balancing },
	{ .name = "ksm", .run = case_ksm },
	{ .name = "one-folio", .run = case_one_folio },
	{ .name = "recall-race", .run = case_recall_race },
	{ .name = "pins", .run = case_pins },
	{ .name = "folios", .run = case_folios },
	{ .name = "two-mirrors", .run = case_two_mirrors },
	{ .name = "foreign", .run = case_foreign },
	{ .name = "memcg", .run = case_memcg },
	{ .name = "failnth", .run = case_failnth },
	{ .name = "failing-engine", .run = case_failing_engine },
	{ .name = "fuzz", .run = case_fuzz, .arguments = SEED },
	{ .name = "torture", .run = case_torture, .arguments = SEED, .beside = true },
};

static const char *const arguments[] = {
	[NONE] = "", [VM] = " PID [VERIFY-COMMAND]", [SEED] = " SECONDS SEED",
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
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		fprintf(stderr, "%s vmirror-test %s%s\n", i ? "      " : "usage:", cases[i].name,
			arguments[cases[i].arguments]);
	return 2;
}

static const struct entry *find_case(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

/* Returns whether the arguments are those that the case needs. */
static bool take_arguments(const struct entry *entry, int argc, char **argv, struct target *t)
{
	switch (entry->arguments) {
	case VM:
		if (argc != 3 && argc != 4)
			return false;
		t->pid = atoi(argv[2]);
		t->verify = argv[3];
		t->kvm = take_kvm_fd(t->pid);
		return true;
	case SEED:
		if (argc != 4)
			return false;
		t->seconds = strtoul(argv[2], NULL, 0);
		t->seed = strtoull(argv[3], NULL, 0);
		return t->seconds > 0;
	default:
		return argc == 2;
	}
}

int main(int argc, char **argv)
{
	const struct entry *entry = argc > 1 ? find_case(argv[1]) : NULL;
	struct target t = { 0 };

	if (!entry || !take_arguments(entry, argc, argv, &t))
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);	/* a case that is killed has said how far it came */
	t.sys = open(VMIRROR_DEVICE, O_RDWR | O_CLOEXEC);
	if (t.sys < 0)
		FAIL("%s: %s", VMIRROR_DEVICE, strerror(errno));
	if (!entry->beside)
		check_nothing_left(&t);
	entry->run(&t);
	if (!entry->beside)
		check_nothing_left(&t);
	printf("%s: passed\n", entry->name);
	return 0;
}
