/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel-steps.h - the ioctls that workers call again and again
 *
 * Each returns 0 or -errno and goes on by itself where a signal came in between.
 */
#ifndef HMMD_KERNEL_STEPS_H
#define HMMD_KERNEL_STEPS_H

#include <stdint.h>

#include "vmirror.h"

int kernel_migrate(int vm_fd, int pool_fd, uint64_t gpa, uint64_t length,
		   struct vmirror_moved *moved);
int kernel_recall(int vm_fd, uint64_t gpa, uint64_t length, struct vmirror_moved *moved);

/* nr: in: room in extents, out: how many there are.  done: bytes they describe. */
int kernel_snapshot(int vm_fd, uint64_t gpa, uint64_t length, struct vmirror_extent *extents,
		    uint32_t *nr, uint64_t *done);

/* nr: in: room in slots, out: how many the VM has. */
int kernel_slots(int vm_fd, struct vmirror_slot *slots, uint32_t *nr);
int kernel_vm_numbers(int vm_fd, struct vmirror_vm_stat *stat);
int kernel_pool_numbers(int pool_fd, struct vmirror_pool_stat *stat);

/* nr: in: room in blocks, out: how many there are from byte offset on. */
int kernel_pool_blocks(int pool_fd, uint64_t offset, struct vmirror_pool_block *blocks,
		       uint32_t *nr);

/* moved: out: pages that came home. */
int kernel_pool_evict(int pool_fd, uint64_t offset, uint64_t length, uint64_t idle_ns,
		      uint64_t *moved);

#endif /* HMMD_KERNEL_STEPS_H */
