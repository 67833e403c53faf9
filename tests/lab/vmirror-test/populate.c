// SPDX-License-Identifier: LGPL-2.1-or-later
/* populate.c - pages that do not exist yet are made in the pool, as zero */
#include <fcntl.h>
#include <pthread.h>

#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "selfvm.h"

#define LENGTH (8 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define BLOCK_PAGES (2 * MiB / VMIRROR_PAGE_SIZE)

/* Asks again while the kernel holds pages for a moment; what moved meanwhile is counted as moved. */
static void populate(int vm, int pool, void *memory, uint64_t length, struct vmirror_moved *moved)
{
	uint64_t before = 0, before_huge = 0;

	for (int tries = 0; tries < 100; tries++) {
		migrate_with(vm, pool, (uintptr_t)memory, length, VMIRROR_MIGRATE_POPULATE, moved);
		if (!moved->skipped_pages[VMIRROR_SKIP_BUSY])
			break;
		before += moved->moved_pages;
		before_huge += moved->moved_huge;
		usleep(1000);
	}
	moved->moved_pages += before;
	moved->moved_huge += before_huge;
	moved->skipped_pages[VMIRROR_SKIP_ALREADY_OUT] -= before;
}

static uint64_t in_pool(int vm, void *memory)
{
	return pages_in_state(vm, (uintptr_t)memory, LENGTH, VMIRROR_STATE_POOL);
}

static bool is_zero(const char *memory, uint64_t length)
{
	return memory[0] == 0 && memcmp(memory, memory + 1, length - 1) == 0;
}

/* Dirty what the pool will give out next: what is made must be zero all the same. */
static void dirty_pool(int vm, int pool, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	struct vmirror_moved moved;

	memset(memory, 0xa5, LENGTH);
	migrate(vm, pool, (uintptr_t)memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES);
	munmap(memory, LENGTH);
}

static void all(struct target *t, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	int vm = vm_attach(t, "populate", 0), pool = pool_create(t, "populate", LENGTH);
	struct vmirror_moved moved;

	dirty_pool(vm, pool, huge);
	migrate(vm, pool, (uintptr_t)memory, LENGTH, &moved);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ABSENT] == PAGES);
	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES);
	CHECK(moved.moved_huge == (huge ? LENGTH / (2 * MiB) : 0));
	CHECK(in_pool(vm, memory) == PAGES);
	CHECK(is_zero(memory, LENGTH));
	check_none_out(vm);

	/* Again, with content that was written out there by way of a fault. */
	CHECK(madvise(memory, LENGTH, MADV_DONTNEED) == 0);
	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES);
	fill_pattern(memory, LENGTH, 6);
	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages + moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == PAGES);
	check_pattern(memory, LENGTH, 6);
	close(vm);
	close(pool);
	munmap(memory, LENGTH);
}

/* Of each eight pages: three absent, two of zero, two with content, and one that is not mapped at all. */
static void mixed(struct target *t)
{
	char *memory = map_anonymous(LENGTH, false);
	int vm = vm_attach(t, "populate", 0), pool = pool_create(t, "populate", LENGTH);
	struct vmirror_moved moved;
	volatile char sink;

	for (uint64_t i = 0; i < PAGES; i++) {
		char *page = memory + i * VMIRROR_PAGE_SIZE;

		switch (i % 8) {
		case 3: case 4: sink = *page; break;
		case 5: case 6: memset(page, (int)(i & 0x7f) + 1, VMIRROR_PAGE_SIZE); break;
		case 7: munmap(page, VMIRROR_PAGE_SIZE); break;
		}
	}
	(void)sink;
	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES / 8 * 7);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ABSENT] == PAGES / 8);
	CHECK(in_pool(vm, memory) == PAGES / 8 * 7);
	for (uint64_t i = 0; i < PAGES; i++) {
		char *page = memory + i * VMIRROR_PAGE_SIZE;

		if (i % 8 != 7)
			CHECK(page[0] == (i % 8 < 5 ? 0 : (char)((i & 0x7f) + 1)));
	}
	close(vm);
	close(pool);
	munmap(memory, LENGTH);
}

static void read_only(struct target *t)
{
	char *memory = map_anonymous(LENGTH, false);
	int vm = vm_attach(t, "populate", 0), pool = pool_create(t, "populate", LENGTH);
	struct vmirror_moved moved;

	CHECK(mprotect(memory, LENGTH, PROT_READ) == 0);
	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES && is_zero(memory, LENGTH));
	CHECK(mprotect(memory, LENGTH, PROT_READ | PROT_WRITE) == 0);
	fill_pattern(memory, LENGTH, 7);
	check_pattern(memory, LENGTH, 7);
	close(vm);
	close(pool);
	munmap(memory, LENGTH);
}

/* A quarter of it fits in. */
static void no_room(struct target *t, bool huge)
{
	char *memory = map_anonymous(LENGTH, huge);
	int vm = vm_attach(t, "populate", 0), pool = pool_create(t, "populate", LENGTH / 4);
	struct vmirror_moved moved;

	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages == BLOCK_PAGES);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_POOL_FULL] == PAGES - BLOCK_PAGES);
	CHECK(is_zero(memory, LENGTH));
	close(vm);
	close(pool);
	munmap(memory, LENGTH);
}

/* What the kernel will not have made, here for a userfaultfd, is told as such: it is not "absent". */
static void refused(struct target *t)
{
	char *memory = map_anonymous(LENGTH, false);
	int vm = vm_attach(t, "populate", 0), pool = pool_create(t, "populate", LENGTH);
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register missing = {
		.range = { (uintptr_t)memory, LENGTH / 2 },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct vmirror_pool_stat ps;
	struct vmirror_moved moved;

	CHECK(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0);
	CHECK(ioctl(uffd, UFFDIO_REGISTER, &missing) == 0);
	migrate_with(vm, pool, (uintptr_t)memory, LENGTH, VMIRROR_MIGRATE_POPULATE, &moved);
	CHECK(moved.moved_pages == PAGES / 2);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_BUSY] == PAGES / 2);
	pool_stat(pool, &ps);
	CHECK(ps.used_bytes == LENGTH / 2);
	close(uffd);
	populate(vm, pool, memory, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES / 2);
	CHECK(is_zero(memory, LENGTH));
	close(vm);
	close(pool);
	munmap(memory, LENGTH);
}

struct writer {
	char *memory;
	bool end;
};

#define MARK(page) ((uint64_t)(page) * 0x9e3779b97f4a7c15ull | 1)

/* Writes to each page once, in an order of its own. */
static void *write_marks(void *arg)
{
	struct writer *w = arg;

	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t page = i * 1021 % PAGES;

		*(volatile uint64_t *)(w->memory + page * VMIRROR_PAGE_SIZE) = MARK(page);
	}
	__atomic_store_n(&w->end, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Pages are made in the pool while someone writes to the same ones for the first time. */
static void race(struct target *t, bool huge)
{
	int vm = vm_attach(t, "populate", 0), pool = pool_create(t, "populate", LENGTH);

	for (int round = 0; round < 5; round++) {
		struct writer w = { .memory = map_anonymous(LENGTH, huge) };
		struct vmirror_moved moved;
		pthread_t thread;

		CHECK(pthread_create(&thread, NULL, write_marks, &w) == 0);
		do {
			populate(vm, pool, w.memory, LENGTH, &moved);
		} while (!__atomic_load_n(&w.end, __ATOMIC_ACQUIRE));
		pthread_join(thread, NULL);
		for (uint64_t page = 0; page < PAGES; page++)
			CHECK(*(uint64_t *)(w.memory + page * VMIRROR_PAGE_SIZE) == MARK(page));
		munmap(w.memory, LENGTH);
	}
	close(vm);
	close(pool);
}

void case_populate(struct target *t)
{
	struct target own = process_self();

	(void)t;
	mixed(&own);
	read_only(&own);
	refused(&own);
	for (int huge = 0; huge < 2; huge++) {
		all(&own, huge);
		no_room(&own, huge);
		race(&own, huge);
	}
	close(own.sys);
}
