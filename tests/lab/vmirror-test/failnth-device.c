// SPDX-License-Identifier: LGPL-2.1-or-later
/* failnth-device.c - what is attempted with a software device while an allocation fails */
#include "failnth.h"

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

/* A CPU's touch takes back what is the device's alone. */
static void judge_exclusive(struct failnth_world *w, int ret)
{
	(void)ret;
	check_pattern(w->memory, w->length, FAILNTH_SEED);
}

/* --- what it knows of itself ---------------------------------------------------------- */

static uint64_t pages_of(const struct failnth_world *w)
{
	return w->length / VMIRROR_PAGE_SIZE;
}

/* What it has written is told here: memory that is there before an allocation fails. */
static uint64_t gpas[FAILNTH_HUGE / VMIRROR_PAGE_SIZE];

/* It has written all of it. */
static void prepare_written(struct failnth_world *w)
{
	memset(gpas, 1, sizeof(gpas));
	w->device = device_create(w->vm);
	fill_pattern(failnth_buffer, w->length, FAILNTH_SEED);
	device_access_all(w->device, VMIRROR_DEVICE_WRITE, (uintptr_t)w->memory, failnth_buffer,
			  w->length, 60000);
}

static int attempt_device_stat(struct failnth_world *w)
{
	struct vmirror_device_stat args = { .size = sizeof(args) };
	int ret = ioctl(w->device, VMIRROR_DEVICE_STAT, &args);

	CHECK(ret || args.writable_pages == pages_of(w));
	return ret;
}

static int attempt_written(struct failnth_world *w)
{
	struct vmirror_device_written args = {
		.size = sizeof(args), .gpas = (uintptr_t)gpas, .nr_gpas = pages_of(w),
	};
	int ret = ioctl(w->device, VMIRROR_DEVICE_WRITTEN, &args);

	for (uint64_t i = 0; !ret && i < args.nr_gpas; i++)
		CHECK(gpas[i] == (uintptr_t)w->memory + i * VMIRROR_PAGE_SIZE);
	return ret ?: (int)args.nr_gpas;
}

/* What could not be told is told the next time; and nothing is told twice. */
static void judge_written(struct failnth_world *w, int ret)
{
	CHECK(ret == (int)pages_of(w) || (ret == -1 && attempt_written(w) == (int)pages_of(w)));
	CHECK(attempt_written(w) == 0);
}

static const struct failnth_scenario scenarios[] = {
	{ "DEVICE_READ, 4 KiB", .attempt = attempt_device_read, .out = true },
	{ "DEVICE_READ, 2 MiB", .attempt = attempt_device_read, .out = true, .huge = true },
	{ "DEVICE_READ, coherent", .attempt = attempt_device_read, .out = true, .coherent = true },
	{ "DEVICE_WRITE, 4 KiB", .attempt = attempt_device_write, .out = true },
	{ "DEVICE_WRITE, 2 MiB", .attempt = attempt_device_write, .out = true, .huge = true },
	{ "DEVICE_WRITE, coherent", .attempt = attempt_device_write, .out = true, .coherent = true },
	{ "DEVICE_EXCLUSIVE, 4 KiB", .attempt = attempt_exclusive, .judge = judge_exclusive, .out = true },
	{ "DEVICE_EXCLUSIVE, 2 MiB", .attempt = attempt_exclusive, .judge = judge_exclusive, .with_vm = true,
	  .huge = true },
	{ "DEVICE_EXCLUSIVE, coherent", .attempt = attempt_exclusive, .judge = judge_exclusive, .out = true,
	  .coherent = true },
	{ "DEVICE_STAT", .prepare = prepare_written, .attempt = attempt_device_stat, .out = true },
	{ "DEVICE_WRITTEN, 4 KiB", .prepare = prepare_written, .attempt = attempt_written,
	  .judge = judge_written, .out = true },
	{ "DEVICE_WRITTEN, 2 MiB", .prepare = prepare_written, .attempt = attempt_written,
	  .judge = judge_written, .out = true, .huge = true },
};

const struct failnth_list failnth_device_calls = FAILNTH_LIST(scenarios);
