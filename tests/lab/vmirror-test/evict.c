// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * evict.c - which parts of a pool are cold, and how they make room: what is there comes home, and
 * nothing else does
 */
#include "place.h"
#include "repeat.h"
#include "setting.h"

#define BLOCK VMIRROR_POOL_SIZE_UNIT
#define BLOCK_PAGES (BLOCK / VMIRROR_PAGE_SIZE)
#define BLOCKS 4
#define LENGTH (BLOCKS * BLOCK)
#define HUGE_HOME "/sys/module/vmirror/parameters/huge_home"

static void begin(struct place *place, bool huge)
{
	place_open(place, "evict", LENGTH, true, huge);
	fill_pattern(place->memory, LENGTH, 1);
}

static void end(struct place *place)
{
	check_pattern(place->memory, LENGTH, 1);
	place_close(place);
}

static void look(struct place *place, struct vmirror_pool_block *blocks)
{
	struct vmirror_pool_block more[BLOCKS + 7];
	struct vmirror_pool_blocks args = {
		.size = sizeof(args),
		.blocks = (uintptr_t)more,
		.nr_blocks = BLOCKS + 7,
	};

	CHECK(ioctl(place->pool, VMIRROR_POOL_BLOCKS, &args) == 0);
	CHECK(args.nr_blocks == BLOCKS);
	memcpy(blocks, more, BLOCKS * sizeof(*blocks));
	/* a part of them */
	args.offset = 2 * BLOCK;
	args.nr_blocks = 1;
	CHECK(ioctl(place->pool, VMIRROR_POOL_BLOCKS, &args) == 0);
	CHECK(args.nr_blocks == 1 && more[0].pages == blocks[2].pages);
	CHECK(more[0].idle_ns >= blocks[2].idle_ns);
}

/* Returns how many pages came home; @left: how many did not. */
static uint64_t evict(struct place *place, uint64_t block, uint64_t blocks, uint64_t idle_ns,
		      uint64_t *left)
{
	struct vmirror_pool_evict args = {
		.size = sizeof(args),
		.offset = block * BLOCK,
		.length = blocks * BLOCK,
		.idle_ns = idle_ns,
	};

	CHECK(ioctl(place->pool, VMIRROR_POOL_EVICT, &args) == 0);
	*left = args.left_pages;
	return args.moved_pages;
}

static void move_out(struct place *place, uint64_t block)
{
	uint64_t gpa = place->gpa + block * BLOCK;
	struct vmirror_moved moved;

	/* The kernel may have a page of it in hand. */
	for (int tries = 0; tries < 100; tries++) {
		migrate(place->vm, place->pool, gpa, BLOCK, &moved);
		if (pages_in_state(place->vm, gpa, BLOCK, VMIRROR_STATE_POOL) == BLOCK_PAGES)
			return;
		usleep(10000);
	}
	FAIL("block %llu does not go out", (unsigned long long)block);
}

/* The block of the pool that holds this one of the VM; all of it must. */
static uint64_t where(struct place *place, uint64_t block)
{
	struct vmirror_extent extents[2] = { 0 };
	struct vmirror_snapshot args = {
		.size = sizeof(args),
		.gpa = place->gpa + block * BLOCK,
		.length = BLOCK,
		.extents = (uintptr_t)extents,
		.nr_extents = 2,
	};

	CHECK(ioctl(place->vm, VMIRROR_SNAPSHOT, &args) == 0);
	CHECK(args.nr_extents == 1 && extents[0].state == VMIRROR_STATE_POOL);
	CHECK(extents[0].pool_offset % BLOCK == 0);
	return extents[0].pool_offset / BLOCK;
}

static void check_out(struct place *place, uint64_t blocks)
{
	uint64_t pages = vm_out_pages(place->vm);

	if (pages != blocks * BLOCK_PAGES)
		FAIL("%llu pages are out, not %llu", (unsigned long long)pages,
		     (unsigned long long)(blocks * BLOCK_PAGES));
}

/* What went out first is coldest; an empty block has nothing in it. */
static void ages(struct place *place)
{
	struct vmirror_pool_block blocks[BLOCKS];
	uint64_t first, second;

	move_out(place, 0);
	usleep(200000);
	move_out(place, 1);
	first = where(place, 0);
	second = where(place, 1);
	look(place, blocks);
	CHECK(blocks[first].pages == BLOCK_PAGES && blocks[second].pages == BLOCK_PAGES);
	CHECK(blocks[first].idle_ns >= blocks[second].idle_ns + 100000000);
	for (uint64_t i = 0; i < BLOCKS; i++)
		CHECK((i == first || i == second) == (blocks[i].pages != 0));
}

/* A device that reads a page leaves it where it is, and its block is cold no more. */
static void used_is_warm(struct place *place)
{
	struct vmirror_pool_block blocks[BLOCKS];
	uint64_t first = where(place, 2), second = where(place, 3);
	static char buffer[VMIRROR_PAGE_SIZE];
	int device = device_create(place->vm);

	look(place, blocks);
	CHECK(blocks[first].idle_ns >= blocks[second].idle_ns);
	usleep(100000);
	CHECK(device_access(device, VMIRROR_DEVICE_READ, place->gpa + 2 * BLOCK, buffer,
			    sizeof(buffer), NULL) == sizeof(buffer));
	look(place, blocks);
	CHECK(blocks[first].idle_ns + 50000000 < blocks[second].idle_ns);
	CHECK(blocks[first].pages == BLOCK_PAGES);
	close(device);
}

/* The block that is meant comes home, no other, and only if it is as cold as was thought. */
static void evicted(struct place *place)
{
	struct vmirror_vm_stat before, after;
	struct vmirror_pool_stat stat;
	uint64_t left, third = where(place, 2);

	vm_stat(place->vm, &before);
	CHECK(evict(place, third, 1, 3600ull * 1000000000, &left) == 0);
	CHECK(left == BLOCK_PAGES);
	check_out(place, 2);
	usleep(50000);
	CHECK(evict(place, third, 1, 1000000, &left) == BLOCK_PAGES);
	CHECK(left == 0);
	vm_stat(place->vm, &after);
	CHECK(after.back_recall == before.back_recall + BLOCK_PAGES &&
	      after.back_fault == before.back_fault && after.dropped == before.dropped);
	check_out(place, 1);
	pool_stat(place->pool, &stat);
	CHECK(stat.used_bytes == BLOCK && stat.free_huge == BLOCKS - 1);
	CHECK(pages_in_state(place->vm, place->gpa + 3 * BLOCK, BLOCK, VMIRROR_STATE_POOL) ==
	      BLOCK_PAGES);
	check_pattern(place->memory, 2 * BLOCK, 1);
	/* all of it, and again, with nothing there */
	CHECK(evict(place, 0, BLOCKS, 0, &left) == BLOCK_PAGES);
	CHECK(evict(place, 0, BLOCKS, 0, &left) == 0 && left == 0);
	check_out(place, 0);
	check_pattern(place->memory, LENGTH, 1);
}

/* Write to a page what is in it. */
static unsigned int touch(void *memory, unsigned int *seed)
{
	volatile char *byte = (char *)memory + rand_r(seed) % LENGTH;

	*byte = *byte;
	return 100;
}

/* Everything out, and evicted while a CPU brings pages home itself. */
static void under_fire(struct place *place)
{
	struct repeat toucher = { .turn = touch, .arg = place->memory, .seed = 5 };
	struct vmirror_moved moved;
	uint64_t left, sum = 0;

	repeat_start(&toucher);
	for (int round = 0; round < 20; round++) {
		migrate(place->vm, place->pool, place->gpa, LENGTH, &moved);
		sum += evict(place, 0, BLOCKS, 0, &left);
	}
	repeat_stop(&toucher);
	CHECK(sum > 0);
	check_pattern(place->memory, LENGTH, 1);
}

void case_evict(struct target *t)
{
	struct place place;
	uint64_t left;

	(void)t;
	for (int huge = 0; huge < 2; huge++) {
		begin(&place, huge);
		ages(&place);
		move_out(&place, 2);
		move_out(&place, 3);
		used_is_warm(&place);
		CHECK(evict(&place, where(&place, 1), 1, 0, &left) == BLOCK_PAGES && left == 0);
		CHECK(evict(&place, 0, BLOCKS, 3600ull * 1000000000, &left) == 0);
		check_pattern(place.memory, 2 * BLOCK, 1);	/* brings it home */
		evicted(&place);
		under_fire(&place);
		end(&place);
	}
	/* No huge page for a 2 MiB folio: it comes home in parts. */
	set(HUGE_HOME, "N");
	begin(&place, true);
	move_out(&place, 0);
	CHECK(evict(&place, where(&place, 0), 1, 0, &left) == BLOCK_PAGES && left == 0);
	check_out(&place, 0);
	end(&place);
}
