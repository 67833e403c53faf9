// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - a software device that works in a VM's memory, as a GPU would
 *
 * It has a page table of its own: addresses of the VMM to pages, wherever these are, in RAM or
 * in a pool.  What is not there is faulted in by hmm_range_fault(), and whatever the host
 * changes goes from the table before the change is made.  So the table needs no references on
 * pages: what is in it, is mapped.
 *
 *	look it up ──there──▶ copy one page, with the table locked
 *	   ▲  └─not there─▶ sequence number ─▶ hmm_range_fault ─▶ lock ─▶ still true? ─▶ enter
 *	   └──────────────────────────────────────────────────────────────────┘
 *
 * An invalidation waits for the lock, thus for one page to be copied and for no more.
 */
#include <linux/anon_inodes.h>
#include <linux/highmem.h>
#include <linux/hmm.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

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

/* --- The table -------------------------------------------------------------- */

static bool invalidate(struct mmu_interval_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct vmirror_device *device = container_of(notifier, struct vmirror_device, notifier);
	unsigned long index;
	void *entry;

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&device->lock);
	else if (!mutex_trylock(&device->lock))
		return false;
	mmu_interval_set_seq(notifier, cur_seq);
	xa_for_each_range(&device->table, index, entry, range->start >> PAGE_SHIFT,
			  (range->end - 1) >> PAGE_SHIFT) {
		xa_erase(&device->table, index);
		atomic64_inc(&device->invalidated);
	}
	mutex_unlock(&device->lock);
	return true;
}

static const struct mmu_interval_notifier_ops device_notifier_ops = {
	.invalidate = invalidate,
};

/* With the lock.  Returns -EAGAIN if there is no memory to be had without waiting. */
static int enter(struct vmirror_device *device, unsigned long hva, struct page *page,
		 enum entry_tag tag)
{
	void *old;

	lockdep_assert_held(&device->lock);
	old = xa_store(&device->table, hva >> PAGE_SHIFT, xa_tag_pointer(page, tag),
		       GFP_NOWAIT | __GFP_NOWARN);
	return xa_is_err(old) ? -EAGAIN : 0;
}

/* Room in the table, so that the next attempt needs no memory. */
static int make_room(struct vmirror_device *device, unsigned long hva)
{
	return xa_reserve(&device->table, hva >> PAGE_SHIFT, GFP_KERNEL_ACCOUNT);
}

/* --- Faults ----------------------------------------------------------------- */

/*
 * What hmm_range_fault() found, into the table; with the lock.  Returns -EAGAIN with @stuck at
 * the page that needs something done first.
 */
static int enter_all(struct vmirror_device *device, const struct hmm_range *range, bool write,
		     unsigned long *stuck)
{
	for (*stuck = range->start; *stuck < range->end; *stuck += PAGE_SIZE) {
		unsigned long pfn = range->hmm_pfns[(*stuck - range->start) >> PAGE_SHIFT];

		if (write && !(pfn & HMM_PFN_WRITE))
			return -EAGAIN;
		if (enter(device, *stuck, hmm_pfn_to_page(pfn),
			  pfn & HMM_PFN_WRITE ? ENTRY_WRITE : ENTRY_READ))
			return -EAGAIN;
	}
	return 0;
}

/* hmm_range_fault() does not make device pages writable: do what a CPU's write would. */
static int unprotect(struct mm_struct *mm, unsigned long hva)
{
	struct vm_area_struct *vma;
	int ret = -EPERM;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, hva);
	if (!vma || vma->vm_flags & VM_WRITE)
		ret = fixup_user_fault(mm, hva, FAULT_FLAG_WRITE, NULL);
	mmap_read_unlock(mm);
	return ret;
}

/* Fault the pages in and enter them, once.  Returns -EAGAIN if it has to be tried again. */
static int fault_once(struct vmirror_device *device, struct hmm_range *range, bool write)
{
	unsigned long pages = (range->end - range->start) >> PAGE_SHIFT, stuck;
	struct mm_struct *mm = device->vm->mm;
	int ret;

	range->notifier_seq = mmu_interval_read_begin(&device->notifier);
	memset(range->hmm_pfns, 0, pages * sizeof(*range->hmm_pfns));
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = hmm_range_fault(range);
	mmap_read_unlock(mm);
	if (ret)
		return ret == -EBUSY ? -EAGAIN : ret;
	vmirror_mend_huge_pfns(range->start, range->hmm_pfns, pages);

	mutex_lock(&device->lock);
	if (mmu_interval_read_retry(&device->notifier, range->notifier_seq)) {
		mutex_unlock(&device->lock);
		return -EAGAIN;
	}
	ret = enter_all(device, range, write, &stuck);
	mutex_unlock(&device->lock);
	if (!ret)
		return 0;
	if (write && !(range->hmm_pfns[(stuck - range->start) >> PAGE_SHIFT] & HMM_PFN_WRITE))
		ret = unprotect(mm, stuck);
	else
		ret = make_room(device, stuck);
	return ret ?: -EAGAIN;
}

/* Fault [start, end) in, block by block. */
static int fault(struct vmirror_device *device, unsigned long start, unsigned long end, bool write)
{
	struct vmirror_batch *batch = vmirror_batch_get();
	struct hmm_range range = {
		.notifier = &device->notifier,
		.hmm_pfns = batch->pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
		.dev_private_owner = vmirror_owner,
	};
	int ret = 0;

	atomic64_inc(&device->faults);
	for (; !ret && start < end; start = range.end) {
		unsigned long deadline = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);

		range.start = start;
		range.end = min(ALIGN(start + 1, BLOCK_BYTES), end);
		do {
			if (signal_pending(current))
				ret = -EINTR;
			else if (time_after(jiffies, deadline))
				ret = -EBUSY;
			else
				ret = fault_once(device, &range, write);
		} while (ret == -EAGAIN);
		cond_resched();
	}
	vmirror_batch_put(batch);
	return ret;
}

/* --- Access ----------------------------------------------------------------- */

static int load_page(struct page *to, struct page *from)
{
	struct vmirror_pool *pool;

	if (!is_device_private_page(from)) {
		copy_highpage(to, from);
		return 0;
	}
	pool = vmirror_pool_of(from);
	return pool->engine->copy_back(pool, to, vmirror_pool_offset(pool, from), 1);
}

static int store_page(struct page *to, struct page *from)
{
	struct vmirror_pool *pool;

	if (!is_device_private_page(to)) {
		copy_highpage(to, from);
		return 0;
	}
	pool = vmirror_pool_of(to);
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
 */
struct access {
	struct vmirror_device *device;
	struct vmirror_device_access *args;
	struct page *bounce;
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
 * One page.  What the table lacks is faulted in up to @hva_end; but if the page has gone again by
 * then, because all of it moves about, it is faulted in alone.
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
	while ((ret = copy_page_at(access->device, hva, access->bounce, access->write)) ==
	       -ENOENT) {
		if (time_after(jiffies, deadline))
			return -EBUSY;
		args->faults++;
		ret = fault(access->device, hva, hva_end, access->write);
		if (ret)
			return ret;
		hva_end = hva + PAGE_SIZE;
	}
	if (ret)
		return ret;
	note_written(access, gpa);
	return to_user(access, user);
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
	ret = vmirror_check_range(args->gpa, args->length) ?: vmirror_slots_sync(vm);
	if (ret)
		return ret;
	access.bounce = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!access.bounce)
		return -ENOMEM;
	ret = -ESRCH;
	if (mmget_not_zero(vm->mm)) {
		down_read(&vm->slots_lock);
		ret = access_range(&access);
		up_read(&vm->slots_lock);
		mmput(vm->mm);
	}
	__free_page(access.bounce);
	return ret;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_access);

/* --- Exclusive access --------------------------------------------------------- */

/* Returns 0, -EAGAIN, or why the page cannot be had. */
static int make_exclusive_once(struct vmirror_device *device, unsigned long hva)
{
	struct mm_struct *mm = device->vm->mm;
	struct folio *folio;
	struct page *page;
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	page = compat_make_device_exclusive(mm, hva, &folio);
	ret = PTR_ERR_OR_ZERO(page);
	if (!ret) {
		/* Who wants it back waits for the folio's lock, and finds it in the table. */
		mutex_lock(&device->lock);
		ret = enter(device, hva, page, ENTRY_EXCLUSIVE);
		mutex_unlock(&device->lock);
		folio_unlock(folio);
		folio_put(folio);
	}
	mmap_read_unlock(mm);
	if (ret == -EAGAIN)
		ret = make_room(device, hva) ?: -EAGAIN;
	return ret == -EBUSY ? -EAGAIN : ret;
}

static int make_exclusive(struct vmirror_device *device, unsigned long hva)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(HMM_RANGE_DEFAULT_TIMEOUT);
	int ret;

	do {
		if (signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, deadline))
			return -EBUSY;
		ret = make_exclusive_once(device, hva);
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
	ret = vmirror_check_range(args->gpa, args->length) ?: vmirror_slots_sync(vm);
	if (ret)
		return ret;
	if (!mmget_not_zero(vm->mm))
		return -ESRCH;
	down_read(&vm->slots_lock);
	for (; !ret && args->done_bytes < args->length; args->done_bytes += PAGE_SIZE) {
		u64 gpa = args->gpa + args->done_bytes, hole_end;
		struct mirror_slot *slot = vmirror_slot_at(vm, gpa, &hole_end);

		ret = slot ? make_exclusive(device, slot->info.hva + (gpa - slot->info.gpa)) :
			     -ENXIO;
		if (ret)
			break;
	}
	up_read(&vm->slots_lock);
	mmput(vm->mm);
	return ret;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_exclusive);

/* --- What it has and what it did ----------------------------------------------- */

void vmirror_device_stat(struct vmirror_device *device, struct vmirror_device_stat *stat)
{
	unsigned long index;
	void *entry;

	stat->mapped_pages = 0;
	stat->writable_pages = 0;
	stat->exclusive_pages = 0;
	mutex_lock(&device->lock);
	xa_for_each(&device->table, index, entry) {
		stat->mapped_pages++;
		stat->writable_pages += xa_pointer_tag(entry) != ENTRY_READ;
		stat->exclusive_pages += xa_pointer_tag(entry) == ENTRY_EXCLUSIVE;
	}
	mutex_unlock(&device->lock);
	stat->faults = atomic64_read(&device->faults);
	stat->invalidated_pages = atomic64_read(&device->invalidated);
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_stat);

static long written_ioctl(struct file *file, void *arg)
{
	struct vmirror_device *device = file->private_data;
	struct vmirror_device_written *args = arg;
	u64 __user *to = u64_to_user_ptr(args->gpas);
	unsigned long index;
	void *entry;
	u32 n = 0;

	if (args->flags || args->reserved || !args->nr_gpas)
		return -EINVAL;
	xa_for_each(&device->written, index, entry) {
		if (n == args->nr_gpas)
			break;
		if (put_user((u64)index << PAGE_SHIFT, to + n))
			return -EFAULT;
		/* A write from here on is noted anew. */
		xa_erase(&device->written, index);
		n++;
	}
	args->nr_gpas = n;
	return 0;
}

/* --- The device fd ------------------------------------------------------------- */

struct vmirror_device *vmirror_device_open(struct vmirror_vm *vm)
{
	struct vmirror_device *device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!device)
		return ERR_PTR(-ENOMEM);
	mutex_init(&device->lock);
	xa_init(&device->table);
	xa_init(&device->written);
	device->vm = vm;
	if (!mmget_not_zero(vm->mm)) {
		kfree(device);
		return ERR_PTR(-ESRCH);
	}
	ret = mmu_interval_notifier_insert(&device->notifier, vm->mm, 0, ULONG_MAX & PAGE_MASK,
					   &device_notifier_ops);
	mmput(vm->mm);
	if (ret) {
		kfree(device);
		return ERR_PTR(ret);
	}
	kref_get(&vm->kref);
	return device;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_open);

void vmirror_device_close(struct vmirror_device *device)
{
	mmu_interval_notifier_remove(&device->notifier);
	xa_destroy(&device->table);
	xa_destroy(&device->written);
	vmirror_vm_put(device->vm);
	kfree(device);
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_device_close);

static int device_release(struct inode *inode, struct file *file)
{
	vmirror_device_close(file->private_data);
	return 0;
}

static long access_ioctl(struct file *file, struct vmirror_device_access *args, bool write)
{
	int ret;

	if (args->flags || args->reserved)
		return -EINVAL;
	ret = vmirror_device_access(file->private_data, args, write);
	return args->done_bytes ? 0 : ret;
}

static long read_ioctl(struct file *file, void *arg)
{
	return access_ioctl(file, arg, false);
}

static long write_ioctl(struct file *file, void *arg)
{
	return access_ioctl(file, arg, true);
}

static long exclusive_ioctl(struct file *file, void *arg)
{
	struct vmirror_device_exclusive *args = arg;
	int ret;

	if (args->flags)
		return -EINVAL;
	ret = vmirror_device_exclusive(file->private_data, args);
	return args->done_bytes ? 0 : ret;
}

static long stat_ioctl(struct file *file, void *arg)
{
	struct vmirror_device_stat *stat = arg;

	if (stat->reserved)
		return -EINVAL;
	vmirror_device_stat(file->private_data, stat);
	return 0;
}

static const struct vmirror_ioctl device_ioctls[] = {
	VMIRROR_IOCTL(VMIRROR_DEVICE_READ, vmirror_device_access, faults, read_ioctl),
	VMIRROR_IOCTL(VMIRROR_DEVICE_WRITE, vmirror_device_access, faults, write_ioctl),
	VMIRROR_IOCTL(VMIRROR_DEVICE_EXCLUSIVE, vmirror_device_exclusive, done_bytes,
		      exclusive_ioctl),
	VMIRROR_IOCTL(VMIRROR_DEVICE_WRITTEN, vmirror_device_written, reserved, written_ioctl),
	VMIRROR_IOCTL(VMIRROR_DEVICE_STAT, vmirror_device_stat, invalidated_pages, stat_ioctl),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vmirror_ioctl_dispatch(file, cmd, arg, device_ioctls, ARRAY_SIZE(device_ioctls));
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

long vmirror_device_create_ioctl(struct file *file, void *arg)
{
	struct vmirror_device_create *args = arg;
	struct vmirror_device *device;
	struct file *device_file;

	if (args->flags)
		return -EINVAL;
	device = vmirror_device_open(file->private_data);
	if (IS_ERR(device))
		return PTR_ERR(device);
	device_file = anon_inode_getfile("[vmirror-device]", &device_fops, device, O_RDWR);
	if (IS_ERR(device_file))
		vmirror_device_close(device);
	return vmirror_give_fd(device_file);
}
