// SPDX-License-Identifier: GPL-2.0-only
/*
 * home.c - the way back: by a CPU's fault, by recall, and when a VM or a pool goes
 *
 * Best effort outward, no effort spared homeward.  Three ways lead here, and all fill
 * pages in the same manner (fill_one):
 *
 *	fault		a CPU touched a page.  Needs no userspace, takes no lock of ours but
 *			the ring's and the pool's spinlocks, and waits rather than fails.
 *	recall		by address: the VMM's page tables are walked.
 *	pool, detach	by device page: finds also what is no longer mapped where it was.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/hmm.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "private.h"

/* A fault on a single page brings its neighbours in this window home with it. */
#define AROUND_MAX	16

static unsigned int fault_around = 16;
module_param(fault_around, uint, 0644);
MODULE_PARM_DESC(fault_around,
		 "Pages that one fault on a 4 KiB page brings home, a power of two up to 16 (default 16)");

static bool huge_home = true;
module_param(huge_home, bool, 0644);
MODULE_PARM_DESC(huge_home, "Bring 2 MiB folios home whole where the host has huge pages (default Y)");

/*
 * struct homecoming - pages on their way home
 * @args: the migration; vma is NULL where pages are found by device page, fault_page is
 *	the page a CPU waits for and has locked, or NULL
 * @must: bring them all, also if that means waiting for memory
 * @hard: a huge folio cannot be split, because it is mapped nowhere that we know: try hard
 *	to get a huge page for it
 * @only_vm: id of the VM whose pages to bring, or 0 for all
 * @came_huge: how many times a whole 2 MiB folio did
 * @broken: the engine could not read @fault_page's content
 * @split: a 2 MiB folio that has to be split first, which cannot be done here: its first
 *	page
 */
struct homecoming {
	struct migrate_vma args;
	enum vmirror_reason reason;
	bool must;
	bool hard;
	u32 only_vm;
	unsigned int came_huge;
	bool broken;
	struct page *split;
};

static struct folio *alloc_folio(struct homecoming *home, gfp_t gfp, unsigned int order,
				 unsigned long addr)
{
	if (home->args.vma)
		return compat_vma_alloc_folio(gfp, order, home->args.vma, addr);
	return folio_alloc(gfp, order);
}

/* A huge page if there is one to be had at once. */
static struct page *alloc_huge(struct homecoming *home, unsigned long addr)
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
 * memory likewise; what it must never get is an error.
 */
static struct page *alloc_one(struct homecoming *home, struct page *from, unsigned long addr,
			      bool must)
{
	struct vmirror_vm *vm;
	struct folio *folio;
	struct page *page;

	folio = alloc_folio(home, GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN, 0, addr);
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
 * A 2 MiB device folio: home as one, if there is a huge page to be had.  If not, its first
 * page is offered alone, and the kernel splits the folio for that: so no more than one page
 * of memory is needed at a time, and who asked finds the rest as single pages.  It can do so
 * only where it has the vma, and where no faulting task holds one more reference.
 */
static bool fill_huge(struct homecoming *home, struct page *from, unsigned long *dst,
		      unsigned long addr)
{
	struct page *page = NULL;

	if (READ_ONCE(huge_home))
		page = alloc_huge(home, addr) ?: alloc_huge_hard();
	else if (home->hard)
		page = alloc_huge_hard();
	if (page)
		return fill_one(page, from, BLOCK_ORDER, dst);
	if (!home->args.vma || home->args.fault_page) {
		home->split = from;
		return true;
	}
	return fill_one(alloc_one(home, from, addr, true), from, 0, dst);
}

/* Give every device page in src a page in RAM with its content. */
static void fill(struct homecoming *home)
{
	struct migrate_vma *args = &home->args;
	unsigned long step;

	for (unsigned long i = 0; i < args->npages; i += step) {
		unsigned long addr = args->start + (i << PAGE_SHIFT);
		struct page *from = migrate_pfn_to_page(args->src[i]), *to;
		bool done = true;

		step = 1;
		if (!from || !(args->src[i] & MIGRATE_PFN_MIGRATE))
			continue;
		if (home->only_vm && home->only_vm != vmirror_devdata_vm(from))
			continue;
		if (args->src[i] & MIGRATE_PFN_COMPOUND) {
			step = BLOCK_PAGES;
			done = fill_huge(home, from, &args->dst[i], addr);
		} else {
			to = alloc_one(home, from, addr, home->must || from == args->fault_page);
			if (to)
				done = fill_one(to, from, 0, &args->dst[i]);
		}
		if (!done && args->fault_page &&
		    page_folio(args->fault_page) == page_folio(from))
			home->broken = true;
	}
}

/* After migrate_*_pages(), with the pages still locked: tell what came home. */
static void tell(struct homecoming *home)
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
		vm = vm ?: vm_of(from);
		vmirror_move_add(&move, from, pages);
		vmirror_devdata_set_home(from);
	}
	vmirror_move_flush(&move);
	if (vm && home->reason == VMIRROR_REASON_CPU_FAULT)
		atomic64_inc(&vm->faults);
}

/*
 * The two ends of every homecoming by address.  Both hold off the rest of pages (pool.c): the
 * first may come by a reference too late, the second drops references.
 */
static bool set_out(struct homecoming *home)
{
	int reading = vmirror_search_begin();
	int ret = migrate_vma_setup(&home->args);

	vmirror_search_end(reading);
	return !ret;
}

static void put_back(struct homecoming *home)
{
	int reading = srcu_read_lock(&vmirror_collecting);

	migrate_vma_finalize(&home->args);
	srcu_read_unlock(&vmirror_collecting, reading);
}

/* Bring home what migrate_vma_setup() is asked to find. */
static void come_home(struct homecoming *home)
{
	if (!set_out(home))
		return;
	fill(home);
	migrate_vma_pages(&home->args);
	tell(home);
	put_back(home);
}

/* --- by fault ---------------------------------------------------------------- */

static struct homecoming fault_home(struct vm_fault *vmf, unsigned long start, unsigned long end)
{
	return (struct homecoming) {
		.args = {
			.vma = vmf->vma,
			.start = max(start, vmf->vma->vm_start),
			.end = min(end, vmf->vma->vm_end),
			.pgmap_owner = vmirror_owner,
			.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE,
			.fault_page = vmf->page,
		},
		.reason = VMIRROR_REASON_CPU_FAULT,
	};
}

/*
 * A folio that is mapped whole.  Returns false if it stays out: @ok says whether it has to be
 * split, or the hardware has lost its content.
 */
static bool fault_block(struct vm_fault *vmf, bool *ok)
{
	unsigned long start = ALIGN_DOWN(vmf->address, BLOCK_BYTES);
	struct homecoming home = fault_home(vmf, start, start + BLOCK_BYTES);
	struct vmirror_batch *batch = vmirror_fault_batch_get();

	home.args.src = batch->src;
	home.args.dst = batch->dst;
	home.args.flags |= MIGRATE_VMA_SELECT_COMPOUND;
	come_home(&home);
	vmirror_fault_batch_put(batch);
	*ok = !home.broken;
	return *ok && !home.split;
}

static bool fault_pages(struct vm_fault *vmf)
{
	/* A window that is no power of two might not hold the address it is for. */
	unsigned long window = rounddown_pow_of_two(clamp(READ_ONCE(fault_around), 1, AROUND_MAX)) <<
			       PAGE_SHIFT;
	unsigned long start = ALIGN_DOWN(vmf->address, window);
	struct homecoming home = fault_home(vmf, start, start + window);
	unsigned long src[AROUND_MAX], dst[AROUND_MAX];

	home.args.src = src;
	home.args.dst = dst;
	come_home(&home);
	return !home.broken;
}

/*
 * A folio that has to be split first, because it is mapped by single entries, or because
 * there is no huge page in RAM for it.
 *
 * migrate_vma_setup() would split it here and now, as it knows the fault page; but then it
 * takes its reference on that page only after the split has let go of it, and in between the
 * page may come home by another way and be free.  So step aside: without the lock and the
 * reference that the kernel has given us this is like a recall.  It only splits; the CPU
 * finds a single page when it tries again.
 *
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

static void fault_split(struct vm_fault *vmf)
{
	struct vmirror_pool *pool = vmirror_pool_of(vmf->page);
	unsigned long addr = vmf->address & PAGE_MASK, src = 0, dst = 0;
	struct homecoming home = fault_home(vmf, addr, addr + PAGE_SIZE);
	struct mutex *lock = split_lock(vmf->vma->vm_mm, addr);

	home.args.fault_page = NULL;
	home.args.src = &src;
	home.args.dst = &dst;
	vmirror_pool_step_aside(pool, vmf->page);
	mutex_lock(lock);
	if (set_out(&home)) {
		migrate_vma_pages(&home.args);
		put_back(&home);
	}
	mutex_unlock(lock);
	vmirror_pool_step_back(pool, vmf->page);
}

/**
 * vmirror_migrate_to_ram() - a CPU touched a page that is in a pool
 * @vmf: the fault; vmf->page is the device page, locked and with a reference
 *
 * Return: 0, also if the page could not come home at this moment because another task
 * is bringing it: the CPU touches it again.  VM_FAULT_SIGBUS only if the engine cannot
 * read the device's memory: the hardware has lost the content.
 */
vm_fault_t vmirror_migrate_to_ram(struct vm_fault *vmf)
{
	bool ok = true;

	if (!folio_test_large(page_folio(vmf->page)))
		ok = fault_pages(vmf);
	else if (vmf->pte || (!fault_block(vmf, &ok) && ok))
		fault_split(vmf);
	return ok ? 0 : VM_FAULT_SIGBUS;
}

/* --- by address ---------------------------------------------------------------- */

struct recall {
	struct vmirror_walk walk;
	enum vmirror_reason reason;
};

/*
 * What is still out of the pages at hand?  Those that were and are in RAM now have moved.
 * Those that are not mapped just now are in flight, or ceased to exist.
 */
struct still_out {
	u8 *why;
	unsigned int out;
	unsigned int in_flight;
	bool first;
};

static void look(unsigned long *pfns, unsigned long n, void *arg)
{
	struct still_out *still = arg;

	still->out = 0;
	still->in_flight = 0;
	for (unsigned long i = 0; i < n; i++) {
		bool mapped = (pfns[i] & HMM_PFN_VALID) && !(pfns[i] & HMM_PFN_ERROR);
		bool out = mapped && is_device_private_page(hmm_pfn_to_page(pfns[i]));

		if (still->first)
			still->why[i] = out ? 0 : VMIRROR_SKIP_ABSENT;
		else if (!still->why[i] && mapped && !out)
			still->why[i] = BATCH_MOVED;
		if (still->why[i])
			continue;
		if (out)
			still->out++;
		else
			still->in_flight++;
	}
}

static void recall_once(struct recall *recall, unsigned long start, unsigned long end)
{
	struct vmirror_walk *walk = &recall->walk;
	struct mm_struct *mm = walk->vm->mm;
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, start);

	mmap_read_lock(mm);
	for_each_vma_range(vmi, vma, end) {
		struct homecoming home = {
			.args = {
				.vma = vma,
				.src = walk->batch->src,
				.dst = walk->batch->dst,
				.start = max(start, vma->vm_start),
				.end = min(end, vma->vm_end),
				.pgmap_owner = vmirror_owner,
				.flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
					 MIGRATE_VMA_SELECT_COMPOUND,
			},
			.reason = recall->reason,
			.must = true,
		};

		come_home(&home);
		walk->moved->moved_huge += home.came_huge;
	}
	mmap_read_unlock(mm);
}

/* A page that is locked or in flight just now is on its way: look again in a moment. */
#define RECALL_TRIES	100
#define RECALL_SECONDS	2

static int recall_block(struct vmirror_walk *walk, unsigned long start, unsigned long end)
{
	struct recall *recall = container_of(walk, struct recall, walk);
	struct still_out still = { .why = walk->batch->why, .first = true };
	unsigned long deadline = jiffies + RECALL_SECONDS * HZ;

	for (int tries = 0; tries < RECALL_TRIES && !time_after(jiffies, deadline); tries++) {
		int ret = vmirror_mirror_read(walk->slot, start, end, walk->batch->pfns, LOOK_MS,
					      look, &still);

		if (ret == -EINTR)
			return ret;
		if (ret && still.first)
			memset(still.why, 0, sizeof(walk->batch->why));
		still.first = still.first && ret;
		if (!ret && !still.out && !still.in_flight)
			return 0;
		if (tries > 1)
			usleep_range(50, 200);
		if (ret || still.out)
			recall_once(recall, start, end);
	}
	/* In flight for so long: discarded in the meantime, so there is no page to bring. */
	for (unsigned long i = 0; !still.out && i < (end - start) >> PAGE_SHIFT; i++)
		if (!still.why[i])
			still.why[i] = VMIRROR_SKIP_ABSENT;
	return 0;
}

static int recall_range(struct vmirror_vm *vm, u64 gpa, u64 length, enum vmirror_reason reason,
			struct vmirror_moved *moved)
{
	struct recall recall = {
		.walk = {
			.vm = vm,
			.moved = moved,
			.block = recall_block,
			.interruptible = reason == VMIRROR_REASON_RECALL,
		},
		.reason = reason,
	};

	return vmirror_walk(&recall.walk, gpa, length);
}

long vmirror_recall_ioctl(struct file *file, void *arg)
{
	struct vmirror_recall *args = arg;

	if (args->flags)
		return -EINVAL;
	return recall_range(file->private_data, args->gpa, args->length, VMIRROR_REASON_RECALL,
			    &args->moved);
}

/* --- by device page --------------------------------------------------------------- */

/* The vma-less way cannot split a folio: let the VM's own page tables lead there. */
static void recall_block_of(u32 vm_id, u64 gpa, enum vmirror_reason reason)
{
	struct vmirror_vm *vm = vmirror_vm_get_by_id(vm_id);
	struct vmirror_moved moved;

	if (!vm)
		return;
	recall_range(vm, gpa, BLOCK_BYTES, reason, &moved);
	vmirror_vm_put(vm);
}

/* Returns how many entries of batch->src there are. */
static unsigned int set_out_block(struct vmirror_pool *pool, unsigned int block,
				  struct vmirror_batch *batch)
{
	int reading = srcu_read_lock(&vmirror_collecting);
	unsigned int n = vmirror_pool_list_block(pool, block, batch->src);

	if (n)
		compat_migrate_device_pfns(batch->src, n);
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

static void evict_block(struct vmirror_pool *pool, unsigned int block, u32 only_vm,
			enum vmirror_reason reason, bool hard)
{
	struct vmirror_batch *batch = vmirror_batch_get();
	struct homecoming home = {
		.args = { .src = batch->src, .dst = batch->dst },
		.reason = reason,
		.must = true,
		.hard = hard,
		.only_vm = only_vm,
	};
	u32 split_vm = 0;
	u64 split_gpa = 0;
	unsigned int n;
	int reading;

	n = set_out_block(pool, block, batch);
	if (!n)
		goto out;
	home.args.npages = n;
	memset(batch->dst, 0, sizeof(batch->dst));
	fill(&home);
	migrate_device_pages(batch->src, batch->dst, n);
	tell(&home);
	if (home.split) {
		split_vm = vmirror_devdata_vm(home.split);
		split_gpa = vmirror_devdata_gpa(home.split);
	}
	reading = srcu_read_lock(&vmirror_collecting);
	migrate_device_finalize(batch->src, batch->dst, n);
	srcu_read_unlock(&vmirror_collecting, reading);
out:
	vmirror_batch_put(batch);
	if (split_vm)
		recall_block_of(split_vm, split_gpa, reason);
	cond_resched();
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

/* By device page, in every pool.  A pool that is being closed empties itself. */
static void evict_vm(struct vmirror_vm *vm, bool hard)
{
	struct file *file;
	unsigned long id = 0;

	while ((file = vmirror_pool_get_next(&id))) {
		evict_pool(vmirror_pool_from_file(file), vm->id, VMIRROR_REASON_DETACH, hard);
		fput(file);
	}
}

/* Bring every page of the VM home; returns when no device page is its any more. */
void vmirror_vm_bring_home(struct vmirror_vm *vm)
{
	struct vmirror_moved moved;
	unsigned int rounds = 0;

	if (atomic64_read(&vm->out_pages))
		recall_range(vm, 0, 1ULL << VMIRROR_GPA_BITS, VMIRROR_REASON_DETACH, &moved);
	/* What is left was remapped, is of a slot that is gone, or of a dying process. */
	while (atomic64_read(&vm->out_pages)) {
		evict_vm(vm, rounds > 0);
		if (atomic64_read(&vm->out_pages))
			pause(&rounds, "VM", vm->name);
	}
}
