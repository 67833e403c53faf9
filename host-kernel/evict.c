// SPDX-License-Identifier: GPL-2.0-only
/*
 * evict.c - home by device page: when a VM or a pool goes, or a pool needs room
 *
 * Finds also what is no longer mapped where it was.
 */
#include <linux/delay.h>

#include "private.h"

/*
 * The vma-less way cannot split a folio: let the VM's own page tables lead there.
 * Returns how many pages came home.
 */
static unsigned int recall_block_of(u32 vm_id, u64 gpa, enum vmirror_reason reason)
{
	struct vmirror_vm *vm = vmirror_vm_get_by_id(vm_id);
	struct vmirror_moved moved;

	if (!vm)
		return 0;
	vmirror_recall(vm, gpa, BLOCK_BYTES, reason, &moved);
	vmirror_vm_put(vm);
	return moved.moved_pages;
}

/*
 * Leave out what is another's: nobody else's vCPUs are to wait for this.  A glance, too.  A folio's
 * pages stay together, as the kernel wants them: the first says whose all of them are.
 */
static unsigned int only_those_of(u32 vm_id, unsigned long *pfns, unsigned int n)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct folio *folio = page_folio(pfn_to_page(pfns[i]));

		if (vmirror_devdata_vm(folio_page(folio, 0)) == vm_id)
			pfns[left++] = pfns[i];
	}
	return left;
}

static unsigned int begin_flight(struct vmirror_batch *batch, unsigned int flights, u32 place)
{
	if (flights && batch->pfns[flights - 1] == place)
		return flights;
	vmirror_flight_begin(place);
	batch->pfns[flights] = place;
	return flights + 1;
}

/* Who looks by address must know of these.  Their places are noted in batch->pfns. */
static unsigned int begin_flights(struct vmirror_batch *batch, unsigned int n)
{
	unsigned int flights = 0, step;

	for (unsigned int i = 0; i < n; i += step) {
		struct folio *folio = page_folio(pfn_to_page(batch->src[i]));
		struct page *page = folio_page(folio, 0);
		u32 vm_id = vmirror_devdata_vm(page);
		u64 gpa = vmirror_devdata_gpa(page);

		step = min_t(unsigned long, folio_nr_pages(folio), n - i);
		flights = begin_flight(batch, flights, vmirror_guest_place_of(vm_id, gpa));
		if (step > 1)	/* it need not lie in one block of the guest's */
			flights = begin_flight(batch, flights,
					       vmirror_guest_place_of(vm_id, gpa + BLOCK_BYTES - 1));
	}
	return flights;
}

static void end_flights(struct vmirror_batch *batch, unsigned int flights)
{
	while (flights)
		vmirror_flight_end(batch->pfns[--flights]);
}

/* Returns how many entries of batch->src there are. */
static unsigned int set_out_block(struct vmirror_pool *pool, unsigned int block, u32 only_vm,
				  struct vmirror_batch *batch, unsigned int *flights)
{
	int reading = srcu_read_lock(&vmirror_collecting);
	unsigned int n = vmirror_pool_list_block(pool, block, batch->src);

	if (only_vm)
		n = only_those_of(only_vm, batch->src, n);
	*flights = begin_flights(batch, n);
	if (n)
		compat_migrate_device_pfns(batch->src, n);
	vmirror_pool_unlist_block(pool, block);
	for (unsigned int i = 0; i < n; i++) {
		struct page *page = migrate_pfn_to_page(batch->src[i]);

		/*
		 * Home already, but the faulting task still has its reference.  Or dead, and
		 * only a late reference let us get one: away while it rests.
		 */
		if (page && !vmirror_devdata_is_out(page)) {
			batch->src[i] = 0;
			unlock_page(page);
			put_page(page);
		}
	}
	srcu_read_unlock(&vmirror_collecting, reading);
	return n;
}

/* Returns how many pages came home. */
static unsigned int evict_block(struct vmirror_pool *pool, unsigned int block, u32 only_vm,
				enum vmirror_reason reason, bool hard)
{
	struct vmirror_batch *batch = vmirror_batch_get();
	struct vmirror_homecoming home = {
		.args = { .src = batch->src, .dst = batch->dst },
		.reason = reason,
		.must = true,
		.hard = hard,
		.only_vm = only_vm,
	};
	u32 split_vm = 0;
	u64 split_gpa = 0;
	unsigned int n, flights;
	int reading;

	n = set_out_block(pool, block, only_vm, batch, &flights);
	if (!n)
		goto out;
	home.args.npages = n;
	memset(batch->dst, 0, sizeof(batch->dst));
	vmirror_home_fill(&home);
	migrate_device_pages(batch->src, batch->dst, n);
	vmirror_home_tell(&home);
	if (home.split) {
		split_vm = vmirror_devdata_vm(home.split);
		split_gpa = vmirror_devdata_gpa(home.split);
	}
	reading = srcu_read_lock(&vmirror_collecting);
	migrate_device_finalize(batch->src, batch->dst, n);
	srcu_read_unlock(&vmirror_collecting, reading);
	end_flights(batch, flights);
out:
	vmirror_batch_put(batch);
	if (split_vm)
		home.came += recall_block_of(split_vm, split_gpa, reason);
	cond_resched();
	return home.came;
}

static void evict_pool(struct vmirror_pool *pool, u32 only_vm, enum vmirror_reason reason,
		       bool hard)
{
	for (unsigned int block = 0; block < pool->nr_blocks; block++)
		evict_block(pool, block, only_vm, reason, hard);
}

/* Pages that are locked or faulted in just now go by themselves: give them time. */
static void pause(unsigned int *rounds, const char *what, const char *name)
{
	if (++*rounds % 1000 == 0)
		pr_warn("%s %s: still waiting for pages to come home\n", what, name);
	msleep(min(*rounds, 10u));
}

/* Bring every page in the pool home; returns when it is empty. */
void vmirror_pool_bring_home(struct vmirror_pool *pool)
{
	unsigned int rounds = 0;

	while (vmirror_pool_used(pool)) {
		evict_pool(pool, 0, VMIRROR_REASON_POOL_CLOSE, rounds > 0);
		if (vmirror_pool_used(pool))
			pause(&rounds, "pool", pool->name);
	}
}

/* By device page, in every pool. */
static void evict_vm(struct vmirror_vm *vm, bool hard)
{
	struct vmirror_pool *pool = NULL;

	while ((pool = vmirror_pool_next(pool)))
		evict_pool(pool, vm->id, VMIRROR_REASON_DETACH, hard);
}

/* Bring every page of the VM home; returns when no device page is its any more. */
void vmirror_vm_bring_home(struct vmirror_vm *vm)
{
	struct vmirror_moved moved;
	unsigned int rounds = 0;

	if (atomic64_read(&vm->out_pages))
		vmirror_recall(vm, 0, 1ULL << VMIRROR_GPA_BITS, VMIRROR_REASON_DETACH, &moved);
	/* What is left was remapped, is of a slot that is gone, or of a dying process. */
	while (atomic64_read(&vm->out_pages)) {
		evict_vm(vm, rounds > 0);
		if (atomic64_read(&vm->out_pages))
			pause(&rounds, "VM", vm->name);
	}
}

static bool evict_if_idle(struct vmirror_pool *pool, unsigned int block,
			  struct vmirror_pool_evict *args)
{
	struct vmirror_pool_block seen;

	vmirror_pool_look_at_block(pool, block, &seen);
	if (seen.pages && seen.idle_ns >= args->idle_ns)
		args->moved_pages += evict_block(pool, block, 0, VMIRROR_REASON_EVICT, false);
	vmirror_pool_look_at_block(pool, block, &seen);
	args->left_pages += seen.pages;
	return !fatal_signal_pending(current);
}

/* VMIRROR_POOL_EVICT */
long vmirror_pool_evict_ioctl(struct file *file, void *arg)
{
	struct vmirror_pool *pool = file->private_data;
	struct vmirror_pool_evict *args = arg;
	u64 end;

	if (args->flags || !args->length || args->offset % BLOCK_BYTES ||
	    args->length % BLOCK_BYTES)
		return -EINVAL;
	if (check_add_overflow(args->offset, args->length, &end))
		return -EOVERFLOW;
	if (end > pool->bytes)
		return -ENXIO;
	args->moved_pages = 0;
	args->left_pages = 0;
	for (u64 at = args->offset; at < end; at += BLOCK_BYTES)
		if (!evict_if_idle(pool, at / BLOCK_BYTES, args))
			break;
	return 0;
}
