// SPDX-License-Identifier: LGPL-2.1-or-later
#include "move.h"

#include <errno.h>
#include <glib.h>

#include "kernel-steps.h"
#include "walk.h"

#define HUGE_BYTES (UINT64_C(2) << 20)
#define GPA_END	   (UINT64_C(1) << VMIRROR_GPA_BITS)

static bool outward(const Move *move)
{
	return move->pool_fd >= 0;
}

/* Whether every byte of what was asked for is a certain one. */
static bool by_range(const Move *move)
{
	return move->what == MOVE_RANGES || (move->what == MOVE_ALL && outward(move));
}

static bool over(const Move *move)
{
	return move->error || move->pool_full || move_stopped(move->at);
}

static uint64_t moved_bytes(const Move *move)
{
	return move->moved.moved_pages * VMIRROR_PAGE_SIZE;
}

/* What is still asked for. */
static uint64_t left(const Move *move)
{
	return move->asked_bytes - MIN(moved_bytes(move), move->asked_bytes);
}

static void add(Move *move, const struct vmirror_moved *part)
{
	move->moved.done_bytes += part->done_bytes;
	move->moved.moved_pages += part->moved_pages;
	move->moved.moved_huge += part->moved_huge;
	for (unsigned int i = 0; i < VMIRROR_SKIP_SLOTS; i++)
		move->moved.skipped_pages[i] += part->skipped_pages[i];
	move->pool_full = outward(move) && part->skipped_pages[VMIRROR_SKIP_POOL_FULL];
	move_put(&move->at->moved, moved_bytes(move));
	move_put(&move->at->done, by_range(move) ? move->moved.done_bytes : moved_bytes(move));
}

/* The same step once more: what moved the first time is out already. */
static bool try_again(Move *move, uint64_t gpa, uint64_t length, struct vmirror_moved *part)
{
	struct vmirror_moved again;
	uint64_t out;

	if (kernel_migrate(move->vm_fd, move->pool_fd, gpa, length, &again))
		return false;
	out = MIN(again.skipped_pages[VMIRROR_SKIP_ALREADY_OUT], part->moved_pages);
	again.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] -= out;
	again.moved_pages += out;
	again.moved_huge += part->moved_huge;
	*part = again;
	return true;
}

static int step_out(Move *move, uint64_t gpa, uint64_t length, struct vmirror_moved *part)
{
	int err = kernel_migrate(move->vm_fd, move->pool_fd, gpa, length, part);

	bool more = !err && move->room;

	while (more && part->skipped_pages[VMIRROR_SKIP_POOL_FULL] && !move_stopped(move->at))
		more = room_make(move->room, part->skipped_pages[VMIRROR_SKIP_POOL_FULL]) &&
		       try_again(move, gpa, length, part);
	return err;
}

static void step(Move *move, uint64_t gpa, uint64_t length)
{
	struct vmirror_moved part;
	int err;

	if (outward(move))
		err = step_out(move, gpa, length, &part);
	else
		err = kernel_recall(move->vm_fd, gpa, length, &part);
	if (err == -ENXIO) {
		/* No memory anywhere in it: not an error of the whole. */
		part.skipped_pages[VMIRROR_SKIP_NO_SLOT] +=
			(length - part.done_bytes) / VMIRROR_PAGE_SIZE;
		part.done_bytes = length;
		err = 0;
	}
	add(move, &part);
	move->error = err;
}

static void move_range(Move *move, uint64_t gpa, uint64_t length)
{
	uint64_t chunk;

	for (; length && !over(move); gpa += chunk, length -= chunk) {
		/* Steps end at multiples of their size, so that they do not cut 2 MiB pages. */
		chunk = MIN(length, MOVE_STEP - gpa % MOVE_STEP);
		step(move, gpa, chunk);
	}
}

/* ---- ranges ------------------------------------------------------------- */

static void move_ranges(Move *move, const struct control_range *ranges, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		move->asked_bytes += ranges[i].bytes;
	move_put(&move->at->total, move->asked_bytes);
	for (size_t i = 0; i < nr && !over(move); i++)
		move_range(move, ranges[i].gpa, ranges[i].bytes);
}

/* ---- so many bytes ------------------------------------------------------ */

enum pass {
	PASS_HUGE,  /* whole 2 MiB pages, as many as fit into what is asked */
	PASS_SMALL, /* 4 KiB pages */
	PASS_PART,  /* at last a part of a 2 MiB page */
	PASS_ALL,   /* whatever there is */
};

static bool wanted(const Move *move, enum pass pass, const struct vmirror_extent *extent)
{
	if (extent->state != (outward(move) ? VMIRROR_STATE_RAM : VMIRROR_STATE_POOL))
		return false;
	if (move->only_pool && move->only_pool != extent->pool_id)
		return false;
	return pass == PASS_ALL || (pass == PASS_SMALL) == (extent->order == 0);
}

/* Of a run take no more than is still asked for; where pages fail to move, take later ones. */
static void move_run_of_pages(Move *move, enum pass pass, uint64_t gpa, uint64_t length)
{
	uint64_t chunk;

	for (; length && !over(move); gpa += chunk, length -= chunk) {
		chunk = MIN(length, MOVE_STEP - gpa % MOVE_STEP);
		if (pass != PASS_ALL)
			chunk = MIN(chunk, left(move));
		if (pass == PASS_HUGE)
			chunk -= chunk % HUGE_BYTES;
		if (!chunk)
			return;
		step(move, gpa, chunk);
	}
}

static void move_pass(Move *move, enum pass pass)
{
	g_autofree Walk *walk = g_new(Walk, 1);
	struct vmirror_extent extent;
	int err = walk_start(walk, move->vm_fd, 0, GPA_END);

	walk->merge = !move->only_pool;
	while (!err && !over(move) && (left(move) || pass == PASS_ALL)) {
		int more = walk_next(walk, &extent);

		if (more <= 0) {
			err = more;
			break;
		}
		if (wanted(move, pass, &extent))
			move_run_of_pages(move, pass, extent.gpa,
					  (uint64_t)extent.pages * VMIRROR_PAGE_SIZE);
	}
	walk_end(walk);
	if (err)
		move->error = err;
}

/* What of the VM is not even a candidate, so that "nothing moved" can say why. */
static void count_others(Move *move)
{
	struct vmirror_extent extent;
	g_autofree Walk *walk = g_new(Walk, 1);
	int err = walk_start(walk, move->vm_fd, 0, GPA_END);

	while (!err && walk_next(walk, &extent) > 0) {
		if (extent.state == VMIRROR_STATE_ABSENT)
			move->moved.skipped_pages[VMIRROR_SKIP_ABSENT] += extent.pages;
		else if (extent.state == VMIRROR_STATE_POOL)
			move->moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] += extent.pages;
	}
	walk_end(walk);
}

static void move_bytes(Move *move)
{
	move->asked_bytes = move->bytes;
	move_put(&move->at->total, move->asked_bytes);
	move_pass(move, PASS_HUGE);
	move_pass(move, PASS_SMALL);
	/* Where more is left than a 2 MiB page, the first pass has tried them all. */
	if (left(move) < HUGE_BYTES)
		move_pass(move, PASS_PART);
	if (outward(move) && !over(move) && !move->moved.moved_pages)
		count_others(move);
}

/* ---- everything --------------------------------------------------------- */

static void move_all_out(Move *move)
{
	g_autofree struct control_range *ranges = NULL;
	g_autofree struct vmirror_slot *slots = NULL;
	uint32_t nr;

	move->error = walk_slots(move->vm_fd, &slots, &nr);
	if (move->error)
		return;
	ranges = g_new0(struct control_range, nr);
	for (uint32_t i = 0; i < nr; i++)
		ranges[i] = (struct control_range){ slots[i].gpa, slots[i].length };
	move_ranges(move, ranges, nr);
}

/*
 * Everything that is out.  Pages may move out or be hidden from a snapshot meanwhile, so go
 * round until the VM says that nothing is out, or a round brings nothing.
 */
static void move_all_back(Move *move)
{
	struct vmirror_vm_stat stat;
	uint64_t before;

	do {
		before = move->moved.moved_pages;
		move->error = kernel_vm_numbers(move->vm_fd, &stat);
		if (move->error)
			return;
		/* What a CPU touches meanwhile comes back by itself, and need not be asked for. */
		move->asked_bytes = moved_bytes(move) + stat.out_pages * VMIRROR_PAGE_SIZE;
		if (!stat.out_pages)
			return;
		if (!move->only_pool)
			move_put(&move->at->total, move->asked_bytes);
		move_pass(move, PASS_ALL);
	} while (!over(move) && move->moved.moved_pages != before);
}

void move_run(Move *move)
{
	uint64_t tried;

	switch (move->what) {
	case MOVE_RANGES:
		move_ranges(move, move->ranges, move->nr_ranges);
		break;
	case MOVE_BYTES:
		move_bytes(move);
		break;
	case MOVE_ALL:
		if (outward(move))
			move_all_out(move);
		else
			move_all_back(move);
		break;
	}
	if (!move->pool_full)
		return;
	/* Of "so many bytes" whatever else was tried in vain does not count. */
	tried = by_range(move) ? move->moved.done_bytes / VMIRROR_PAGE_SIZE
			       : move->moved.moved_pages +
					 move->moved.skipped_pages[VMIRROR_SKIP_POOL_FULL];
	if (tried < move->asked_bytes / VMIRROR_PAGE_SIZE)
		move->moved.skipped_pages[VMIRROR_SKIP_POOL_FULL] +=
			move->asked_bytes / VMIRROR_PAGE_SIZE - tried;
}
