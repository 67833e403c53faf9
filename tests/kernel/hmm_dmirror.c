// SPDX-License-Identifier: GPL-2.0-only
/*
 * hmm_dmirror.c - the kernel's own HMM test suite, against vmirror
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

#include "private.h"
#include "test_hmm_uapi.h"

/* As many bytes as the suite ever moves, and room for buffers that are not aligned. */
#define PRIVATE_BYTES	(384UL << 20)
/* As the kernel's module has it. */
#define COHERENT_BYTES	(256UL << 20)
/* Two with private memory, two with coherent memory. */
#define NR_NODES	4

static ulong spm_addr_dev0, spm_addr_dev1;
module_param(spm_addr_dev0, ulong, 0444);
MODULE_PARM_DESC(spm_addr_dev0, "Where 256 MiB of reserved memory for node 2 begin; none: no nodes 2 and 3");
module_param(spm_addr_dev1, ulong, 0444);
MODULE_PARM_DESC(spm_addr_dev1, "The same for node 3");

/*
 * struct attached - an address space
 * @file: its vm file
 * @users: mirrors in it, under attached_lock
 */
struct attached {
	struct list_head link;
	struct mm_struct *mm;
	struct file *file;
	unsigned int users;
};

static DEFINE_MUTEX(attached_lock);
static LIST_HEAD(all_attached);

/*
 * struct dmirror_node - a /dev/hmm_dmirrorN
 * @lock: protects @pool
 * @pool: the pool's file; NULL until something moves there
 */
struct dmirror_node {
	struct cdev cdev;
	struct device *device;
	unsigned int id;
	struct mutex lock;
	struct file *pool;
};

static struct dmirror_node nodes[NR_NODES];
static unsigned int nr_nodes;
static dev_t first_dev;
static struct class *node_class;

/* struct mirror - an open node */
struct mirror {
	struct dmirror_node *node;
	struct attached *attached;
	struct vmirror_device *device;
	struct mutex lock;		/* protects @flags */
	u64 flags;
};

static struct vmirror_vm *vm_of(struct mirror *mirror)
{
	return vmirror_vm_from_file(mirror->attached->file);
}

/* --- Pools ------------------------------------------------------------------ */

static bool is_coherent(const struct dmirror_node *node)
{
	return node->id >= 2;
}

static u64 base_of(const struct dmirror_node *node)
{
	if (!is_coherent(node))
		return 0;
	return node->id == 2 ? spm_addr_dev0 : spm_addr_dev1;
}

/* The node's pool, with a reference. */
static struct file *pool_get(struct dmirror_node *node)
{
	static atomic_t nr_pools;
	struct vmirror_pool_create create = {
		.engine = is_coherent(node) ? VMIRROR_ENGINE_COHERENT : VMIRROR_ENGINE_RAM,
		.bytes = is_coherent(node) ? COHERENT_BYTES : PRIVATE_BYTES,
		.base = base_of(node),
	};
	struct file *file;

	mutex_lock(&node->lock);
	if (!node->pool) {
		snprintf(create.name, sizeof(create.name), "dmirror%u-%d", node->id,
			 atomic_inc_return(&nr_pools));
		file = vmirror_pool_open(&create);
		if (!IS_ERR(file))
			node->pool = file;
	} else {
		file = node->pool;
	}
	if (!IS_ERR(file))
		get_file(file);
	mutex_unlock(&node->lock);
	return file;
}

/* Bring everything home and forget the memory. */
static void pool_end(struct dmirror_node *node)
{
	struct file *file;

	mutex_lock(&node->lock);
	file = node->pool;
	node->pool = NULL;
	mutex_unlock(&node->lock);
	if (file)
		fput(file);
}

/* Is this where the page is? */
static bool is_local(struct dmirror_node *node, u32 pool_id)
{
	bool local;

	mutex_lock(&node->lock);
	local = node->pool && vmirror_pool_from_file(node->pool)->id == pool_id;
	mutex_unlock(&node->lock);
	return local;
}

/*
 * "The allocation of a huge page fails": take a page of each empty block, so that there is room,
 * but no block.
 */
static u32 *break_up(struct vmirror_pool *pool, unsigned int *n)
{
	u32 *taken = kvcalloc(pool->nr_blocks, sizeof(*taken), GFP_KERNEL);

	*n = 0;
	while (taken && *n < pool->nr_blocks && vmirror_pool_take_block(pool, &taken[*n])) {
		vmirror_pool_give(pool, taken[*n] + 1, BLOCK_PAGES - 1);
		(*n)++;
	}
	return taken;
}

static void mend(struct vmirror_pool *pool, u32 *taken, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		vmirror_pool_give(pool, taken[i], 1);
	kvfree(taken);
}

/* --- Where the pages are ------------------------------------------------------ */

static u8 prot_of(struct dmirror_node *node, const struct vmirror_extent *extent)
{
	u8 prot = HMM_DMIRROR_PROT_NONE;

	switch (extent->state) {
	case VMIRROR_STATE_ERROR:
		return HMM_DMIRROR_PROT_ERROR;
	case VMIRROR_STATE_ABSENT:
		return HMM_DMIRROR_PROT_NONE;
	case VMIRROR_STATE_ZERO:
		prot = HMM_DMIRROR_PROT_ZERO;
		break;
	case VMIRROR_STATE_POOL:
		if (is_coherent(node))
			prot = is_local(node, extent->pool_id) ?
				       HMM_DMIRROR_PROT_DEV_COHERENT_LOCAL :
				       HMM_DMIRROR_PROT_DEV_COHERENT_REMOTE;
		else if (is_local(node, extent->pool_id))
			prot = HMM_DMIRROR_PROT_DEV_PRIVATE_LOCAL;
		else
			return HMM_DMIRROR_PROT_NONE;	/* a driver does not see those of others */
		break;
	}
	prot |= extent->writable ? HMM_DMIRROR_PROT_WRITE : HMM_DMIRROR_PROT_READ;
	if (extent->order + PAGE_SHIFT == PMD_SHIFT)
		prot |= HMM_DMIRROR_PROT_PMD;
	else if (extent->order + PAGE_SHIFT == PUD_SHIFT)
		prot |= HMM_DMIRROR_PROT_PUD;
	return prot;
}

struct prots {
	struct dmirror_node *node;
	struct hmm_dmirror_cmd *cmd;
};

static int emit_prot(const struct vmirror_extent *extent, void *arg)
{
	struct prots *to = arg;
	u8 __user *user = u64_to_user_ptr(to->cmd->ptr);
	u8 prot = prot_of(to->node, extent);

	for (u32 i = 0; i < extent->pages; i++)
		if (put_user(prot, user + to->cmd->cpages + i))
			return -EFAULT;
	to->cmd->cpages += extent->pages;
	return 0;
}

static int snapshot(struct mirror *mirror, struct hmm_dmirror_cmd *cmd)
{
	struct prots to = { .node = mirror->node, .cmd = cmd };

	return vmirror_snapshot(vm_of(mirror), cmd->addr, cmd->npages << PAGE_SHIFT, emit_prot,
				&to);
}

static int expect_local(const struct vmirror_extent *extent, void *arg)
{
	return extent->state == VMIRROR_STATE_POOL && is_local(arg, extent->pool_id) ? 0 : -ENOENT;
}

/* As test_hmm has it: what it migrates has to be readable, all of it. */
static int check_vmas(struct mm_struct *mm, u64 start, u64 end)
{
	struct vm_area_struct *vma;
	int ret = 0;

	mmap_read_lock(mm);
	for (; !ret && start < end; start = vma->vm_end) {
		vma = vma_lookup(mm, start);
		if (!vma || !(vma->vm_flags & VM_READ)) {
			ret = -EINVAL;
			break;
		}
	}
	mmap_read_unlock(mm);
	return ret;
}

/* --- The ioctls ---------------------------------------------------------------- */

static int access(struct mirror *mirror, struct hmm_dmirror_cmd *cmd, bool write)
{
	struct vmirror_device_access args = {
		.gpa = cmd->addr,
		.length = cmd->npages << PAGE_SHIFT,
		.buffer = cmd->ptr,
	};
	int ret = vmirror_device_access(mirror->device, &args, write);

	cmd->cpages = args.done_bytes >> PAGE_SHIFT;
	cmd->faults = args.faults;
	return ret;
}

/* Was it asked that the next allocation fail? */
static bool take_fail_flag(struct mirror *mirror)
{
	bool fail;

	mutex_lock(&mirror->lock);
	fail = mirror->flags & HMM_DMIRROR_FLAG_FAIL_ALLOC;
	mirror->flags &= ~HMM_DMIRROR_FLAG_FAIL_ALLOC;
	mutex_unlock(&mirror->lock);
	return fail;
}

static int migrate_to_pool(struct mirror *mirror, struct hmm_dmirror_cmd *cmd)
{
	struct file *file = pool_get(mirror->node);
	struct vmirror_moved moved;
	struct vmirror_pool *pool;
	unsigned int nr_taken = 0;
	u32 *taken = NULL;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	pool = vmirror_pool_from_file(file);
	if (take_fail_flag(mirror))
		taken = break_up(pool, &nr_taken);
	ret = vmirror_migrate(vm_of(mirror), pool, cmd->addr, cmd->npages << PAGE_SHIFT,
			      VMIRROR_MIGRATE_POPULATE, &moved);
	mend(pool, taken, nr_taken);
	fput(file);
	return ret;
}

/* Moves what it can; answers with the content if all of it is in the device then. */
static int migrate_to_device(struct mirror *mirror, struct hmm_dmirror_cmd *cmd)
{
	u64 length = cmd->npages << PAGE_SHIFT;
	int ret;

	ret = check_vmas(mirror->attached->mm, cmd->addr, cmd->addr + length) ?:
	      migrate_to_pool(mirror, cmd) ?:
	      vmirror_snapshot(vm_of(mirror), cmd->addr, length, expect_local, mirror->node);
	if (ret)
		return ret;
	return access(mirror, cmd, false);
}

static int migrate_to_system(struct mirror *mirror, struct hmm_dmirror_cmd *cmd)
{
	u64 length = cmd->npages << PAGE_SHIFT;
	bool fail = take_fail_flag(mirror), huge_home = vmirror_huge_home;
	struct vmirror_moved moved;
	int ret;

	ret = check_vmas(mirror->attached->mm, cmd->addr, cmd->addr + length);
	if (ret)
		return ret;
	if (fail)
		WRITE_ONCE(vmirror_huge_home, false);
	ret = vmirror_recall(vm_of(mirror), cmd->addr, length, VMIRROR_REASON_RECALL, &moved);
	if (fail)
		WRITE_ONCE(vmirror_huge_home, huge_home);
	cmd->cpages = moved.moved_pages;
	return ret;
}

static int exclusive(struct mirror *mirror, struct hmm_dmirror_cmd *cmd)
{
	struct vmirror_device_exclusive args = {
		.gpa = cmd->addr,
		.length = cmd->npages << PAGE_SHIFT,
	};

	return vmirror_device_exclusive(mirror->device, &args) ?: access(mirror, cmd, false);
}

static int check_exclusive(struct mirror *mirror)
{
	struct vmirror_device_stat stat;

	vmirror_device_stat(mirror->device, &stat);
	return stat.exclusive_pages ? -EPERM : 0;
}

static int run(struct mirror *mirror, unsigned int command, struct hmm_dmirror_cmd *cmd)
{
	switch (command) {
	case HMM_DMIRROR_READ:
		return access(mirror, cmd, false);
	case HMM_DMIRROR_WRITE:
		return access(mirror, cmd, true);
	case HMM_DMIRROR_MIGRATE_TO_DEV:
		return migrate_to_device(mirror, cmd);
	case HMM_DMIRROR_MIGRATE_TO_SYS:
		return migrate_to_system(mirror, cmd);
	case HMM_DMIRROR_SNAPSHOT:
		return snapshot(mirror, cmd);
	case HMM_DMIRROR_EXCLUSIVE:
		return exclusive(mirror, cmd);
	case HMM_DMIRROR_CHECK_EXCLUSIVE:
		return check_exclusive(mirror);
	case HMM_DMIRROR_RELEASE:
		pool_end(mirror->node);
		return 0;
	case HMM_DMIRROR_FLAGS:
		mutex_lock(&mirror->lock);
		mirror->flags = cmd->npages;
		mutex_unlock(&mirror->lock);
		return 0;
	default:
		return -EINVAL;
	}
}

static long node_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct hmm_dmirror_cmd __user *user = (void __user *)arg;
	struct hmm_dmirror_cmd cmd;
	int ret;

	if (copy_from_user(&cmd, user, sizeof(cmd)))
		return -EFAULT;
	if (!PAGE_ALIGNED(cmd.addr) || cmd.addr >= cmd.addr + (cmd.npages << PAGE_SHIFT))
		return -EINVAL;
	cmd.cpages = 0;
	cmd.faults = 0;
	ret = run(file->private_data, command, &cmd);
	if (ret)
		return ret;
	return copy_to_user(user, &cmd, sizeof(cmd)) ? -EFAULT : 0;
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
	mirror->device = vmirror_device_open(vm_of(mirror));
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

static const struct file_operations node_fops = {
	.owner = THIS_MODULE,
	.open = node_open,
	.release = node_release,
	.mmap = node_mmap,
	.unlocked_ioctl = node_ioctl,
};

/* --- The module --------------------------------------------------------------------- */

static int node_add(struct dmirror_node *node, unsigned int id)
{
	int ret;

	node->id = id;
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
	pool_end(node);
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
