// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmirror-main.c - the kernel's own HMM test suite, against vmirror: hmm_dmirror.ko
 *
 * The nodes /dev/hmm_dmirror* and the ioctls of the kernel's lib/test_hmm.c, so that its
 * unmodified hmm-tests run on vmirror's mirror, pools and migrations.  For tests only.
 *
 * A node is a device with a pool of its own.  Who opens it has its address space attached to
 * vmirror as a process, once, however many nodes it opens, and gets a software device in it.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dmirror.h"

/* Two with private memory, two with coherent memory. */
#define NR_NODES	4

static ulong spm_addr_dev0, spm_addr_dev1;
module_param(spm_addr_dev0, ulong, 0444);
MODULE_PARM_DESC(spm_addr_dev0, "Where 256 MiB of reserved memory for node 2 begin; none: no nodes 2 and 3");
module_param(spm_addr_dev1, ulong, 0444);
MODULE_PARM_DESC(spm_addr_dev1, "The same for node 3");

static DEFINE_MUTEX(attached_lock);	/* protects all_attached, and the users of each */
static LIST_HEAD(all_attached);

static struct dmirror_node nodes[NR_NODES];
static unsigned int nr_nodes;
static dev_t first_dev;
static struct class *node_class;

/* --- Opening and closing ---------------------------------------------------------- */

static struct attached *attach(void)
{
	struct vmirror_vm_attach args = {
		.flags = VMIRROR_ATTACH_PROCESS,
		.kvm_fd = -1,
		.pid = task_tgid_vnr(current),
		.ring_records = VMIRROR_RING_MIN,
	};
	struct attached *attached = kzalloc(sizeof(*attached), GFP_KERNEL);
	static unsigned int nr;

	if (!attached)
		return ERR_PTR(-ENOMEM);
	snprintf(args.name, sizeof(args.name), "dmirror-%d-%u", args.pid, nr++);
	attached->file = vmirror_vm_open(&args);
	if (IS_ERR(attached->file)) {
		long err = PTR_ERR(attached->file);

		kfree(attached);
		return ERR_PTR(err);
	}
	mmgrab(current->mm);
	attached->mm = current->mm;
	list_add(&attached->link, &all_attached);
	return attached;
}

static struct attached *attached_get(void)
{
	struct attached *attached;

	mutex_lock(&attached_lock);
	list_for_each_entry(attached, &all_attached, link)
		if (attached->mm == current->mm)
			goto found;
	attached = attach();
found:
	if (!IS_ERR(attached))
		attached->users++;
	mutex_unlock(&attached_lock);
	return attached;
}

static void attached_put(struct attached *attached)
{
	mutex_lock(&attached_lock);
	if (!--attached->users) {
		list_del(&attached->link);
		fput(attached->file);
		mmdrop(attached->mm);
		kfree(attached);
	}
	mutex_unlock(&attached_lock);
}

static int node_open(struct inode *inode, struct file *file)
{
	struct mirror *mirror = kzalloc(sizeof(*mirror), GFP_KERNEL);
	int ret;

	if (!mirror)
		return -ENOMEM;
	mutex_init(&mirror->lock);
	mirror->node = container_of(inode->i_cdev, struct dmirror_node, cdev);
	mirror->attached = attached_get();
	if (IS_ERR(mirror->attached)) {
		ret = PTR_ERR(mirror->attached);
		goto err_free;
	}
	mirror->device = vmirror_device_open(dmirror_vm(mirror));
	if (IS_ERR(mirror->device)) {
		ret = PTR_ERR(mirror->device);
		goto err_put;
	}
	file->private_data = mirror;
	return 0;

err_put:
	attached_put(mirror->attached);
err_free:
	kfree(mirror);
	return ret;
}

static int node_release(struct inode *inode, struct file *file)
{
	struct mirror *mirror = file->private_data;

	vmirror_device_close(mirror->device);
	attached_put(mirror->attached);
	kfree(mirror);
	return 0;
}

/* Pages of a driver, neither anonymous nor of a file. */
static int node_mmap(struct file *file, struct vm_area_struct *vma)
{
	for (unsigned long addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		int ret;

		if (!page)
			return -ENOMEM;
		ret = vm_insert_page(vma, addr, page);
		put_page(page);
		if (ret)
			return ret;
	}
	return 0;
}

static const struct file_operations node_fops = {
	.owner = THIS_MODULE,
	.open = node_open,
	.release = node_release,
	.mmap = node_mmap,
	.unlocked_ioctl = dmirror_ioctl,
};

/* --- The module --------------------------------------------------------------------- */

static int node_add(struct dmirror_node *node, unsigned int id)
{
	int ret;

	node->id = id;
	if (dmirror_is_coherent(node))
		node->base = id == 2 ? spm_addr_dev0 : spm_addr_dev1;
	mutex_init(&node->lock);
	cdev_init(&node->cdev, &node_fops);
	ret = cdev_add(&node->cdev, first_dev + id, 1);
	if (ret)
		return ret;
	node->device = device_create(node_class, NULL, first_dev + id, NULL, "hmm_dmirror%u", id);
	if (IS_ERR(node->device)) {
		cdev_del(&node->cdev);
		return PTR_ERR(node->device);
	}
	return 0;
}

static void node_del(struct dmirror_node *node)
{
	device_destroy(node_class, first_dev + node->id);
	cdev_del(&node->cdev);
	dmirror_pool_end(node);
}

static int __init hmm_dmirror_init(void)
{
	unsigned int id;
	int ret;

	nr_nodes = spm_addr_dev0 && spm_addr_dev1 ? NR_NODES : 2;
	ret = alloc_chrdev_region(&first_dev, 0, NR_NODES, "hmm_dmirror");
	if (ret)
		return ret;
	node_class = class_create("hmm_dmirror");
	if (IS_ERR(node_class)) {
		ret = PTR_ERR(node_class);
		goto err_region;
	}
	for (id = 0; id < nr_nodes; id++) {
		ret = node_add(&nodes[id], id);
		if (ret)
			goto err_nodes;
	}
	return 0;

err_nodes:
	while (id-- > 0)
		node_del(&nodes[id]);
	class_destroy(node_class);
err_region:
	unregister_chrdev_region(first_dev, NR_NODES);
	return ret;
}

static void __exit hmm_dmirror_exit(void)
{
	for (unsigned int id = 0; id < nr_nodes; id++)
		node_del(&nodes[id]);
	class_destroy(node_class);
	unregister_chrdev_region(first_dev, NR_NODES);
}

module_init(hmm_dmirror_init);
module_exit(hmm_dmirror_exit);
MODULE_DESCRIPTION("The kernel's HMM test suite on vmirror; for tests only");
MODULE_LICENSE("GPL");
