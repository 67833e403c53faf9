// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * grown.c - single pages that become one huge page, which loses a part and then all of it, while
 * they are sent out
 *
 * MIGRATE looks at a block before it sets out.  If it saw single pages, and finds a huge page
 * that is mapped by single entries, the kernel must split a folio that may be freed at that very
 * moment.  Each owner of a block fills it, checks it, makes it grow and lets it go again: where
 * freed memory was used, two owners meet in one page, or the kernel complains.  Best run with
 * slow_split.ko.
 */
#include <pthread.h>
#include <stdatomic.h>

#include <sys/mman.h>

#include "random.h"
#include "selfvm.h"

#define BLOCK (2 * MiB)
#define BLOCKS 4
#define BLOCK_PAGES (BLOCK / VMIRROR_PAGE_SIZE)
#define SECONDS 20

static atomic_bool stop;
static char *memory;
static atomic_ulong grown;

static void fill_and_check(char *block, uint64_t seed)
{
	fill_pattern(block, BLOCK, seed);
	check_pattern(block, BLOCK, seed);
}

static void *own_block(void *arg)
{
	uint64_t number = (uintptr_t)arg, round = 0;
	char *block = memory + number * BLOCK;
	struct random r = random_of(1, number);

	for (; !atomic_load(&stop); round++) {
		char *part = block + random_below(&r, BLOCK_PAGES) * VMIRROR_PAGE_SIZE;

		fill_and_check(block, round * BLOCKS + number);
		if (!madvise(block, BLOCK, MADV_COLLAPSE))
			grown++;
		CHECK(!madvise(part, VMIRROR_PAGE_SIZE, MADV_DONTNEED));
		if (one_in(&r, 2))
			usleep(random_below(&r, 5000));
		CHECK(!madvise(block, BLOCK, MADV_DONTNEED));
	}
	return NULL;
}

/* All out, again and again: the owners bring them home. */
static void *send_out(void *arg)
{
	int *fds = arg;

	for (uint64_t i = 0; !atomic_load(&stop); i++) {
		struct vmirror_moved moved;

		migrate(fds[0], fds[1], (uintptr_t)memory + i % BLOCKS * BLOCK, BLOCK, &moved);
	}
	return NULL;
}

void case_grown(struct target *t)
{
	struct target own = process_self();
	pthread_t owners[BLOCKS], sender;
	int fds[2];

	(void)t;
	memory = map_anonymous(BLOCKS * BLOCK, true);
	/* Huge only where it is made so: a fault makes a single page. */
	munmap(memory, BLOCKS * BLOCK);
	CHECK(mmap(memory, BLOCKS * BLOCK, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
	fds[0] = vm_attach(&own, "grown", 0);
	fds[1] = pool_create(&own, "grown", BLOCKS * BLOCK);
	for (uintptr_t i = 0; i < BLOCKS; i++)
		CHECK(!pthread_create(&owners[i], NULL, own_block, (void *)i));
	CHECK(!pthread_create(&sender, NULL, send_out, fds));
	sleep(SECONDS);
	atomic_store(&stop, true);
	for (int i = 0; i < BLOCKS; i++)
		CHECK(!pthread_join(owners[i], NULL));
	CHECK(!pthread_join(sender, NULL));
	check_none_out(fds[0]);
	printf("  %lu times one huge page\n", grown);
	CHECK(grown > 0);
	close(fds[0]);
	close(fds[1]);
	close(own.sys);
	munmap(memory, BLOCKS * BLOCK);
}
