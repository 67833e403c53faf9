// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool-alloc.c - which pages of a pool are free
 *
 * Pages are numbered from 0.  Two sizes are given out, 4 KiB and 2 MiB, so the allocator has
 * two levels: blocks of 2 MiB, and a bitmap of the pages in each.  Single pages come from
 * blocks that are broken already, so that whole blocks stay whole as long as possible.
 *
 * A page that was the first of a 2 MiB folio rests before it is given out again, because of
 * late references: where migrate_vma_setup() finds a 2 MiB folio mapped by single entries, it
 * lets go of the page table first and takes its reference then (migrate_vma_split_folio()).
 * By then the folio may be free.  It is harmless to lock it, to find that it cannot be split
 * and to drop it: we see it freed a second time.  But if it were given out in between, its
 * new owner's reference would be dropped.  So it rests until everyone has left who may have
 * seen it in a page table; if there is anyone.
 */
#include <linux/bitmap.h>
#include <linux/ktime.h>
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
 * @used_ns: when pages were last given out from it, or a device last used one (coarse clock)
 * @resting: how many rest, from the first: none, one, or all
 * @visitors: faults that have stepped aside from a page here and will want its place back;
 *	while there are any, nothing is given out from the block, and it is in no list
 * @listers: who has its pages as a list and has no reference on them yet; meanwhile it is not
 *	given out as a whole
 * @made: pages that have become folios, as whose they are listed
 */
struct pool_block {
	struct list_head link;
	struct vmirror_pool *pool;
	struct rcu_head rest;
	u64 used_ns;
	unsigned int used;
	unsigned int resting;
	unsigned int visitors;
	unsigned int listers;
	DECLARE_BITMAP(map, BLOCK_PAGES);
	DECLARE_BITMAP(made, BLOCK_PAGES);
};

int vmirror_pool_blocks_init(struct vmirror_pool *pool)
{
	pool->nr_blocks = pool->bytes / BLOCK_BYTES;
	pool->nr_empty = pool->nr_blocks;
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->empty);
	INIT_LIST_HEAD(&pool->partial);
	pool->blocks = kvcalloc(pool->nr_blocks, sizeof(*pool->blocks), GFP_KERNEL | __GFP_NOWARN);
	if (!pool->blocks)
		return -ENOMEM;
	for (unsigned int i = 0; i < pool->nr_blocks; i++) {
		pool->blocks[i].pool = pool;
		list_add_tail(&pool->blocks[i].link, &pool->empty);
	}
	return 0;
}

void vmirror_pool_blocks_free(struct vmirror_pool *pool)
{
	kvfree(pool->blocks);
}

/* Host memory that this costs. */
size_t vmirror_pool_blocks_bytes(const struct vmirror_pool *pool)
{
	return pool->nr_blocks * sizeof(*pool->blocks);
}

static u32 block_index(struct vmirror_pool *pool, struct pool_block *block)
{
	return (block - pool->blocks) * BLOCK_PAGES;
}

/* The block that page number @index lies in. */
static struct pool_block *block_at(struct vmirror_pool *pool, u32 index)
{
	return &pool->blocks[index / BLOCK_PAGES];
}

static void block_note_use(struct pool_block *block)
{
	WRITE_ONCE(block->used_ns, ktime_to_ns(ktime_get_coarse()));
}

static bool is_empty(const struct pool_block *block)
{
	return block->used == block->resting;
}

/* Put it into the list it belongs to. */
static void block_place(struct vmirror_pool *pool, struct pool_block *block)
{
	if (block->visitors || (block->listers && !block->used) || block->used == BLOCK_PAGES)
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
		block_note_use(block);
		block_account(pool, block, BLOCK_PAGES, 0);
		*index = block_index(pool, block);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return block;
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_pool_take_block);

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
		block_note_use(block);
		block_account(pool, block, got - before, 0);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return got;
}

/* Take this page if it is free; returns whether it was. */
bool vmirror_pool_take_this(struct vmirror_pool *pool, u32 index)
{
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;
	bool was_free;

	spin_lock_irqsave(&pool->lock, flags);
	was_free = !__test_and_set_bit(index % BLOCK_PAGES, block->map);
	if (was_free)
		block_account(pool, block, 1, 0);
	spin_unlock_irqrestore(&pool->lock, flags);
	return was_free;
}

/*
 * From now on (1), or no longer (-1), someone will want page @index: nothing is given out from
 * its block.
 */
void vmirror_pool_visit(struct vmirror_pool *pool, u32 index, int visitors)
{
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	block->visitors += visitors;
	pool->visitors += visitors;
	block_place(pool, block);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/* Give back what was taken.  The pages lie in one block. */
void vmirror_pool_give(struct vmirror_pool *pool, u32 index, unsigned int pages)
{
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	bitmap_clear(block->made, index % BLOCK_PAGES, pages);
	bitmap_clear(block->map, index % BLOCK_PAGES, pages);
	block_account(pool, block, -(int)pages, 0);
	spin_unlock_irqrestore(&pool->lock, flags);
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_pool_give);

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
	bitmap_clear(block->made, 0, pages);
	block_account(pool, block, 0, pages);
	/* Within the lock: who finds the pool empty waits for this, too. */
	call_rcu_hurry(&block->rest, half_rested);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/* Can there be late references to a folio that begins here? */
bool vmirror_pool_may_be_late(u32 index)
{
	return MIGRATE_VMA_SELECT_COMPOUND && index % BLOCK_PAGES == 0;
}

/* Give back pages that were out: there may be late references to them. */
void vmirror_pool_give_freed(struct vmirror_pool *pool, u32 index, unsigned int pages)
{
	if (vmirror_pool_may_be_late(index) && is_anyone_searching())
		rest(pool, index, pages);
	else
		vmirror_pool_give(pool, index, pages);
}

/* Wait until every page that rests now has rested. */
void vmirror_pool_wait_rested(void)
{
	rcu_barrier();
	srcu_barrier(&vmirror_collecting);
}

/* Wait for pages that rest if there are so many; returns whether.  May sleep for some time. */
bool vmirror_pool_settle(struct vmirror_pool *pool, unsigned int pages)
{
	if (READ_ONCE(pool->resting) < pages)
		return false;
	vmirror_pool_wait_rested();
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

/* A device has used page @index. */
void vmirror_pool_note_use(struct vmirror_pool *pool, u32 index)
{
	block_note_use(block_at(pool, index));
}

/* Look at a block: what it holds, and how long nobody has used it. */
void vmirror_pool_look_at_block(struct vmirror_pool *pool, unsigned int index,
				struct vmirror_pool_block *seen)
{
	u64 now = ktime_to_ns(ktime_get_coarse());
	struct pool_block *block = &pool->blocks[index];
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	*seen = (struct vmirror_pool_block) {
		.pages = block->used - block->resting,
		.idle_ns = now - min(now, READ_ONCE(block->used_ns)),
	};
	spin_unlock_irqrestore(&pool->lock, flags);
}

/* Pages that were taken are a folio now, with a reference. */
void vmirror_pool_note_made(struct vmirror_pool *pool, u32 index, unsigned int pages)
{
	struct pool_block *block = block_at(pool, index);
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	bitmap_set(block->made, index % BLOCK_PAGES, pages);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * vmirror_pool_list_block() - list the folios in a block
 * @pool: the pool
 * @block: its number
 * @pfns: out: the pages that may be there
 *
 * A glance: a folio may go, and be split.  But until vmirror_pool_unlist_block() none becomes part
 * of a larger one: the kernel (7.2, migrate_device_pfns()) asks what folio a page is of before it
 * has a reference, and goes on with that one.
 *
 * Every page that is out is listed, also the tails of a 2 MiB folio: the kernel passes over them,
 * and if the folio is split meanwhile, finds the pages.
 *
 * Return: how many
 */
unsigned int vmirror_pool_list_block(struct vmirror_pool *pool, unsigned int block,
				     unsigned long *pfns)
{
	unsigned long first = pool->first_pfn + (unsigned long)block * BLOCK_PAGES, flags;
	DECLARE_BITMAP(made, BLOCK_PAGES);
	unsigned int bit, n = 0;

	spin_lock_irqsave(&pool->lock, flags);
	bitmap_copy(made, pool->blocks[block].made, BLOCK_PAGES);
	pool->blocks[block].listers++;
	spin_unlock_irqrestore(&pool->lock, flags);
	for_each_set_bit(bit, made, BLOCK_PAGES)
		pfns[n++] = first + bit;
	return n;
}

/* The list is not needed any more, or there is a reference on what it is needed for. */
void vmirror_pool_unlist_block(struct vmirror_pool *pool, unsigned int block)
{
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	pool->blocks[block].listers--;
	block_place(pool, &pool->blocks[block]);
	spin_unlock_irqrestore(&pool->lock, flags);
}
