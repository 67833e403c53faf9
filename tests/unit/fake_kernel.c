// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "kernel-steps.h"

#define PAGE VMIRROR_PAGE_SIZE

struct fake_vm fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	for (unsigned int i = 0; i < FAKE_PAGES + FAKE_PAGES2; i++)
		fake.pages[i].state = VMIRROR_STATE_RAM;
	fake.pool_free = FAKE_PAGES + FAKE_PAGES2;
}

void fake_huge(unsigned int first, unsigned int blocks)
{
	for (unsigned int i = 0; i < blocks * 512; i++)
		fake.pages[first + i].order = 9;
}

unsigned int fake_count(uint16_t state)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FAKE_PAGES + FAKE_PAGES2; i++)
		n += fake.pages[i].state == state;
	return n;
}

static struct fake_page *page_at(uint64_t gpa)
{
	if (gpa < FAKE_PAGES * (uint64_t)PAGE)
		return &fake.pages[gpa / PAGE];
	if (gpa >= FAKE_SLOT2 && gpa < FAKE_SLOT2 + FAKE_PAGES2 * (uint64_t)PAGE)
		return &fake.pages[FAKE_PAGES + (gpa - FAKE_SLOT2) / PAGE];
	return NULL;
}

static int begin(uint64_t gpa, uint64_t length)
{
	bool any = false;

	if (fake.on_call)
		fake.on_call();
	fake.calls++;
	if (length > fake.longest)
		fake.longest = length;
	if (fake.fail_with && fake.calls == fake.fail_at)
		return -fake.fail_with;
	for (uint64_t at = gpa; at < gpa + length; at += PAGE)
		any |= page_at(at) != NULL;
	return any ? 0 : -ENXIO;
}

static uint32_t why_not_out(const struct fake_page *page)
{
	if (!page)
		return VMIRROR_SKIP_NO_SLOT;
	if (page->state == VMIRROR_STATE_POOL)
		return VMIRROR_SKIP_ALREADY_OUT;
	if (page->state != VMIRROR_STATE_RAM)
		return VMIRROR_SKIP_ABSENT;
	if (!page->skip && !fake.pool_free)
		return VMIRROR_SKIP_POOL_FULL;
	return page->skip;
}

int kernel_migrate(int vm_fd, int pool_fd, uint64_t gpa, uint64_t length,
		   struct vmirror_moved *moved)
{
	int err = begin(gpa, length);

	(void)vm_fd;
	memset(moved, 0, sizeof(*moved));
	for (uint64_t at = gpa; !err && at < gpa + length; at += PAGE) {
		struct fake_page *page = page_at(at);
		uint32_t skip = why_not_out(page);

		moved->done_bytes += PAGE;
		if (skip) {
			moved->skipped_pages[skip]++;
			continue;
		}
		page->state = VMIRROR_STATE_POOL;
		page->pool = (uint32_t)pool_fd;
		fake.pool_free--;
		moved->moved_pages++;
	}
	return err;
}

int kernel_recall(int vm_fd, uint64_t gpa, uint64_t length, struct vmirror_moved *moved)
{
	int err = begin(gpa, length);

	(void)vm_fd;
	memset(moved, 0, sizeof(*moved));
	for (uint64_t at = gpa; !err && at < gpa + length; at += PAGE) {
		struct fake_page *page = page_at(at);

		moved->done_bytes += PAGE;
		if (!page || page->state != VMIRROR_STATE_POOL) {
			moved->skipped_pages[page ? VMIRROR_SKIP_ABSENT : VMIRROR_SKIP_NO_SLOT]++;
			continue;
		}
		if (page->skip) {
			moved->skipped_pages[page->skip]++;
			continue;
		}
		page->state = VMIRROR_STATE_RAM;
		fake.pool_free++;
		moved->moved_pages++;
	}
	return err;
}

int kernel_snapshot(int vm_fd, uint64_t gpa, uint64_t length, struct vmirror_extent *extents,
		    uint32_t *nr, uint64_t *done)
{
	uint32_t n = 0;
	uint64_t at;

	(void)vm_fd;
	for (at = gpa; at < gpa + length; at += PAGE) {
		const struct fake_page *page = page_at(at);
		struct vmirror_extent *last = n ? &extents[n - 1] : NULL;

		if (!page)
			continue;
		if (last && last->gpa + last->pages * (uint64_t)PAGE == at &&
		    last->state == page->state && last->order == page->order &&
		    last->pool_id == page->pool) {
			last->pages++;
			continue;
		}
		if (n == *nr)
			break;
		extents[n++] = (struct vmirror_extent){
			.gpa = at,
			.pages = 1,
			.state = page->state,
			.order = page->order,
			.pool_id = page->pool,
			.pool_offset = at,
		};
	}
	*nr = n;
	*done = at - gpa;
	return 0;
}

int kernel_slots(int vm_fd, struct vmirror_slot *slots, uint32_t *nr)
{
	/* Not in order: KVM's are not, either. */
	const struct vmirror_slot all[] = {
		{ .gpa = FAKE_SLOT2, .length = FAKE_PAGES2 * (uint64_t)PAGE, .hva = 0x7000000 },
		{ .gpa = 0,
		  .length = FAKE_PAGES * (uint64_t)PAGE,
		  .hva = 0x1000000,
		  .blocker = fake.blocker },
	};

	(void)vm_fd;
	memcpy(slots, all, (*nr < 2 ? *nr : 2) * sizeof(*slots));
	*nr = 2;
	return 0;
}

int kernel_vm_numbers(int vm_fd, struct vmirror_vm_stat *stat)
{
	(void)vm_fd;
	*stat = (struct vmirror_vm_stat){
		.size = sizeof(*stat),
		.out_pages = fake_count(VMIRROR_STATE_POOL),
	};
	return 0;
}

int kernel_pool_numbers(int pool_fd, struct vmirror_pool_stat *stat)
{
	*stat = (struct vmirror_pool_stat){
		.size = sizeof(*stat),
		.id = (uint32_t)pool_fd,
		.bytes = FAKE_BLOCKS * (uint64_t)VMIRROR_POOL_SIZE_UNIT,
	};
	return 0;
}

int kernel_pool_blocks(int pool_fd, uint64_t offset, struct vmirror_pool_block *blocks,
		       uint32_t *nr)
{
	uint32_t first = (uint32_t)(offset / VMIRROR_POOL_SIZE_UNIT);

	(void)pool_fd;
	if (*nr > FAKE_BLOCKS - first)
		*nr = FAKE_BLOCKS - first;
	memcpy(blocks, &fake.blocks[first], *nr * sizeof(*blocks));
	return 0;
}

int kernel_pool_evict(int pool_fd, uint64_t offset, uint64_t length, uint64_t idle_ns,
		      uint64_t *moved)
{
	struct vmirror_pool_block *block = &fake.blocks[offset / VMIRROR_POOL_SIZE_UNIT];

	(void)pool_fd;
	(void)length;
	*moved = block->idle_ns >= idle_ns ? block->pages : 0;
	fake.pool_free += *moved;
	block->pages -= (uint32_t)*moved;
	fake.evictions++;
	fake.last_evicted = (uint32_t)(block - fake.blocks);
	return 0;
}
