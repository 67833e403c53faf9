// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * torture-device.c - a software device works in a plot while it moves: it reads what a CPU would,
 * what it writes a CPU finds, and what is its alone it gives back to the first CPU that comes
 */
#include <sys/mman.h>
#include <sys/uio.h>

#include "torture.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

/* Returns a device, or -1. */
static int create(void)
{
	struct vmirror_device_create args = { .size = sizeof(args) };

	return ioctl(torture_vm(), VMIRROR_DEVICE_CREATE, &args);
}

/* What may keep a device from doing something for the moment. */
static int check_excuse(int error)
{
	if (error != EBUSY && error != ENOMEM && error != EINTR)
		FAIL("a device says %s", strerror(error));
	return error;
}

/* To or from the plot's buffer.  Returns how many pages were done; where not all, why is in @error. */
static uint64_t transfer(struct plot *plot, int device, unsigned long request,
			 struct plot_range range, int *error)
{
	uint64_t done = 0;

	*error = 0;
	while (done < range.pages) {
		int64_t n = device_access(device, request,
					  (uintptr_t)plot_at(plot, range.first + done),
					  plot->buffer + done * PAGE, (range.pages - done) * PAGE,
					  NULL);

		if (n < 0) {
			*error = check_excuse(errno);
			break;
		}
		CHECK(n > 0);
		done += n / PAGE;
	}
	return done;
}

/* Do this with a device in each run of mapped pages, which fit into the buffer, one after the other. */
static int in_each_run(struct plot *plot, struct plot_range range,
		       int (*work)(struct plot *plot, int device, struct plot_range run))
{
	int device = create(), error = 0;
	struct plot_range run;

	if (device < 0)
		return plot_done_or_why_not(device);
	if (range.pages > PLOT_BUFFER / PAGE)
		range.pages = PLOT_BUFFER / PAGE;
	while (!error && plot_next_run(plot, &range, &run))
		error = work(plot, device, run);
	CHECK(close(device) == 0);
	return error;
}

static int read_run(struct plot *plot, int device, struct plot_range run)
{
	int error;
	uint64_t done = transfer(plot, device, VMIRROR_DEVICE_READ, run, &error);

	for (uint64_t i = 0; i < done; i++)
		plot_check_page(plot, run.first + i, plot->buffer + i * PAGE);
	plot->counts.read_pages += done;
	return error;
}

int plot_read_by_device(struct plot *plot, struct plot_range range)
{
	return in_each_run(plot, range, read_run);
}

/* What may be written to of the front of @run, and what comes behind that. */
static struct plot_range writable_part(struct plot *plot, struct plot_range *run)
{
	struct plot_range part;

	for (; run->pages && !plot->pages[run->first].writable; run->pages--)
		run->first++;
	part.first = run->first;
	for (; run->pages && plot->pages[run->first].writable; run->pages--)
		run->first++;
	part.pages = run->first - part.first;
	return part;
}

static int in_each_writable_part(struct plot *plot, int device, struct plot_range run,
				 int (*work)(struct plot *plot, int device, struct plot_range part))
{
	struct plot_range part;
	int error = 0;

	while (!error && (part = writable_part(plot, &run)).pages)
		error = work(plot, device, part);
	return error;
}

static int write_part(struct plot *plot, int device, struct plot_range part)
{
	uint32_t first_value = plot->last_value + 1;
	uint64_t done;
	int error;

	for (uint64_t i = 0; i < part.pages; i++)
		content_write(plot->buffer + i * PAGE, ++plot->last_value);
	done = transfer(plot, device, VMIRROR_DEVICE_WRITE, part, &error);
	for (uint64_t i = 0; i < done; i++) {
		plot->pages[part.first + i].value = first_value + i;
		plot->pages[part.first + i].lazy = false;
	}
	plot->counts.written_pages += done;
	return error;
}

static int write_run(struct plot *plot, int device, struct plot_range run)
{
	return in_each_writable_part(plot, device, run, write_part);
}

int plot_write_by_device(struct plot *plot, struct plot_range range)
{
	return in_each_run(plot, range, write_run);
}

/* The device's alone; it writes to some of that; then CPUs want it back. */
static int take_part(struct plot *plot, int device, struct plot_range part)
{
	struct vmirror_device_exclusive args = {
		.size = sizeof(args), .gpa = (uintptr_t)plot_at(plot, part.first),
		.length = part.pages * PAGE,
	};
	struct plot_range taken = { .first = part.first };
	int error = 0;

	if (ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args))
		return check_excuse(errno);
	taken.pages = args.done_bytes / PAGE;
	CHECK(taken.pages > 0 && taken.pages <= part.pages);
	plot->counts.exclusive_pages += taken.pages;
	if (one_in(&plot->random, 2))
		error = write_part(plot, device, (struct plot_range) { taken.first, (taken.pages + 1) / 2 });
	if (one_in(&plot->random, 2))
		plot_check_through_gup(plot, taken);
	plot_check_range(plot, taken);
	/* A CPU has touched each of them. */
	CHECK(device_stat(device).exclusive_pages == 0);
	return error;
}

static int take_run(struct plot *plot, int device, struct plot_range run)
{
	return in_each_writable_part(plot, device, run, take_part);
}

int plot_take_from_cpus(struct plot *plot, struct plot_range range)
{
	return in_each_run(plot, range, take_run);
}

/* PROT_NONE: neither the kernel, on our behalf, nor a device may read it. */
static void check_hidden(char *at)
{
	char copy[PAGE];
	struct iovec to = { copy, PAGE }, from = { at, PAGE };
	int device = create();

	CHECK_ERRNO(process_vm_readv(getpid(), &to, 1, &from, 1, 0), EFAULT);
	if (device < 0)
		return;
	CHECK(device_access(device, VMIRROR_DEVICE_READ, (uintptr_t)at, copy, PAGE, NULL) < 0);
	if (errno != EFAULT && errno != EBUSY && errno != ENOMEM)
		FAIL("a device that may not read says %s", strerror(errno));
	CHECK(close(device) == 0);
}

static void protect_all(struct plot *plot, struct plot_range range, int prot)
{
	struct plot_range run;

	while (plot_next_run(plot, &range, &run)) {
		CHECK(mprotect(plot_at(plot, run.first), run.pages * PAGE, prot) == 0);
		if (prot == PROT_NONE)
			check_hidden(plot_at(plot, run.first + run.pages / 2));
	}
}

int plot_hide(struct plot *plot, struct plot_range range)
{
	protect_all(plot, range, PROT_NONE);
	usleep(random_below(&plot->random, 30000));
	protect_all(plot, range, PROT_READ | PROT_WRITE);
	for (uint64_t page = range.first; page < range.first + range.pages; page++)
		plot->pages[page].writable = plot->pages[page].mapped;
	return plot_check_range(plot, range);
}
