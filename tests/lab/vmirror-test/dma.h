/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dma.h - what the files of the case dma share */
#ifndef VMIRROR_TEST_DMA_H
#define VMIRROR_TEST_DMA_H

#include "edu.h"
#include "place.h"

#define DMA_LENGTH (4 * MiB)
#define DMA_PAGES (DMA_LENGTH / VMIRROR_PAGE_SIZE)

/**
 * struct dma_place - a process, or a VM with two slots; a device in it, tied to the edu
 * @spare: in the VM's second slot, as long as the memory in the first
 * @addresses: where the edu device finds each page of the memory, once dma_map_all() was called
 */
struct dma_place {
	struct place at;
	struct edu *edu;
	char *spare;
	uint64_t spare_gpa;
	uint64_t addresses[DMA_PAGES];
	int device;
};

/* dma-place.c: the calls, and a place to make them in; for DEVICE_CREATE: */
struct vmirror_device_create dma_create_args(const struct edu *edu);
int dma_device_create(int vm, const struct edu *edu);
/* Returns how many bytes were done, or -1.  What does not hold still is asked for again. */
int64_t dma_map(int device, uint64_t gpa, uint64_t length, uint64_t *addresses);
int dma_unmap(int device, uint64_t gpa, uint64_t length, uint64_t *pages);
uint64_t dma_pages(int device);
/* All of @length, while it moves. */
void dma_map_all(int device, uint64_t gpa, uint64_t length, uint64_t *addresses);

/*
 * The kernel may take any page at any time, to move it elsewhere: it is asked for again.  Until all
 * of the place's memory can be reached, and nothing else:
 */
void dma_map_whole(struct dma_place *p);
/* The same, and in addition @others pages, the first of ranges that are @stride apart. */
void dma_map_whole_and(struct dma_place *p, uint64_t gpa, uint64_t stride, uint64_t others,
		       uint64_t *addresses);
/* Until all of [gpa, gpa + length) could be reached when @margin more on both sides was unmapped. */
void dma_map_and_unmap(int device, uint64_t gpa, uint64_t length, uint64_t margin,
		       uint64_t *addresses);
/*
 * Until the PCI device has carried what is at @from, as @reader's addresses have it, to a page of
 * the place's memory, which must hold something else before.  @want: what that is
 */
void dma_carry(struct dma_place *p, int reader, uint64_t from, void *to, const void *want,
	       uint64_t length);

uint64_t *dma_word(struct dma_place *p, uint64_t page);
void dma_out(struct dma_place *p, int pool, uint64_t offset, uint64_t length);
/* The device takes what one page begins with to another, where there is something else. */
void dma_carry_within(struct dma_place *p, uint64_t from, uint64_t to, uint64_t length);
/* The device's own memory begins with @value from here on: @page is where that was seen. */
void dma_take_in(struct dma_place *p, uint64_t from, uint64_t page, uint64_t value);

void dma_open_place(struct dma_place *p, struct edu *edu, bool with_kvm, bool huge);
void dma_close_place(struct dma_place *p);

/* dma-loses.c: pages are taken from the device */
void dma_loses_pages(struct dma_place *p);
void dma_in_coherent_pool(struct dma_place *p);

/* dma-use.c: what must be refused, and the edu device's coming and going */
void dma_wrong_use(struct dma_place *p);
void dma_wrong_devices(struct dma_place *p);
void dma_loses_device(struct dma_place *p);

#endif
