// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - a software device that works in a VM's memory, as a GPU would: its life
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
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"

void vmirror_device_stat(struct vmirror_device *device, struct vmirror_device_stat *stat)
{
	mutex_lock(&device->lock);
	stat->exclusive_pages = device->nr[ENTRY_EXCLUSIVE];
	stat->writable_pages = device->nr[ENTRY_WRITE] + stat->exclusive_pages;
	stat->mapped_pages = device->nr[ENTRY_READ] + stat->writable_pages;
	mutex_unlock(&device->lock);
	stat->faults = atomic64_read(&device->faults);
	stat->invalidated_pages = atomic64_read(&device->invalidated);
	stat->dma_pages = vmirror_dma_pages(device->dma);
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
		if (put_user((u64)index << PAGE_SHIFT, to + n)) {
			if (!n)
				return -EFAULT;
			break;		/* these were delivered */
		}
		/* A write from here on is noted anew. */
		xa_erase(&device->written, index);
		n++;
	}
	args->nr_gpas = n;
	return 0;
}

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
					   &vmirror_device_notifier_ops);
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
	vmirror_dma_close(device);
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

static long dma_map_ioctl(struct file *file, void *arg)
{
	struct vmirror_device_dma_map *args = arg;
	int ret;

	if (args->flags)
		return -EINVAL;
	ret = vmirror_dma_map(file->private_data, args);
	return args->done_bytes ? 0 : ret;
}

static long dma_unmap_ioctl(struct file *file, void *arg)
{
	struct vmirror_device_dma_unmap *args = arg;

	if (args->flags)
		return -EINVAL;
	return vmirror_dma_unmap(file->private_data, args);
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
	VMIRROR_IOCTL(VMIRROR_DEVICE_STAT, vmirror_device_stat, dma_pages, stat_ioctl),
	VMIRROR_IOCTL(VMIRROR_DEVICE_DMA_MAP, vmirror_device_dma_map, done_bytes, dma_map_ioctl),
	VMIRROR_IOCTL(VMIRROR_DEVICE_DMA_UNMAP, vmirror_device_dma_unmap, pages, dma_unmap_ioctl),
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

static bool is_for_pci(const struct vmirror_device_create *args)
{
	return args->flags & VMIRROR_DEVICE_PCI;
}

static bool is_create_valid(const struct vmirror_device_create *args)
{
	if (args->flags & ~VMIRROR_DEVICE_PCI || args->reserved)
		return false;
	if (!is_for_pci(args))
		return !args->pci_segment && !args->pci_id && !args->dma_bits;
	return args->pci_segment <= INT_MAX && args->pci_id <= U16_MAX &&
	       args->dma_bits >= 32 && args->dma_bits <= 64;
}

long vmirror_device_create_ioctl(struct file *file, void *arg)
{
	struct vmirror_device_create *args = arg;
	struct vmirror_device *device;
	struct file *device_file;
	int ret = 0;

	if (!is_create_valid(args))
		return -EINVAL;
	/* A vm fd alone moves memory, and does not show it. */
	if (!capable(CAP_SYS_PTRACE) || (is_for_pci(args) && !capable(CAP_SYS_RAWIO)))
		return -EPERM;
	device = vmirror_device_open(file->private_data);
	if (IS_ERR(device))
		return PTR_ERR(device);
	if (is_for_pci(args))
		ret = vmirror_dma_open(device, args);
	if (ret) {
		vmirror_device_close(device);
		return ret;
	}
	device_file = anon_inode_getfile("[vmirror-device]", &device_fops, device, O_RDWR);
	if (IS_ERR(device_file))
		vmirror_device_close(device);
	return vmirror_give_fd(device_file);
}
