// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * foreign.c - memory that cannot move, in the midst of memory that can: SNAPSHOT shows it,
 * MIGRATE says why it stays and takes what is beside it, SLOTS names it; and a process that
 * sends out all it has, its own stack too
 */
#include <fcntl.h>

#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "fire.h"
#include "setting.h"

#define LENGTH (6 * MiB)
#define FOREIGN (2 * MiB)	/* its block is the second of three; or a part of that */
#define FOREIGN_PAGES (FOREIGN / VMIRROR_PAGE_SIZE)
#define WRITABLE (PROT_READ | PROT_WRITE)

/* Each maps memory at @at and keeps no fd; returns where there is a second view of it, or NULL. */

static char *map_fd(char *at, uint64_t length, int protection, int flags, int fd)
{
	char *second = NULL;

	CHECK(fd >= 0);
	CHECK(mmap(at, length, protection, flags | MAP_FIXED, fd, 0) == at);
	if (flags & MAP_SHARED)
		second = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(second != MAP_FAILED);
	close(fd);
	return second;
}

static int memory_file(unsigned int flags, uint64_t length)
{
	int fd = memfd_create("vmirror-test", flags);

	CHECK(fd >= 0 && ftruncate(fd, length) == 0);
	return fd;
}

static int disk_file(uint64_t length)
{
	char path[] = "/var/tmp/vmirror-test.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, length) == 0);
	return fd;
}

static char *memfd_shared(char *at, uint64_t length)
{
	return map_fd(at, length, WRITABLE, MAP_SHARED, memory_file(0, length));
}

static char *memfd_private(char *at, uint64_t length)
{
	return map_fd(at, length, WRITABLE, MAP_PRIVATE, memory_file(0, length));
}

static char *shared(char *at, uint64_t length)
{
	CHECK(mmap(at, length, WRITABLE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	CHECK(madvise(at, length, MADV_HUGEPAGE) == 0);
	return NULL;
}

static char *sysv_shared(char *at, uint64_t length)
{
	int id = shmget(IPC_PRIVATE, length, 0600);
	char *second;

	CHECK(id >= 0);
	munmap(at, length);
	CHECK(shmat(id, at, 0) == at);
	second = shmat(id, NULL, SHM_RDONLY);
	CHECK(second != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
	return second;
}

static char *file_shared(char *at, uint64_t length)
{
	return map_fd(at, length, WRITABLE, MAP_SHARED, disk_file(length));
}

static char *file_private(char *at, uint64_t length)
{
	return map_fd(at, length, WRITABLE, MAP_PRIVATE, disk_file(length));
}

static char *huge_private(char *at, uint64_t length)
{
	CHECK(mmap(at, length, WRITABLE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1,
		   0) == at);
	return NULL;
}

static char *huge_shared(char *at, uint64_t length)
{
	return map_fd(at, length, WRITABLE, MAP_SHARED, memory_file(MFD_HUGETLB, length));
}

static char *locked(char *at, uint64_t length)
{
	CHECK(mlock(at, length) == 0);
	return NULL;
}

/* Private memory of /dev/zero is anonymous memory like any other. */
static char *zero_private(char *at, uint64_t length)
{
	return map_fd(at, length, WRITABLE, MAP_PRIVATE, open("/dev/zero", O_RDWR));
}

static const struct kind {
	const char *name;
	char *(*map)(char *at, uint64_t length);
	enum vmirror_skip why;		/* 0: it moves */
	bool whole_blocks;
} kinds[] = {
	{ "shared memfd", memfd_shared, VMIRROR_SKIP_SHARED, false },
	/* Written, as all of it is: so these are copies of the file's pages. */
	{ "private memfd", memfd_private, 0, false },
	{ "shared anonymous", shared, VMIRROR_SKIP_SHARED, false },
	{ "System V shared", sysv_shared, VMIRROR_SKIP_SHARED, false },
	{ "shared file", file_shared, VMIRROR_SKIP_SHARED, false },
	{ "private file", file_private, 0, false },
	{ "private hugetlb", huge_private, VMIRROR_SKIP_HUGETLB, true },
	{ "shared hugetlb", huge_shared, VMIRROR_SKIP_HUGETLB, true },
	{ "locked", locked, VMIRROR_SKIP_LOCKED, false },
	{ "private /dev/zero", zero_private, 0, false },
};

static void check_slots(char *memory, const struct kind *kind, char *foreign)
{
	struct vmirror_slot slots[2] = { 0 };
	struct vmirror_slots args = { .size = sizeof(args), .slots = (uintptr_t)slots, .nr_slots = 2 };
	struct selfvm self;
	int vm;

	selfvm_create(&self);
	selfvm_add_slot(&self, memory, LENGTH);		/* with what can move on both sides of it */
	selfvm_add_slot(&self, foreign, MiB);
	vm = vm_attach(&self.t, "foreign", 0);
	CHECK(ioctl(vm, VMIRROR_SLOTS, &args) == 0 && args.nr_slots == 2);
	CHECK(slots[0].blocker == kind->why && slots[1].blocker == kind->why);
	close(vm);
	selfvm_destroy(&self);
}

static void stays(struct fire *f, const struct kind *kind, struct run foreign)
{
	uint64_t others = f->pages - foreign.pages;
	struct vmirror_moved moved;

	for (int tries = 0; tries < 50; tries++) {
		migrate(f->vm, f->pool, (uintptr_t)f->memory, LENGTH, &moved);
		CHECK(moved.skipped_pages[kind->why] == foreign.pages);
		if (moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == others)
			break;
		usleep(10000);
	}
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == others);
	CHECK(pages_in_state(f->vm, (uintptr_t)fire_at(f, foreign.first),
			     foreign.pages * VMIRROR_PAGE_SIZE, VMIRROR_STATE_RAM) == foreign.pages);
}

static void one_kind(const struct kind *kind, bool huge)
{
	struct run run = { FOREIGN_PAGES, kind->whole_blocks ? FOREIGN_PAGES : FOREIGN_PAGES / 2 };
	uint64_t length = run.pages * VMIRROR_PAGE_SIZE;
	char *at, *second;
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	at = fire_at(&f, run.first);
	second = kind->map(at, length);
	fire_write(&f, run, 300);
	check_slots(f.memory, kind, at);
	if (kind->why)
		stays(&f, kind, run);
	else
		all_out(f.vm, f.pool, f.memory, LENGTH);
	fire_write(&f, (struct run) { run.first, run.pages / 2 }, 301);
	fire_check_all(&f);
	for (uint64_t i = 0; second && i < run.pages; i++)
		CHECK(page_holds(second + i * VMIRROR_PAGE_SIZE, f.tags[run.first + i]));
	if (second)
		munmap(second, length);
	fire_end(&f);
}

/* The kernel's own pages in our address space. */
static void special(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start = 0, end = 0;
	struct vmirror_moved moved;
	char line[256];
	struct fire f;

	CHECK(maps);
	while (!end && fgets(line, sizeof(line), maps))
		if (strstr(line, name))
			CHECK(sscanf(line, "%lx-%lx", &start, &end) == 2);
	fclose(maps);
	CHECK(end > start);
	fire_begin(&f, LENGTH, false);
	migrate(f.vm, f.pool, start, end - start, &moved);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_SPECIAL] > 0);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_SPECIAL] + moved.skipped_pages[VMIRROR_SKIP_ABSENT] ==
	      (end - start) / VMIRROR_PAGE_SIZE);
	fire_end(&f);
}

/*
 * Everything we have: the program, its heap and its stack, the C library, the kernel's pages,
 * 128 TiB of holes.  What can move is out when the call returns, and comes back as we go on.
 */
static void everything(bool huge)
{
	const uint64_t half = 1ull << 46;
	struct vmirror_moved moved;
	char on_stack[3 * VMIRROR_PAGE_SIZE];
	struct fire f;

	fire_begin(&f, LENGTH, huge);
	for (size_t i = 0; i < sizeof(on_stack); i++)
		on_stack[i] = i * 7;
	for (int round = 0; round < 5; round++) {
		migrate(f.vm, f.pool, half, half - VMIRROR_PAGE_SIZE, &moved);
		CHECK(moved.moved_pages > 0);
		migrate(f.vm, f.pool, 0, half, &moved);
		for (size_t i = 0; i < sizeof(on_stack); i++)
			CHECK(on_stack[i] == (char)(i * 7));
		fire_check(&f, fire_run(&f));
		recall(f.vm, half, half - VMIRROR_PAGE_SIZE, &moved);
	}
	recall(f.vm, 0, half, &moved);
	fire_end(&f);
}

void case_foreign(struct target *t)
{
	(void)t;
	set("/proc/sys/vm/nr_hugepages", "4");
	/* SNAPSHOT does not see what the balancer is watching. */
	set("/proc/sys/kernel/numa_balancing", "0");
	for (int huge = 0; huge < 2; huge++) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			printf("  %s among %s pages\n", kinds[i].name, huge ? "2 MiB" : "4 KiB");
			one_kind(&kinds[i], huge);
		}
		everything(huge);
	}
	special("[vdso]");
	special("[vvar");
}
