// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm.c - all that is KVM's own
 *
 * The rest of the module knows a VM as an address space and a list of slots.  Another
 * hypervisor would bring another file like this one.
 *
 * A reference on struct kvm keeps the structure, not the guest: once the VMM has closed
 * its fds and exited, nothing runs and no guest memory is left.
 */
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "private.h"

/*
 * file_is_kvm() is the only sure test that a file is a KVM VM fd, but kvm.ko offers it
 * to its own modules alone.
 */
static int file_is_kvm_vm(struct file *file)
{
	bool (*test)(struct file *file) = (void *)__symbol_get("file_is_kvm");
	bool ret;

	if (!test)
		return -EOPNOTSUPP;
	ret = test(file);
	__symbol_put("file_is_kvm");
	return ret;
}

/* Returns the VM with a reference, or ERR_PTR(-ENXIO) if @file is none. */
void *vmirror_kvm_get(struct file *file)
{
	int is_kvm = file_is_kvm_vm(file);
	struct kvm *kvm;

	if (is_kvm <= 0)
		return ERR_PTR(is_kvm ?: -ENXIO);
	kvm = file->private_data;
	return kvm_get_kvm_safe(kvm) ? kvm : ERR_PTR(-ENXIO);
}

static void kvm_put(void *guest)
{
	kvm_put_kvm(guest);
}

static struct mm_struct *kvm_mm(void *guest)
{
	struct kvm *kvm = guest;

	return kvm->mm;
}

static u64 kvm_generation(void *guest)
{
	struct kvm *kvm = guest;
	int idx = srcu_read_lock(&kvm->srcu);
	u64 generation = kvm_memslots(kvm)->generation;

	srcu_read_unlock(&kvm->srcu, idx);
	return generation;
}

static int slot_cmp(const void *a, const void *b)
{
	const struct vmirror_slot *left = a, *right = b;

	return left->gpa < right->gpa ? -1 : left->gpa > right->gpa;
}

/*
 * Address space 0 only: the other, x86's SMM, is another view of the same memory.  Returns how many
 * slots there are; the first @room of them are copied.
 */
static int copy_slots(struct kvm *kvm, struct vmirror_slot *array, int room, u64 *generation)
{
	struct kvm_memory_slot *memslot;
	struct kvm_memslots *memslots;
	int idx, bkt, n = 0;

	/* KVM does not change a set of memslots that an SRCU reader can see. */
	idx = srcu_read_lock(&kvm->srcu);
	memslots = kvm_memslots(kvm);
	*generation = memslots->generation;
	kvm_for_each_memslot(memslot, bkt, memslots) {
		if (n < room)
			array[n] = (struct vmirror_slot) {
				.gpa = (u64)memslot->base_gfn << PAGE_SHIFT,
				.length = (u64)memslot->npages << PAGE_SHIFT,
				.hva = memslot->userspace_addr,
				.flags = memslot->flags,
			};
		n++;
	}
	srcu_read_unlock(&kvm->srcu, idx);
	return n;
}

/* Who changes the slots waits for SRCU readers: they must not wait for memory. */
static int kvm_read_slots(void *guest, struct vmirror_slot **slots, u64 *generation)
{
	struct vmirror_slot *array = NULL;
	struct kvm *kvm = guest;
	int room, n = copy_slots(kvm, NULL, 0, generation);

	do {
		room = n;
		kvfree(array);
		array = kvcalloc(max(room, 1), sizeof(*array), GFP_KERNEL_ACCOUNT);
		if (!array)
			return -ENOMEM;
		n = copy_slots(kvm, array, room, generation);
	} while (n > room);
	sort(array, n, sizeof(*array), slot_cmp, NULL);
	*slots = array;
	return n;
}

const struct vmirror_guest_ops vmirror_kvm_ops = {
	.mm = kvm_mm,
	.generation = kvm_generation,
	.read_slots = kvm_read_slots,
	.put = kvm_put,
};
