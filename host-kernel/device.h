/* SPDX-License-Identifier: GPL-2.0-only */
/* device.h - what the files of the software device share */
#ifndef VMIRROR_DEVICE_H
#define VMIRROR_DEVICE_H

#include "private.h"

/* What the device may do with a page: the tag of its entry in the table. */
enum entry_tag {
	ENTRY_READ = 0,
	ENTRY_WRITE = 1,
	ENTRY_EXCLUSIVE = 3,	/* write, and the CPU is kept out */
};

/**
 * struct vmirror_device - a software device
 * @vm: whose memory it works in; attached or not, that does not matter to it
 * @notifier: for all of the VMM's address space
 * @lock: orders @table against invalidations.  Memory must not be reclaimed for anyone who
 *	has it, because that invalidates.
 * @table: address in the VMM >> PAGE_SHIFT -> page, tagged with enum entry_tag
 * @written: guest frame numbers the device wrote since it was last asked
 * @faults: how many times it lacked a page
 * @invalidated: pages that the host took from @table
 */
struct vmirror_device {
	struct vmirror_vm *vm;
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	struct xarray table;
	struct xarray written;
	atomic64_t faults;
	atomic64_t invalidated;
};

/* --- device-table.c --------------------------------------------------------- */

extern const struct mmu_interval_notifier_ops vmirror_device_notifier_ops;

int vmirror_device_enter(struct vmirror_device *device, unsigned long hva, struct page *page,
			 enum entry_tag tag);
int vmirror_device_make_room(struct vmirror_device *device, unsigned long hva);
int vmirror_device_fault(struct vmirror_device *device, struct vmirror_batch *batch,
			 unsigned long start, unsigned long end, bool write);

#endif /* VMIRROR_DEVICE_H */
