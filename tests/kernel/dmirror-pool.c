// SPDX-License-Identifier: GPL-2.0-only
/* dmirror-pool.c - a node's pool, which is there as long as the suite has something in it */
#include <linux/file.h>
#include <linux/mm.h>

#include "dmirror.h"

/* As many bytes as the suite ever moves, and room for buffers that are not aligned. */
#define PRIVATE_BYTES	(384UL << 20)
/* As the kernel's module has it. */
#define COHERENT_BYTES	(256UL << 20)

struct file *dmirror_pool_get(struct dmirror_node *node)
{
	static atomic_t nr_pools;
	struct vmirror_pool_create create = {
		.engine = dmirror_is_coherent(node) ? VMIRROR_ENGINE_COHERENT : VMIRROR_ENGINE_RAM,
		.bytes = dmirror_is_coherent(node) ? COHERENT_BYTES : PRIVATE_BYTES,
		.base = node->base,
	};
	struct file *file;

	mutex_lock(&node->lock);
	if (!node->pool) {
		snprintf(create.name, sizeof(create.name), "dmirror%u-%d", node->id,
			 atomic_inc_return(&nr_pools));
		file = vmirror_pool_open(&create);
		if (!IS_ERR(file))
			node->pool = file;
	} else {
		file = node->pool;
	}
	if (!IS_ERR(file))
		get_file(file);
	mutex_unlock(&node->lock);
	return file;
}

void dmirror_pool_end(struct dmirror_node *node)
{
	struct file *file;

	mutex_lock(&node->lock);
	file = node->pool;
	node->pool = NULL;
	mutex_unlock(&node->lock);
	if (file)
		fput(file);
}

bool dmirror_is_local(struct dmirror_node *node, u32 pool_id)
{
	bool local;

	mutex_lock(&node->lock);
	local = node->pool && vmirror_pool_from_file(node->pool)->id == pool_id;
	mutex_unlock(&node->lock);
	return local;
}

u32 *dmirror_break_up(struct vmirror_pool *pool, unsigned int *n)
{
	u32 *taken = kvcalloc(pool->nr_blocks, sizeof(*taken), GFP_KERNEL);

	*n = 0;
	while (taken && *n < pool->nr_blocks && vmirror_pool_take_block(pool, &taken[*n])) {
		vmirror_pool_give(pool, taken[*n] + 1, BLOCK_PAGES - 1);
		(*n)++;
	}
	return taken;
}

void dmirror_mend(struct vmirror_pool *pool, u32 *taken, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		vmirror_pool_give(pool, taken[i], 1);
	kvfree(taken);
}
