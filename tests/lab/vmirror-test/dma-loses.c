// SPDX-License-Identifier: LGPL-2.1-or-later
/* dma-loses.c - what takes a page from a PCI device, which reaches nothing of it from then on */
#include <sys/mman.h>

#include "dma.h"

#define LENGTH DMA_LENGTH
#define PAGES DMA_PAGES
#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

/* Pages for words that the device brings or takes, in another block than what is taken from it. */
#define SEEN (PAGES - 2)
#define MARK (PAGES - 1)

/*
 * What was at @page is out of the device's reach; @secret is what it must not see.  It sees what
 * it had before, or nothing.  Returns whether it has kept the block where @page is not.
 */
static bool check_lost(struct dma_place *p, uint64_t page, uint64_t secret)
{
	uint64_t before = 0x1111111111111111, left = dma_pages(p->device);

	if (left >= PAGES)
		FAIL("page %llu is gone, and %llu pages are left", (unsigned long long)page,
		     (unsigned long long)left);
	/* The kernel may take SEEN as well, at any time, and what is stored is lost then. */
	*dma_word(p, SEEN) = ~before;
	for (int tries = 0; tries < 10 && *dma_word(p, SEEN) == ~before; tries++) {
		dma_take_in(p, MARK, SEEN, before);
		*dma_word(p, SEEN) = ~before;
		edu_load_refused(p->edu, p->addresses[page]);
		dma_map_all(p->device, p->at.gpa + SEEN * PAGE, PAGE, &p->addresses[SEEN]);
		edu_store(p->edu, p->addresses[SEEN], 8);
	}
	CHECK(*dma_word(p, SEEN) != secret);
	CHECK(*dma_word(p, SEEN) == before || *dma_word(p, SEEN) == 0);
	edu_store_refused(p->edu, p->addresses[page]);
	return left >= PAGES / 2;
}

/* After that the device must reach the page again, at the same address. */
static void check_comes_back(struct dma_place *p, uint64_t page)
{
	uint64_t again, value = 0x2222222222222222 + page;

	dma_map_all(p->device, p->at.gpa + page * PAGE, PAGE, &again);
	CHECK(again == p->addresses[page]);
	*dma_word(p, MARK) = value;
	dma_carry_within(p, MARK, page, 8);
	*dma_word(p, page) = value + 1;
	dma_carry_within(p, page, SEEN, 8);
	/* A fault that brings a page home takes the neighbours from the device for a moment. */
	dma_map_whole(p);
	CHECK(again == p->addresses[page]);
}

static void lose_to_pool(struct dma_place *p, uint64_t page)
{
	dma_out(p, p->at.pool, page * PAGE, PAGE);
	CHECK(vm_out_pages(p->at.vm) == 1);
}

static void lose_to_discard(struct dma_place *p, uint64_t page)
{
	CHECK(madvise(dma_word(p, page), PAGE, MADV_DONTNEED) == 0);
}

static void lose_to_protection(struct dma_place *p, uint64_t page)
{
	CHECK(mprotect(dma_word(p, page), PAGE, PROT_READ) == 0);
}

static void regain_access(struct dma_place *p, uint64_t page)
{
	uint64_t address;

	CHECK_ERRNO(dma_map(p->device, p->at.gpa + page * PAGE, PAGE, &address), EPERM);
	CHECK(mprotect(dma_word(p, page), PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void lose_to_unmap(struct dma_place *p, uint64_t page)
{
	uint64_t address;

	CHECK(munmap(dma_word(p, page), PAGE) == 0);
	CHECK_ERRNO(dma_map(p->device, p->at.gpa + page * PAGE, PAGE, &address), EFAULT);
}

static void fill_hole(struct dma_place *p, uint64_t page)
{
	CHECK(mmap(dma_word(p, page), PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == dma_word(p, page));
}

/* Whatever the host does to a page takes it from the device first. */
void dma_loses_pages(struct dma_place *p)
{
	const struct {
		void (*lose)(struct dma_place *p, uint64_t page);
		void (*regain)(struct dma_place *p, uint64_t page);
		bool keeps;
	} ways[] = {
		{ lose_to_pool, NULL, true },
		{ lose_to_discard, NULL, false },
		{ lose_to_protection, regain_access, true },
		{ lose_to_unmap, fill_hole, false },
	};

	unsigned int kept = 0;

	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		uint64_t page = 5 + i, secret = 0x5ec2e7 + i;

		*dma_word(p, page) = secret;
		dma_map_whole(p);
		ways[i].lose(p, page);
		kept += check_lost(p, page, secret);
		if (ways[i].keeps)
			CHECK(*dma_word(p, page) == secret);
		if (ways[i].regain)
			ways[i].regain(p, page);
		check_comes_back(p, page);
	}
	/*
	 * The kernel may take the whole block, if only to change the protection of a page; of another
	 * one at any time some, but not each time.
	 */
	CHECK(kept > 0);
}

/* In a coherent pool a page is where a PCI device can reach it as well. */
void dma_in_coherent_pool(struct dma_place *p)
{
	int pool = pool_create_coherent(&p->at.self.t, "dma-coherent", 2 * MiB);

	*dma_word(p, 9) = 99;
	dma_out(p, pool, 9 * PAGE, PAGE);
	CHECK(vm_out_pages(p->at.vm) == 1 && dma_pages(p->device) < PAGES);
	check_comes_back(p, 9);
	CHECK(vm_out_pages(p->at.vm) == 1);
	close(pool);
	check_none_out(p->at.vm);
	check_lost(p, 9, 0x2222222222222222 + 9 + 1);
	check_comes_back(p, 9);
}
