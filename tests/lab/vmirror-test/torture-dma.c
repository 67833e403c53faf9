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

/* No page of a plot holds these. */
#define OWN_VALUE UINT32_MAX
#define NOT_SEEN (UINT32_MAX - 1)

/* From so many tries on, one must have come off: most are spoilt by what moves the pages meanwhile. */
#define ENOUGH 50

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;
static struct edu edu;
static bool there;
static char *scratch;		/* two pages that are in no plot */
static uint64_t tried, taken, carried;

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
	if (!there) {
		printf("  no PCI device here that could carry pages\n");
		return;
	}
	printf("  a PCI device: %llu tries to carry a page, %llu times it was read, %llu times carried\n",
	       (unsigned long long)tried, (unsigned long long)taken, (unsigned long long)carried);
	edu_unmap(&edu);
	edu_bind(&edu, NULL);
	if (tried >= ENOUGH && !carried)
		FAIL("none of %llu pages was carried, %llu were read", (unsigned long long)tried,
		     (unsigned long long)taken);
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

/*
 * What has the device read?  The page, which holds @value; or nothing: then it has what it had
 * before, or, where the bus says so for memory that is out of reach, zero.
 */
static int see_taken(int device, uint32_t value, uint32_t *got)
{
	const uint32_t may_be[] = { value, OWN_VALUE, 0 };
	uint64_t address;
	int error;

	for (int tries = 0; tries < 10; tries++) {
		content_write(scratch + PAGE, NOT_SEEN);
		error = reach(device, scratch + PAGE, &address);
		if (error)
			return error;
		edu_store(&edu, address, PAGE);
		if (content_is(scratch + PAGE, NOT_SEEN))
			continue;
		for (unsigned int i = 0; i < sizeof(may_be) / sizeof(may_be[0]); i++) {
			*got = may_be[i];
			if (content_is(scratch + PAGE, *got))
				return 0;
		}
		FAIL("the device has read %#llx, of a page that holds number %u",
		     *(unsigned long long *)(scratch + PAGE), value);
	}
	return EBUSY;
}

/* The device had @got when it wrote: the page holds that now, or what it held right before. */
static void judge(struct plot *plot, uint64_t page, uint32_t got)
{
	struct plot_page *model = &plot->pages[page];

	if (content_is(plot_at(plot, page), model->value))
		return;
	if (content_is(plot_at(plot, page), got)) {
		carried += got && got != OWN_VALUE;
		model->value = got;
		model->lazy = false;		/* only what was there before may still go */
		return;
	}
	if (model->lazy && content_is(plot_at(plot, page), 0)) {
		model->value = 0;
		return;
	}
	FAIL("%s: page %#llx begins with %#llx; it held number %u, and the device has written %u or nothing",
	     plot->name, (unsigned long long)page, *(unsigned long long *)plot_at(plot, page),
	     model->value, got);
}

static int carry(struct plot *plot, int device, uint64_t from, uint64_t to)
{
	uint64_t source, target;
	uint32_t got;
	int error;

	/* Often there is nothing but zero. */
	if (one_in(&plot->random, 2))
		plot_write_new(plot, (struct plot_range) { from, 1 });
	error = take_in_own(device) ?: reach(device, plot_at(plot, from), &source);
	if (error)
		return error;
	/* Where it may have become zero, see what it is. */
	plot_check_range(plot, (struct plot_range) { from, 1 });
	edu_load(&edu, source, PAGE);
	error = see_taken(device, plot->pages[from].value, &got) ?:
		reach(device, plot_at(plot, to), &target);
	if (error)
		return error;
	tried++;
	taken += got && got != OWN_VALUE;
	plot_check_range(plot, (struct plot_range) { to, 1 });
	edu_store(&edu, target, PAGE);
	judge(plot, to, got);
	return 0;
}

/*
 * A child that another plot forks meanwhile has the device's fd, too: then the device goes when the
 * child does.  The next one may be refused until then (EBUSY), if it is for another mirror.
 */
int plot_carry_by_device(struct plot *plot, struct plot_range range)
{
	uint64_t from = range.first, to = range.first + range.pages - 1;
	struct vmirror_device_create args;
	int error, device;

	if (to == from)
		to = (from + 1 + random_below(&plot->random, PLOT_PAGES - 1)) % PLOT_PAGES;
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
