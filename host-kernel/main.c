// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - /dev/vmirror, the system fd, and the lists of what exists
 */
#include <linux/ctype.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "private.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

DEFINE_MUTEX(vmirror_registry_lock);
DEFINE_XARRAY_ALLOC1(vmirror_vms);
DEFINE_XARRAY_ALLOC1(vmirror_pools);
struct xarray *const vmirror_owner = &vmirror_pools;

bool vmirror_name_valid(const char name[VMIRROR_NAME_MAX])
{
	size_t len = strnlen(name, VMIRROR_NAME_MAX);

	if (!len || len == VMIRROR_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("._-", name[i])))
			return false;
	return true;
}

static u32 count(struct xarray *xa)
{
	unsigned long id;
	void *entry;
	u32 n = 0;

	xa_for_each(xa, id, entry)
		n++;
	return n;
}

static long info(struct file *file, void *arg)
{
	struct vmirror_info *info = arg;

	info->abi_version = VMIRROR_ABI_VERSION;
	info->engines = vmirror_engines();
	info->folio_orders = 1 << 0 | (MIGRATE_VMA_SELECT_COMPOUND ? 1 << BLOCK_ORDER : 0);
	vmirror_reserve_stat(&info->reserve_pages, &info->reserve_target);
	info->nr_pools = count(&vmirror_pools);
	info->nr_vms = count(&vmirror_vms);
	return 0;
}

static const struct vmirror_ioctl system_ioctls[] = {
	VMIRROR_IOCTL(VMIRROR_INFO, vmirror_info, nr_vms, info),
	VMIRROR_IOCTL(VMIRROR_POOL_CREATE, vmirror_pool_create, name, vmirror_pool_create),
	VMIRROR_IOCTL(VMIRROR_VM_ATTACH, vmirror_vm_attach, name, vmirror_vm_attach),
};

static long system_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vmirror_ioctl_dispatch(file, cmd, arg, system_ioctls, ARRAY_SIZE(system_ioctls));
}

static int system_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static const struct file_operations system_fops = {
	.owner = THIS_MODULE,
	.open = system_open,
	.unlocked_ioctl = system_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice system_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmirror",
	.fops = &system_fops,
	.mode = 0600,
};

static int __init vmirror_init(void)
{
	int ret;

	vmirror_home_init();
	ret = vmirror_batch_init();
	if (ret)
		return ret;
	ret = vmirror_reserve_init();
	if (ret)
		goto err_batch;
	ret = vmirror_pci_init();
	if (ret)
		goto err_reserve;
	ret = misc_register(&system_device);
	if (ret)
		goto err_pci;
	return 0;

err_pci:
	vmirror_pci_exit();
err_reserve:
	vmirror_reserve_exit();
err_batch:
	vmirror_batch_exit();
	return ret;
}

/* Every object holds the module, so there is none left here. */
static void __exit vmirror_exit(void)
{
	misc_deregister(&system_device);
	vmirror_pci_exit();
	vmirror_reserve_exit();
	vmirror_batch_exit();
}

module_init(vmirror_init);
module_exit(vmirror_exit);
MODULE_DESCRIPTION("Mirrors KVM guests' memory and moves it into device memory");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
