/* SPDX-License-Identifier: GPL-2.0-only */
/* device.h - what the files of the software device share */
#ifndef VMIRROR_DEVICE_H
#define VMIRROR_DEVICE_H

#include "private.h"

#ifdef HAVE_HMM_DMA_MAP
#include <linux/hmm-dma.h>
#endif

struct hmm_range;

/* What the device may do with a page: the tag of its entry in the table. */
enum entry_tag {
	ENTRY_READ = 0,
	ENTRY_WRITE = 1,
	ENTRY_EXCLUSIVE = 3,	/* write, and the CPU is kept out */
	NR_ENTRY_TAGS
};

struct vmirror_pci;

/**
 * struct vmirror_dma - what ties a software device to a PCI device
 * @pci: the PCI device, or NULL once it has gone; set with the lock of device-pci.c and @lock
 * @lock: protects @regions, and keeps @pci
 * @regions: list of struct vmirror_region: guest memory that the PCI device may reach
 */
struct vmirror_dma {
	struct vmirror_pci *pci;
	struct list_head pci_link;	/* its users */
	struct list_head vm_link;	/* vm->dmas */
	struct mutex lock;
	struct list_head regions;
	unsigned int nr_regions;
};

/**
 * struct vmirror_device - a software device
 * @vm: whose memory it works in; attached or not, that does not matter to it
 * @notifier: for all of the VMM's address space
 * @lock: orders @table against invalidations.  Memory must not be reclaimed for anyone who
 *	has it, because that invalidates.
 * @table: address in the VMM >> PAGE_SHIFT -> page, tagged with enum entry_tag
 * @nr: entries in @table, by their tag
 * @written: guest frame numbers the device wrote since it was last asked
 * @faults: how many times it lacked a page
 * @invalidated: pages that the host took from @table
 * @dma: if it is tied to a PCI device
 */
struct vmirror_device {
	struct vmirror_vm *vm;
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	struct xarray table;
	u64 nr[NR_ENTRY_TAGS];
	struct xarray written;
	atomic64_t faults;
	atomic64_t invalidated;
	struct vmirror_dma *dma;
};

/* --- device-table.c --------------------------------------------------------- */

extern const struct mmu_interval_notifier_ops vmirror_device_notifier_ops;

int vmirror_device_enter(struct vmirror_device *device, unsigned long hva, struct page *page,
			 enum entry_tag tag);
int vmirror_device_make_room(struct vmirror_device *device, unsigned long hva);
int vmirror_device_may_try(unsigned long deadline);
int vmirror_device_fault(struct vmirror_device *device, struct vmirror_batch *batch,
			 unsigned long start, unsigned long end, bool write);
bool vmirror_is_out_of_reach(struct page *page);

#ifdef HAVE_HMM_DMA_MAP

/* --- device-region.c: a range of guest memory that a PCI device may reach ------- */

/**
 * struct vmirror_region - guest memory that a PCI device may reach
 * @kref: one for the list, one for each call that faults pages in
 * @dev: the PCI device; valid until the region ends
 * @slot: the slot it lies in, for comparison only: it may be gone
 * @callers: calls that are faulting pages in for it; with dma->lock
 * @used: a call has given its addresses away; with dma->lock
 * @lock: protects what follows, and orders it against invalidations
 * @stopped: no page is linked any more, nor will be
 * @map: pfn_list is NULL once the region has ended
 * @mapped: pages that are linked
 */
struct vmirror_region {
	struct kref kref;
	struct list_head link;		/* dma->regions */
	struct device *dev;
	struct mirror_slot *slot;
	u64 gpa;
	unsigned long hva;
	unsigned long pages;
	struct mmu_interval_notifier notifier;
	unsigned int callers;
	bool used;

	spinlock_t lock;
	bool stopped;
	struct hmm_dma_map map;
	unsigned long mapped;
};

struct vmirror_region *vmirror_region_create(struct vmirror_dma *dma, struct mirror_slot *slot,
					     const struct vmirror_device_dma_map *args);
unsigned long vmirror_region_stop(struct vmirror_region *region);
void vmirror_region_leave(struct vmirror_dma *dma, struct vmirror_region *region, bool used);
unsigned long vmirror_region_end(struct vmirror_dma *dma, struct vmirror_region *region);
void vmirror_region_put(struct vmirror_region *region);
int vmirror_region_link(struct vmirror_region *region, const struct hmm_range *range,
			unsigned long *addresses);

/* --- device-dma.c: a VM's memory for a PCI device ------------------------------ */

int vmirror_dma_map(struct vmirror_device *device, struct vmirror_device_dma_map *args);
int vmirror_dma_unmap(struct vmirror_device *device, struct vmirror_device_dma_unmap *args);
void vmirror_dma_end_all(struct vmirror_dma *dma);
u64 vmirror_dma_pages(struct vmirror_dma *dma);

/* --- device-pci.c: which PCI devices ------------------------------------------- */

struct device *vmirror_pci_device(struct vmirror_pci *pci);
int vmirror_dma_open(struct vmirror_device *device, const struct vmirror_device_create *args);
void vmirror_dma_close(struct vmirror_device *device);

#else

static inline int vmirror_dma_map(struct vmirror_device *device,
				  struct vmirror_device_dma_map *args)
{
	args->done_bytes = 0;
	return -EOPNOTSUPP;
}

static inline int vmirror_dma_unmap(struct vmirror_device *device,
				    struct vmirror_device_dma_unmap *args)
{
	return -EOPNOTSUPP;
}

static inline u64 vmirror_dma_pages(struct vmirror_dma *dma)
{
	return 0;
}

static inline int vmirror_dma_open(struct vmirror_device *device,
				   const struct vmirror_device_create *args)
{
	return -EOPNOTSUPP;
}

static inline void vmirror_dma_close(struct vmirror_device *device)
{
}

#endif

#endif /* VMIRROR_DEVICE_H */
