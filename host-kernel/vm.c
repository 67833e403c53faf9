// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - an attached VM: its life
 *
 * The vm fd is the attachment.  Its last close brings every page home first, then ends
 * the mirror.  The VM may die before, at any moment: its pages are then freed by the
 * kernel as it unmaps them, and what is left of us is an empty mirror until the fd is
 * closed.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "private.h"

static void vm_free(struct kref *kref)
{
	struct vmirror_vm *vm = container_of(kref, struct vmirror_vm, kref);

	vmirror_slots_remove_all(vm);
	vmirror_ring_free(&vm->ring);
	if (vm->guest)
		vm->ops->put(vm->guest);
	if (vm->mm)
		mmdrop(vm->mm);
	put_pid(vm->pid);
	kfree_rcu(vm, rcu);
}

void vmirror_vm_put(struct vmirror_vm *vm)
{
	kref_put(&vm->kref, vm_free);
}

struct vmirror_vm *vmirror_vm_get_by_id(u32 id)
{
	struct vmirror_vm *vm;

	rcu_read_lock();
	vm = xa_load(&vmirror_vms, id);
	if (vm && !kref_get_unless_zero(&vm->kref))
		vm = NULL;
	rcu_read_unlock();
	return vm;
}

/* Write a record that is not about a move; see moved.c for those. */
void vmirror_vm_event(struct vmirror_vm *vm, enum vmirror_event type,
		      enum vmirror_reason reason, u64 gpa, u64 pages)
{
	struct vmirror_record record = {
		.type = type,
		.reason = reason,
		.gpa = gpa,
		.pages = pages,
	};

	vmirror_ring_write(&vm->ring, &record);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct vmirror_vm *vm = file->private_data;

	vmirror_vm_bring_home(vm);
	/* No device page carries the id any more, so nothing looks it up any more. */
	mutex_lock(&vmirror_registry_lock);
	xa_erase(&vmirror_vms, vm->id);
	mutex_unlock(&vmirror_registry_lock);
	vmirror_vm_put(vm);
	return 0;
}

static __poll_t vm_poll(struct file *file, poll_table *wait)
{
	struct vmirror_vm *vm = file->private_data;

	poll_wait(file, &vm->ring.wait, wait);
	return vmirror_ring_readable(&vm->ring) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int vm_map_ring(struct file *file, struct vm_area_struct *vma)
{
	struct vmirror_vm *vm = file->private_data;

	return vmirror_ring_mmap(&vm->ring, vma);
}

/* What the attachment costs, all told. */
static u64 vm_overhead(struct vmirror_vm *vm)
{
	return sizeof(*vm) + vm->ring.map_size +
	       READ_ONCE(vm->nr_slots) * sizeof(struct mirror_slot);
}

static long vm_stat(struct file *file, void *arg)
{
	struct vmirror_vm *vm = file->private_data;
	struct vmirror_vm_stat *stat = arg;

	vmirror_slots_sync(vm, WAIT_NOT);	/* if it cannot, the last known numbers do */
	stat->id = vm->id;
	rcu_read_lock();
	stat->pid = pid_task(vm->pid, PIDTYPE_TGID) ? pid_vnr(vm->pid) : 0;
	rcu_read_unlock();
	stat->dead = test_bit(0, &vm->exited);
	stat->ram_bytes = READ_ONCE(vm->ram_bytes);
	stat->moved_out = atomic64_read(&vm->moved_out);
	stat->out_pages = atomic64_read(&vm->out_pages);
	stat->back_fault = atomic64_read(&vm->back_fault);
	stat->back_recall = atomic64_read(&vm->back_recall);
	stat->dropped = atomic64_read(&vm->dropped);
	stat->faults = atomic64_read(&vm->faults);
	stat->reserve_used = atomic64_read(&vm->reserve_used);
	stat->invalidations = atomic64_read(&vm->invalidations);
	stat->lost_records = READ_ONCE(vm->ring.lost_total);
	stat->overhead_bytes = vm_overhead(vm);
	strscpy(stat->name, vm->name, sizeof(stat->name));
	return 0;
}

static const struct vmirror_ioctl vm_ioctls[] = {
	VMIRROR_IOCTL(VMIRROR_MIGRATE, vmirror_migrate, moved, vmirror_migrate_ioctl),
	VMIRROR_IOCTL(VMIRROR_RECALL, vmirror_recall, moved, vmirror_recall_ioctl),
	VMIRROR_IOCTL(VMIRROR_SNAPSHOT, vmirror_snapshot, done_bytes, vmirror_snapshot_ioctl),
	VMIRROR_IOCTL(VMIRROR_SLOTS, vmirror_slots, reserved, vmirror_slots_ioctl),
	VMIRROR_IOCTL(VMIRROR_VM_STAT, vmirror_vm_stat, name, vm_stat),
	VMIRROR_IOCTL(VMIRROR_DEVICE_CREATE, vmirror_device_create, reserved,
		      vmirror_device_create_ioctl),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vmirror_ioctl_dispatch(file, cmd, arg, vm_ioctls, ARRAY_SIZE(vm_ioctls));
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.poll = vm_poll,
	.mmap = vm_map_ring,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct vmirror_vm *vm_alloc(const struct vmirror_vm_attach *args)
{
	struct vmirror_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->kref);
	init_rwsem(&vm->slots_lock);
	INIT_LIST_HEAD(&vm->slots);
	INIT_LIST_HEAD(&vm->dmas);
	strscpy(vm->name, args->name, sizeof(vm->name));
	if (vmirror_ring_init(&vm->ring, args->ring_records ?: VMIRROR_RING_DEFAULT)) {
		kfree(vm);
		return ERR_PTR(-ENOMEM);
	}
	return vm;
}

/* Find the KVM VM behind the fd. */
static int vm_bind_kvm(struct vmirror_vm *vm, int fd)
{
	struct file *file __free(fput) = fget(fd);
	void *guest;

	if (!file)
		return -EBADF;
	guest = vmirror_kvm_get(file);
	if (IS_ERR(guest))
		return PTR_ERR(guest);
	vm->ops = &vmirror_kvm_ops;
	vm->guest = guest;
	return 0;
}

/* Find the process, and make sure that the guest's memory is that process's. */
static int vm_bind_process(struct vmirror_vm *vm, pid_t pid)
{
	struct task_struct *task;
	struct mm_struct *mm;

	vm->pid = find_get_pid(pid);
	task = get_pid_task(vm->pid, PIDTYPE_TGID);
	if (!task)
		return -ESRCH;
	mm = get_task_mm(task);
	put_task_struct(task);
	if (!mm)
		return -ESRCH;
	if (!vm->guest) {
		vm->ops = &vmirror_process_ops;
		vm->guest = vmirror_process_get(mm);
	}
	if (mm == vm->ops->mm(vm->guest)) {
		mmgrab(mm);
		vm->mm = mm;
	}
	mmput(mm);
	return vm->mm ? 0 : -EPERM;
}

static int vm_bind(struct vmirror_vm *vm, const struct vmirror_vm_attach *args)
{
	int ret = 0;

	if (!(args->flags & VMIRROR_ATTACH_PROCESS))
		ret = vm_bind_kvm(vm, args->kvm_fd);
	return ret ?: vm_bind_process(vm, args->pid);
}

/* Reserve an id, unless the VM or its name is there already; registry locked. */
static int vm_register(struct vmirror_vm *vm)
{
	static u32 next_id = 1;
	struct vmirror_vm *other;
	unsigned long id;
	int ret;

	lockdep_assert_held(&vmirror_registry_lock);
	xa_for_each(&vmirror_vms, id, other)
		if (other->guest == vm->guest || !strcmp(other->name, vm->name))
			return -EEXIST;
	ret = xa_alloc_cyclic(&vmirror_vms, &vm->id, NULL, XA_LIMIT(1, DEVDATA_VM_MASK), &next_id,
			      GFP_KERNEL);
	return ret < 0 ? ret : 0;
}

/* The last step: what the world sees after this is whole. */
static struct file *vm_publish(struct vmirror_vm *vm)
{
	struct file *file = anon_inode_getfile("[vmirror-vm]", &vm_fops, vm, O_RDWR);

	if (!IS_ERR(file))
		xa_store(&vmirror_vms, vm->id, vm, GFP_KERNEL);
	return file;
}

static bool is_attach_valid(const struct vmirror_vm_attach *args)
{
	if (args->flags & ~VMIRROR_ATTACH_PROCESS || args->reserved ||
	    !vmirror_name_valid(args->name))
		return false;
	if (args->flags & VMIRROR_ATTACH_PROCESS && args->kvm_fd != -1)
		return false;
	return !args->ring_records || (is_power_of_2(args->ring_records) &&
				       args->ring_records >= VMIRROR_RING_MIN &&
				       args->ring_records <= VMIRROR_RING_MAX);
}

/**
 * vmirror_vm_open() - attach a VM
 * @args: as VMIRROR_VM_ATTACH has them
 *
 * Return: the vm file, whose last close detaches the VM, or an error as VMIRROR_VM_ATTACH
 * returns it
 */
struct file *vmirror_vm_open(const struct vmirror_vm_attach *args)
{
	struct vmirror_vm *vm;
	struct file *file;
	int ret;

	if (!is_attach_valid(args))
		return ERR_PTR(-EINVAL);
	vm = vm_alloc(args);
	if (IS_ERR(vm))
		return ERR_CAST(vm);
	ret = vm_bind(vm, args);
	if (ret)
		goto err_put;
	mutex_lock(&vmirror_registry_lock);
	ret = vm_register(vm);
	if (ret)
		goto err_unlock;
	vm->slots_generation = ~0ULL;
	ret = vmirror_slots_sync(vm, WAIT_KILLABLE);
	if (ret)
		goto err_erase;
	file = vm_publish(vm);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_erase;
	}
	mutex_unlock(&vmirror_registry_lock);
	return file;

err_erase:
	xa_erase(&vmirror_vms, vm->id);
err_unlock:
	mutex_unlock(&vmirror_registry_lock);
err_put:
	vmirror_vm_put(vm);
	return ERR_PTR(ret);
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_vm_open);

long vmirror_vm_attach(struct file *file, void *arg)
{
	return vmirror_give_fd(vmirror_vm_open(arg));
}

/* The VM behind an open file, or NULL if the file is no VM. */
struct vmirror_vm *vmirror_vm_from_file(struct file *file)
{
	return file->f_op == &vm_fops ? file->private_data : NULL;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_vm_from_file);
