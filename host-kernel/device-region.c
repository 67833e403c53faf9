// SPDX-License-Identifier: GPL-2.0-only
/*
 * device-region.c - a range of guest memory that a PCI device may reach: which of its pages it can
 *
 * No page is pinned.  What the host takes away is unlinked from the IOMMU's page table, and gone
 * from its caches, before the notifier returns.  From then on DMA to its address fails.
 *
 * A region stops when its slot goes, and ends when its user says so, or goes: only then are its
 * addresses given to others.  Who is faulting pages in for it meanwhile finds it stopped, and nobody
 * waits for a fault.
 */
#include <linux/hmm-dma.h>
#include <linux/hmm.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

#include "device.h"

#define MAX_REGIONS	1024

/* Pages that are unlinked before the CPU may do something else. */
#define UNLINK_BATCH	64

/* Pages that are unlinked where nobody may sleep; for more the caller has to come again. */
#define UNLINK_ATOMIC	512

static void unlink_page(struct vmirror_region *region, unsigned long index)
{
	unsigned long pfn = region->map.pfn_list[index];

	if (!hmm_dma_unmap_pfn(region->dev, &region->map, index))
		return;
	/* The device may have written to it: nobody else knows that. */
	folio_mark_dirty(page_folio(hmm_pfn_to_page(pfn)));
	region->map.pfn_list[index] = 0;
	region->mapped--;
}

/* With the lock, which others may take in between where @may_sleep. */
static void unlink_pages(struct vmirror_region *region, unsigned long first, unsigned long end,
			 bool may_sleep)
{
	lockdep_assert_held(&region->lock);
	for (unsigned long i = first; i < end && region->mapped; i++) {
		unlink_page(region, i);
		if (may_sleep && (i - first) % UNLINK_BATCH == UNLINK_BATCH - 1) {
			spin_unlock(&region->lock);
			cond_resched();
			spin_lock(&region->lock);
		}
	}
}

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct vmirror_region *region = container_of(notifier, struct vmirror_region, notifier);
	unsigned long region_end = region->hva + (region->pages << PAGE_SHIFT);
	unsigned long start = max(range->start, region->hva), end = min(range->end, region_end);

	if (!mmu_notifier_range_blockable(range) && end - start > UNLINK_ATOMIC << PAGE_SHIFT)
		return false;
	spin_lock(&region->lock);
	/* From here on nothing is linked in this range until the invalidation is over. */
	mmu_interval_set_seq(notifier, cur_seq);
	unlink_pages(region, (start - region->hva) >> PAGE_SHIFT,
		     PAGE_ALIGN(end - region->hva) >> PAGE_SHIFT,
		     mmu_notifier_range_blockable(range));
	spin_unlock(&region->lock);
	return true;
}

static const struct mmu_interval_notifier_ops region_notifier_ops = {
	.invalidate = invalidate,
};

static void region_free(struct kref *kref)
{
	struct vmirror_region *region = container_of(kref, struct vmirror_region, kref);

	mmu_interval_notifier_remove(&region->notifier);
	kfree(region);
}

void vmirror_region_put(struct vmirror_region *region)
{
	kref_put(&region->kref, region_free);
}

/*
 * With dma->lock.  Returns how many pages could be reached until now; none can any more.  The
 * addresses stay the region's.
 */
unsigned long vmirror_region_stop(struct vmirror_region *region)
{
	unsigned long pages;

	spin_lock(&region->lock);
	region->stopped = true;
	pages = region->mapped;
	unlink_pages(region, 0, region->pages, true);
	spin_unlock(&region->lock);
	return pages;
}

/* Likewise; and the addresses may become another's. */
unsigned long vmirror_region_end(struct vmirror_dma *dma, struct vmirror_region *region)
{
	unsigned long pages = vmirror_region_stop(region);
	struct hmm_dma_map map;

	lockdep_assert_held(&dma->lock);
	list_del_init(&region->link);
	dma->nr_regions--;
	spin_lock(&region->lock);
	map = region->map;
	memset(&region->map, 0, sizeof(region->map));
	spin_unlock(&region->lock);
	hmm_dma_map_free(region->dev, &map);
	vmirror_region_put(region);
	return pages;
}

/*
 * A call is through with it, and gives its reference back.  Where all failed who ever called for it
 * the last one ends it, unless it has been ended.
 */
void vmirror_region_leave(struct vmirror_dma *dma, struct vmirror_region *region, bool used)
{
	mutex_lock(&dma->lock);
	region->callers--;
	region->used |= used;
	if (!region->callers && !region->used && !list_empty(&region->link))
		vmirror_region_end(dma, region);
	mutex_unlock(&dma->lock);
	vmirror_region_put(region);
}

/*
 * Room in the device's DMA address space.  Without, the kernel would find room for each page,
 * and take its time to unlink it.
 */
static int region_alloc_map(struct vmirror_region *region)
{
	int ret = hmm_dma_map_alloc(region->dev, &region->map, region->pages, PAGE_SIZE);

	if (!ret && !dma_use_iova(&region->map.state)) {
		hmm_dma_map_free(region->dev, &region->map);
		ret = -ENOSPC;
	}
	return ret;
}

struct vmirror_region *vmirror_region_create(struct vmirror_dma *dma, struct mirror_slot *slot,
					     const struct vmirror_device_dma_map *args)
{
	struct vmirror_region *region;
	int ret;

	if (dma->nr_regions == MAX_REGIONS)
		return ERR_PTR(-ENOSPC);
	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	kref_init(&region->kref);
	spin_lock_init(&region->lock);
	region->dev = vmirror_pci_device(dma->pci);
	region->slot = slot;
	region->gpa = args->gpa;
	region->hva = slot->info.hva + (args->gpa - slot->info.gpa);
	region->pages = args->length >> PAGE_SHIFT;
	ret = region_alloc_map(region);
	if (ret)
		goto err_free;
	ret = mmu_interval_notifier_insert(&region->notifier, slot->vm->mm, region->hva,
					   args->length, &region_notifier_ops);
	if (ret)
		goto err_map;
	list_add(&region->link, &dma->regions);
	dma->nr_regions++;
	return region;

err_map:
	hmm_dma_map_free(region->dev, &region->map);
err_free:
	kfree(region);
	return ERR_PTR(ret);
}

/* Another PCI device's memory might be reached past the IOMMU, and never be taken away. */
static bool may_be_reached(struct page *page)
{
	return !is_pci_p2pdma_page(page) && !vmirror_is_out_of_reach(page);
}

/* What hmm_range_fault() found, into the IOMMU; with the lock. */
int vmirror_region_link(struct vmirror_region *region, const struct hmm_range *range,
			unsigned long *addresses)
{
	unsigned long first = (range->start - region->hva) >> PAGE_SHIFT;
	unsigned long n = (range->end - range->start) >> PAGE_SHIFT;
	struct pci_p2pdma_map_state p2pdma = {};

	lockdep_assert_held(&region->lock);
	for (unsigned long i = 0; i < n; i++) {
		unsigned long *pfn = &region->map.pfn_list[first + i];

		if (!(range->hmm_pfns[i] & HMM_PFN_WRITE))
			return -EAGAIN;
		if (!may_be_reached(hmm_pfn_to_page(range->hmm_pfns[i])))
			return -EFAULT;
		/* One that is linked is the same still. */
		if (!*pfn) {
			*pfn = range->hmm_pfns[i];
			region->mapped++;
		}
		addresses[i] = hmm_dma_map_pfn(region->dev, &region->map, first + i, &p2pdma);
		if (dma_mapping_error(region->dev, addresses[i])) {
			*pfn = 0;
			region->mapped--;
			return -ENOMEM;
		}
	}
	return 0;
}
