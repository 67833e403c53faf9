// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - a process that is no VM's, mirrored as if it were one
 *
 * Its whole address space is one slot, and an address in it is its own "guest physical"
 * address.  For VMMs that do not use KVM, and for tests of what no VM does with its memory.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "private.h"

/* Returns the process, with a reference: its address space. */
void *vmirror_process_get(struct mm_struct *mm)
{
	mmgrab(mm);
	return mm;
}

static void process_put(void *guest)
{
	mmdrop(guest);
}

static struct mm_struct *process_mm(void *guest)
{
	return guest;
}

/* The one slot never changes. */
static u64 process_generation(void *guest)
{
	return 0;
}

static int process_read_slots(void *guest, struct vmirror_slot **slots, u64 *generation)
{
	struct mm_struct *mm = guest;
	struct vmirror_slot *slot = kvzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return -ENOMEM;
	slot->length = PAGE_ALIGN_DOWN(mm->task_size);
	*slots = slot;
	*generation = 0;
	return 1;
}

const struct vmirror_guest_ops vmirror_process_ops = {
	.mm = process_mm,
	.generation = process_generation,
	.read_slots = process_read_slots,
	.put = process_put,
};
