// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * torture-dma.c - a PCI device carries pages of plots about, by DMA, while they move
 *
 * A page may be taken from the device at any time.  What it reads then is nothing, and what it
 * writes gets nowhere; but it never reads or changes memory that is not, or no longer, the page.
 */
#include <pthread.h>

#include <sys/mman.h>

#include "dma.h"
#include "torture.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

/* No page of a plot holds that. */
#define OWN_VALUE UINT32_MAX

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;
static struct edu edu;
static bool there;
static char *scratch;		/* two pages that are in no plot */
static uint64_t tried, carried;

void torture_dma_open(void)
{
	there = edu_is_there(&edu);
	if (!there)
		return;
	edu_bind(&edu, "vmirror");
	edu_map(&edu);
	scratch = map_anonymous(2 * PAGE, false);
}

void torture_dma_close(void)
{
	if (!there)
		return;
	printf("  %llu of %llu pages carried by a PCI device\n", (unsigned long long)carried,
	       (unsigned long long)tried);
	edu_unmap(&edu);
	edu_bind(&edu, NULL);
}

/* Returns 0, or why the device cannot reach the page: memory is short, or the page never still. */
static int reach(int device, const char *page, uint64_t *address)
{
	if (dma_map(device, (uintptr_t)page, PAGE, address) == (int64_t)PAGE)
		return 0;
	if (errno != ENOMEM && errno != ENOSPC && errno != EBUSY && errno != EEXIST)
		FAIL("the device cannot reach %p: %s", (void *)page, strerror(errno));
	return errno;
}

/* From here on it is known what the device's own memory holds: OWN_VALUE. */
static int take_in_own(int device)
{
	uint64_t from, to;
	int error;

	for (int tries = 0; tries < 10; tries++) {
		content_write(scratch, OWN_VALUE);
		content_write(scratch + PAGE, 0);
		error = reach(device, scratch, &from) ?: reach(device, scratch + PAGE, &to);
		if (error)
			return error;
		edu_load(&edu, from, PAGE);
		edu_store(&edu, to, PAGE);
		if (content_is(scratch + PAGE, OWN_VALUE))
			return 0;
	}
	return EBUSY;		/* that is how it is where the kernel takes the page each time */
}

/* What may be at the page now, and what is. */
static void judge(struct plot *plot, uint64_t page, uint32_t value_read)
{
	struct plot_page *model = &plot->pages[page];
	const uint32_t may_be[] = { value_read, model->value, OWN_VALUE, 0 };

	for (unsigned int i = 0; i < sizeof(may_be) / sizeof(may_be[0]); i++) {
		if (!content_is(plot_at(plot, page), may_be[i]))
			continue;
		carried += !i;
		model->value = may_be[i];
		/* Only what was there before may still go. */
		model->lazy &= i == 1;
		return;
	}
	FAIL("%s: the device has written something else to page %#llx: %#llx", plot->name,
	     (unsigned long long)page, *(unsigned long long *)plot_at(plot, page));
}

static int carry(struct plot *plot, int device, uint64_t from, uint64_t to)
{
	uint64_t source, target;
	int error = take_in_own(device) ?: reach(device, plot_at(plot, from), &source);

	if (error)
		return error;
	/* Where it may have become zero, see what it is. */
	plot_check_range(plot, (struct plot_range) { from, 1 });
	edu_load(&edu, source, PAGE);
	error = reach(device, plot_at(plot, to), &target);
	if (error)
		return error;
	edu_store(&edu, target, PAGE);
	tried++;
	judge(plot, to, plot->pages[from].value);
	return 0;
}

int plot_carry_by_device(struct plot *plot, struct plot_range range)
{
	uint64_t from = range.first, to = range.first + range.pages - 1;
	struct vmirror_device_create args;
	int error, device;

	if (!there || !plot->pages[from].mapped || !plot->pages[from].writable ||
	    !plot->pages[to].mapped || !plot->pages[to].writable)
		return ENODEV;
	if (pthread_mutex_trylock(&device_lock))
		return EBUSY;
	args = dma_create_args(&edu);
	device = ioctl(torture_vm(), VMIRROR_DEVICE_CREATE, &args);
	error = device < 0 ? errno : carry(plot, device, from, to);
	if (device >= 0)
		CHECK(close(device) == 0);
	pthread_mutex_unlock(&device_lock);
	return error;
}
