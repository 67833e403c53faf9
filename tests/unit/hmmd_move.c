// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include "check.h"
#include "coldest.h"
#include "fake_kernel.h"
#include "move.h"
#include "walk.h"

#define PAGE  ((uint64_t)VMIRROR_PAGE_SIZE)
#define POOL  7
#define TOTAL (FAKE_PAGES + FAKE_PAGES2)

static MoveProgress at;

static Move run(int pool_fd, enum move_what what, uint64_t bytes)
{
	Move move = { .pool_fd = pool_fd, .what = what, .bytes = bytes, .at = &at };

	at = (MoveProgress){ 0 };
	move_run(&move);
	return move;
}

static Move run_range(int pool_fd, uint64_t gpa, uint64_t bytes)
{
	const struct control_range range = { gpa, bytes };
	Move move = {
		.pool_fd = pool_fd,
		.what = MOVE_RANGES,
		.ranges = &range,
		.nr_ranges = 1,
		.at = &at,
	};

	at = (MoveProgress){ 0 };
	move_run(&move);
	return move;
}

/* Whatever was asked for either moved or was skipped. */
static void check_sum(const Move *move)
{
	uint64_t sum = move->moved.moved_pages;

	for (unsigned int i = 0; i < VMIRROR_SKIP_SLOTS; i++)
		sum += move->moved.skipped_pages[i];
	CHECK_NUMBER(sum * PAGE, move->asked_bytes);
}

static void a_range(void)
{
	Move move;

	fake_reset();
	move = run_range(POOL, 16 * PAGE, 100 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 100);
	CHECK_NUMBER(fake_count(VMIRROR_STATE_POOL), 100);
	CHECK_NUMBER(fake.pages[16].pool, POOL);
	CHECK_NUMBER(fake.pages[15].state, VMIRROR_STATE_RAM);
	check_sum(&move);
	CHECK_NUMBER(move_get(&at.done), 100 * PAGE);
	CHECK_NUMBER(move_get(&at.total), 100 * PAGE);
	move = run_range(-1, 0, FAKE_PAGES * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 100);
	CHECK_NUMBER(fake_count(VMIRROR_STATE_POOL), 0);
	check_sum(&move);
}

static void holes(void)
{
	Move move;

	fake_reset();
	/* half in the slot, then steps that are in no slot at all */
	move = run_range(POOL, FAKE_PAGES / 2 * PAGE, (FAKE_PAGES * 2) * PAGE);
	CHECK_NUMBER(move.error, 0);
	CHECK_NUMBER(move.moved.moved_pages, FAKE_PAGES / 2);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_NO_SLOT], FAKE_PAGES * 3 / 2);
	check_sum(&move);
	CU_ASSERT(fake.longest <= MOVE_STEP);
	CU_ASSERT(fake.calls >= 4);
}

static void all_out_and_back(void)
{
	Move move;

	fake_reset();
	fake_huge(0, 4);
	fake.pages[3000].state = VMIRROR_STATE_ABSENT;
	fake.pages[3001].skip = VMIRROR_SKIP_PINNED;
	move = run(POOL, MOVE_ALL, 0);
	CHECK_NUMBER(move.asked_bytes, TOTAL * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, TOTAL - 2);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_ABSENT], 1);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_PINNED], 1);
	check_sum(&move);
	move = run(-1, MOVE_ALL, 0);
	CHECK_NUMBER(move.asked_bytes, (TOTAL - 2) * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, TOTAL - 2);
	CHECK_NUMBER(fake_count(VMIRROR_STATE_POOL), 0);
	move = run(-1, MOVE_ALL, 0);
	CHECK_NUMBER(move.asked_bytes, 0);
	CHECK_NUMBER(move.moved.moved_pages, 0);
}

/* A page that will not come does not keep us for ever. */
static void stubborn(void)
{
	Move move;

	fake_reset();
	run(POOL, MOVE_ALL, 0);
	fake.pages[5].skip = VMIRROR_SKIP_BUSY;
	move = run(-1, MOVE_ALL, 0);
	CHECK_NUMBER(move.moved.moved_pages, TOTAL - 1);
	CHECK_NUMBER(fake_count(VMIRROR_STATE_POOL), 1);
}

static void bytes_huge_first(void)
{
	Move move;

	fake_reset();
	fake_huge(1024, 2);
	move = run(POOL, MOVE_BYTES, 512 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 512);
	CHECK_NUMBER(fake.pages[1024].state, VMIRROR_STATE_POOL);
	CHECK_NUMBER(fake.pages[1024 + 512].state, VMIRROR_STATE_RAM);
	CHECK_NUMBER(fake.pages[0].state, VMIRROR_STATE_RAM);
	/* the other 2 MiB page, then small ones from the start */
	move = run(POOL, MOVE_BYTES, 520 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 520);
	CHECK_NUMBER(fake.pages[1024 + 512].state, VMIRROR_STATE_POOL);
	CHECK_NUMBER(fake.pages[7].state, VMIRROR_STATE_POOL);
	CHECK_NUMBER(fake.pages[8].state, VMIRROR_STATE_RAM);
	/* and back in the same order */
	move = run(-1, MOVE_BYTES, 512 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 512);
	CHECK_NUMBER(fake.pages[1024].state, VMIRROR_STATE_RAM);
	CHECK_NUMBER(fake.pages[7].state, VMIRROR_STATE_POOL);
}

static void bytes_part_of_huge(void)
{
	Move move;

	fake_reset();
	fake_huge(0, 16);
	for (unsigned int i = 16 * 512; i < TOTAL; i++)
		fake.pages[i].state = VMIRROR_STATE_ABSENT;
	move = run(POOL, MOVE_BYTES, 3 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 3);
	CHECK_NUMBER(fake_count(VMIRROR_STATE_POOL), 3);
	CHECK_NUMBER(move.asked_bytes, 3 * PAGE);
}

/* Pages that will not move do not stop it; later ones go instead. */
static void bytes_around_pinned(void)
{
	Move move;

	fake_reset();
	for (unsigned int i = 0; i < 1000; i++)
		fake.pages[i].skip = VMIRROR_SKIP_PINNED;
	move = run(POOL, MOVE_BYTES, 100 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 100);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_PINNED], 1000);
	CHECK_NUMBER(fake.pages[1000].state, VMIRROR_STATE_POOL);
	CHECK_NUMBER(fake.pages[1100].state, VMIRROR_STATE_RAM);
}

static void nothing_movable(void)
{
	Move move;

	fake_reset();
	for (unsigned int i = 0; i < TOTAL; i++)
		fake.pages[i].skip = VMIRROR_SKIP_PINNED;
	fake.pages[0].state = VMIRROR_STATE_ABSENT;
	fake_huge(512, 1);
	move = run(POOL, MOVE_BYTES, 8 * PAGE);
	CHECK_NUMBER(move.moved.moved_pages, 0);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_PINNED], TOTAL - 1);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_ABSENT], 1);
	CU_ASSERT_FALSE(move.pool_full);
}

static void pool_full(void)
{
	Move move;

	fake_reset();
	fake.pool_free = 10;
	move = run(POOL, MOVE_ALL, 0);
	CU_ASSERT(move.pool_full);
	CHECK_NUMBER(move.moved.moved_pages, 10);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_POOL_FULL], TOTAL - 10);
	check_sum(&move);
	CHECK_NUMBER(fake.calls, 1);
	fake_reset();
	fake.pool_free = 10;
	move = run(POOL, MOVE_BYTES, 64 * PAGE);
	CU_ASSERT(move.pool_full);
	CHECK_NUMBER(move.moved.moved_pages, 10);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_POOL_FULL], 54);
	check_sum(&move);
}

#define HOUR (UINT64_C(3600) * 1000000000)

/* Like run_range(), but where the pool is full, make room. */
static Move run_range_evicting(uint64_t gpa, uint64_t bytes, uint64_t idle_ns, Room *room)
{
	const struct control_range range = { gpa, bytes };
	Move move = {
		.pool_fd = POOL,
		.what = MOVE_RANGES,
		.ranges = &range,
		.nr_ranges = 1,
		.room = room,
		.at = &at,
	};

	at = (MoveProgress){ 0 };
	room_begin(room, 0, POOL, idle_ns);
	room->ranges = &range;
	room->nr_ranges = 1;
	move_run(&move);
	return move;
}

static void full_pool_makes_room(void)
{
	Room room;
	Move move;

	fake_reset();
	fake.pool_free = 10;
	fake.blocks[3] = (struct vmirror_pool_block){ .idle_ns = HOUR, .pages = 512 };
	fake.blocks[4] = (struct vmirror_pool_block){ .idle_ns = 2 * HOUR, .pages = 100 };
	fake.blocks[5] = (struct vmirror_pool_block){ .idle_ns = HOUR / 2, .pages = 512 };
	move = run_range_evicting(0, 100 * PAGE, HOUR, &room);
	CU_ASSERT_FALSE(move.pool_full);
	CHECK_NUMBER(move.moved.moved_pages, 100);
	CHECK_NUMBER(room.evicted_pages, 100);
	CHECK_NUMBER(fake.last_evicted, 4);
	check_sum(&move);
	room_end(&room);
	/* the next: first what is left, then the other that is old enough, and then it is full */
	move = run_range_evicting(100 * PAGE, 2000 * PAGE, HOUR, &room);
	CU_ASSERT(move.pool_full);
	CHECK_NUMBER(room.evicted_pages, 512);
	CHECK_NUMBER(move.moved.moved_pages, 10 + 512);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_POOL_FULL], 2000 - 522);
	CHECK_NUMBER(fake.blocks[5].pages, 512);
	check_sum(&move);
	room_end(&room);
}

/* What the order is about does not make room for itself. */
static void room_keeps_what_is_asked_for(void)
{
	Room room;
	Move move;

	fake_reset();
	run_range(POOL, 0, 512 * PAGE);
	fake.pool_free = 0;
	fake.blocks[0] = (struct vmirror_pool_block){ .idle_ns = 3 * HOUR, .pages = 512 };
	fake.blocks[1] = (struct vmirror_pool_block){ .idle_ns = HOUR, .pages = 512 };
	move = run_range_evicting(256 * PAGE, 512 * PAGE, 0, &room);
	CHECK_NUMBER(fake.evictions, 1);
	CHECK_NUMBER(fake.last_evicted, 1);
	CHECK_NUMBER(move.moved.moved_pages, 256);
	CHECK_NUMBER(move.moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT], 256);
	check_sum(&move);
	room_end(&room);
}

/* Nothing that has come in since the order began. */
static void room_leaves_what_is_new(void)
{
	Room room;
	Move move;

	fake_reset();
	fake.pool_free = 0;
	fake.blocks[1] = (struct vmirror_pool_block){ .idle_ns = 1000, .pages = 512 };
	move = run_range_evicting(0, 512 * PAGE, 0, &room);
	CHECK_NUMBER(fake.evictions, 0);
	CHECK_NUMBER(move.moved.moved_pages, 0);
	CU_ASSERT(move.pool_full);
	check_sum(&move);
	room_end(&room);
}

static void coldest_first(void)
{
	static const struct vmirror_pool_block blocks[] = {
		{ .idle_ns = 5, .pages = 1 }, { .idle_ns = 9, .pages = 1 },
		{ .idle_ns = 7, .pages = 0 }, { .idle_ns = 8, .pages = 512 },
		{ .idle_ns = 9, .pages = 2 }, { .idle_ns = 99, .pages = 3 },
	};
	static const bool keep[] = { false, false, false, false, false, true };
	uint32_t chosen[6] = { 0 };

	CHECK_NUMBER(coldest_choose(blocks, keep, 6, 6, 6, chosen), 3);
	CHECK_NUMBER(chosen[0], 1);
	CHECK_NUMBER(chosen[1], 4);
	CHECK_NUMBER(chosen[2], 3);
	CHECK_NUMBER(coldest_choose(blocks, keep, 6, 0, 1, chosen), 1);
	CHECK_NUMBER(chosen[0], 1);
	CHECK_NUMBER(coldest_choose(blocks, keep, 6, 10, 6, chosen), 0);
	CHECK_NUMBER(coldest_choose(blocks, keep, 0, 0, 6, chosen), 0);
}

static void stop_now(void)
{
	if (fake.calls == 1)
		move_stop(&at);
}

static void stopped(void)
{
	Move move;

	fake_reset();
	fake.on_call = stop_now;
	move = run(POOL, MOVE_ALL, 0);
	CHECK_NUMBER(fake.calls, 2);
	CHECK_NUMBER(move.moved.moved_pages, FAKE_PAGES);
	fake_reset();
	fake_huge(0, 16);
	fake.on_call = stop_now;
	move = run(POOL, MOVE_BYTES, TOTAL * PAGE);
	CHECK_NUMBER(fake.calls, 2);
}

static void failed(void)
{
	Move move;

	fake_reset();
	fake.fail_with = ESRCH;
	fake.fail_at = 2;
	move = run(POOL, MOVE_ALL, 0);
	CHECK_NUMBER((unsigned int)-move.error, ESRCH);
	CHECK_NUMBER(fake.calls, 2);
	CHECK_NUMBER(move.moved.moved_pages, MOVE_STEP / PAGE);
}

static void one_pool_only(void)
{
	Move move = { .pool_fd = -1, .what = MOVE_ALL, .only_pool = 8, .at = &at };

	fake_reset();
	run_range(7, 0, 100 * PAGE);
	run_range(8, 50 * PAGE, 100 * PAGE);
	at = (MoveProgress){ 0 };
	move_run(&move);
	CHECK_NUMBER(move.moved.moved_pages, 50);
	CHECK_NUMBER(fake_count(VMIRROR_STATE_POOL), 100);
	CHECK_NUMBER(fake.pages[99].state, VMIRROR_STATE_POOL);
	CHECK_NUMBER(fake.pages[100].state, VMIRROR_STATE_RAM);
}

/* A snapshot that does not fit into the walker's buffer. */
static void walk_fragments(void)
{
	g_autofree Walk *walk = g_new(Walk, 1);
	struct vmirror_extent extent;
	uint64_t end = 0, pages = 0, out = 0;

	fake_reset();
	for (unsigned int i = 0; i < TOTAL; i += 2)
		fake.pages[i].state = VMIRROR_STATE_POOL;
	CHECK_NUMBER((unsigned int)walk_start(walk, 0, 0, UINT64_MAX), 0);
	while (walk_next(walk, &extent) > 0) {
		CU_ASSERT(extent.gpa >= end);
		end = extent.gpa + extent.pages * PAGE;
		pages += extent.pages;
		out += extent.state == VMIRROR_STATE_POOL ? extent.pages : 0;
	}
	walk_end(walk);
	CHECK_NUMBER(pages, TOTAL);
	CHECK_NUMBER(out, TOTAL / 2);
	/* a part, across the hole */
	CHECK_NUMBER((unsigned int)walk_start(walk, 0, (FAKE_PAGES - 3) * PAGE,
					      FAKE_SLOT2 + 2 * PAGE),
		     0);
	for (pages = 0; walk_next(walk, &extent) > 0;)
		pages += extent.pages;
	walk_end(walk);
	CHECK_NUMBER(pages, 5);
}

int main(void)
{
	static const struct check checks[] = {
		{ "a range", a_range },
		{ "holes", holes },
		{ "all out and back", all_out_and_back },
		{ "stubborn", stubborn },
		{ "bytes: 2 MiB pages first", bytes_huge_first },
		{ "bytes: part of a 2 MiB page", bytes_part_of_huge },
		{ "bytes: around pinned pages", bytes_around_pinned },
		{ "nothing movable", nothing_movable },
		{ "pool full", pool_full },
		{ "full pool makes room", full_pool_makes_room },
		{ "room keeps what is asked for", room_keeps_what_is_asked_for },
		{ "room leaves what is new", room_leaves_what_is_new },
		{ "coldest first", coldest_first },
		{ "stopped", stopped },
		{ "failed", failed },
		{ "one pool only", one_pool_only },
		{ "walk fragments", walk_fragments },
	};

	return run_checks("move", checks, G_N_ELEMENTS(checks));
}
