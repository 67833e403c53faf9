// SPDX-License-Identifier: GPL-2.0-only
/*
 * flight.c - is anyone moving device pages about at a place just now?
 *
 * A page in flight is in no page table, as a page that does not exist.  Who must know the
 * difference looks between vmirror_flight_watch() and vmirror_flight_was_calm(): a page that was not
 * mapped then is not being moved by us.
 *
 * Who goes by address announces that, where the VMM has it; a forked process has its pages where its
 * parent has them.  Who goes by device page (evict.c) announces what the page says of itself: its VM
 * and its guest address.  So there are two kinds of place, and a look is watched at both.  What
 * mremap() has moved since it went out, and who else has it by a device page that was given out
 * anew between the glance and the lock, is missed.
 */
#include <linux/cache.h>
#include <linux/hash.h>
#include <linux/log2.h>

#include "private.h"

#define PLACES	1024

/* Both only grow: equal, they say that nobody was there when @ended was read. */
static struct {
	atomic_t begun;
	atomic_t ended;
} ____cacheline_aligned_in_smp places[PLACES];

/* @addr: in the VMM */
u32 vmirror_place_of(unsigned long addr)
{
	return hash_long(addr / BLOCK_BYTES, ilog2(PLACES));
}

u32 vmirror_guest_place_of(u32 vm_id, u64 gpa)
{
	return hash_64(gpa / BLOCK_BYTES + ((u64)vm_id << 32), ilog2(PLACES));
}

/* From here on pages of the 2 MiB block that the place stands for may be in flight. */
void vmirror_flight_begin(u32 place)
{
	atomic_inc(&places[place].begun);
	smp_mb__after_atomic();		/* pairs with was_calm() */
}

void vmirror_flight_end(u32 place)
{
	smp_mb__before_atomic();	/* pairs with watch() */
	atomic_inc(&places[place].ended);
}

/**
 * vmirror_flight_watch() - before a look at a part of a slot
 * @watch: for vmirror_flight_was_calm()
 * @slot: the slot
 * @start: first address of what is looked at, within one block
 * @end: its end
 */
void vmirror_flight_watch(struct vmirror_watch *watch, const struct mirror_slot *slot,
			  unsigned long start, unsigned long end)
{
	u64 gpa = slot->info.gpa + (start - slot->info.hva);
	int ended[WATCH_PLACES];

	watch->places[0] = vmirror_place_of(start);
	watch->places[1] = vmirror_guest_place_of(slot->vm->id, gpa);
	watch->places[2] = vmirror_guest_place_of(slot->vm->id, gpa + (end - 1 - start));
	for (int i = 0; i < WATCH_PLACES; i++)
		ended[i] = atomic_read(&places[watch->places[i]].ended);
	smp_mb();
	watch->calm = true;
	for (int i = 0; i < WATCH_PLACES; i++) {
		watch->begun[i] = atomic_read(&places[watch->places[i]].begun);
		watch->calm &= watch->begun[i] == ended[i];
	}
	smp_mb();
}

bool vmirror_flight_was_calm(const struct vmirror_watch *watch)
{
	smp_mb();
	for (int i = 0; i < WATCH_PLACES; i++)
		if (atomic_read(&places[watch->places[i]].begun) != watch->begun[i])
			return false;
	return watch->calm;
}
