// SPDX-License-Identifier: LGPL-2.1-or-later
/* reasons.c - what cannot move says why, and is not touched */
#include <fcntl.h>

#include <sys/mman.h>
#include <sys/uio.h>

#include "selfvm.h"

#define LENGTH (4 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)

struct place {
	struct selfvm self;
	int vm, pool;
};

static void open_place(struct place *p)
{
	selfvm_create(&p->self);
	p->vm = vm_attach(&p->self.t, "reasons", 0);
	p->pool = pool_create(&p->self.t, "reasons", 16 * MiB);
}

static void close_place(struct place *p)
{
	close(p->vm);
	close(p->pool);
	selfvm_destroy(&p->self);
}

static uint32_t blocker_of(int vm, uint64_t gpa)
{
	struct vmirror_slot slots[16] = { 0 };
	struct vmirror_slots args = { .size = sizeof(args), .slots = (uintptr_t)slots, .nr_slots = 16 };

	CHECK(ioctl(vm, VMIRROR_SLOTS, &args) == 0);
	for (uint32_t i = 0; i < args.nr_slots; i++)
		if (slots[i].gpa == gpa)
			return slots[i].blocker;
	FAIL("no slot at %#llx", (unsigned long long)gpa);
}

/* All of @memory must stay, for that reason. */
static void expect_stays(void *memory, uint32_t skip, bool whole_slot)
{
	struct vmirror_moved moved;
	struct place p;
	uint64_t gpa;

	open_place(&p);
	fill_pattern(memory, LENGTH, skip);
	gpa = selfvm_add_slot(&p.self, memory, LENGTH);
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	if (moved.moved_pages || moved.skipped_pages[skip] != PAGES)
		for (int i = 1; i <= (int)VMIRROR_SKIP_LAST; i++)
			fprintf(stderr, "  reason %d: %llu pages\n", i,
				(unsigned long long)moved.skipped_pages[i]);
	CHECK(moved.moved_pages == 0);
	CHECK(moved.skipped_pages[skip] == PAGES);
	CHECK(blocker_of(p.vm, gpa) == (whole_slot ? skip : 0));
	check_pattern(memory, LENGTH, skip);
	close_place(&p);
	CHECK(munmap(memory, LENGTH) == 0);
}

static void *map(int flags, int fd)
{
	void *memory = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* Of a private mapping of a file, what was written moves, and what is the file's stays. */
static void private_file(int fd)
{
	char *memory = map(MAP_PRIVATE, fd), *content = map_anonymous(LENGTH, false);
	struct vmirror_moved moved;
	struct place p;
	uint64_t gpa;

	open_place(&p);
	fill_pattern(content, LENGTH, 1);
	CHECK(pwrite(fd, content, LENGTH, 0) == (ssize_t)LENGTH);
	check_pattern(memory, LENGTH, 1);
	for (uint64_t page = 0; page < PAGES / 2; page++)
		((volatile char *)memory)[page * 4096] += 0;
	gpa = selfvm_add_slot(&p.self, memory, LENGTH);
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES / 2);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_FILE] == PAGES / 2);
	CHECK(blocker_of(p.vm, gpa) == 0);
	check_pattern(memory, LENGTH, 1);
	close_place(&p);
	CHECK(munmap(memory, LENGTH) == 0 && munmap(content, LENGTH) == 0);
}

static void shared_file_hugetlb(void)
{
	char path[] = "/var/tmp/vmirror-test.XXXXXX";
	int fd = mkstemp(path), hugepages;
	void *huge;

	CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, LENGTH) == 0);
	expect_stays(map(MAP_SHARED | MAP_ANONYMOUS, -1), VMIRROR_SKIP_SHARED, true);
	expect_stays(map(MAP_SHARED, fd), VMIRROR_SKIP_SHARED, true);
	private_file(fd);
	close(fd);

	hugepages = open("/proc/sys/vm/nr_hugepages", O_WRONLY);
	CHECK(hugepages >= 0 && write(hugepages, "4", 1) == 1);
	huge = map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	expect_stays(huge, VMIRROR_SKIP_HUGETLB, true);
	CHECK(write(hugepages, "0", 1) == 1);
	close(hugepages);
}

static void locked(void)
{
	void *memory = map_anonymous(LENGTH, false);

	CHECK(mlock(memory, LENGTH) == 0);
	expect_stays(memory, VMIRROR_SKIP_LOCKED, true);
}

static void absent(void)
{
	void *memory = map_anonymous(LENGTH, false);
	volatile char *bytes = memory;
	struct vmirror_moved moved;
	struct place p;
	uint64_t gpa;

	open_place(&p);
	gpa = selfvm_add_slot(&p.self, memory, LENGTH);
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == 0 && moved.skipped_pages[VMIRROR_SKIP_ABSENT] == PAGES);

	for (uint64_t i = 0; i < LENGTH; i += VMIRROR_PAGE_SIZE)
		(void)bytes[i];		/* maps the zero page */
	bytes[7 * VMIRROR_PAGE_SIZE] = 1;
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == 1);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ABSENT] == PAGES - 1);
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == 0 && moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == 1);
	for (uint64_t i = 0; i < LENGTH; i += VMIRROR_PAGE_SIZE)
		CHECK(bytes[i] == (i == 7 * VMIRROR_PAGE_SIZE));
	close_place(&p);
	munmap(memory, LENGTH);
}

/*
 * Pages pinned for long, as VFIO pins them, here by a fixed buffer of io_uring where the
 * kernel has it; and a vmsplice into a pipe, which takes a mere reference.
 */
static void referenced(void)
{
	char *memory = map_anonymous(LENGTH, false);
	struct iovec piece = { .iov_base = memory + 3 * VMIRROR_PAGE_SIZE, .iov_len = 4096 };
	struct vmirror_moved moved;
	struct place p;
	uint64_t gpa;
	int pipefd[2];

	open_place(&p);
	fill_pattern(memory, LENGTH, 3);
	gpa = selfvm_add_slot(&p.self, memory, LENGTH);
	CHECK(pipe(pipefd) == 0);
	CHECK(vmsplice(pipefd[1], &piece, 1, 0) == 4096);
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES - 1);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_BUSY] + moved.skipped_pages[VMIRROR_SKIP_PINNED] == 1);
	close(pipefd[0]);
	close(pipefd[1]);
	migrate(p.vm, p.pool, gpa + 3 * VMIRROR_PAGE_SIZE, VMIRROR_PAGE_SIZE, &moved);
	CHECK(moved.moved_pages == 1);
	check_pattern(memory, LENGTH, 3);
	close_place(&p);
	munmap(memory, LENGTH);
}

/* Part of the range has no slot: that part is counted, the rest moves. */
static void holes(void)
{
	char *memory = map_anonymous(LENGTH, false);
	struct vmirror_moved moved;
	struct place p;
	uint64_t gpa;

	open_place(&p);
	fill_pattern(memory, LENGTH, 5);
	gpa = selfvm_add_slot(&p.self, memory, LENGTH);
	migrate(p.vm, p.pool, gpa - MiB, LENGTH + 2 * MiB, &moved);
	CHECK(moved.moved_pages == PAGES);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_NO_SLOT] == 2 * MiB / VMIRROR_PAGE_SIZE);
	check_pattern(memory, LENGTH, 5);
	close_place(&p);
	munmap(memory, LENGTH);
}

void case_reasons(struct target *t)
{
	(void)t;
	shared_file_hugetlb();
	locked();
	absent();
	referenced();
	holes();
}
