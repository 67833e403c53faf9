// SPDX-License-Identifier: GPL-2.0-only
/*
 * home.c - the way back
 *
 * Best effort outward, no effort spared homeward.  Three ways lead here, and all fill
 * pages in the same manner (fill_one):
 *
 *	fault.c		a CPU touched a page.  Needs no userspace, takes no lock of ours but
 *			the ring's and the pool's spinlocks, and waits rather than fails.
 *	recall.c	by address: the VMM's page tables are walked.
 *	evict.c		by device page: finds also what is no longer mapped where it was.
 */
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/module.h>

#include "private.h"

bool vmirror_huge_home = true;
VMIRROR_EXPORT_FOR_TESTS(vmirror_huge_home);
module_param_named(huge_home, vmirror_huge_home, bool, 0644);
MODULE_PARM_DESC(huge_home, "Bring 2 MiB folios home whole where the host has huge pages (default Y)");

static struct folio *alloc_folio(struct vmirror_homecoming *home, gfp_t gfp, unsigned int order,
				 unsigned long addr)
{
	if (home->args.vma)
		return compat_vma_alloc_folio(gfp, order, home->args.vma, addr);
	return folio_alloc(gfp, order);
}

/* A huge page if there is one to be had at once. */
static struct page *alloc_huge(struct vmirror_homecoming *home, unsigned long addr)
{
	struct folio *folio = alloc_folio(home, GFP_TRANSHUGE_LIGHT | __GFP_KSWAPD_RECLAIM,
					  BLOCK_ORDER, ALIGN_DOWN(addr, BLOCK_BYTES));

	return folio ? folio_page(folio, 0) : NULL;
}

/* A huge page at the price of compaction and reclaim. */
static struct page *alloc_huge_hard(void)
{
	struct folio *folio = folio_alloc(GFP_TRANSHUGE | __GFP_RETRY_MAYFAIL, BLOCK_ORDER);

	return folio ? folio_page(folio, 0) : NULL;
}

/* Whose is it?  A device page that is locked and carries an id keeps its VM from going. */
static struct vmirror_vm *vm_of(struct page *page)
{
	struct vmirror_vm *vm = xa_load(&vmirror_vms, vmirror_devdata_vm(page));

	WARN_ON_ONCE(!vm);
	return vm;
}

/*
 * One page for @from: from the allocator without waking the OOM killer, then from the
 * reserve, and if that is empty too, wait.  The guest's vCPU would wait for any other
 * memory likewise; what it must never get is an error.  For a page that need not come now
 * nobody has to make room.
 */
static struct page *alloc_one(struct vmirror_homecoming *home, struct page *from,
			      unsigned long addr, bool must)
{
	gfp_t gfp = GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN;
	struct vmirror_vm *vm;
	struct folio *folio;
	struct page *page;

	folio = alloc_folio(home, must ? gfp : gfp & ~__GFP_DIRECT_RECLAIM, 0, addr);
	if (folio)
		return folio_page(folio, 0);
	if (!must)
		return NULL;
	page = vmirror_reserve_take();
	if (page) {
		vm = vm_of(from);
		if (vm)
			atomic64_inc(&vm->reserve_used);
		return page;
	}
	folio = alloc_folio(home, GFP_HIGHUSER_MOVABLE | __GFP_NOFAIL, 0, addr);
	return folio_page(folio, 0);
}

/* Fill @to from the device page @from; consumes @to if it fails. */
static bool fill_one(struct page *to, struct page *from, unsigned int order, unsigned long *dst)
{
	struct vmirror_pool *pool = vmirror_pool_of(from);

	if (pool->engine->copy_back(pool, to, vmirror_pool_offset(pool, from), 1 << order)) {
		pr_err_ratelimited("pool %s: cannot read device memory at offset %#llx\n",
				   pool->name, vmirror_pool_offset(pool, from));
		__free_pages(to, order);
		return false;
	}
	folio_lock(page_folio(to));
	*dst = migrate_pfn(page_to_pfn(to)) | (order ? MIGRATE_PFN_COMPOUND : 0);
	return true;
}

/*
 * A 2 MiB device folio: home as one, if there is a huge page to be had and all of it can be
 * read.  If not, it has to be split first, by who asked; then its pages come one by one.
 */
static void fill_huge(struct vmirror_homecoming *home, struct page *from, unsigned long *dst,
		      unsigned long addr)
{
	struct page *page = NULL;

	if (READ_ONCE(vmirror_huge_home))
		page = alloc_huge(home, addr) ?: alloc_huge_hard();
	else if (home->hard)
		page = alloc_huge_hard();
	if (!page || !fill_one(page, from, BLOCK_ORDER, dst))
		home->split = from;
}

/* Give every device page in src a page in RAM with its content. */
void vmirror_home_fill(struct vmirror_homecoming *home)
{
	struct migrate_vma *args = &home->args;
	unsigned long step;

	for (unsigned long i = 0; i < args->npages; i += step) {
		unsigned long addr = args->start + (i << PAGE_SHIFT);
		struct page *from = migrate_pfn_to_page(args->src[i]), *to;

		step = 1;
		if (!from || !(args->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		if (home->only_vm && home->only_vm != vmirror_devdata_vm(from))
			continue;
		if (!vmirror_is_still(from))
			continue;
		if (args->src[i] & MIGRATE_PFN_COMPOUND) {
			step = BLOCK_PAGES;
			fill_huge(home, from, &args->dst[i], addr);
			continue;
		}
		to = alloc_one(home, from, addr, home->must || from == args->fault_page);
		if (!to || fill_one(to, from, 0, &args->dst[i]))
			continue;
		if (home->why)
			home->why[i] = VMIRROR_SKIP_COPY_FAILED;
		if (from == args->fault_page)
			home->broken = true;
	}
}

/* After migrate_*_pages(), with the pages still locked: tell what came home. */
void vmirror_home_tell(struct vmirror_homecoming *home)
{
	struct vmirror_move move = { .type = VMIRROR_EVENT_BACK, .reason = home->reason };
	struct migrate_vma *args = &home->args;
	struct vmirror_vm *vm = NULL;

	for (unsigned long i = 0; i < args->npages; i++) {
		struct page *from = migrate_pfn_to_page(args->src[i]);
		unsigned int pages = 1;

		if (!from || !args->dst[i] || !(args->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		if (args->src[i] & MIGRATE_PFN_COMPOUND) {
			pages = BLOCK_PAGES;
			home->came_huge++;
		}
		home->came += pages;
		vm = vm ?: vm_of(from);
		vmirror_move_add(&move, from, pages);
		vmirror_devdata_set(from, DEVDATA_HOME);
	}
	vmirror_move_flush(&move);
	if (vm && home->reason == VMIRROR_REASON_CPU_FAULT)
		atomic64_inc(&vm->faults);
}

/*
 * The two ends of every migration that may search for device pages.  Both hold off the rest of
 * pages (pool-alloc.c): the first may come by a reference too late, the second drops references.
 */
bool vmirror_set_out(struct migrate_vma *args)
{
	int reading = vmirror_search_begin();
	int ret = migrate_vma_setup(args);

	vmirror_search_end(reading);
	return !ret;
}

void vmirror_put_back(struct migrate_vma *args)
{
	int reading = srcu_read_lock(&vmirror_collecting);

	migrate_vma_finalize(args);
	srcu_read_unlock(&vmirror_collecting, reading);
}

/*
 * Bring home what migrate_vma_setup() is asked to find.  Returns whether it was looked for; what
 * then came has a dst, and MIGRATE_PFN_MIGRATE in its src.
 */
bool vmirror_come_home(struct vmirror_homecoming *home)
{
	u32 place = vmirror_place_of(home->args.start);
	bool ok;

	vmirror_flight_begin(place);
	ok = vmirror_set_out(&home->args);
	if (ok) {
		vmirror_home_fill(home);
		migrate_vma_pages(&home->args);
		vmirror_home_tell(home);
		vmirror_put_back(&home->args);
	}
	vmirror_flight_end(place);
	return ok;
}

/*
 * A folio is split only when nobody else has a reference.  Those who want to split the same
 * one wait for each other, or they would all be in each other's way.
 */
#define SPLIT_LOCKS	64

static struct mutex split_locks[SPLIT_LOCKS];

void __init vmirror_home_init(void)
{
	for (int i = 0; i < SPLIT_LOCKS; i++)
		mutex_init(&split_locks[i]);
}

static struct mutex *split_lock(struct mm_struct *mm, unsigned long addr)
{
	return &split_locks[hash_long((unsigned long)mm + addr / BLOCK_BYTES,
				      ilog2(SPLIT_LOCKS))];
}

/* Have the folio split that is mapped at @addr: the kernel does that for who wants one page of it. */
void vmirror_split_at(struct vm_area_struct *vma, unsigned long addr)
{
	struct mutex *lock = split_lock(vma->vm_mm, addr);
	unsigned long src = 0, dst = 0;
	struct migrate_vma args = {
		.vma = vma,
		.src = &src,
		.dst = &dst,
		.start = addr,
		.end = addr + PAGE_SIZE,
		.pgmap_owner = vmirror_owner,
		.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
	};

	mutex_lock(lock);
	vmirror_flight_begin(vmirror_place_of(addr));
	if (vmirror_set_out(&args)) {
		migrate_vma_pages(&args);
		vmirror_put_back(&args);
	}
	vmirror_flight_end(vmirror_place_of(addr));
	mutex_unlock(lock);
}
