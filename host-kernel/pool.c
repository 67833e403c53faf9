// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool.c - a pool: a range of device pages behind an fd
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/ioport.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "private.h"

static void pool_free(struct vmirror_pool *pool)
{
	vmirror_pool_blocks_free(pool);
	kfree(pool);
}

static struct vmirror_pool *pool_alloc(const struct vmirror_pool_create *args)
{
	struct vmirror_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	strscpy(pool->name, args->name, sizeof(pool->name));
	pool->bytes = args->bytes;
	pool->base = args->base;
	if (vmirror_pool_blocks_init(pool)) {
		pool_free(pool);
		return NULL;
	}
	return pool;
}

/* Physical addresses for the pool: its memory's own, or else some that nothing uses. */
static struct resource *pool_region(struct vmirror_pool *pool)
{
	struct resource *region;

	if (pool->engine->memory == MEMORY_DEVICE_COHERENT) {
		region = request_mem_region(pool->base, pool->bytes, "vmirror");
		return region ?: ERR_PTR(-EBUSY);
	}
	region = request_free_mem_region(&iomem_resource, pool->bytes, "vmirror");
	return IS_ERR(region) ? ERR_PTR(-ENOMEM) : region;
}

/* Give the device memory struct pages. */
static int pool_map(struct vmirror_pool *pool)
{
	void *ret;

	pool->region = pool_region(pool);
	if (IS_ERR(pool->region))
		return PTR_ERR(pool->region);
	pool->first_pfn = pool->region->start >> PAGE_SHIFT;
	pool->pgmap.type = pool->engine->memory;
	pool->pgmap.nr_range = 1;
	pool->pgmap.range.start = pool->region->start;
	pool->pgmap.range.end = pool->region->start + pool->bytes - 1;
	pool->pgmap.ops = &vmirror_pool_pgmap_ops;
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

/* The next one to have the memory must not find a guest's in it. */
static void pool_scrub(struct vmirror_pool *pool)
{
	for (u64 offset = 0; offset < pool->bytes; offset += BLOCK_BYTES) {
		if (pool->engine->clear(pool, offset, BLOCK_PAGES))
			pr_err("pool %s: cannot clear device memory at offset %#llx\n",
			       pool->name, offset);
		cond_resched();
	}
}

/*
 * Nobody finds it any more, and who has found it has gone.  Also an id that is only reserved keeps
 * the reserve: its pool will want it.
 */
static void pool_unregister(struct vmirror_pool *pool)
{
	mutex_lock(&vmirror_registry_lock);
	xa_erase(&vmirror_pools, pool->id);
	if (xa_empty(&vmirror_pools))
		vmirror_reserve_want(false);
	mutex_unlock(&vmirror_registry_lock);
	wait_var_event(&pool->visited, !READ_ONCE(pool->visited));
}

static int pool_release(struct inode *inode, struct file *file)
{
	struct vmirror_pool *pool = file->private_data;

	vmirror_pool_bring_home(pool);
	pool_unregister(pool);
	vmirror_pool_wait_rested();
	if (pool->engine->memory == MEMORY_DEVICE_COHERENT)
		pool_scrub(pool);
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
	stat->overhead_bytes = sizeof(*pool) + vmirror_pool_blocks_bytes(pool) +
			       (pool->bytes >> PAGE_SHIFT) *
				       (sizeof(struct page) + pool->engine->page_overhead);
	stat->out_pages = atomic64_read(&pool->out_pages);
	stat->freed_pages = atomic64_read(&pool->freed_pages);
	strscpy(stat->name, pool->name, sizeof(stat->name));
	spin_lock_irqsave(&pool->lock, flags);
	stat->used_bytes = (u64)(pool->used - pool->resting) << PAGE_SHIFT;
	stat->free_huge = pool->nr_empty;
	spin_unlock_irqrestore(&pool->lock, flags);
	return 0;
}

static long pool_blocks(struct file *file, void *arg)
{
	struct vmirror_pool *pool = file->private_data;
	struct vmirror_pool_blocks *args = arg;
	struct vmirror_pool_block __user *to = u64_to_user_ptr(args->blocks);
	u64 first = args->offset / BLOCK_BYTES;

	if (args->flags || args->reserved || args->offset % BLOCK_BYTES)
		return -EINVAL;
	if (first >= pool->nr_blocks)
		return -ENXIO;
	args->nr_blocks = min(args->nr_blocks, pool->nr_blocks - first);
	for (u32 i = 0; i < args->nr_blocks; i++) {
		struct vmirror_pool_block block;

		vmirror_pool_look_at_block(pool, first + i, &block);
		if (copy_to_user(&to[i], &block, sizeof(block)))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

static const struct vmirror_ioctl pool_ioctls[] = {
	VMIRROR_IOCTL(VMIRROR_POOL_STAT, vmirror_pool_stat, name, pool_stat),
	VMIRROR_IOCTL(VMIRROR_POOL_BLOCKS, vmirror_pool_blocks, reserved, pool_blocks),
	VMIRROR_IOCTL(VMIRROR_POOL_EVICT, vmirror_pool_evict, left_pages, vmirror_pool_evict_ioctl),
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
VMIRROR_EXPORT_FOR_TESTS(vmirror_pool_from_file);

/**
 * vmirror_pool_next() - go through all pools, with no lock held in between
 * @pool: the one before, which is let go of; NULL at first
 *
 * Return: the next pool, which stays until it is let go of; NULL after the last.  Also one that
 * is being closed: where a task closes a VM and a pool at once, as it exits, the VM may come first,
 * and would wait for what comes after it.
 */
struct vmirror_pool *vmirror_pool_next(struct vmirror_pool *pool)
{
	unsigned long id = pool ? pool->id : 0;
	struct vmirror_pool *next;

	mutex_lock(&vmirror_registry_lock);
	next = xa_find_after(&vmirror_pools, &id, ULONG_MAX, XA_PRESENT);
	if (next)
		next->visited++;
	if (pool) {
		WRITE_ONCE(pool->visited, pool->visited - 1);
		wake_up_var(&pool->visited);
	}
	mutex_unlock(&vmirror_registry_lock);
	return next;
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

/* One pool at a time is made: what takes long is done with the registry free, but the name kept. */
static DEFINE_MUTEX(create_lock);

/* Reserve an id, unless the name is there already; with the create_lock. */
static int pool_register(struct vmirror_pool *pool)
{
	static u32 next_id = 1;
	int ret = -EEXIST;

	lockdep_assert_held(&create_lock);
	mutex_lock(&vmirror_registry_lock);
	if (!pool_name_taken(pool->name))
		ret = xa_alloc_cyclic(&vmirror_pools, &pool->id, NULL, XA_LIMIT(1, U32_MAX),
				      &next_id, GFP_KERNEL);
	mutex_unlock(&vmirror_registry_lock);
	return min(ret, 0);
}

/* Everything that can fail, but for the fd. */
static int pool_start(struct vmirror_pool *pool)
{
	int ret = pool->engine->start(pool);

	if (ret)
		return ret;
	ret = pool_map(pool);
	if (ret)
		pool->engine->stop(pool);
	return ret;
}

static const struct vmirror_engine *const engines[] = {
	[VMIRROR_ENGINE_RAM] = &vmirror_engine_ram,
	[VMIRROR_ENGINE_COHERENT] = &vmirror_engine_coherent,
};

static const struct vmirror_engine *engine_of(u32 type)
{
	return type < ARRAY_SIZE(engines) ? engines[type] : NULL;
}

/* Which there are: a bit for each type. */
u32 vmirror_engines(void)
{
	u32 types = 0;

	for (u32 type = 0; type < ARRAY_SIZE(engines); type++)
		if (engines[type])
			types |= 1 << type;
	return types;
}

static int check_create(const struct vmirror_pool_create *args)
{
	u64 end;

	if (args->flags || args->reserved || !args->engine)
		return -EINVAL;
	if (!engine_of(args->engine))
		return -EOPNOTSUPP;
	if (!args->bytes || args->bytes % VMIRROR_POOL_SIZE_UNIT ||
	    !vmirror_name_valid(args->name))
		return -EINVAL;
	if (args->base % VMIRROR_POOL_SIZE_UNIT ||
	    !args->base != (args->engine != VMIRROR_ENGINE_COHERENT))
		return -EINVAL;
	if (check_add_overflow(args->base, args->bytes, &end))
		return -EOVERFLOW;
	if (args->bytes >> PAGE_SHIFT > U32_MAX)
		return -ENOMEM;
	if (args->engine == VMIRROR_ENGINE_RAM && args->bytes >> PAGE_SHIFT > totalram_pages())
		return -ENOMEM;
	return 0;
}

/**
 * vmirror_pool_open() - make a pool
 * @args: as VMIRROR_POOL_CREATE has them
 *
 * Return: the pool's file, whose last close ends the pool, or an error as
 * VMIRROR_POOL_CREATE returns it
 */
struct file *vmirror_pool_open(const struct vmirror_pool_create *args)
{
	struct vmirror_pool *pool;
	struct file *file;
	int ret;

	ret = check_create(args);
	if (ret)
		return ERR_PTR(ret);
	pool = pool_alloc(args);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	pool->engine = engine_of(args->engine);

	ret = mutex_lock_killable(&create_lock);
	if (ret)
		goto err_free;
	ret = pool_register(pool);
	if (ret)
		goto err_unlock;
	ret = pool_start(pool);
	if (ret)
		goto err_id;
	file = anon_inode_getfile("[vmirror-pool]", &pool_fops, pool, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_stop;
	}
	vmirror_reserve_want(true);
	mutex_lock(&vmirror_registry_lock);
	xa_store(&vmirror_pools, pool->id, pool, GFP_KERNEL);
	mutex_unlock(&vmirror_registry_lock);
	mutex_unlock(&create_lock);
	return file;

err_stop:
	pool_unmap(pool);
	pool->engine->stop(pool);
err_id:
	pool_unregister(pool);
err_unlock:
	mutex_unlock(&create_lock);
err_free:
	pool_free(pool);
	return ERR_PTR(ret);
}
VMIRROR_EXPORT_FOR_TESTS(vmirror_pool_open);

long vmirror_pool_create(struct file *file, void *arg)
{
	return vmirror_give_fd(vmirror_pool_open(arg));
}
