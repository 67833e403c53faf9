// SPDX-License-Identifier: LGPL-2.1-or-later
#include "room.h"

#include "coldest.h"
#include "kernel-steps.h"
#include "walk.h"

#define BLOCK_PAGES (VMIRROR_POOL_SIZE_UNIT / VMIRROR_PAGE_SIZE)
#define GPA_END	    (UINT64_C(1) << VMIRROR_GPA_BITS)

/* The kernel's clock for this is a coarse one. */
#define CLOCK_SLACK_US 20000

void room_begin(Room *room, int vm_fd, int pool_fd, uint64_t idle_ns)
{
	*room = (Room){
		.vm_fd = vm_fd,
		.pool_fd = pool_fd,
		.idle_ns = idle_ns,
		.began = g_get_monotonic_time(),
	};
}

void room_end(Room *room)
{
	g_clear_pointer(&room->keep, g_free);
}

/* Keep what the VM has in this pool from gpa to end. */
static int keep_range(Room *room, uint32_t pool_id, uint64_t gpa, uint64_t end)
{
	g_autofree Walk *walk = g_new(Walk, 1);
	struct vmirror_extent extent;
	int err = walk_start(walk, room->vm_fd, gpa, end);

	while (!err && (err = walk_next(walk, &extent)) > 0) {
		uint64_t last =
			extent.pool_offset + (extent.pages - 1) * (uint64_t)VMIRROR_PAGE_SIZE;

		if (extent.state == VMIRROR_STATE_POOL && extent.pool_id == pool_id)
			for (uint64_t at = extent.pool_offset / VMIRROR_POOL_SIZE_UNIT;
			     at <= last / VMIRROR_POOL_SIZE_UNIT; at++)
				room->keep[at] = true;
		err = 0;
	}
	walk_end(walk);
	return err;
}

static int find_what_to_keep(Room *room, const struct vmirror_pool_stat *stat)
{
	int err = 0;

	room->keep = g_new0(bool, stat->bytes / VMIRROR_POOL_SIZE_UNIT);
	if (!room->ranges)
		return keep_range(room, stat->id, 0, GPA_END);
	for (size_t i = 0; !err && i < room->nr_ranges; i++)
		err = keep_range(room, stat->id, room->ranges[i].gpa,
				 room->ranges[i].gpa + room->ranges[i].bytes);
	return err;
}

static uint64_t min_idle_ns(const Room *room)
{
	uint64_t since = (uint64_t)(g_get_monotonic_time() - room->began + CLOCK_SLACK_US) * 1000;

	return MAX(room->idle_ns, since);
}

uint64_t room_make(Room *room, uint64_t pages)
{
	size_t nr_wanted = (size_t)((pages + BLOCK_PAGES - 1) / BLOCK_PAGES);
	struct vmirror_pool_stat stat = { .size = sizeof(stat) };
	g_autofree struct vmirror_pool_block *blocks = NULL;
	g_autofree uint32_t *chosen = NULL;
	uint64_t evicted = 0;
	uint32_t nr;

	if (kernel_pool_numbers(room->pool_fd, &stat))
		return 0;
	if (!room->keep && find_what_to_keep(room, &stat)) {
		room_end(room);
		return 0;
	}
	nr = (uint32_t)(stat.bytes / VMIRROR_POOL_SIZE_UNIT);
	blocks = g_new0(struct vmirror_pool_block, nr);
	if (kernel_pool_blocks(room->pool_fd, 0, blocks, &nr))
		return 0;
	chosen = g_new(uint32_t, nr_wanted);
	nr_wanted = coldest_choose(blocks, room->keep, nr, min_idle_ns(room), nr_wanted, chosen);
	for (size_t i = 0; i < nr_wanted; i++) {
		uint64_t moved = 0;

		kernel_pool_evict(room->pool_fd, chosen[i] * (uint64_t)VMIRROR_POOL_SIZE_UNIT,
				  VMIRROR_POOL_SIZE_UNIT, min_idle_ns(room), &moved);
		evicted += moved;
	}
	room->evicted_pages += evicted;
	return evicted;
}
