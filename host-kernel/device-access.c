// SPDX-License-Identifier: GPL-2.0-only
/*
 * device-access.c - a software device reads, writes, and keeps the CPUs out
 */
#include <linux/highmem.h>
#include <linux/hmm.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "device.h"

static int load_page(struct page *to, struct page *from)
{
	struct vmirror_pool *pool;

	if (!vmirror_is_in_pool(from)) {
		copy_highpage(to, from);
		return 0;
	}
	pool = vmirror_pool_of(from);
	vmirror_pool_note_use(pool, page_to_pfn(from) - pool->first_pfn);
	return pool->engine->copy_back(pool, to, vmirror_pool_offset(pool, from), 1);
}

static int store_page(struct page *to, struct page *from)
{
	struct vmirror_pool *pool;

	/* A writable entry need not be a dirty one: what is clean may be dropped. */
	folio_mark_dirty(page_folio(to));
	if (!vmirror_is_in_pool(to)) {
		copy_highpage(to, from);
		return 0;
	}
	pool = vmirror_pool_of(to);
	vmirror_pool_note_use(pool, page_to_pfn(to) - pool->first_pfn);
	return pool->engine->copy_out(pool, vmirror_pool_offset(pool, to), from, 1);
}

/* Copy one page from or to the VM; -ENOENT if the table does not have it. */
static int copy_page_at(struct vmirror_device *device, unsigned long hva, struct page *bounce,
			bool write)
{
	struct page *page;
	int ret = -ENOENT;
	void *entry;

	mutex_lock(&device->lock);
	entry = xa_load(&device->table, hva >> PAGE_SHIFT);
	page = xa_untag_pointer(entry);
	if (page && (!write || xa_pointer_tag(entry) != ENTRY_READ))
		ret = write ? store_page(page, bounce) : load_page(bounce, page);
	mutex_unlock(&device->lock);
	return ret;
}

/*
 * struct access - reading or writing a range
 * @bounce: the page at hand: user memory must not be touched with the table locked
 * @faulted: where the last fault ended, in the VMM
 */
struct access {
	struct vmirror_device *device;
	struct vmirror_device_access *args;
	struct page *bounce;
	struct vmirror_batch *batch;
	unsigned long faulted;
	bool write;
};

static int from_user(struct access *access, void __user *from)
{
	if (!access->write)
		return 0;
	return copy_from_user(page_address(access->bounce), from, PAGE_SIZE) ? -EFAULT : 0;
}

static int to_user(struct access *access, void __user *to)
{
	if (access->write)
		return 0;
	return copy_to_user(to, page_address(access->bounce), PAGE_SIZE) ? -EFAULT : 0;
}

/* After the write: who asks in between will be told the next time. */
static void note_written(struct access *access, u64 gpa)
{
	if (access->write)
		xa_store(&access->device->written, gpa >> PAGE_SHIFT, xa_mk_value(1),
			 GFP_KERNEL | __GFP_NOFAIL);
}

/*
 * One page.  What the table lacks is faulted in up to @hva_end or the end of the block; but if the
 * page has gone again by then, because all of it moves about, it is faulted in alone.
 */
static int access_page(struct access *access, u64 gpa, unsigned long hva, unsigned long hva_end)
{
	struct vmirror_device_access *args = access->args;
	void __user *user = u64_to_user_ptr(args->buffer + args->done_bytes);
	unsigned long deadline = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret;

	ret = from_user(access, user);
	if (ret)
		return ret;
	hva_end = min(hva_end, ALIGN(hva + 1, BLOCK_BYTES));
	while ((ret = copy_page_at(access->device, hva, access->bounce, access->write)) ==
	       -ENOENT) {
		if (time_after(jiffies, deadline))
			return -EBUSY;
		/* Block after block of what the table lacks is one fault to who asks. */
		args->faults += hva != access->faulted;
		access->faulted = hva_end;
		ret = vmirror_device_fault(access->device, access->batch, hva, hva_end,
					   access->write);
		/* Perhaps it is a later page that cannot be had. */
		if (ret && hva_end == hva + PAGE_SIZE)
			return ret;
		if (ret == -EINTR)
			return ret;
		hva_end = hva + PAGE_SIZE;
	}
	/* Where the engine failed to write the page, it is not what it was, either. */
	note_written(access, gpa);
	return ret ?: to_user(access, user);
}

static int access_slot(struct access *access, struct mirror_slot *slot)
{
	struct vmirror_device_access *args = access->args;
	u64 end = min(args->gpa + args->length, slot->info.gpa + slot->info.length), gpa;
	unsigned long hva_end = slot->info.hva + (end - slot->info.gpa);
	int ret;

	while ((gpa = args->gpa + args->done_bytes) < end) {
		if (signal_pending(current))
			return -EINTR;
		ret = access_page(access, gpa, slot->info.hva + (gpa - slot->info.gpa), hva_end);
		if (ret)
			return ret;
		args->done_bytes += PAGE_SIZE;
		cond_resched();
	}
	return 0;
}

static int access_range(struct access *access)
{
	struct vmirror_device_access *args = access->args;
	struct vmirror_vm *vm = access->device->vm;
	u64 hole_end;
	int ret = 0;

	while (!ret && args->done_bytes < args->length) {
		struct mirror_slot *slot = vmirror_slot_at(vm, args->gpa + args->done_bytes,
							   &hole_end);

		ret = slot ? access_slot(access, slot) : -ENXIO;
	}
	return ret;
}

/**
 * vmirror_device_access() - let the device read or write guest memory
 * @device: the device
 * @args: as VMIRROR_DEVICE_READ and _WRITE have them; done_bytes and faults are filled in also
 *	if it fails
 * @write: write
 *
 * Return: 0 if all was done, or why it ended before: as VMIRROR_DEVICE_READ and _WRITE
 */
int vmirror_device_access(struct vmirror_device *device, struct vmirror_device_access *args,
			  bool write)
{
	struct access access = { .device = device, .args = args, .write = write };
	struct vmirror_vm *vm = device->vm;
	int ret;

	args->done_bytes = 0;
	args->faults = 0;
	ret = vmirror_check_range(args->gpa, args->length);
	if (ret)
		return ret;
	access.bounce = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!access.bounce)
		return -ENOMEM;
	access.batch = vmirror_batch_get();
	ret = vmirror_slots_hold(vm, WAIT_KILLABLE);
	if (!ret) {
		ret = access_range(&access);
		vmirror_slots_release(vm);
	}
	vmirror_batch_put(access.batch);
	__free_page(access.bounce);
	return ret;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_access);

/*
 * What is exclusive is in no page table: if it were in a coherent pool no RECALL would find it.
 * Have it back from the device, which leaves it mapped, and home.  Returns -EBUSY: try again.
 */
static int bring_home(struct mm_struct *mm, unsigned long hva)
{
	unsigned long src = 0, dst = 0;
	struct vmirror_homecoming home = {
		.args = {
			.src = &src,
			.dst = &dst,
			.start = hva,
			.end = hva + PAGE_SIZE,
			.pgmap_owner = vmirror_owner,
			.flags = MIGRATE_VMA_SELECT_DEVICE_COHERENT,
		},
		.reason = VMIRROR_REASON_EXCLUSIVE,
		.must = true,
	};
	int ret = fixup_user_fault(mm, hva, FAULT_FLAG_WRITE, NULL);

	if (ret)
		return ret;
	home.args.vma = vma_lookup(mm, hva);
	if (!home.args.vma)
		return -EFAULT;
	vmirror_come_home(&home);
	return -EBUSY;
}

/* Returns 0, -EAGAIN, or why the page cannot be had. */
static int make_exclusive_once(struct vmirror_device *device, unsigned long hva)
{
	struct mm_struct *mm = device->vm->mm;
	struct folio *folio;
	unsigned long seq;
	struct page *page;
	int ret;

	/* As it comes, or is had back from a device, it is invalidated: that must be over. */
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = fixup_user_fault(mm, hva, FAULT_FLAG_WRITE, NULL);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	seq = mmu_interval_read_begin(&device->notifier);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	page = compat_make_device_exclusive(mm, hva, device, &folio);
	ret = PTR_ERR_OR_ZERO(page);
	if (!ret && vmirror_is_in_pool(page)) {
		folio_unlock(folio);
		folio_put(folio);
		ret = bring_home(mm, hva);
	} else if (!ret) {
		/* A fault waits for the folio's lock; but who discards the page does not. */
		mutex_lock(&device->lock);
		if (mmu_interval_read_retry(&device->notifier, seq))
			ret = -EBUSY;
		else
			ret = vmirror_device_enter(device, hva, page, ENTRY_EXCLUSIVE);
		mutex_unlock(&device->lock);
		folio_unlock(folio);
		folio_put(folio);
	}
	mmap_read_unlock(mm);
	if (ret == -EAGAIN)
		ret = vmirror_device_make_room(device, hva) ?: -EAGAIN;
	return ret == -EBUSY ? -EAGAIN : ret;
}

static int make_exclusive(struct vmirror_device *device, unsigned long hva)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret;

	do {
		ret = vmirror_device_may_try(deadline) ?: make_exclusive_once(device, hva);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * vmirror_device_exclusive() - give the device pages that no CPU may touch meanwhile
 * @device: the device
 * @args: as VMIRROR_DEVICE_EXCLUSIVE has them; done_bytes is filled in also if it fails
 *
 * Return: 0 if all was done, or why it ended before: as VMIRROR_DEVICE_EXCLUSIVE
 */
int vmirror_device_exclusive(struct vmirror_device *device, struct vmirror_device_exclusive *args)
{
	struct vmirror_vm *vm = device->vm;
	int ret;

	args->done_bytes = 0;
	ret = vmirror_check_range(args->gpa, args->length) ?:
	      vmirror_slots_hold(vm, WAIT_KILLABLE);
	if (ret)
		return ret;
	for (; !ret && args->done_bytes < args->length; args->done_bytes += PAGE_SIZE) {
		u64 gpa = args->gpa + args->done_bytes, hole_end;
		struct mirror_slot *slot = vmirror_slot_at(vm, gpa, &hole_end);

		ret = slot ? make_exclusive(device, slot->info.hva + (gpa - slot->info.gpa)) :
			     -ENXIO;
		if (ret)
			break;
	}
	vmirror_slots_release(vm);
	return ret;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_exclusive);
