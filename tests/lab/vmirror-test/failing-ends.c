// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-ends.c - the engine fails as a VM or a pool goes, or as a software device works in it */
#include <pthread.h>

#include <sys/mman.h>

#include "failing.h"

#define SICK_MS 300

/* What goes, with pages out. */
enum end { END_VM, END_POOL, END_VM_REMAPPED, END_POOL_REMAPPED, NR_ENDS };

/* Where the VM does not look for it: it is found by device page. */
static void remap(struct failing_world *w)
{
	char *target = map_anonymous(w->length, false);

	CHECK(mremap(w->memory, w->length, w->length, MREMAP_MAYMOVE | MREMAP_FIXED, target) ==
	      target);
	w->memory = target;
}

static void close_and_reopen(struct failing_world *w, enum end end)
{
	if (end == END_VM || end == END_VM_REMAPPED) {
		CHECK(close(w->vm) == 0);
		expect_used(w->pool, 0);
		w->vm = vm_attach(&w->t, "failing", 0);
	} else {
		CHECK(close(w->pool) == 0);
		w->pool = world_pool(w);
	}
}

static void *heal_later(void *arg)
{
	(void)arg;
	usleep(SICK_MS * 1000);
	heal();
	return NULL;
}

/* From call @nth on, @times calls fail; or all of them, for some time. */
static void end_failing(const struct layout *layout, enum end end, uint64_t nth, uint64_t times)
{
	uint64_t start;
	pthread_t healer;
	struct failing_world w;

	world_begin(&w, layout);
	world_out(&w);
	if (end == END_VM_REMAPPED || end == END_POOL_REMAPPED)
		remap(&w);
	start = now_ms();
	arm("back", nth, times);
	if (times == FOR_EVER)
		CHECK(pthread_create(&healer, NULL, heal_later, NULL) == 0);
	close_and_reopen(&w, end);
	if (times == FOR_EVER) {
		CHECK(now_ms() - start >= SICK_MS);
		CHECK(pthread_join(healer, NULL) == 0);
	} else {
		CHECK(heal() > 0);
	}
	world_check(&w);
	world_end(&w);
}

void failing_ends(void)
{
	for (int i = 0; i < nr_layouts; i++)
		for (enum end end = 0; end < NR_ENDS; end++) {
			end_failing(&layouts[i], end, 1, 1);
			end_failing(&layouts[i], end, layouts[i].small_pages ?: 1, 1);
			end_failing(&layouts[i], end, 1, 50);
			end_failing(&layouts[i], end, 1, FOR_EVER);
		}
}

/* --- a software device --------------------------------------------------------- */

static char buffer[2 * MiB + 64 * VMIRROR_PAGE_SIZE];

/* Call number @nth fails: what came before it was done. */
static void device_read(struct failing_world *w, int device, uint64_t nth)
{
	uint64_t done;
	int64_t ret;

	memset(buffer, 0, sizeof(buffer));
	arm("back", nth, 1);
	ret = device_access(device, VMIRROR_DEVICE_READ, (uintptr_t)w->memory, buffer, w->length,
			    NULL);
	CHECK(nth > 1 || (ret == -1 && errno == EIO));
	CHECK(heal() == (nth <= w->pages));
	done = ret < 0 ? 0 : ret / VMIRROR_PAGE_SIZE;
	CHECK(done == (nth <= w->pages ? nth - 1 : w->pages));
	for (uint64_t page = 0; page < done; page++)
		CHECK(page_holds(buffer + page * VMIRROR_PAGE_SIZE, page_tag(w, page)));
	expect_out(w, w->pages);
}

/* The page that could not be written may hold anything; those behind it what they held. */
static void device_write(struct failing_world *w, int device, uint64_t nth, uint64_t tag)
{
	uint64_t done, old = w->tag;
	int64_t ret;

	w->tag = tag;
	for (uint64_t page = 0; page < w->pages; page++)
		page_write(buffer + page * VMIRROR_PAGE_SIZE, page_tag(w, page));
	arm("out", nth, 1);
	ret = device_access(device, VMIRROR_DEVICE_WRITE, (uintptr_t)w->memory, buffer, w->length,
			    NULL);
	CHECK(nth > 1 || (ret == -1 && errno == EIO));
	CHECK(heal() == (nth <= w->pages));
	done = ret < 0 ? 0 : ret / VMIRROR_PAGE_SIZE;
	CHECK(done == (nth <= w->pages ? nth - 1 : w->pages));
	expect_out(w, w->pages);
	for (uint64_t page = 0; page < w->pages; page++)
		if (page != done)
			CHECK(page_holds(world_at(w, page), (page < done ? tag : old) + page));
	world_write(w, tag);
	world_out(w);
}

/* A page in a pool has to come home first. */
static void device_exclusive(struct failing_world *w, int device)
{
	struct vmirror_device_exclusive args = {
		.size = sizeof(args), .gpa = (uintptr_t)w->memory, .length = w->length,
	};

	arm("back", 1, FOR_EVER);
	CHECK_ERRNO(ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args), EFAULT);
	CHECK(heal() > 0);
	expect_out(w, w->pages);
	CHECK(ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args) == 0);
	CHECK(args.done_bytes == w->length);
	expect_out(w, 0);
}

void failing_device(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		struct failing_world w;
		int device;

		/* What a CPU reaches the device reaches without the engine. */
		if (layouts[i].coherent)
			continue;
		world_begin(&w, &layouts[i]);
		device = device_create(w.vm);
		world_out(&w);
		for (uint64_t nth = 1; nth <= w.pages + 1; nth++)
			device_read(&w, device, nth);
		/* A write means that all has to go out again. */
		for (uint64_t nth = 1; nth <= w.pages + 1; nth += nth < 30 ? 1 : 97)
			device_write(&w, device, nth, 10000 * nth);
		device_write(&w, device, w.pages + 1, 7000);
		device_exclusive(&w, device);
		close(device);
		world_end(&w);
	}
}
