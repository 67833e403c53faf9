// SPDX-License-Identifier: LGPL-2.1-or-later
/* failnth-calls.c - calls of the system, of a pool, of a VM while an allocation fails */
#include <sys/mman.h>

#include "failnth.h"
#include "fire.h"

static int attempt_info(struct failnth_world *w)
{
	struct vmirror_info args = { .size = sizeof(args) };

	return ioctl(w->t.sys, VMIRROR_INFO, &args);
}

static int attempt_pool_create(struct failnth_world *w)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_RAM, .bytes = FAILNTH_HUGE,
		.name = "failnth",
	};

	return w->pool = ioctl(w->t.sys, VMIRROR_POOL_CREATE, &args);
}

/* The kernel does not say of a physical range whether it is in use, or there was no memory to note it. */
static int attempt_pool_create_coherent(struct failnth_world *w)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_COHERENT, .bytes = FAILNTH_HUGE,
		.base = COHERENT_BASE, .name = "failnth",
	};

	w->pool = ioctl(w->t.sys, VMIRROR_POOL_CREATE, &args);
	if (w->pool < 0 && errno == EBUSY)
		errno = ENOMEM;
	return w->pool;
}

static int attempt_attach(struct failnth_world *w)
{
	struct vmirror_vm_attach args = {
		.size = sizeof(args), .kvm_fd = w->t.kvm, .pid = w->t.pid, .name = "failnth",
		.flags = w->t.kvm < 0 ? VMIRROR_ATTACH_PROCESS : 0,
	};

	return w->vm = ioctl(w->t.sys, VMIRROR_VM_ATTACH, &args);
}

static void prepare_kvm(struct failnth_world *w)
{
	selfvm_create(&w->self);
	selfvm_add_slot(&w->self, map_anonymous(FAILNTH_HUGE, false), FAILNTH_HUGE);
	w->t = w->self.t;
}

/* One more slot that vmirror has not seen. */
static void prepare_slot(struct failnth_world *w)
{
	prepare_kvm(w);
	w->vm = vm_attach(&w->t, "failnth", 0);
	selfvm_add_slot(&w->self, map_anonymous(FAILNTH_HUGE, false), FAILNTH_HUGE);
}

static int count_slots(struct failnth_world *w)
{
	struct vmirror_slot slots[4];
	struct vmirror_slots args = {
		.size = sizeof(args), .slots = (uintptr_t)slots, .nr_slots = 4,
	};

	return ioctl(w->vm, VMIRROR_SLOTS, &args) ?: (int)args.nr_slots;
}

/* What could not be done is done by the next who asks. */
static void judge_slots(struct failnth_world *w, int ret)
{
	CHECK(ret == 2 || ret == -1);
	CHECK(count_slots(w) == 2);
}

static int attempt_vm_stat(struct failnth_world *w)
{
	struct vmirror_vm_stat args = { .size = sizeof(args) };

	return ioctl(w->vm, VMIRROR_VM_STAT, &args);
}

static int attempt_pool_stat(struct failnth_world *w)
{
	struct vmirror_pool_stat args = { .size = sizeof(args) };

	return ioctl(w->pool, VMIRROR_POOL_STAT, &args);
}

static int attempt_pool_blocks(struct failnth_world *w)
{
	struct vmirror_pool_block block = { 0 };
	struct vmirror_pool_blocks args = {
		.size = sizeof(args), .blocks = (uintptr_t)&block, .nr_blocks = 1,
	};
	int ret = ioctl(w->pool, VMIRROR_POOL_BLOCKS, &args);

	CHECK(ret || (args.nr_blocks == 1 && block.pages == w->length / VMIRROR_PAGE_SIZE));
	return ret;
}

/* --- a VM's ring ------------------------------------------------------------------ */

static struct vmirror_ring *ring;
static uint32_t ring_size;

static int attempt_ring(struct failnth_world *w)
{
	ring = mmap(NULL, ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, w->vm, 0);
	return ring == MAP_FAILED ? -1 : 0;
}

static void prepare_ring(struct failnth_world *w)
{
	ring_size = VMIRROR_PAGE_SIZE;
	CHECK(attempt_ring(w) == 0);
	ring_size = ring->map_size;
	CHECK(munmap(ring, VMIRROR_PAGE_SIZE) == 0);
}

static void judge_ring(struct failnth_world *w, int ret)
{
	CHECK(!ret || attempt_ring(w) == 0);
	CHECK(ring->magic == VMIRROR_RING_MAGIC);
	CHECK(munmap(ring, ring_size) == 0);
}

/* --- pages out, home, and from pool to pool ----------------------------------------- */

static int attempt_snapshot(struct failnth_world *w)
{
	static struct vmirror_extent extents[64];
	struct vmirror_snapshot args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
		.extents = (uintptr_t)extents, .nr_extents = 64,
	};

	return ioctl(w->vm, VMIRROR_SNAPSHOT, &args);
}

static int out_with(struct failnth_world *w, uint32_t flags)
{
	struct vmirror_migrate args = {
		.size = sizeof(args), .flags = flags, .pool_fd = w->pool,
		.gpa = (uintptr_t)w->memory, .length = w->length,
	};
	int ret = ioctl(w->vm, VMIRROR_MIGRATE, &args);

	CHECK(ret || all_moved(&args.moved) == w->length / VMIRROR_PAGE_SIZE);
	w->moved = ret ? 0 : args.moved.moved_pages;
	return ret;
}

static int attempt_migrate(struct failnth_world *w)
{
	return out_with(w, 0);
}

static int attempt_populate(struct failnth_world *w)
{
	return out_with(w, VMIRROR_MIGRATE_POPULATE);
}

static int attempt_recall(struct failnth_world *w)
{
	struct vmirror_recall args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
	};
	int ret = ioctl(w->vm, VMIRROR_RECALL, &args);

	CHECK(ret || all_moved(&args.moved) == w->length / VMIRROR_PAGE_SIZE);
	return ret;
}

/* Unless it was refused as a whole, all is home. */
static void judge_recall(struct failnth_world *w, int ret)
{
	if (!ret)
		check_none_out(w->vm);
}

/* Half a folio: it has to be split. */
static int attempt_recall_half(struct failnth_world *w)
{
	struct vmirror_recall args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length / 2,
	};

	return ioctl(w->vm, VMIRROR_RECALL, &args);
}

static void judge_recall_half(struct failnth_world *w, int ret)
{
	CHECK(ret || pages_in_state(w->vm, (uintptr_t)w->memory, w->length / 2, VMIRROR_STATE_POOL) == 0);
}

/*
 * From the pool into another one, which then goes.  It is there before an allocation fails: under
 * KASAN that of a coherent one may be swallowed (kasan_add_zero_shadow(), 7.2), and the first touch
 * of its memory is an oops.
 */
static void prepare_peer(struct failnth_world *w)
{
	w->peer = pool_create(&w->t, "peer", FAILNTH_HUGE);
}

static void prepare_coherent_peer(struct failnth_world *w)
{
	w->peer = pool_create_coherent(&w->t, "peer", FAILNTH_HUGE);
}

/* There is room for half of FAILNTH_SMALL: other memory has the rest. */
static void prepare_crowded_peer(struct failnth_world *w)
{
	uint64_t length = FAILNTH_HUGE - FAILNTH_SMALL / 2;
	char *other = map_anonymous(FAILNTH_HUGE, false);
	struct vmirror_pool_stat stat;

	prepare_peer(w);
	fill_pattern(other, length, FAILNTH_SEED);
	all_out(w->vm, w->peer, other, length);
	pool_stat(w->peer, &stat);
	CHECK(stat.used_bytes == length);
}

static int attempt_peers(struct failnth_world *w)
{
	struct failnth_world to = *w;
	int ret;

	to.pool = w->peer;
	ret = out_with(&to, VMIRROR_MIGRATE_PEERS);
	w->moved = to.moved;
	return close(w->peer) ?: ret;
}

/* --- with a child that has the memory, too ---------------------------------------------- */

static void prepare_shared_peer(struct failnth_world *w)
{
	prepare_peer(w);
	failnth_fork(w);
}

static void judge_shared(struct failnth_world *w, int ret)
{
	(void)ret;
	failnth_child_ends(w);
}

static void judge_shared_recall(struct failnth_world *w, int ret)
{
	judge_recall(w, ret);
	judge_shared(w, ret);
}

static int attempt_evict(struct failnth_world *w)
{
	struct vmirror_pool_evict args = { .size = sizeof(args), .length = FAILNTH_HUGE };

	return ioctl(w->pool, VMIRROR_POOL_EVICT, &args);
}

static const struct failnth_scenario scenarios[] = {
	{ "INFO", .attempt = attempt_info },
	{ "POOL_CREATE", .attempt = attempt_pool_create },
	{ "POOL_CREATE, coherent", .attempt = attempt_pool_create_coherent },
	{ "POOL_STAT", .attempt = attempt_pool_stat, .with_pool = true },
	{ "POOL_BLOCKS, 4 KiB", .attempt = attempt_pool_blocks, .out = true },
	{ "POOL_BLOCKS, 2 MiB", .attempt = attempt_pool_blocks, .out = true, .huge = true },
	{ "VM_ATTACH of a process", .attempt = attempt_attach },
	{ "VM_ATTACH of a VM", .prepare = prepare_kvm, .attempt = attempt_attach },
	{ "SLOTS, with a new one", .prepare = prepare_slot, .attempt = count_slots, .judge = judge_slots },
	{ "VM_STAT", .attempt = attempt_vm_stat, .with_vm = true },
	{ "mmap of the ring", .prepare = prepare_ring, .attempt = attempt_ring, .judge = judge_ring,
	  .with_vm = true },
	{ "SNAPSHOT, 4 KiB", .attempt = attempt_snapshot, .with_vm = true, .out = true },
	{ "SNAPSHOT, 2 MiB", .attempt = attempt_snapshot, .out = true, .huge = true },
	{ "MIGRATE, 4 KiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true },
	{ "MIGRATE, 2 MiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true, .huge = true },
	{ "MIGRATE, coherent, 4 KiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true,
	  .coherent = true },
	{ "MIGRATE, coherent, 2 MiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true,
	  .coherent = true, .huge = true },
	{ "MIGRATE, made there, 4 KiB", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true },
	{ "MIGRATE, made there, 2 MiB", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true, .huge = true },
	{ "MIGRATE, made there, coherent", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true, .coherent = true },
	{ "RECALL, 4 KiB", .attempt = attempt_recall, .judge = judge_recall, .out = true },
	{ "RECALL, 2 MiB", .attempt = attempt_recall, .judge = judge_recall, .out = true, .huge = true },
	{ "RECALL, 2 MiB, as 4 KiB", .attempt = attempt_recall, .judge = judge_recall, .out = true,
	  .huge = true, .split = true },
	{ "RECALL of half of 2 MiB", .attempt = attempt_recall_half, .judge = judge_recall_half,
	  .out = true, .huge = true },
	{ "RECALL, coherent", .attempt = attempt_recall, .judge = judge_recall, .out = true,
	  .coherent = true },
	{ "MIGRATE, peers, 4 KiB", .prepare = prepare_peer, .attempt = attempt_peers, .out = true },
	{ "MIGRATE, peers, 2 MiB", .prepare = prepare_peer, .attempt = attempt_peers, .out = true,
	  .huge = true },
	{ "MIGRATE, peers, into a coherent pool, 4 KiB", .prepare = prepare_coherent_peer,
	  .attempt = attempt_peers, .out = true },
	{ "MIGRATE, peers, into a coherent pool, 2 MiB", .prepare = prepare_coherent_peer,
	  .attempt = attempt_peers, .out = true, .huge = true },
	{ "MIGRATE, peers, out of a coherent pool", .prepare = prepare_peer, .attempt = attempt_peers,
	  .out = true, .coherent = true },
	{ "MIGRATE, peers, into a crowded pool, 4 KiB", .prepare = prepare_crowded_peer,
	  .attempt = attempt_peers, .out = true, .moves = true },
	{ "MIGRATE, peers, into a crowded pool, 2 MiB", .prepare = prepare_crowded_peer,
	  .attempt = attempt_peers, .out = true, .moves = true, .huge = true },
	{ "MIGRATE, peers, shared", .prepare = prepare_shared_peer, .attempt = attempt_peers,
	  .judge = judge_shared, .out = true, .moves = true },
	{ "MIGRATE, shared, 4 KiB", .prepare = failnth_fork, .attempt = attempt_migrate,
	  .judge = judge_shared, .with_vm = true, .with_pool = true, .moves = true },
	{ "MIGRATE, shared, 2 MiB", .prepare = failnth_fork, .attempt = attempt_migrate,
	  .judge = judge_shared, .with_vm = true, .with_pool = true, .moves = true, .huge = true },
	{ "RECALL, shared, 4 KiB", .prepare = failnth_fork, .attempt = attempt_recall,
	  .judge = judge_shared_recall, .out = true },
	{ "RECALL, shared, 2 MiB", .prepare = failnth_fork, .attempt = attempt_recall,
	  .judge = judge_shared_recall, .out = true, .huge = true },
	{ "POOL_EVICT, shared", .prepare = failnth_fork, .attempt = attempt_evict,
	  .judge = judge_shared_recall, .out = true },
	{ "POOL_EVICT, 4 KiB", .attempt = attempt_evict, .judge = judge_recall, .out = true },
	{ "POOL_EVICT, 2 MiB", .attempt = attempt_evict, .judge = judge_recall, .out = true, .huge = true },
	{ "POOL_EVICT, coherent", .attempt = attempt_evict, .judge = judge_recall, .out = true,
	  .coherent = true },
};

const struct failnth_list failnth_calls = FAILNTH_LIST(scenarios);
