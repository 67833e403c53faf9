// SPDX-License-Identifier: GPL-2.0-only
/* dmirror-ioctl.c - what the suite asks of a node, in vmirror's terms */
#include <linux/file.h>
#include <linux/mm.h>

#include "dmirror.h"
#include "test_hmm_uapi.h"

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
		if (dmirror_is_coherent(node))
			prot = dmirror_is_local(node, extent->pool_id) ?
				       HMM_DMIRROR_PROT_DEV_COHERENT_LOCAL :
				       HMM_DMIRROR_PROT_DEV_COHERENT_REMOTE;
		else if (dmirror_is_local(node, extent->pool_id))
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

	return vmirror_snapshot(dmirror_vm(mirror), cmd->addr, cmd->npages << PAGE_SHIFT, emit_prot,
				&to);
}

static int expect_local(const struct vmirror_extent *extent, void *arg)
{
	bool local = extent->state == VMIRROR_STATE_POOL && dmirror_is_local(arg, extent->pool_id);

	return local ? 0 : -ENOENT;
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
	struct file *file = dmirror_pool_get(mirror->node);
	struct vmirror_moved moved;
	struct vmirror_pool *pool;
	unsigned int nr_taken = 0;
	u32 *taken = NULL;
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	pool = vmirror_pool_from_file(file);
	if (take_fail_flag(mirror))
		taken = dmirror_break_up(pool, &nr_taken);
	ret = vmirror_migrate(dmirror_vm(mirror), pool, cmd->addr, cmd->npages << PAGE_SHIFT,
			      VMIRROR_MIGRATE_POPULATE, &moved);
	dmirror_mend(pool, taken, nr_taken);
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
	      vmirror_snapshot(dmirror_vm(mirror), cmd->addr, length, expect_local, mirror->node);
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
	ret = vmirror_recall(dmirror_vm(mirror), cmd->addr, length, VMIRROR_REASON_RECALL, &moved);
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
		dmirror_pool_end(mirror->node);
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

long dmirror_ioctl(struct file *file, unsigned int command, unsigned long arg)
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
