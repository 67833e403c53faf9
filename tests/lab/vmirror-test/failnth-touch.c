// SPDX-License-Identifier: LGPL-2.1-or-later
/* failnth-touch.c - a CPU touches what is out, or a VM or a pool goes, while an allocation fails */
#include "failnth.h"

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

static void must_succeed(struct failnth_world *w, int ret)
{
	(void)w;
	CHECK(ret == 0);
}

/* One page of a folio that is out: the others may stay there. */
static int attempt_touch(struct failnth_world *w)
{
	char *at = w->memory + w->length / 2;

	CHECK(*(volatile uint64_t *)at != 0);
	return 0;
}

/* It has come home alone: the folio was split. */
static void judge_touch(struct failnth_world *w, int ret)
{
	CHECK(ret == 0);
	CHECK(pages_in_state(w->vm, (uintptr_t)w->memory + w->length / 2, VMIRROR_PAGE_SIZE,
			     VMIRROR_STATE_RAM) == 1);
	CHECK(vm_out_pages(w->vm) > 0);
}

/* CPUs reach it where it is. */
static void judge_coherent(struct failnth_world *w, int ret)
{
	CHECK(ret == 0);
	CHECK(vm_out_pages(w->vm) == w->length / VMIRROR_PAGE_SIZE);
}

/* With a child that has the memory, too: a write makes a copy. */
static void judge_shared(struct failnth_world *w, int ret)
{
	CHECK(ret == 0);
	failnth_child_ends(w);
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

static const struct failnth_scenario scenarios[] = {
	{ "read, 4 KiB", .attempt = attempt_read, .judge = must_succeed, .out = true },
	{ "read, 2 MiB", .attempt = attempt_read, .judge = must_succeed, .out = true, .huge = true },
	{ "read, 2 MiB, as 4 KiB", .attempt = attempt_read, .judge = must_succeed, .out = true,
	  .huge = true, .split = true },
	{ "read of one page, 2 MiB, as 4 KiB", .attempt = attempt_touch, .judge = judge_touch, .out = true,
	  .huge = true, .split = true },
	{ "read, coherent", .attempt = attempt_read, .judge = judge_coherent, .out = true,
	  .coherent = true },
	{ "write, 4 KiB", .attempt = attempt_write, .judge = must_succeed, .out = true },
	{ "write, 2 MiB", .attempt = attempt_write, .judge = must_succeed, .out = true, .huge = true },
	{ "write, 2 MiB, as 4 KiB", .attempt = attempt_write, .judge = must_succeed, .out = true,
	  .huge = true, .split = true },
	{ "write, coherent", .attempt = attempt_write, .judge = judge_coherent, .out = true,
	  .coherent = true },
	{ "read, shared, 4 KiB", .prepare = failnth_fork, .attempt = attempt_read, .judge = judge_shared,
	  .out = true },
	{ "read, shared, 2 MiB", .prepare = failnth_fork, .attempt = attempt_read, .judge = judge_shared,
	  .out = true, .huge = true },
	{ "write, shared, 4 KiB", .prepare = failnth_fork, .attempt = attempt_write, .judge = judge_shared,
	  .out = true },
	{ "write, shared, 2 MiB", .prepare = failnth_fork, .attempt = attempt_write, .judge = judge_shared,
	  .out = true, .huge = true },
	{ "close of a VM, 4 KiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true },
	{ "close of a VM, 2 MiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true, .huge = true },
	{ "close of a VM, 2 MiB, as 4 KiB", .attempt = attempt_close_vm, .judge = must_succeed, .out = true,
	  .huge = true, .split = true },
	{ "close of a VM, coherent", .attempt = attempt_close_vm, .judge = must_succeed, .out = true,
	  .coherent = true },
	{ "close of an empty pool", .attempt = attempt_close_pool, .judge = must_succeed, .with_pool = true },
	{ "close of a pool, 4 KiB", .attempt = attempt_close_pool, .judge = must_succeed, .out = true },
	{ "close of a pool, 2 MiB", .attempt = attempt_close_pool, .judge = must_succeed, .out = true,
	  .huge = true },
	{ "close of a pool, 2 MiB, as 4 KiB", .attempt = attempt_close_pool, .judge = must_succeed,
	  .out = true, .huge = true, .split = true },
	{ "close of a pool, coherent", .attempt = attempt_close_pool, .judge = must_succeed, .out = true,
	  .coherent = true },
};

const struct failnth_list failnth_touches = FAILNTH_LIST(scenarios);
