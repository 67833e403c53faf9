// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel-steps.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static void add_moved(struct vmirror_moved *sum, const struct vmirror_moved *part)
{
	sum->done_bytes += part->done_bytes;
	sum->moved_pages += part->moved_pages;
	sum->moved_huge += part->moved_huge;
	for (unsigned int i = 0; i < VMIRROR_SKIP_SLOTS; i++)
		sum->skipped_pages[i] += part->skipped_pages[i];
}

int kernel_migrate(int vm_fd, int pool_fd, uint64_t gpa, uint64_t length,
		   struct vmirror_moved *moved)
{
	memset(moved, 0, sizeof(*moved));
	while (moved->done_bytes < length) {
		struct vmirror_migrate arg = {
			.size = sizeof(arg),
			.pool_fd = pool_fd,
			.gpa = gpa + moved->done_bytes,
			.length = length - moved->done_bytes,
		};

		if (ioctl(vm_fd, VMIRROR_MIGRATE, &arg) == 0)
			add_moved(moved, &arg.moved);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int kernel_recall(int vm_fd, uint64_t gpa, uint64_t length, struct vmirror_moved *moved)
{
	memset(moved, 0, sizeof(*moved));
	while (moved->done_bytes < length) {
		struct vmirror_recall arg = {
			.size = sizeof(arg),
			.gpa = gpa + moved->done_bytes,
			.length = length - moved->done_bytes,
		};

		if (ioctl(vm_fd, VMIRROR_RECALL, &arg) == 0)
			add_moved(moved, &arg.moved);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int kernel_snapshot(int vm_fd, uint64_t gpa, uint64_t length, struct vmirror_extent *extents,
		    uint32_t *nr, uint64_t *done)
{
	struct vmirror_snapshot arg;

	do {
		arg = (struct vmirror_snapshot){
			.size = sizeof(arg),
			.gpa = gpa,
			.length = length,
			.extents = (uintptr_t)extents,
			.nr_extents = *nr,
		};
		if (ioctl(vm_fd, VMIRROR_SNAPSHOT, &arg) == 0) {
			*nr = arg.nr_extents;
			*done = arg.done_bytes;
			return 0;
		}
	} while (errno == EINTR);
	return -errno;
}

int kernel_slots(int vm_fd, struct vmirror_slot *slots, uint32_t *nr)
{
	struct vmirror_slots arg = {
		.size = sizeof(arg),
		.slots = (uintptr_t)slots,
		.nr_slots = *nr,
	};

	if (ioctl(vm_fd, VMIRROR_SLOTS, &arg) < 0)
		return -errno;
	*nr = arg.nr_slots;
	return 0;
}

int kernel_vm_numbers(int vm_fd, struct vmirror_vm_stat *stat)
{
	*stat = (struct vmirror_vm_stat){ .size = sizeof(*stat) };
	return ioctl(vm_fd, VMIRROR_VM_STAT, stat) < 0 ? -errno : 0;
}

int kernel_pool_numbers(int pool_fd, struct vmirror_pool_stat *stat)
{
	*stat = (struct vmirror_pool_stat){ .size = sizeof(*stat) };
	return ioctl(pool_fd, VMIRROR_POOL_STAT, stat) < 0 ? -errno : 0;
}

int kernel_pool_blocks(int pool_fd, uint64_t offset, struct vmirror_pool_block *blocks,
		       uint32_t *nr)
{
	struct vmirror_pool_blocks arg = {
		.size = sizeof(arg),
		.offset = offset,
		.blocks = (uintptr_t)blocks,
		.nr_blocks = *nr,
	};

	if (ioctl(pool_fd, VMIRROR_POOL_BLOCKS, &arg) < 0)
		return -errno;
	*nr = arg.nr_blocks;
	return 0;
}

int kernel_pool_evict(int pool_fd, uint64_t offset, uint64_t length, uint64_t idle_ns,
		      uint64_t *moved)
{
	struct vmirror_pool_evict arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
		.idle_ns = idle_ns,
	};

	if (ioctl(pool_fd, VMIRROR_POOL_EVICT, &arg) < 0)
		return -errno;
	*moved = arg.moved_pages;
	return 0;
}
