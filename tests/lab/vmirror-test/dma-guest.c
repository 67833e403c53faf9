// SPDX-License-Identifier: LGPL-2.1-or-later
/* dma-guest.c - a real PCI device reads a running guest's memory, all of which it can reach */
#include "dma.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)
#define SAMPLES 24

/*
 * Returns whether the guest left the page alone meanwhile.  The PCI device works for one VM at a time:
 * it takes what it has read there along to our own memory.
 */
static bool sees_the_same(struct dma_place *own, int vm, uint64_t gpa)
{
	uint64_t limit = edu_limit(30000), address;
	char before[PAGE], after[PAGE];
	int device;

	/* The kernel may take either page while it is carried. */
	for (int tries = 0; tries < 50; tries++) {
		device = dma_device_create(vm, own->edu);
		dma_map_all(device, gpa, PAGE, &address);
		device_access_all(device, VMIRROR_DEVICE_READ, gpa, before, PAGE, limit);
		edu_load(own->edu, address, PAGE);
		device_access_all(device, VMIRROR_DEVICE_READ, gpa, after, PAGE, limit);
		close(device);

		own->device = dma_device_create(own->at.vm, own->edu);
		dma_map_all(own->device, own->at.gpa, PAGE, own->addresses);
		edu_store(own->edu, own->addresses[0], PAGE);
		close(own->device);
		if (memcmp(before, after, PAGE))
			return false;
		if (!memcmp(before, own->at.memory, PAGE))
			return true;
	}
	FAIL("DMA does not find what is at %#llx", (unsigned long long)gpa);
}

void case_dma_guest(struct target *t)
{
	int vm = vm_attach(t, "guest", 0), device, pool;
	uint64_t length, gpa = lowest_ram(vm, &length), *addresses, same = 0, left;
	struct vmirror_moved moved;
	struct dma_place own;
	struct edu edu;

	edu_find(&edu);
	edu_bind(&edu, "vmirror");
	edu_map(&edu);
	dma_open_place(&own, &edu, false, false);
	close(own.device);
	pool = pool_create(t, "guest", length);
	addresses = calloc(length / PAGE, sizeof(*addresses));
	CHECK(addresses && length <= VMIRROR_DMA_MAX);

	migrate(vm, pool, gpa, length / 2, &moved);
	CHECK(moved.moved_pages > 0);
	for (uint64_t i = 0; i < SAMPLES; i++)
		same += sees_the_same(&own, vm, gpa + (i * (length / PAGE / SAMPLES) + i) * PAGE);
	printf("  %llu of %d pages held still and were the same\n", (unsigned long long)same, SAMPLES);
	CHECK(same > SAMPLES / 2);
	verify(t);

	device = dma_device_create(vm, &edu);
	dma_map_all(device, gpa, length, addresses);
	migrate(vm, pool, gpa, length, &moved);
	left = dma_pages(device);
	printf("  %llu pages went out, the PCI device is left with %llu of %llu\n",
	       (unsigned long long)moved.moved_pages, (unsigned long long)left,
	       (unsigned long long)(length / PAGE));
	CHECK(moved.moved_pages > length / PAGE / 2 && left <= length / PAGE - moved.moved_pages);
	verify(t);
	close(device);
	own.device = dma_device_create(own.at.vm, &edu);
	close(vm);
	close(pool);
	free(addresses);
	dma_close_place(&own);
	edu_unmap(&edu);
	edu_bind(&edu, NULL);
}
