// SPDX-License-Identifier: LGPL-2.1-or-later
/* dma-place.c - see dma.h */
#include <sys/mman.h>

#include "dma.h"

#define LENGTH DMA_LENGTH
#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

struct vmirror_device_create dma_create_args(const struct edu *edu)
{
	return (struct vmirror_device_create) {
		.size = sizeof(struct vmirror_device_create),
		.flags = VMIRROR_DEVICE_PCI,
		.pci_id = edu->id,
		.dma_bits = EDU_DMA_BITS,
	};
}

int dma_device_create(int vm, const struct edu *edu)
{
	struct vmirror_device_create args = dma_create_args(edu);
	int fd = ioctl(vm, VMIRROR_DEVICE_CREATE, &args);

	CHECK(fd >= 0);
	return fd;
}

int64_t dma_map(int device, uint64_t gpa, uint64_t length, uint64_t *addresses)
{
	struct vmirror_device_dma_map args = {
		.size = sizeof(args),
		.gpa = gpa,
		.length = length,
		.addresses = (uintptr_t)addresses,
	};

	uint64_t limit = now_ms() + edu_limit(60000);
	int ret;

	do
		ret = ioctl(device, VMIRROR_DEVICE_DMA_MAP, &args);
	while (ret && errno == EBUSY && now_ms() < limit);
	return ret ? -1 : (int64_t)args.done_bytes;
}

void dma_map_all(int device, uint64_t gpa, uint64_t length, uint64_t *addresses)
{
	uint64_t done = 0, limit = now_ms() + edu_limit(60000);

	while (done < length) {
		int64_t n = dma_map(device, gpa + done, length - done, addresses + done / PAGE);

		CHECK(now_ms() < limit);
		CHECK(n > 0);
		done += n;
	}
}

int dma_unmap(int device, uint64_t gpa, uint64_t length, uint64_t *pages)
{
	struct vmirror_device_dma_unmap args = { .size = sizeof(args), .gpa = gpa, .length = length };
	int ret = ioctl(device, VMIRROR_DEVICE_DMA_UNMAP, &args);

	if (pages)
		*pages = args.pages;
	return ret;
}

uint64_t dma_pages(int device)
{
	return device_stat(device).dma_pages;
}

/* How often that is tried which the kernel may spoil by taking a page. */
#define TRIES 200

void dma_map_whole_and(struct dma_place *p, uint64_t gpa, uint64_t stride, uint64_t others,
		       uint64_t *addresses)
{
	uint64_t pages = 0;

	for (int tries = 0; tries < TRIES; tries++) {
		dma_map_all(p->device, p->at.gpa, LENGTH, p->addresses);
		for (uint64_t i = 0; i < others; i++)
			dma_map_all(p->device, gpa + i * stride, PAGE, &addresses[i]);
		pages = dma_pages(p->device);
		if (pages == DMA_PAGES + others)
			return;
		usleep(10000);
	}
	FAIL("the device can reach %llu pages, instead of %llu", (unsigned long long)pages,
	     (unsigned long long)(DMA_PAGES + others));
}

void dma_map_whole(struct dma_place *p)
{
	dma_map_whole_and(p, 0, 0, 0, NULL);
}

void dma_map_and_unmap(int device, uint64_t gpa, uint64_t length, uint64_t margin,
		       uint64_t *addresses)
{
	uint64_t pages = 0;

	for (int tries = 0; tries < TRIES; tries++) {
		dma_map_all(device, gpa, length, addresses);
		CHECK(dma_unmap(device, gpa - margin, length + 2 * margin, &pages) == 0);
		CHECK(pages <= length / PAGE);
		if (pages == length / PAGE)
			return;
		usleep(10000);
	}
	FAIL("the device could reach %llu pages, instead of %llu", (unsigned long long)pages,
	     (unsigned long long)(length / PAGE));
}

void dma_carry(struct dma_place *p, int reader, uint64_t from, void *to, const void *want,
	       uint64_t length)
{
	uint64_t to_gpa = p->at.gpa + ((char *)to - p->at.memory), source, target;

	CHECK(memcmp(to, want, length));
	for (int tries = 0; tries < TRIES; tries++) {
		dma_map_all(p->device, to_gpa, PAGE, &target);
		dma_map_all(reader, from, PAGE, &source);
		edu_load(p->edu, source, length);
		edu_store(p->edu, target, length);
		if (!memcmp(to, want, length))
			return;
	}
	FAIL("the device does not bring what is at %#llx to %#llx", (unsigned long long)from,
	     (unsigned long long)to_gpa);
}

void dma_out(struct dma_place *p, int pool, uint64_t offset, uint64_t length)
{
	/* What the kernel is moving about just now looks absent. */
	const uint32_t held = 1u << VMIRROR_SKIP_BUSY | 1u << VMIRROR_SKIP_ABSENT;

	place_out(&p->at, pool, offset, length, held, 500);
}

uint64_t *dma_word(struct dma_place *p, uint64_t page)
{
	return (uint64_t *)(p->at.memory + page * PAGE);
}

void dma_carry_within(struct dma_place *p, uint64_t from, uint64_t to, uint64_t length)
{
	dma_carry(p, p->device, p->at.gpa + from * PAGE, dma_word(p, to), dma_word(p, from), length);
}

void dma_take_in(struct dma_place *p, uint64_t from, uint64_t page, uint64_t value)
{
	*dma_word(p, from) = value;
	*dma_word(p, page) = ~value;
	dma_carry_within(p, from, page, 8);
}

void dma_open_place(struct dma_place *p, struct edu *edu, bool with_kvm, bool huge)
{
	memset(p, 0, sizeof(*p));
	p->edu = edu;
	place_begin(&p->at, LENGTH, with_kvm, huge);
	p->spare = map_anonymous(LENGTH, huge);
	p->spare_gpa = place_add(&p->at, p->spare, LENGTH);
	place_mirror(&p->at, "dma");
	p->device = dma_device_create(p->at.vm, edu);
}

void dma_close_place(struct dma_place *p)
{
	close(p->device);
	place_close(&p->at);
	munmap(p->spare, LENGTH);
}
