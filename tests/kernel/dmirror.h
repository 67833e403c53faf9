/* SPDX-License-Identifier: GPL-2.0-only */
/* dmirror.h - what the files of hmm_dmirror.ko share */
#ifndef DMIRROR_H
#define DMIRROR_H

#include <linux/cdev.h>

#include "private.h"

/*
 * struct attached - an address space
 * @file: its vm file
 * @users: mirrors in it
 */
struct attached {
	struct list_head link;
	struct mm_struct *mm;
	struct file *file;
	unsigned int users;
};

/*
 * struct dmirror_node - a /dev/hmm_dmirrorN
 * @base: where its memory begins, if that is coherent
 * @lock: protects @pool
 * @pool: the pool's file; NULL until something moves there
 */
struct dmirror_node {
	struct cdev cdev;
	struct device *device;
	unsigned int id;
	u64 base;
	struct mutex lock;
	struct file *pool;
};

/* struct mirror - an open node */
struct mirror {
	struct dmirror_node *node;
	struct attached *attached;
	struct vmirror_device *device;
	struct mutex lock;		/* protects @flags */
	u64 flags;
};

static inline struct vmirror_vm *dmirror_vm(struct mirror *mirror)
{
	return vmirror_vm_from_file(mirror->attached->file);
}

static inline bool dmirror_is_coherent(const struct dmirror_node *node)
{
	return node->id >= 2;
}

/* --- dmirror-pool.c ------------------------------------------------------------- */

/* The node's pool, with a reference. */
struct file *dmirror_pool_get(struct dmirror_node *node);
/* Bring everything home and forget the memory. */
void dmirror_pool_end(struct dmirror_node *node);
/* Is this where the page is? */
bool dmirror_is_local(struct dmirror_node *node, u32 pool_id);
/*
 * "The allocation of a huge page fails": take a page of each empty block, so that there is room,
 * but no block.
 */
u32 *dmirror_break_up(struct vmirror_pool *pool, unsigned int *n);
void dmirror_mend(struct vmirror_pool *pool, u32 *taken, unsigned int n);

/* --- dmirror-ioctl.c ------------------------------------------------------------ */

long dmirror_ioctl(struct file *file, unsigned int command, unsigned long arg);

#endif
