// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool.c - device memory that guest pages live in
 *
 * A pool is a range of MEMORY_DEVICE_PRIVATE pages, numbered from 0.  Two sizes are given out, 4 KiB and
 * 2 MiB, so the allocator has two levels: blocks of 2 MiB, and a bitmap of the pages in
 * each.  Single pages come from blocks that are broken already, so that whole blocks
 * stay whole as long as possible.
 *
 *	taken ──vmirror_pool_page_init()──▶ out: a folio with a reference
 *	  │                                   │ last reference dropped, any context
 *	  └──vmirror_pool_give()──▶ free ◀────┴──▶ resting ──▶ free
 *
 * A page that was the first of a 2 MiB folio rests before it is given out again, because of
 * late references: where migrate_vma_setup() finds a 2 MiB folio mapped by single entries, it
 * lets go of the page table first and takes its reference then (migrate_vma_split_folio()).
 * By then the folio may be free.  It is harmless to lock it, to find that it cannot be split
 * and to drop it: we see it freed a second time.  But if it were given out in between, its
 * new owner's reference would be dropped.  So it rests until everyone has left who may have
 * seen it in a page table; if there is anyone.
 */
#include <linux/anon_inodes.h>
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/ioport.h>
#include <linux/slab.h>

#include "private.h"

DEFINE_SRCU(vmirror_collecting);

/* How many began to search page tables, and how many are through. */
static DEFINE_PER_CPU(unsigned long, searches_begun);
static DEFINE_PER_CPU(unsigned long, searches_ended);

/*
 * struct pool_block - 2 MiB of a pool
 * @link: in pool->empty, pool->partial, or in none if it is full
 * @used: pages that are given out or rest
 * @resting: how many rest, from the first: none, one, or all
 * @visitors: faults that have stepped aside from a page here and will want its place back;
 *	while there are any, nothing is given out from the block, and it is in no list
 */
struct pool_block {
	struct list_head link;
	struct vmirror_pool *pool;
	struct rcu_head rest;
	unsigned int used;
	unsigned int resting;
	unsigned int visitors;
	DECLARE_BITMAP(map, BLOCK_PAGES);
};

static u32 block_index(struct vmirror_pool *pool, struct pool_block *block)
{
	return (block - pool->blocks) * BLOCK_PAGES;
}

static u32 page_index(struct vmirror_pool *pool, const struct page *page)
{
	return page_to_pfn(page) - pool->first_pfn;
}

/* The block that page number @index lies in. */
static struct pool_block *block_at(struct vmirror_pool *pool, u32 index)
{
	return &pool->blocks[index / BLOCK_PAGES];
}

static bool is_empty(const struct pool_block *block)
{
	return block->used == block->resting;
}

/* Put it into the list it belongs to. */
static void block_place(struct vmirror_pool *pool, struct pool_block *block)
{
	if (block->visitors || block->used == BLOCK_PAGES)
		list_del_init(&block->link);
	else
		list_move(&block->link, block->used ? &pool->partial : &pool->empty);
}

/* Change what is in a block by so many pages, given out or resting, and by so many resting. */
static void block_account(struct vmirror_pool *pool, struct pool_block *block, int pages,
			  int resting)
{
	lockdep_assert_held(&pool->lock);
	pool->nr_empty -= is_empty(block);
	block->used += pages;
	pool->used += pages;
	block->resting += resting;
	pool->resting += resting;
	pool->nr_empty += is_empty(block);

	block_place(pool, block);
}

/* Take a whole block: its first page goes to @index. */
bool vmirror_pool_take_block(struct vmirror_pool *pool, u32 *index)
{
	struct pool_block *block;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	block = list_first_entry_or_null(&pool->empty, struct pool_block, link);
	if (block) {
		bitmap_fill(block->map, BLOCK_PAGES);
		block_account(pool, block, BLOCK_PAGES, 0);
		*index = block_index(pool, block);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return block;
}

/* Take up to @n single pages; returns how many there were. */
unsigned int vmirror_pool_take_pages(struct vmirror_pool *pool, u32 *indices, unsigned int n)
{
	struct pool_block *block;
	unsigned int got = 0;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	while (got < n) {
		unsigned int before = got, bit;

		block = list_first_entry_or_null(&pool->partial, struct pool_block, link) ?:
			list_first_entry_or_null(&pool->empty, struct pool_block, link);
		if (!block)
			break;
		for_each_clear_bit(bit, block->map, BLOCK_PAGES) {
			if (got == n)
				break;
			__set_bit(bit, block->map);
			indices[got++] = block_index(pool, block) + bit;
		}
		block_account(pool, block, got - before, 0);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return got;
}

/* Give back what was taken.  The pages lie in one block. */
void vmirror_pool_give(struct vmirror_pool *pool, u32 index, unsigned int pages)
{
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	bitmap_clear(block->map, index % BLOCK_PAGES, pages);
	block_account(pool, block, -(int)pages, 0);
	spin_unlock_irqrestore(&pool->lock, flags);
}

static void rested(struct rcu_head *head)
{
	struct pool_block *block = container_of(head, struct pool_block, rest);
	struct vmirror_pool *pool = block->pool;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	bitmap_clear(block->map, 0, block->resting);
	block_account(pool, block, -(int)block->resting, -(int)block->resting);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/*
 * Those who discard memory drop their reference with preemption off: they are through with
 * freeing it.  Now wait for those who search, and for our own that drop references.
 */
static void half_rested(struct rcu_head *head)
{
	call_srcu(&vmirror_collecting, head, rested);
}

/* Like vmirror_pool_give(), but later.  @index is the first page of a block. */
static void rest(struct vmirror_pool *pool, u32 index, unsigned int pages)
{
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	block_account(pool, block, 0, pages);
	/* Within the lock: who finds the pool empty waits for this, too. */
	call_rcu_hurry(&block->rest, half_rested);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/* Wait until every page that rests now has rested. */
static void wait_for_resting(void)
{
	rcu_barrier();
	srcu_barrier(&vmirror_collecting);
}

/* Wait for pages that rest if there are so many; returns whether.  May sleep for some time. */
bool vmirror_pool_settle(struct vmirror_pool *pool, unsigned int pages)
{
	if (READ_ONCE(pool->resting) < pages)
		return false;
	wait_for_resting();
	return true;
}

/* Pages that are taken or out, or soon will be taken by a fault that stepped aside. */
unsigned long vmirror_pool_used(struct vmirror_pool *pool)
{
	unsigned long flags, used;

	spin_lock_irqsave(&pool->lock, flags);
	used = pool->used - pool->resting + pool->visitors;
	spin_unlock_irqrestore(&pool->lock, flags);
	return used;
}

/**
 * vmirror_pool_list_block() - list the folios in a block
 * @pool: the pool
 * @block: its number
 * @pfns: out: the pages that may be there
 *
 * A glance: a folio may go, and a page that is only taken may be listed.
 *
 * Every page that is given out is listed, also the tails of a 2 MiB folio: the kernel passes
 * over them, and if the folio is split meanwhile, finds the pages.
 *
 * Return: how many
 */
unsigned int vmirror_pool_list_block(struct vmirror_pool *pool, unsigned int block,
				     unsigned long *pfns)
{
	unsigned long first = pool->first_pfn + (unsigned long)block * BLOCK_PAGES, flags;
	DECLARE_BITMAP(map, BLOCK_PAGES);
	unsigned int bit, n = 0;

	spin_lock_irqsave(&pool->lock, flags);
	bitmap_copy(map, pool->blocks[block].map, BLOCK_PAGES);
	bitmap_clear(map, 0, pool->blocks[block].resting);
	spin_unlock_irqrestore(&pool->lock, flags);
	for_each_set_bit(bit, map, BLOCK_PAGES)
		pfns[n++] = first + bit;
	return n;
}

/**
 * vmirror_pool_page_init() - make a folio of pages that were taken
 * @pool: the pool
 * @index: the first of the pages
 * @order: 0 or BLOCK_ORDER
 * @vm: whose content it will hold
 * @gpa: guest physical address of that content
 *
 * Return: the folio's first page, locked, with one reference.  When the last reference
 * goes, the pages return to the pool by themselves.
 */
struct page *vmirror_pool_page_init(struct vmirror_pool *pool, u32 index, unsigned int order,
				    struct vmirror_vm *vm, u64 gpa)
{
	struct page *page = pfn_to_page(pool->first_pfn + index);

	for (unsigned int i = 0; i < 1 << order; i++)
		compat_clear_page_flags(page + i);
	atomic64_add(1 << order, &vm->out_pages);
	/* Who goes by device page may see it as soon as it has a reference. */
	page->zone_device_data = vmirror_devdata(vm->id, gpa);
	compat_zone_device_init(page, &pool->pgmap, order);
	return page;
}

/*
 * The page of a fault that stepped aside and found it free: nobody's, and of no content.
 * The id is that of no VM; the address tells it from a page that is free.
 */
#define PLACE_HELD	vmirror_devdata(0, PAGE_SIZE)

static void visit(struct vmirror_pool *pool, struct page *page, int visitors)
{
	struct pool_block *block = block_at(pool, page_index(pool, page));
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	block->visitors += visitors;
	pool->visitors += visitors;
	block_place(pool, block);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vmirror_pool_step_aside() - let go of a device page in the midst of a fault on it
 * @pool: its pool, which is there until we step back
 * @page: the page, locked and with a reference; has neither afterwards
 */
void vmirror_pool_step_aside(struct vmirror_pool *pool, struct page *page)
{
	visit(pool, page, 1);
	unlock_page(page);
	put_page(page);
}

/* It is free: take it, so that it can be locked and unlocked, and be free again. */
static bool step_on_free(struct vmirror_pool *pool, struct page *page)
{
	u32 index = page_index(pool, page);
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;
	bool was_free;

	spin_lock_irqsave(&pool->lock, flags);
	was_free = !__test_and_set_bit(index % BLOCK_PAGES, block->map);
	if (was_free)
		block_account(pool, block, 1, 0);
	spin_unlock_irqrestore(&pool->lock, flags);
	if (!was_free)
		return false;
	compat_clear_page_flags(page);
	page->zone_device_data = PLACE_HELD;
	compat_zone_device_init(page, &pool->pgmap, 0);
	return true;
}

/* A page that is not in use may still name the head of the folio it was part of. */
static bool is_part_of(struct page *page, struct folio *folio)
{
	return page_folio(page) == folio &&
	       page_to_pfn(page) - folio_pfn(folio) < folio_nr_pages(folio);
}

/*
 * It is out, perhaps as another VM's: that one will hardly notice.  While we have the lock
 * a folio that is out is mapped; one that is not is dead, and only a late reference let us
 * get one: away from it while it rests.
 */
static bool step_on_live(struct page *page)
{
	int reading = srcu_read_lock(&vmirror_collecting);
	struct folio *folio = page_folio(page);
	bool is_live = false;

	if (folio_try_get(folio)) {
		folio_lock(folio);
		is_live = is_part_of(page, folio) && folio_mapped(folio);
		if (!is_live) {
			folio_unlock(folio);
			folio_put(folio);
		}
	}
	srcu_read_unlock(&vmirror_collecting, reading);
	return is_live;
}

/**
 * vmirror_pool_step_back() - undo vmirror_pool_step_aside()
 * @pool: the pool
 * @page: the page, whatever has become of it; locked and with a reference afterwards, as the
 *	kernel's fault handler left it with us
 */
void vmirror_pool_step_back(struct vmirror_pool *pool, struct page *page)
{
	/*
	 * Neither out nor free: about to be, or resting.  It is not given to anyone who might
	 * wait for the mmap_lock that we have.
	 */
	while (!step_on_live(page) && !step_on_free(pool, page))
		usleep_range(20, 200);
	visit(pool, page, -1);
}

/**
 * vmirror_search_begin() - before page tables are searched for device pages
 *
 * Return: for vmirror_search_end()
 */
int vmirror_search_begin(void)
{
	int reading = srcu_read_lock(&vmirror_collecting);

	this_cpu_inc(searches_begun);
	smp_mb();	/* pairs with is_anyone_searching() */
	return reading;
}

void vmirror_search_end(int reading)
{
	smp_mb();	/* likewise */
	this_cpu_inc(searches_ended);
	srcu_read_unlock(&vmirror_collecting, reading);
}

/*
 * Those who begin after this was called do not count.  The ends are counted first, so that
 * no end is counted without its begin: equal sums say that nobody is in between.
 */
static bool is_anyone_searching(void)
{
	unsigned long begun = 0, ended = 0;
	int cpu;

	smp_mb();	/* the page is in no page table any more */
	for_each_possible_cpu(cpu)
		ended += READ_ONCE(per_cpu(searches_ended, cpu));
	smp_mb();
	for_each_possible_cpu(cpu)
		begun += READ_ONCE(per_cpu(searches_begun, cpu));
	return begun != ended;
}

/* Can there be late references to a folio that begins here? */
static bool may_be_late(u32 index)
{
	return MIGRATE_VMA_SELECT_COMPOUND && index % BLOCK_PAGES == 0;
}

/* The last reference to a device folio went: from any context, also interrupts. */
static void free_folio(struct folio *folio)
{
	unsigned int pages = folio_nr_pages(folio);
	struct page *page = folio_page(folio, 0);
	struct vmirror_pool *pool = vmirror_pool_of(page);
	u32 index = page_index(pool, page);
	void *data = xchg(&page->zone_device_data, NULL);
	struct vmirror_vm *vm;

	if (data == PLACE_HELD) {
		vmirror_pool_give(pool, index, 1);
		return;
	}
	if (!data) {
		/* A late reference went.  The kernel drops the folio's on the pool again. */
		WARN_ON_ONCE(!may_be_late(index));
		percpu_ref_get_many(&pool->pgmap.ref, pages);
		return;
	}
	/*
	 * The VM waits for its last page before it goes, and is freed by RCU: it is there
	 * until we have counted.
	 */
	rcu_read_lock();
	vm = xa_load(&vmirror_vms, (unsigned long)data & DEVDATA_VM_MASK);
	atomic64_add(pages, &pool->freed_pages);
	if (may_be_late(index) && is_anyone_searching())
		rest(pool, index, pages);
	else
		vmirror_pool_give(pool, index, pages);
	if (!WARN_ON_ONCE(!vm))
		atomic64_sub(pages, &vm->out_pages);
	rcu_read_unlock();
}

#ifdef HAVE_FOLIO_SPLIT
/* A 2 MiB device folio falls apart; each page keeps saying whose it is. */
static void split_folio_data(struct folio *head, struct folio *tail)
{
	struct page *page = folio_page(head, 0);
	unsigned long index;

	if (!tail)
		return;
	index = folio_pfn(tail) - folio_pfn(head);
	tail->pgmap = head->pgmap;
	tail->page.mapping = head->page.mapping;
	tail->page.zone_device_data = vmirror_devdata(vmirror_devdata_vm(page),
						      vmirror_devdata_gpa(page) +
						      (index << PAGE_SHIFT));
}
#endif

#ifndef HAVE_FOLIO_FREE
static void free_page_(struct page *page)
{
	free_folio(page_folio(page));
}
#endif

static const struct dev_pagemap_ops pool_pgmap_ops = {
#ifdef HAVE_FOLIO_FREE
	.folio_free = free_folio,
#else
	.page_free = free_page_,
#endif
#ifdef HAVE_FOLIO_SPLIT
	.folio_split = split_folio_data,
#endif
	.migrate_to_ram = vmirror_migrate_to_ram,
};

static void pool_free(struct vmirror_pool *pool)
{
	kvfree(pool->blocks);
	kfree(pool);
}

static struct vmirror_pool *pool_alloc(const struct vmirror_pool_create *args)
{
	struct vmirror_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	strscpy(pool->name, args->name, sizeof(pool->name));
	pool->bytes = args->bytes;
	pool->nr_blocks = args->bytes / BLOCK_BYTES;
	pool->nr_empty = pool->nr_blocks;
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->empty);
	INIT_LIST_HEAD(&pool->partial);
	pool->blocks = kvcalloc(pool->nr_blocks, sizeof(*pool->blocks), GFP_KERNEL | __GFP_NOWARN);
	if (!pool->blocks) {
		pool_free(pool);
		return NULL;
	}
	for (unsigned int i = 0; i < pool->nr_blocks; i++) {
		pool->blocks[i].pool = pool;
		list_add_tail(&pool->blocks[i].link, &pool->empty);
	}
	return pool;
}

/* Give the device memory struct pages, at physical addresses nothing else uses. */
static int pool_map(struct vmirror_pool *pool)
{
	void *ret;

	pool->region = request_free_mem_region(&iomem_resource, pool->bytes, "vmirror");
	if (IS_ERR(pool->region))
		return -ENOMEM;
	pool->first_pfn = pool->region->start >> PAGE_SHIFT;
	pool->pgmap.type = MEMORY_DEVICE_PRIVATE;
	pool->pgmap.nr_range = 1;
	pool->pgmap.range.start = pool->region->start;
	pool->pgmap.range.end = pool->region->start + pool->bytes - 1;
	pool->pgmap.ops = &pool_pgmap_ops;
	pool->pgmap.owner = vmirror_owner;
	ret = memremap_pages(&pool->pgmap, numa_node_id());
	if (IS_ERR(ret)) {
		release_mem_region(pool->region->start, resource_size(pool->region));
		return PTR_ERR(ret);
	}
	return 0;
}

static void pool_unmap(struct vmirror_pool *pool)
{
	memunmap_pages(&pool->pgmap);
	release_mem_region(pool->region->start, resource_size(pool->region));
}

static int pool_release(struct inode *inode, struct file *file)
{
	struct vmirror_pool *pool = file->private_data;

	vmirror_pool_bring_home(pool);
	wait_for_resting();
	mutex_lock(&vmirror_registry_lock);
	xa_erase(&vmirror_pools, pool->id);
	if (xa_empty(&vmirror_pools))
		vmirror_reserve_want(false);
	mutex_unlock(&vmirror_registry_lock);
	pool_unmap(pool);
	pool->engine->stop(pool);
	pool_free(pool);
	return 0;
}

static long pool_stat(struct file *file, void *arg)
{
	struct vmirror_pool *pool = file->private_data;
	struct vmirror_pool_stat *stat = arg;
	unsigned long flags;

	if (stat->reserved)
		return -EINVAL;
	stat->id = pool->id;
	stat->engine = pool->engine->type;
	stat->bytes = pool->bytes;
	stat->overhead_bytes = sizeof(*pool) + pool->nr_blocks * sizeof(*pool->blocks) +
			       (pool->bytes >> PAGE_SHIFT) * sizeof(struct page);
	stat->out_pages = atomic64_read(&pool->out_pages);
	stat->freed_pages = atomic64_read(&pool->freed_pages);
	strscpy(stat->name, pool->name, sizeof(stat->name));
	spin_lock_irqsave(&pool->lock, flags);
	stat->used_bytes = (u64)(pool->used - pool->resting) << PAGE_SHIFT;
	stat->free_huge = pool->nr_empty;
	spin_unlock_irqrestore(&pool->lock, flags);
	return 0;
}

static const struct vmirror_ioctl pool_ioctls[] = {
	VMIRROR_IOCTL(VMIRROR_POOL_STAT, vmirror_pool_stat, name, pool_stat),
};

static long pool_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vmirror_ioctl_dispatch(file, cmd, arg, pool_ioctls, ARRAY_SIZE(pool_ioctls));
}

static const struct file_operations pool_fops = {
	.owner = THIS_MODULE,
	.release = pool_release,
	.unlocked_ioctl = pool_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* The pool behind an open file, or NULL if the file is no pool. */
struct vmirror_pool *vmirror_pool_from_file(struct file *file)
{
	return file->f_op == &pool_fops ? file->private_data : NULL;
}

/**
 * vmirror_pool_get_next() - go through all pools, with no lock held in between
 * @id: where to go on; 0 at first
 *
 * Return: the file of the next pool, with a reference; NULL after the last.  A pool that is
 * being closed is passed over.
 */
struct file *vmirror_pool_get_next(unsigned long *id)
{
	struct vmirror_pool *pool;
	struct file *file = NULL;

	mutex_lock(&vmirror_registry_lock);
	while (!file && (pool = xa_find_after(&vmirror_pools, id, ULONG_MAX, XA_PRESENT)))
		file = get_file_active(&pool->file);
	mutex_unlock(&vmirror_registry_lock);
	return file;
}

static bool pool_name_taken(const char *name)
{
	struct vmirror_pool *pool;
	unsigned long id;

	lockdep_assert_held(&vmirror_registry_lock);
	xa_for_each(&vmirror_pools, id, pool)
		if (!strcmp(pool->name, name))
			return true;
	return false;
}

/* Everything that can fail, but for the fd; with the registry locked. */
static int pool_start(struct vmirror_pool *pool)
{
	static u32 next_id = 1;
	int ret;

	if (pool_name_taken(pool->name))
		return -EEXIST;
	ret = xa_alloc_cyclic(&vmirror_pools, &pool->id, NULL, XA_LIMIT(1, U32_MAX), &next_id,
			      GFP_KERNEL);
	if (ret < 0)
		return ret;
	ret = pool->engine->start(pool);
	if (ret)
		goto err_id;
	ret = pool_map(pool);
	if (ret)
		goto err_engine;
	return 0;

err_engine:
	pool->engine->stop(pool);
err_id:
	xa_erase(&vmirror_pools, pool->id);
	return ret;
}

long vmirror_pool_create(struct file *file, void *arg)
{
	const int fd_flags = O_CLOEXEC | O_RDWR;
	struct vmirror_pool_create *args = arg;
	struct file *pool_file;
	struct vmirror_pool *pool;
	int fd, ret;

	if (args->flags || args->reserved || !args->engine)
		return -EINVAL;
	if (args->engine != VMIRROR_ENGINE_RAM)
		return -EOPNOTSUPP;
	if (!args->bytes || args->bytes % VMIRROR_POOL_SIZE_UNIT ||
	    !vmirror_name_valid(args->name))
		return -EINVAL;
	if (args->bytes >> PAGE_SHIFT > min(totalram_pages(), U32_MAX))
		return -ENOMEM;

	pool = pool_alloc(args);
	if (!pool)
		return -ENOMEM;
	pool->engine = &vmirror_engine_ram;

	mutex_lock(&vmirror_registry_lock);
	ret = pool_start(pool);
	if (ret)
		goto err_free;
	fd = get_unused_fd_flags(fd_flags);
	if (fd < 0) {
		ret = fd;
		goto err_stop;
	}
	pool_file = anon_inode_getfile("[vmirror-pool]", &pool_fops, pool, fd_flags);
	if (IS_ERR(pool_file)) {
		ret = PTR_ERR(pool_file);
		goto err_fd;
	}
	pool->file = pool_file;
	vmirror_reserve_want(true);
	xa_store(&vmirror_pools, pool->id, pool, GFP_KERNEL);
	mutex_unlock(&vmirror_registry_lock);
	fd_install(fd, pool_file);
	return fd;

err_fd:
	put_unused_fd(fd);
err_stop:
	pool_unmap(pool);
	pool->engine->stop(pool);
	xa_erase(&vmirror_pools, pool->id);
err_free:
	mutex_unlock(&vmirror_registry_lock);
	pool_free(pool);
	return ret;
}
