// SPDX-License-Identifier: GPL-2.0-only
/*
 * slots.c - the VM's memory slots
 *
 * A slot maps guest physical addresses to addresses in the VMM.  KVM tells nobody when
 * they change, but it counts: whoever is about to use the slots compares the count and
 * reads them again where it differs.  That is soon enough, because a slot that is gone
 * means addresses that nobody asks for, not memory that moves by itself.
 *
 * The work here grows with the number of slots, never with the size of the guest's RAM.
 */
#include <linux/hugetlb_inline.h>
#include <linux/kvm.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "private.h"

/* Its flags change as the VM runs on: whether KVM logs what the guest writes. */
static bool same_slot(const struct vmirror_slot *a, const struct vmirror_slot *b)
{
	return a->gpa == b->gpa && a->length == b->length && a->hva == b->hva;
}

static void slot_remove(struct mirror_slot *slot)
{
	vmirror_dma_slot_gone(slot);
	mmu_interval_notifier_remove(&slot->notifier);
	list_del(&slot->link);
	WRITE_ONCE(slot->vm->nr_slots, slot->vm->nr_slots - 1);
	kfree(slot);
}

static int slot_add(struct vmirror_vm *vm, const struct vmirror_slot *info,
		    struct list_head *after)
{
	struct mirror_slot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!slot)
		return -ENOMEM;
	slot->vm = vm;
	slot->info = *info;
	spin_lock_init(&slot->seq_lock);
	ret = mmu_interval_notifier_insert(&slot->notifier, vm->mm, info->hva, info->length,
					   &vmirror_mirror_ops);
	if (ret) {
		kfree(slot);
		return ret;
	}
	list_add(&slot->link, after);
	WRITE_ONCE(vm->nr_slots, vm->nr_slots + 1);
	return 0;
}

/*
 * Make vm->slots what @array says.  Both ascend by gpa.  Slots that did not change keep
 * their notifiers.  An error leaves a list that is true but not whole; the old
 * generation number makes the next caller try again.
 */
static int merge(struct vmirror_vm *vm, const struct vmirror_slot *array, int n)
{
	struct list_head *last = &vm->slots;
	u64 bytes = 0;
	int ret;

	lockdep_assert_held_write(&vm->slots_lock);
	for (int i = 0; i < n; i++) {
		while (!list_is_last(last, &vm->slots)) {
			struct mirror_slot *next = list_entry(last->next, struct mirror_slot, link);

			if (next->info.gpa > array[i].gpa || same_slot(&next->info, &array[i]))
				break;
			slot_remove(next);
		}
		if (list_is_last(last, &vm->slots) ||
		    !same_slot(&list_entry(last->next, struct mirror_slot, link)->info,
			       &array[i])) {
			ret = slot_add(vm, &array[i], last);
			if (ret)
				return ret;
		}
		last = last->next;
		list_entry(last, struct mirror_slot, link)->info.flags = array[i].flags;
		bytes += array[i].length;
	}
	while (!list_is_last(last, &vm->slots))
		slot_remove(list_entry(last->next, struct mirror_slot, link));
	vm->ram_bytes = bytes;
	return 0;
}

static int reread(struct vmirror_vm *vm)
{
	struct vmirror_slot *array __free(kvfree) = NULL;
	u64 generation;
	int n, ret;

	n = vm->ops->read_slots(vm->guest, &array, &generation);
	if (n < 0)
		return n;
	ret = merge(vm, array, n);
	if (ret)
		return ret;
	WRITE_ONCE(vm->slots_generation, generation);
	vmirror_vm_event(vm, VMIRROR_EVENT_SLOTS, 0, 0, 0);
	return 0;
}

static bool are_true(struct vmirror_vm *vm)
{
	return READ_ONCE(vm->slots_generation) == vm->ops->generation(vm->guest);
}

/**
 * vmirror_slots_sync() - make vm->slots true
 * @vm: the VM
 * @how: whether to wait for others that have the slots, and for how long.  Who gets them reads
 *	them anew, and may wait for a notifier call that is under way
 *
 * Return: 0, -ESRCH if the VM's address space is gone, -ENOMEM, -EINTR if the caller was killed,
 * or -EBUSY if others have the slots
 */
int vmirror_slots_sync(struct vmirror_vm *vm, enum vmirror_wait how)
{
	int ret = 0;

	if (are_true(vm))
		return 0;
	if (!mmget_not_zero(vm->mm))
		return -ESRCH;
	if (how == WAIT_ALWAYS)
		down_write(&vm->slots_lock);
	else if (how == WAIT_KILLABLE)
		ret = down_write_killable(&vm->slots_lock);
	else
		ret = down_write_trylock(&vm->slots_lock) ? 0 : -EBUSY;
	if (ret)
		goto out;
	if (!are_true(vm))
		ret = reread(vm);
	up_write(&vm->slots_lock);
out:
	mmput(vm->mm);
	return ret;
}

/**
 * vmirror_slots_hold() - make vm->slots true, and keep them and the VM's address space
 * @vm: the VM
 * @how: as vmirror_slots_sync(), but not WAIT_NOT
 *
 * Who needs a batch gets it before: others wait for us with batches in their hands.
 *
 * Return: 0, with slots_lock held for reading, or as vmirror_slots_sync()
 */
int vmirror_slots_hold(struct vmirror_vm *vm, enum vmirror_wait how)
{
	int ret = vmirror_slots_sync(vm, how);

	if (ret)
		return ret;
	if (!mmget_not_zero(vm->mm))
		return -ESRCH;
	if (how == WAIT_ALWAYS)
		down_read(&vm->slots_lock);
	else
		ret = down_read_killable(&vm->slots_lock);
	if (ret)
		mmput(vm->mm);
	return ret;
}

/* Does anyone wait for the slots that we hold, or have they changed? */
bool vmirror_slots_are_wanted(struct vmirror_vm *vm)
{
	return rwsem_is_contended(&vm->slots_lock) || !are_true(vm);
}

void vmirror_slots_release(struct vmirror_vm *vm)
{
	up_read(&vm->slots_lock);
	mmput(vm->mm);
}

void vmirror_slots_remove_all(struct vmirror_vm *vm)
{
	struct mirror_slot *slot, *next;

	down_write(&vm->slots_lock);
	list_for_each_entry_safe(slot, next, &vm->slots, link)
		slot_remove(slot);
	up_write(&vm->slots_lock);
}

/**
 * vmirror_slot_at() - find the slot that holds an address
 * @vm: the VM, slots_lock held
 * @gpa: guest physical address
 * @hole_end: out, if there is none: where the next slot begins, or U64_MAX
 *
 * Return: the slot or NULL
 */
struct mirror_slot *vmirror_slot_at(struct vmirror_vm *vm, u64 gpa, u64 *hole_end)
{
	struct mirror_slot *slot;

	lockdep_assert_held(&vm->slots_lock);
	list_for_each_entry(slot, &vm->slots, link) {
		if (gpa < slot->info.gpa) {
			*hole_end = slot->info.gpa;
			return NULL;
		}
		if (gpa - slot->info.gpa < slot->info.length)
			return slot;
	}
	*hole_end = U64_MAX;
	return NULL;
}

/* A private mapping of a file has pages of the file, which stay, and copies, which can move. */
enum vmirror_skip vmirror_vma_blocker(struct vm_area_struct *vma)
{
	if (is_vm_hugetlb_page(vma))
		return VMIRROR_SKIP_HUGETLB;
	if ((vma->vm_flags & VM_SPECIAL) || vma_is_dax(vma))
		return VMIRROR_SKIP_SPECIAL;
	if (vma->vm_flags & (VM_SHARED | VM_MAYSHARE))
		return VMIRROR_SKIP_SHARED;
	if (vma->vm_flags & VM_LOCKED)
		return VMIRROR_SKIP_LOCKED;
	return 0;
}

static u32 slot_blocker(struct vmirror_vm *vm, const struct vmirror_slot *info)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, vm->mm, info->hva);
	u32 blocker = 0;

#ifdef KVM_MEM_GUEST_MEMFD
	if (info->flags & KVM_MEM_GUEST_MEMFD)
		return VMIRROR_SKIP_SPECIAL;
#endif
	mmap_read_lock(vm->mm);
	for_each_vma_range(vmi, vma, info->hva + info->length) {
		blocker = vmirror_vma_blocker(vma);
		if (blocker)
			break;
	}
	mmap_read_unlock(vm->mm);
	return blocker;
}

static long copy_slots(struct vmirror_vm *vm, struct vmirror_slots *args)
{
	struct vmirror_slot __user *to = u64_to_user_ptr(args->slots);
	struct mirror_slot *slot;
	u32 n = 0;

	list_for_each_entry(slot, &vm->slots, link) {
		struct vmirror_slot info = slot->info;

		if (n < args->nr_slots) {
			info.blocker = slot_blocker(vm, &info);
			if (copy_to_user(to + n, &info, sizeof(info)))
				return -EFAULT;
		}
		n++;
	}
	args->nr_slots = n;
	return 0;
}

long vmirror_slots_ioctl(struct file *file, void *arg)
{
	struct vmirror_vm *vm = file->private_data;
	struct vmirror_slots *args = arg;
	long ret;

	if (args->flags || args->reserved)
		return -EINVAL;
	ret = vmirror_slots_hold(vm, WAIT_KILLABLE);
	if (ret)
		return ret;
	ret = copy_slots(vm, args);
	vmirror_slots_release(vm);
	return ret;
}
