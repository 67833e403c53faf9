// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault.c - home because a CPU touched a page
 */
#include <linux/log2.h>
#include <linux/module.h>

#include "private.h"

/* A fault on a single page brings its neighbours in this window home with it. */
#define AROUND_MAX	16

static unsigned int fault_around = 16;
module_param(fault_around, uint, 0644);
MODULE_PARM_DESC(fault_around,
		 "Pages that one fault on a 4 KiB page brings home, a power of two up to 16 (default 16)");

static struct vmirror_homecoming fault_home(struct vm_fault *vmf, unsigned long start,
					    unsigned long end)
{
	return (struct vmirror_homecoming) {
		.args = {
			.vma = vmf->vma,
			.start = max(start, vmf->vma->vm_start),
			.end = min(end, vmf->vma->vm_end),
			.pgmap_owner = vmirror_owner,
			.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
			.fault_page = vmf->page,
		},
		.reason = VMIRROR_REASON_CPU_FAULT,
	};
}

/* A folio that is mapped whole.  Returns false if it has to be split. */
static bool fault_block(struct vm_fault *vmf)
{
	unsigned long start = ALIGN_DOWN(vmf->address, BLOCK_BYTES);
	struct vmirror_homecoming home = fault_home(vmf, start, start + BLOCK_BYTES);
	struct vmirror_batch *batch = vmirror_fault_batch_get();

	home.args.src = batch->src;
	home.args.dst = batch->dst;
	home.args.flags |= MIGRATE_VMA_SELECT_COMPOUND;
	vmirror_come_home(&home);
	vmirror_fault_batch_put(batch);
	return !home.split;
}

/* A page and its neighbours.  Returns false if the hardware has lost its content. */
static bool fault_pages(struct vm_fault *vmf)
{
	/* A window that is no power of two might not hold the address it is for. */
	unsigned long window = rounddown_pow_of_two(clamp(READ_ONCE(fault_around), 1, AROUND_MAX)) <<
			       PAGE_SHIFT;
	unsigned long start = ALIGN_DOWN(vmf->address, window);
	struct vmirror_homecoming home = fault_home(vmf, start, start + window);
	unsigned long src[AROUND_MAX], dst[AROUND_MAX];

	home.args.src = src;
	home.args.dst = dst;
	vmirror_come_home(&home);
	return !home.broken;
}

/*
 * A folio that has to be split first, because it is mapped by single entries, because
 * there is no huge page in RAM for it, or because not all of it can be read.
 *
 * migrate_vma_setup() would split it here and now, as it knows the fault page; but then it
 * takes its reference on that page only after the split has let go of it, and in between the
 * page may come home by another way and be free.  So step aside: without the lock and the
 * reference that the kernel has given us this is like a recall.  It only splits; the CPU
 * finds a single page when it tries again.
 */
static void fault_split(struct vm_fault *vmf)
{
	struct vmirror_pool *pool = vmirror_pool_of(vmf->page);

	vmirror_pool_step_aside(pool, vmf->page);
	vmirror_split_at(vmf->vma, vmf->address & PAGE_MASK);
	vmirror_pool_step_back(pool, vmf->page);
}

/**
 * vmirror_migrate_to_ram() - a CPU touched a page that is in a pool
 * @vmf: the fault; vmf->page is the device page, locked and with a reference
 *
 * Return: 0, also if the page could not come home at this moment because another task
 * is bringing it: the CPU touches it again.  VM_FAULT_SIGBUS only if the engine cannot
 * read the device's memory: the hardware has lost the content.
 */
vm_fault_t vmirror_migrate_to_ram(struct vm_fault *vmf)
{
	bool ok = true;

	if (!folio_test_large(page_folio(vmf->page)))
		ok = fault_pages(vmf);
	else if (vmf->pte || !fault_block(vmf))
		fault_split(vmf);
	return ok ? 0 : VM_FAULT_SIGBUS;
}
