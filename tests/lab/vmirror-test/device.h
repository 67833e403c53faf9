/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device.h - what the files of the case device share */
#ifndef VMIRROR_TEST_DEVICE_H
#define VMIRROR_TEST_DEVICE_H

#include "place.h"

#define DEVICE_LENGTH (8 * MiB)

/**
 * struct device_place - a process, or a VM with one slot; a device in it
 * @buffer: what the device has read, or is to write: as long as the place's memory
 */
struct device_place {
	struct place at;
	char *buffer;
	int device;
};

/* device.c */
int64_t read_some(int device, uint64_t gpa, void *buffer, uint64_t length);
int64_t write_some(int device, uint64_t gpa, void *buffer, uint64_t length);
void device_out(struct device_place *p, uint64_t offset, uint64_t length);

/* device-exclusive.c: pages that are the device's alone */
void device_exclusive_pages(struct device_place *p);
void device_exclusive_coherent(struct device_place *p);
void device_pair(struct device_place *p);

#endif
