// SPDX-License-Identifier: LGPL-2.1-or-later
/* failing-ends.c - the engine fails as a VM or a pool goes, or as a software device works in it */
#include <pthread.h>

#include <sys/mman.h>

#include "failing.h"

#define SICK_MS 300

/* What goes, with pages out. */
enum end { END_VM, END_POOL, END_VM_REMAPPED, END_POOL_REMAPPED, NR_ENDS };

/* Where the VM does not look for it: it is found by device page. */
static void remap(struct place *p)
{
	char *target = map_anonymous(p->length, false);

	CHECK(mremap(p->memory, p->length, p->length, MREMAP_MAYMOVE | MREMAP_FIXED, target) ==
	      target);
	p->memory = target;
}

static void close_and_reopen(struct place *p, enum end end)
{
	if (end == END_VM || end == END_VM_REMAPPED) {
		CHECK(close(p->vm) == 0);
		expect_used(p->pool, 0);
		p->vm = vm_attach(&p->t, "failing", 0);
	} else {
		CHECK(close(p->pool) == 0);
		p->pool = place_pool(p);
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
	struct place p;

	place_begin(&p, layout);
	place_out(&p);
	if (end == END_VM_REMAPPED || end == END_POOL_REMAPPED)
		remap(&p);
	start = now_ms();
	arm("back", nth, times);
	if (times == FOR_EVER)
		CHECK(pthread_create(&healer, NULL, heal_later, NULL) == 0);
	close_and_reopen(&p, end);
	if (times == FOR_EVER) {
		CHECK(now_ms() - start >= SICK_MS);
		CHECK(pthread_join(healer, NULL) == 0);
	} else {
		CHECK(heal() > 0);
	}
	place_check(&p);
	place_end(&p);
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
static void device_read(struct place *p, int device, uint64_t nth)
{
	uint64_t done;
	int64_t ret;

	memset(buffer, 0, sizeof(buffer));
	arm("back", nth, 1);
	ret = device_access(device, VMIRROR_DEVICE_READ, (uintptr_t)p->memory, buffer, p->length,
			    NULL);
	CHECK(nth > 1 || (ret == -1 && errno == EIO));
	CHECK(heal() == (nth <= p->pages));
	done = ret < 0 ? 0 : ret / VMIRROR_PAGE_SIZE;
	CHECK(done == (nth <= p->pages ? nth - 1 : p->pages));
	for (uint64_t page = 0; page < done; page++)
		CHECK(page_holds(buffer + page * VMIRROR_PAGE_SIZE, page_tag(p, page)));
	expect_out(p, p->pages);
}

/* The page that could not be written may hold anything; those behind it what they held. */
static void device_write(struct place *p, int device, uint64_t nth, uint64_t tag)
{
	uint64_t done, old = p->tag;
	int64_t ret;

	p->tag = tag;
	for (uint64_t page = 0; page < p->pages; page++)
		page_write(buffer + page * VMIRROR_PAGE_SIZE, page_tag(p, page));
	arm("out", nth, 1);
	ret = device_access(device, VMIRROR_DEVICE_WRITE, (uintptr_t)p->memory, buffer, p->length,
			    NULL);
	CHECK(nth > 1 || (ret == -1 && errno == EIO));
	CHECK(heal() == (nth <= p->pages));
	done = ret < 0 ? 0 : ret / VMIRROR_PAGE_SIZE;
	CHECK(done == (nth <= p->pages ? nth - 1 : p->pages));
	expect_out(p, p->pages);
	for (uint64_t page = 0; page < p->pages; page++)
		if (page != done)
			CHECK(page_holds(place_at(p, page), (page < done ? tag : old) + page));
	place_write(p, tag);
	place_out(p);
}

/* A page in a pool has to come home first. */
static void device_exclusive(struct place *p, int device)
{
	struct vmirror_device_exclusive args = {
		.size = sizeof(args), .gpa = (uintptr_t)p->memory, .length = p->length,
	};

	arm("back", 1, FOR_EVER);
	CHECK_ERRNO(ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args), EFAULT);
	CHECK(heal() > 0);
	expect_out(p, p->pages);
	CHECK(ioctl(device, VMIRROR_DEVICE_EXCLUSIVE, &args) == 0);
	CHECK(args.done_bytes == p->length);
	expect_out(p, 0);
}

void failing_device(void)
{
	for (int i = 0; i < nr_layouts; i++) {
		struct place p;
		int device;

		/* What a CPU reaches the device reaches without the engine. */
		if (layouts[i].coherent)
			continue;
		place_begin(&p, &layouts[i]);
		device = device_create(p.vm);
		place_out(&p);
		for (uint64_t nth = 1; nth <= p.pages + 1; nth++)
			device_read(&p, device, nth);
		/* A write means that all has to go out again. */
		for (uint64_t nth = 1; nth <= p.pages + 1; nth += nth < 30 ? 1 : 97)
			device_write(&p, device, nth, 10000 * nth);
		device_write(&p, device, p.pages + 1, 7000);
		device_exclusive(&p, device);
		close(device);
		place_end(&p);
	}
}
