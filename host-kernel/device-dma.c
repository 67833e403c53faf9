// SPDX-License-Identifier: GPL-2.0-only
/*
 * device-dma.c - a VM's memory for a PCI device: DMA addresses, as long as the pages are there
 *
 * A region is a range of guest memory with room for it in the PCI device's DMA address space.
 * Its pages are faulted in and linked; one that the host has taken meanwhile and that is faulted
 * in again has the address it had before.
 *
 *	sequence number ─▶ hmm_range_fault ─▶ region->lock ─▶ still true? ─▶ hmm_dma_map_pfn
 *	       ▲                                                  no │
 *	       └─────────────────────────────────────────────────────┘
 *
 * Always for writing: hmm_dma_map_pfn() lets the device write to whatever it links, and that
 * must not be the zero page or a page that others share.
 */
#include <linux/hmm.h>
#include <linux/uaccess.h>

#include "device.h"

enum overlap { APART, PARTLY, WITHIN };

/* How does [gpa, gpa + length) lie to [gpa2, gpa2 + length2)? */
static enum overlap overlap(u64 gpa, u64 length, u64 gpa2, u64 length2)
{
	if (gpa + length <= gpa2 || gpa2 + length2 <= gpa)
		return APART;
	return gpa >= gpa2 && gpa + length <= gpa2 + length2 ? WITHIN : PARTLY;
}

/* The region that the range lies in, or a new one; with a reference, for vmirror_region_leave(). */
static struct vmirror_region *region_get(struct vmirror_dma *dma, struct mirror_slot *slot,
					 const struct vmirror_device_dma_map *args)
{
	struct vmirror_region *region;

	lockdep_assert_held(&dma->lock);
	if (!dma->pci)
		return ERR_PTR(-ENODEV);
	list_for_each_entry(region, &dma->regions, link) {
		switch (overlap(args->gpa, args->length, region->gpa,
				(u64)region->pages << PAGE_SHIFT)) {
		case APART:
			continue;
		case PARTLY:
			return ERR_PTR(-EEXIST);
		case WITHIN:
			if (READ_ONCE(region->stopped))
				return ERR_PTR(-ESTALE);
			goto found;
		}
	}
	region = vmirror_region_create(dma, slot, args);
	if (IS_ERR(region))
		return region;
found:
	kref_get(&region->kref);
	region->callers++;
	return region;
}

/* Fault the pages in and link them, once.  Returns -EAGAIN if it has to be tried again. */
static int map_once(struct vmirror_dma *dma, struct vmirror_region *region,
		    struct hmm_range *range, unsigned long *addresses)
{
	int ret = vmirror_range_fault(range);

	if (ret)
		return ret;
	spin_lock(&region->lock);
	if (region->stopped)
		ret = READ_ONCE(dma->pci) ? -EBUSY : -ENODEV;
	else if (mmu_interval_read_retry(&region->notifier, range->notifier_seq))
		ret = -EAGAIN;
	else
		ret = vmirror_region_link(region, range, addresses);
	spin_unlock(&region->lock);
	return ret;
}

static int map_block(struct vmirror_dma *dma, struct vmirror_region *region,
		     struct hmm_range *range, unsigned long *addresses)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret;

	do {
		ret = vmirror_device_may_try(deadline) ?: map_once(dma, region, range, addresses);
	} while (ret == -EAGAIN);
	return ret;
}

static int map_range(struct vmirror_dma *dma, struct vmirror_region *region,
		     struct vmirror_device_dma_map *args, struct vmirror_batch *batch)
{
	unsigned long start = region->hva + (args->gpa - region->gpa);
	u64 __user *to = u64_to_user_ptr(args->addresses);
	struct hmm_range range = {
		.notifier = &region->notifier,
		.hmm_pfns = batch->src,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
		/* Nobody's: what is in private device memory comes home. */
		.dev_private_owner = NULL,
	};

	while (args->done_bytes < args->length) {
		int ret;

		range.start = start + args->done_bytes;
		range.end = min(ALIGN(range.start + 1, BLOCK_BYTES), start + args->length);
		ret = map_block(dma, region, &range, batch->dst);
		if (ret)
			return ret;
		static_assert(sizeof(*to) == sizeof(*batch->dst));
		if (copy_to_user(to + (args->done_bytes >> PAGE_SHIFT), batch->dst,
				 ((range.end - range.start) >> PAGE_SHIFT) * sizeof(*to)))
			return -EFAULT;
		args->done_bytes += range.end - range.start;
		cond_resched();
	}
	return 0;
}

/* With slots_lock. */
static int map_in_slot(struct vmirror_dma *dma, struct mirror_slot *slot,
		       struct vmirror_device_dma_map *args, struct vmirror_batch *batch)
{
	struct vmirror_region *region;
	int ret;

	mutex_lock(&dma->lock);
	region = region_get(dma, slot, args);
	mutex_unlock(&dma->lock);
	if (IS_ERR(region))
		return PTR_ERR(region);
	ret = map_range(dma, region, args, batch);
	vmirror_region_leave(dma, region, args->done_bytes);
	return ret;
}

/**
 * vmirror_dma_map() - let the PCI device reach guest memory
 * @device: the software device that is tied to it
 * @args: as VMIRROR_DEVICE_DMA_MAP has them; done_bytes is filled in also if it fails
 *
 * Return: 0 if all was done, or why it ended before: as VMIRROR_DEVICE_DMA_MAP
 */
int vmirror_dma_map(struct vmirror_device *device, struct vmirror_device_dma_map *args)
{
	struct vmirror_vm *vm = device->vm;
	struct vmirror_batch *batch;
	struct mirror_slot *slot;
	u64 hole_end;
	int ret;

	args->done_bytes = 0;
	ret = vmirror_check_range(args->gpa, args->length);
	if (ret)
		return ret;
	if (!device->dma)
		return -ENODEV;
	if (args->length > VMIRROR_DMA_MAX)
		return -EFBIG;
	batch = vmirror_batch_get();
	ret = vmirror_slots_hold(vm, WAIT_KILLABLE);
	if (ret)
		goto out;
	slot = vmirror_slot_at(vm, args->gpa, &hole_end);
	if (slot && args->gpa + args->length <= slot->info.gpa + slot->info.length)
		ret = map_in_slot(device->dma, slot, args, batch);
	else
		ret = -ENXIO;
	vmirror_slots_release(vm);
out:
	vmirror_batch_put(batch);
	return ret;
}

/**
 * vmirror_dma_unmap() - end what vmirror_dma_map() began
 * @device: the software device
 * @args: as VMIRROR_DEVICE_DMA_UNMAP has them
 *
 * Return: as VMIRROR_DEVICE_DMA_UNMAP
 */
int vmirror_dma_unmap(struct vmirror_device *device, struct vmirror_device_dma_unmap *args)
{
	struct vmirror_dma *dma = device->dma;
	struct vmirror_region *region, *next;
	int ret = vmirror_check_range(args->gpa, args->length);

	if (ret)
		return ret;
	if (!dma)
		return -ENODEV;
	mutex_lock(&dma->lock);
	ret = dma->pci ? -ENOENT : -ENODEV;
	list_for_each_entry(region, &dma->regions, link) {
		enum overlap how = overlap(region->gpa, (u64)region->pages << PAGE_SHIFT,
					   args->gpa, args->length);

		if (how == PARTLY)
			ret = -EEXIST;
		else if (how == WITHIN && ret != -EEXIST)
			ret = 0;
	}
	args->pages = 0;
	list_for_each_entry_safe(region, next, &dma->regions, link) {
		if (ret || overlap(region->gpa, (u64)region->pages << PAGE_SHIFT, args->gpa,
				   args->length) == APART)
			continue;
		args->pages += vmirror_region_end(dma, region);
	}
	mutex_unlock(&dma->lock);
	return ret;
}

/* The PCI device goes, or the software device does; pci_lock held. */
void vmirror_dma_end_all(struct vmirror_dma *dma)
{
	struct vmirror_region *region, *next;

	mutex_lock(&dma->lock);
	WRITE_ONCE(dma->pci, NULL);
	list_for_each_entry_safe(region, next, &dma->regions, link)
		vmirror_region_end(dma, region);
	mutex_unlock(&dma->lock);
}

/* A slot is about to go; slots_lock held for writing. */
void vmirror_dma_slot_gone(struct mirror_slot *slot)
{
	struct vmirror_region *region;
	struct vmirror_dma *dma;

	lockdep_assert_held_write(&slot->vm->slots_lock);
	list_for_each_entry(dma, &slot->vm->dmas, vm_link) {
		mutex_lock(&dma->lock);
		list_for_each_entry(region, &dma->regions, link)
			if (region->slot == slot)
				vmirror_region_stop(region);
		mutex_unlock(&dma->lock);
	}
}

u64 vmirror_dma_pages(struct vmirror_dma *dma)
{
	struct vmirror_region *region;
	u64 pages = 0;

	if (!dma)
		return 0;
	mutex_lock(&dma->lock);
	list_for_each_entry(region, &dma->regions, link) {
		spin_lock(&region->lock);
		pages += region->mapped;
		spin_unlock(&region->lock);
	}
	mutex_unlock(&dma->lock);
	return pages;
}
