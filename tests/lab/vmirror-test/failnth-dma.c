// SPDX-License-Identifier: LGPL-2.1-or-later
/* failnth-dma.c - what is attempted with a PCI device while an allocation fails */
#include "dma.h"
#include "failnth.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

static struct edu edu;
static uint64_t addresses[FAILNTH_HUGE / VMIRROR_PAGE_SIZE];

void failnth_dma_open(void)
{
	edu_find(&edu);
	edu_bind(&edu, "vmirror");
	edu_map(&edu);
}

void failnth_dma_close(void)
{
	edu_unmap(&edu);
	edu_bind(&edu, NULL);
}

static void prepare_device(struct failnth_world *w)
{
	memset(addresses, 1, sizeof(addresses));
	w->device = dma_device_create(w->vm, &edu);
}

/* With something to unmap. */
static void prepare_mapped(struct failnth_world *w)
{
	prepare_device(w);
	dma_map_all(w->device, (uintptr_t)w->memory, w->length, addresses);
}

static int attempt_create_pci(struct failnth_world *w)
{
	struct vmirror_device_create args = dma_create_args(&edu);
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &args);

	return device < 0 ? -1 : close(device);
}

static int attempt_map(struct failnth_world *w)
{
	struct vmirror_device_dma_map args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
		.addresses = (uintptr_t)addresses,
	};

	return ioctl(w->device, VMIRROR_DEVICE_DMA_MAP, &args);
}

static int attempt_unmap(struct failnth_world *w)
{
	return dma_unmap(w->device, (uintptr_t)w->memory, w->length, NULL);
}

/* The device reaches @page now, and nothing else: it brings back what we have erased. */
static void check_reach(struct failnth_world *w, uint64_t page)
{
	char *at = w->memory + page * PAGE;

	for (int tries = 0; tries < 100; tries++) {
		dma_map_all(w->device, (uintptr_t)w->memory, w->length, addresses);
		memcpy(failnth_buffer, at, PAGE);
		edu_load(&edu, addresses[page], PAGE);
		memset(at, 0, PAGE);
		edu_store(&edu, addresses[page], PAGE);
		if (!memcmp(failnth_buffer, at, PAGE))
			return;
		/* The kernel may have taken the page meanwhile. */
		memcpy(at, failnth_buffer, PAGE);
	}
	FAIL("the device does not reach page %llu", (unsigned long long)page);
}

/* What could not be done can be done by the next who asks. */
static void judge_map(struct failnth_world *w, int ret)
{
	uint64_t last = w->length / PAGE - 1;

	CHECK(ret <= 0);
	check_reach(w, 0);
	check_reach(w, last);
	CHECK(dma_unmap(w->device, (uintptr_t)w->memory, w->length, NULL) == 0);
	CHECK(dma_pages(w->device) == 0);
}

/* If it was refused as a whole, the next who asks is not. */
static void judge_unmap(struct failnth_world *w, int ret)
{
	CHECK(ret == 0 || attempt_unmap(w) == 0);
	CHECK(dma_pages(w->device) == 0);
}

static const struct failnth_scenario scenarios[] = {
	{ "DEVICE_CREATE, of a PCI device", .attempt = attempt_create_pci, .with_vm = true },
	{ "DEVICE_DMA_MAP, 4 KiB", .prepare = prepare_device, .attempt = attempt_map, .judge = judge_map,
	  .out = true },
	{ "DEVICE_DMA_MAP, 2 MiB", .prepare = prepare_device, .attempt = attempt_map, .judge = judge_map,
	  .out = true, .huge = true },
	{ "DEVICE_DMA_UNMAP, 4 KiB", .prepare = prepare_mapped, .attempt = attempt_unmap,
	  .judge = judge_unmap, .out = true },
	{ "DEVICE_DMA_UNMAP, 2 MiB", .prepare = prepare_mapped, .attempt = attempt_unmap,
	  .judge = judge_unmap, .out = true, .huge = true },
};

const struct failnth_list failnth_dma_calls = FAILNTH_LIST(scenarios);
