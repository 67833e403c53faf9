// SPDX-License-Identifier: LGPL-2.1-or-later
/* failnth-calls.c - what is attempted while an allocation fails, and what may come of it */
#include <sys/mman.h>

#include "failnth.h"

char failnth_buffer[FAILNTH_HUGE];

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

/* From the pool into another one, which then goes. */
static int attempt_peers(struct failnth_world *w)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_RAM, .bytes = FAILNTH_HUGE, .name = "peer",
	};
	struct failnth_world to = *w;
	int ret;

	to.pool = ioctl(w->t.sys, VMIRROR_POOL_CREATE, &args);
	if (to.pool < 0)
		return -1;
	ret = out_with(&to, VMIRROR_MIGRATE_PEERS);
	return close(to.pool) ?: ret;
}

static int attempt_evict(struct failnth_world *w)
{
	struct vmirror_pool_evict args = { .size = sizeof(args), .length = FAILNTH_HUGE };

	return ioctl(w->pool, VMIRROR_POOL_EVICT, &args);
}

static int attempt_device_read(struct failnth_world *w)
{
	struct vmirror_device_create args = { .size = sizeof(args) };
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &args);
	int64_t done;

	if (device < 0)
		return -1;
	done = device_access(device, VMIRROR_DEVICE_READ, (uintptr_t)w->memory, failnth_buffer, w->length, NULL);
	if (done > 0)
		check_pattern(failnth_buffer, done, FAILNTH_SEED);
	return done < 0 ? -1 : close(device);
}

static int attempt_device_write(struct failnth_world *w)
{
	struct vmirror_device_create args = { .size = sizeof(args) };
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &args);

	if (device < 0)
		return -1;
	fill_pattern(failnth_buffer, w->length, FAILNTH_SEED);
	if (device_access(device, VMIRROR_DEVICE_WRITE, (uintptr_t)w->memory, failnth_buffer, w->length, NULL) < 0)
		return -1;
	return close(device);
}

static int attempt_exclusive(struct failnth_world *w)
{
	struct vmirror_device_create create = { .size = sizeof(create) };
	struct vmirror_device_exclusive args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
	};
	int device = ioctl(w->vm, VMIRROR_DEVICE_CREATE, &create);

	return device < 0 ? -1 : ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args);
}

static int attempt_read(struct failnth_world *w)
{
	check_pattern(w->memory, w->length, FAILNTH_SEED);
	return 0;
}

static int attempt_write(struct failnth_world *w)
{
	for (uint64_t i = 0; i < w->length; i += VMIRROR_PAGE_SIZE)
		*(volatile char *)(w->memory + i + 9) = 1;
	return 0;
}

/* A CPU's touch takes back what is the device's alone. */
static void judge_exclusive(struct failnth_world *w, int ret)
{
	(void)ret;
	check_pattern(w->memory, w->length, FAILNTH_SEED);
}

static void must_succeed(struct failnth_world *w, int ret)
{
	(void)w;
	CHECK(ret == 0);
}

static int attempt_close_vm(struct failnth_world *w)
{
	int vm = w->vm;

	w->vm = -1;
	return close(vm);
}

static int attempt_close_pool(struct failnth_world *w)
{
	int pool = w->pool;

	w->pool = -1;
	return close(pool);
}

const struct failnth_scenario failnth_scenarios[] = {
	{ "INFO", .attempt = attempt_info },
	{ "POOL_CREATE", .attempt = attempt_pool_create },
	{ "POOL_STAT", .attempt = attempt_pool_stat, .with_pool = true },
	{ "close of an empty pool", .attempt = attempt_close_pool, .judge = must_succeed, .with_pool = true },
	{ "VM_ATTACH of a process", .attempt = attempt_attach },
	{ "VM_ATTACH of a VM", .prepare = prepare_kvm, .attempt = attempt_attach },
	{ "SLOTS, with a new one", .prepare = prepare_slot, .attempt = count_slots, .judge = judge_slots },
	{ "VM_STAT", .attempt = attempt_vm_stat, .with_vm = true },
	{ "SNAPSHOT, 4 KiB", .attempt = attempt_snapshot, .with_vm = true, .out = true },
	{ "SNAPSHOT, 2 MiB", .attempt = attempt_snapshot, .out = true, .huge = true },
	{ "MIGRATE, 4 KiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true },
	{ "MIGRATE, 2 MiB", .attempt = attempt_migrate, .with_vm = true, .with_pool = true, .huge = true },
	{ "MIGRATE, made there, 4 KiB", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true },
	{ "MIGRATE, made there, 2 MiB", .attempt = attempt_populate, .with_vm = true, .with_pool = true,
	  .untouched = true, .huge = true },
	{ "RECALL, 4 KiB", .attempt = attempt_recall, .judge = judge_recall, .out = true },
	{ "RECALL, 2 MiB", .attempt = attempt_recall, .judge = judge_recall, .out = true, .huge = true },
	{ "MIGRATE, peers, 4 KiB", .attempt = attempt_peers, .out = true },
	{ "MIGRATE, peers, 2 MiB", .attempt = attempt_peers, .out = true, .huge = true },
	{ "POOL_EVICT, 4 KiB", .attempt = attempt_evict, .judge = judge_recall, .out = true },
	{ "POOL_EVICT, 2 MiB", .attempt = attempt_evict, .judge = judge_recall, .out = true, .huge = true },
	{ "DEVICE_READ, 4 KiB", .attempt = attempt_device_read, .out = true },
	{ "DEVICE_READ, 2 MiB", .attempt = attempt_device_read, .out = true, .huge = true },
	{ "DEVICE_WRITE, 4 KiB", .attempt = attempt_device_write, .out = true },
	{ "DEVICE_WRITE, 2 MiB", .attempt = attempt_device_write, .out = true, .huge = true },
	{ "DEVICE_EXCLUSIVE, 4 KiB", .attempt = attempt_exclusive, .judge = judge_exclusive, .out = true },
	{ "DEVICE_EXCLUSIVE, 2 MiB", .attempt = attempt_exclusive, .judge = judge_exclusive, .with_vm = true,
	  .huge = true },
	{ "DEVICE_CREATE, of a PCI device", .attempt = failnth_attempt_create_pci, .with_vm = true },
	{ "DEVICE_DMA_MAP, 4 KiB", .prepare = failnth_prepare_device, .attempt = failnth_attempt_map,
	  .judge = failnth_judge_map, .out = true },
	{ "DEVICE_DMA_MAP, 2 MiB", .prepare = failnth_prepare_device, .attempt = failnth_attempt_map,
	  .judge = failnth_judge_map, .out = true, .huge = true },
	{ "DEVICE_DMA_UNMAP, 4 KiB", .prepare = failnth_prepare_mapped, .attempt = failnth_attempt_unmap,
	  .judge = failnth_judge_unmap, .out = true },
	{ "DEVICE_DMA_UNMAP, 2 MiB", .prepare = failnth_prepare_mapped, .attempt = failnth_attempt_unmap,
	  .judge = failnth_judge_unmap, .out = true, .huge = true },
	{ "read, 4 KiB", .attempt = attempt_read, .judge = must_succeed, .out = true },
	{ "read, 2 MiB", .attempt = attempt_read, .judge = must_succeed, .out = true, .huge = true },
	{ "write, 4 KiB", .attempt = attempt_write, .judge = must_succeed, .out = true },
	{ "write, 2 MiB", .attempt = attempt_write, .judge = must_succeed, .out = true, .huge = true },
	{ "close of a VM, 4 KiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true },
	{ "close of a VM, 2 MiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true, .huge = true },
	{ "close of a pool, 4 KiB", .attempt = attempt_close_pool, .judge = must_succeed, .out = true },
	{ "close of a pool, 2 MiB", .attempt = attempt_close_pool, .judge = must_succeed, .out = true,
	  .huge = true },
};

const unsigned int failnth_nr_scenarios = sizeof(failnth_scenarios) / sizeof(failnth_scenarios[0]);
