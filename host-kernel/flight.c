// SPDX-License-Identifier: GPL-2.0-only
/*
 * flight.c - is anyone moving device pages about at an address just now?
 *
 * A page in flight is in no page table, as a page that does not exist.  Who must know the
 * difference looks between vmirror_flight_watch() and vmirror_flight_was_calm(): what was not
 * mapped then does not exist.
 *
 * By address, so that in a VM whose vCPUs fault all the time most places are calm.  A forked
 * process has its pages where its parent has them; one that is moved by mremap() is at another
 * place than it says to who finds it by device page (evict.c), and is missed here.
 */
#include <linux/cache.h>
#include <linux/hash.h>
#include <linux/log2.h>

#include "private.h"

#define PLACES	256

/* Both only grow: equal, they say that nobody was there when @ended was read. */
static struct {
	atomic_t begun;
	atomic_t ended;
} ____cacheline_aligned_in_smp places[PLACES];

static unsigned int place_of(unsigned long addr)
{
	return hash_long(addr / BLOCK_BYTES, ilog2(PLACES));
}

/* From here on pages of the 2 MiB block that @addr is in may be in flight. */
void vmirror_flight_begin(unsigned long addr)
{
	atomic_inc(&places[place_of(addr)].begun);
	smp_mb__after_atomic();		/* pairs with was_calm() */
}

void vmirror_flight_end(unsigned long addr)
{
	smp_mb__before_atomic();	/* pairs with watch() */
	atomic_inc(&places[place_of(addr)].ended);
}

struct vmirror_watch vmirror_flight_watch(unsigned long addr)
{
	struct vmirror_watch watch = { .place = place_of(addr) };
	int ended = atomic_read(&places[watch.place].ended);

	smp_mb();
	watch.begun = atomic_read(&places[watch.place].begun);
	watch.calm = watch.begun == ended;
	return watch;
}

bool vmirror_flight_was_calm(const struct vmirror_watch *watch)
{
	smp_mb();
	return watch->calm && atomic_read(&places[watch->place].begun) == watch->begun;
}
