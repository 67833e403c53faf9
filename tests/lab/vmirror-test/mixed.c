// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mixed.c - 4 KiB pages and 2 MiB folios over the same pool memory, all at once
 *
 * Single pages go out, khugepaged makes huge pages of what came home, those go out as
 * huge pages into blocks that held single pages before, and so on; two readers, one of
 * them through get_user_pages() as KVM does, check all the time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <sys/mman.h>

#include "selfvm.h"
#include "setting.h"

#define LENGTH (32 * MiB)
#define READERS 2
#define SECONDS 8

static atomic_bool stop;
static atomic_ulong reads[READERS];
static char *memory;

static void *reader(void *arg)
{
	uint64_t me = (uintptr_t)arg;
	unsigned int seed = me + 1;

	while (!atomic_load(&stop)) {
		uint64_t page = rand_r(&seed) % (LENGTH / VMIRROR_PAGE_SIZE), value;
		char *from = memory + page * VMIRROR_PAGE_SIZE + me * 512;

		value = me ? read_through_gup(from) : *(volatile uint64_t *)from;
		if (value != page)
			FAIL("page %llu holds %#llx", (unsigned long long)page,
			     (unsigned long long)value);
		atomic_fetch_add(&reads[me], 1);
	}
	return NULL;
}

/* Every page holds its number, once for each reader. */
static void number_pages(void)
{
	for (uint64_t page = 0; page < LENGTH / VMIRROR_PAGE_SIZE; page++)
		for (int i = 0; i < READERS; i++)
			*(uint64_t *)(memory + page * VMIRROR_PAGE_SIZE + i * 512) = page;
}

void case_mixed(struct target *t)
{
	time_t end = time(NULL) + SECONDS;
	uint64_t gpa, out = 0, huge = 0;
	struct vmirror_moved moved;
	pthread_t threads[READERS];
	struct vmirror_vm_stat vs;
	struct selfvm self;
	int vm, pool, rounds = 0;

	(void)t;
	make_khugepaged_eager();
	selfvm_create(&self);
	memory = map_anonymous(LENGTH, false);
	number_pages();
	CHECK(madvise(memory, LENGTH, MADV_HUGEPAGE) == 0);
	gpa = selfvm_add_slot(&self, memory, LENGTH);
	vm = vm_attach(&self.t, "mixed", 0);
	pool = pool_create(&self.t, "mixed", LENGTH);
	for (uintptr_t i = 0; i < READERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, reader, (void *)i));
	for (; time(NULL) < end; rounds++) {
		/* One page of each second block alone: its huge page falls apart. */
		for (uint64_t at = rounds % 2 * 2 * MiB; at < LENGTH; at += 4 * MiB) {
			migrate(vm, pool, gpa + at + MiB, VMIRROR_PAGE_SIZE, &moved);
			out += moved.moved_pages;
		}
		migrate(vm, pool, gpa, LENGTH, &moved);
		out += moved.moved_pages;
		huge += moved.moved_huge;
		if (rounds % 8 == 7) {		/* home by device page, too */
			close(pool);
			pool = pool_create(&self.t, "mixed", LENGTH);
		} else {
			recall(vm, gpa, LENGTH, &moved);
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < READERS; i++)
		CHECK(!pthread_join(threads[i], NULL));
	recall(vm, gpa, LENGTH, &moved);
	check_none_out(vm);
	vm_stat(vm, &vs);
	printf("  %d rounds, %llu pages out, %llu of them huge, %lu and %lu reads\n", rounds,
	       (unsigned long long)out, (unsigned long long)huge * 512, reads[0], reads[1]);
	/* Nobody but khugepaged makes huge pages here. */
	CHECK(huge > 0 && out > huge * 512);
	if (vs.out_pages || vs.moved_out != vs.back_fault + vs.back_recall)
		FAIL("%llu pages out; %llu went out, %llu came by fault, %llu by recall",
		     (unsigned long long)vs.out_pages, (unsigned long long)vs.moved_out,
		     (unsigned long long)vs.back_fault, (unsigned long long)vs.back_recall);
	close(vm);
	close(pool);
	selfvm_destroy(&self);
	munmap(memory, LENGTH);
}
