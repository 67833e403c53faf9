// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * parts.c - 2 MiB folios that are out and lose parts, while everyone wants them home
 *
 * A huge page goes out whole.  Then a part of it is discarded, or protected: it is one folio
 * still, but mapped by single entries.  Now threads touch its pages, some through
 * get_user_pages() as KVM does, a thread discards, the main thread recalls, closes the pool,
 * sends out again.  Even blocks are checked all the time; odd ones are there to be discarded,
 * so that their device pages are free at the wrong moment.  Best run with slow_split.ko.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <sys/mman.h>

#include "selfvm.h"

#define BLOCK (2 * MiB)
#define LENGTH (16 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define BLOCK_PAGES (BLOCK / VMIRROR_PAGE_SIZE)
#define SECONDS 8

static atomic_bool stop;
static char *memory;

static bool is_checked(uint64_t page)
{
	return page / BLOCK_PAGES % 2 == 0;
}

static void *touch(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	uint64_t reads = 0;

	while (!atomic_load(&stop)) {
		/* Mostly the same few pages as the others, at a folio's head. */
		uint64_t page = rand_r(&seed) % 4 ? rand_r(&seed) % (PAGES / BLOCK_PAGES) *
				BLOCK_PAGES + rand_r(&seed) % 32 : rand_r(&seed) % PAGES;
		char *from = memory + page * VMIRROR_PAGE_SIZE;
		uint64_t value = (uintptr_t)arg % 2 ? read_through_gup(from) :
				 *(volatile uint64_t *)from;

		if (is_checked(page) && value != page + 1)
			FAIL("page %#llx holds %#llx", (unsigned long long)page,
			     (unsigned long long)value);
		/* Leave the others some time: there are more of us than CPUs. */
		if (++reads % 8 == 0)
			usleep(50);
	}
	return (void *)(uintptr_t)reads;
}

static void *discard(void *arg)
{
	unsigned int seed = 77;

	(void)arg;
	while (!atomic_load(&stop)) {
		uint64_t block = rand_r(&seed) % (LENGTH / BLOCK / 2) * 2 + 1;
		uint64_t page = rand_r(&seed) % 2 ? rand_r(&seed) % BLOCK_PAGES : 0;
		uint64_t pages = rand_r(&seed) % 4 ? 1 : BLOCK_PAGES - page;

		CHECK(!madvise(memory + block * BLOCK + page * VMIRROR_PAGE_SIZE,
			       pages * VMIRROR_PAGE_SIZE, MADV_DONTNEED));
		usleep(1000);
	}
	return NULL;
}

/* A new huge page, with every page's number in it, takes the place of the block in one step. */
static void renew(uint64_t block)
{
	char *fresh = map_anonymous(BLOCK, true), *place = memory + block * BLOCK;

	for (uint64_t i = 0; i < BLOCK_PAGES; i++)
		*(uint64_t *)(fresh + i * VMIRROR_PAGE_SIZE) = block * BLOCK_PAGES + i + 1;
	CHECK(mremap(fresh, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place);
}

/* A page in the midst of each checked block: the folio is mapped by single entries then. */
static void protect_a_part(void)
{
	for (uint64_t at = 0; at < LENGTH; at += 2 * BLOCK) {
		CHECK(!mprotect(memory + at + MiB, VMIRROR_PAGE_SIZE, PROT_READ));
		CHECK(!mprotect(memory + at + MiB, VMIRROR_PAGE_SIZE, PROT_READ | PROT_WRITE));
	}
}

void case_parts(struct target *t)
{
	time_t end = time(NULL) + SECONDS;
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;
	pthread_t readers[4], discarder;
	uint64_t gpa, huge = 0, out = 0, reads = 0;
	struct selfvm self;
	int vm, pool, rounds = 0;

	(void)t;
	selfvm_create(&self);
	memory = map_anonymous(LENGTH, true);
	for (uint64_t block = 0; block < LENGTH / BLOCK; block++)
		renew(block);
	gpa = selfvm_add_slot(&self, memory, LENGTH);
	vm = vm_attach(&self.t, "parts", 0);
	pool = pool_create(&self.t, "parts", LENGTH);
	for (uintptr_t i = 0; i < 4; i++)
		CHECK(!pthread_create(&readers[i], NULL, touch, (void *)(i + 1)));
	CHECK(!pthread_create(&discarder, NULL, discard, NULL));
	for (; time(NULL) < end; rounds++) {
		for (uint64_t block = 0; block < LENGTH / BLOCK; block++)
			renew(block);
		migrate(vm, pool, gpa, LENGTH, &moved);
		out += moved.moved_pages;
		huge += moved.moved_huge;
		protect_a_part();
		if (rounds % 4 == 3) {
			close(pool);
			pool = pool_create(&self.t, "parts", LENGTH);
		} else if (rounds % 4 != 2) {
			recall(vm, gpa, LENGTH, &moved);
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++) {
		void *result;

		CHECK(!pthread_join(readers[i], &result));
		reads += (uintptr_t)result;
	}
	CHECK(!pthread_join(discarder, NULL));
	recall(vm, gpa, LENGTH, &moved);
	check_none_out(vm);
	for (uint64_t page = 0; page < PAGES; page++)
		if (is_checked(page) && *(uint64_t *)(memory + page * VMIRROR_PAGE_SIZE) != page + 1)
			FAIL("page %#llx at the end", (unsigned long long)page);
	vm_stat(vm, &vs);
	printf("  %d rounds, %llu pages out, %llu huge, %llu back by fault, %llu dropped, %llu reads\n",
	       rounds, (unsigned long long)out, (unsigned long long)huge,
	       (unsigned long long)vs.back_fault, (unsigned long long)vs.dropped,
	       (unsigned long long)reads);
	CHECK(vs.out_pages == 0 && huge > 0 && vs.back_fault > 0);
	close(vm);
	close(pool);
	selfvm_destroy(&self);
	munmap(memory, LENGTH);
}
