// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring.c - the event ring of a VM
 *
 * Written from any context, also from notifier calls that must not block; read by one
 * reader through a shared mapping.  The reader owns tail and may write anything
 * there: the worst it gets is a wrong picture, which SNAPSHOT puts right.
 *
 *	tail            head
 *	  |               |
 *	..+---+---+---+---+.......	head - tail records wait to be read
 */
#include <linux/log2.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#include "private.h"

int vmirror_ring_init(struct vmirror_event_ring *ring, u32 nr_records)
{
	u64 bytes = PAGE_SIZE + PAGE_ALIGN((u64)nr_records * sizeof(*ring->records));

	spin_lock_init(&ring->lock);
	init_waitqueue_head(&ring->wait);
	ring->user = vmalloc_user(bytes);
	if (!ring->user)
		return -ENOMEM;
	ring->records = (void *)ring->user + PAGE_SIZE;
	ring->mask = nr_records - 1;
	ring->map_size = bytes;
	*ring->user = (struct vmirror_ring) {
		.magic = VMIRROR_RING_MAGIC,
		.records = nr_records,
		.record_offset = PAGE_SIZE,
		.record_size = sizeof(*ring->records),
		.map_size = bytes,
	};
	return 0;
}

void vmirror_ring_free(struct vmirror_event_ring *ring)
{
	vfree(ring->user);
}

/* Free places; none where the reader wrote nonsense into tail. */
static u64 room(struct vmirror_event_ring *ring)
{
	u64 filled = ring->head - smp_load_acquire(&ring->user->tail);

	return filled > ring->mask ? 0 : ring->mask + 1 - filled;
}

static void put(struct vmirror_event_ring *ring, const struct vmirror_record *record)
{
	ring->records[ring->head & ring->mask] = *record;
	ring->head++;
	smp_store_release(&ring->user->head, ring->head);
}

static bool tell_lost(struct vmirror_event_ring *ring)
{
	struct vmirror_record record = {
		.time_ns = ktime_get_ns(),
		.type = VMIRROR_EVENT_LOST,
		.pages = ring->lost,
	};

	lockdep_assert_held(&ring->lock);
	if (!ring->lost)
		return true;
	if (!room(ring))
		return false;
	put(ring, &record);
	ring->lost = 0;
	return true;
}

/* The time of @record is filled in here, so that times ascend in the ring. */
void vmirror_ring_write(struct vmirror_event_ring *ring, const struct vmirror_record *record)
{
	struct vmirror_record stamped = *record;
	unsigned long flags;
	bool was_empty;

	spin_lock_irqsave(&ring->lock, flags);
	was_empty = ring->head == READ_ONCE(ring->user->tail);
	stamped.time_ns = ktime_get_ns();
	if (tell_lost(ring) && room(ring)) {
		put(ring, &stamped);
	} else {
		ring->lost++;
		ring->lost_total++;
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	/* Who has not read all of it has been woken, or finds it readable before it sleeps. */
	if (was_empty)
		wake_up_interruptible(&ring->wait);
}

bool vmirror_ring_readable(struct vmirror_event_ring *ring)
{
	unsigned long flags;
	bool readable;

	spin_lock_irqsave(&ring->lock, flags);
	tell_lost(ring);
	readable = ring->head != READ_ONCE(ring->user->tail);
	spin_unlock_irqrestore(&ring->lock, flags);
	return readable;
}

int vmirror_ring_mmap(struct vmirror_event_ring *ring, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > ring->map_size ||
	    !(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	return remap_vmalloc_range(vma, ring->user, 0);
}
