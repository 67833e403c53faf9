/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * edu.h - QEMU's "edu" device: a PCI device with a DMA engine and 4 KiB of memory of its own
 *
 * The lab's machine has one, behind an IOMMU.  We are its driver, through sysfs.
 */
#ifndef VMIRROR_TEST_EDU_H
#define VMIRROR_TEST_EDU_H

#include "test.h"

/* As the lab has set it up. */
#define EDU_DMA_BITS 32

struct edu {
	char name[16];		/* its directory in sysfs */
	uint32_t id;		/* bus << 8 | device << 3 | function; segment 0 */
	volatile uint64_t *registers;
};

/* A time limit, made longer where everything takes longer: by the factor in $PATIENCE. */
uint64_t edu_limit(uint64_t ms);

/* The driver of the device is @driver from here on, or none where it is NULL. */
void edu_bind(struct edu *edu, const char *driver);
/* Fails if there is none. */
void edu_find(struct edu *edu);
/* Is there one? */
bool edu_is_there(struct edu *edu);
void edu_map(struct edu *edu);
void edu_unmap(struct edu *edu);
/* Gone from the bus, and found anew: with no driver. */
void edu_replug(struct edu *edu);
/* Write to a file of its directory. */
void edu_set(struct edu *edu, const char *file, const char *value);

/* From memory at @address into its own, or back. */
void edu_load(struct edu *edu, uint64_t address, uint64_t length);
void edu_store(struct edu *edu, uint64_t address, uint64_t length);
/*
 * One word, at @address, which the IOMMU must refuse, and say so.  As the kernel does not tell of
 * each refused DMA, it may take more than one.
 */
void edu_load_refused(struct edu *edu, uint64_t address);
void edu_store_refused(struct edu *edu, uint64_t address);
/* After DMA that was refused by the way: until the kernel would speak of it again. */
void edu_wait_quiet(void);

#endif
