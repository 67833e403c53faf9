// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * torture-plot.c - memory that one thread owns, and what each page of it must hold
 *
 * Only the owner changes content and mappings, so it knows at any time what must be there;
 * where the pages are is everybody's game.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "torture.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)
#define BLOCK_PAGES (2 * MiB / PAGE)

/* A few pages, a stretch, or whole blocks. */
static struct plot_range some_range(struct plot *plot)
{
	struct random *r = &plot->random;
	struct plot_range range;

	switch (random_below(r, 4)) {
	case 0:
		range.first = random_below(r, PLOT_PAGES / BLOCK_PAGES) * BLOCK_PAGES;
		range.pages = (random_below(r, 2) + 1) * BLOCK_PAGES;
		break;
	case 1:
		range.first = random_below(r, PLOT_PAGES);
		range.pages = random_below(r, BLOCK_PAGES) + 1;
		break;
	default:
		range.first = random_below(r, PLOT_PAGES);
		range.pages = random_below(r, 8) + 1;
		break;
	}
	if (range.pages > PLOT_PAGES - range.first)
		range.pages = PLOT_PAGES - range.first;
	return range;
}

/* --- mappings ----------------------------------------------------------------------- */

/* All that is mapped in the range holds zero now. */
static void forget(struct plot *plot, struct plot_range range)
{
	for (uint64_t page = range.first; page < range.first + range.pages; page++) {
		plot->pages[page].value = 0;
		plot->pages[page].lazy = false;
	}
}

static int map_anew(struct plot *plot, struct plot_range range)
{
	void *wanted = plot_at(plot, range.first);

	CHECK(mmap(wanted, range.pages * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == wanted);
	for (uint64_t page = range.first; page < range.first + range.pages; page++)
		plot->pages[page] = (struct plot_page) { .mapped = true, .writable = true };
	return 0;
}

static int unmap(struct plot *plot, struct plot_range range)
{
	CHECK(munmap(plot_at(plot, range.first), range.pages * PAGE) == 0);
	for (uint64_t page = range.first; page < range.first + range.pages; page++)
		plot->pages[page] = (struct plot_page) { 0 };
	return 0;
}

bool plot_next_run(struct plot *plot, struct plot_range *range, struct plot_range *run)
{
	while (range->pages && !plot->pages[range->first].mapped) {
		range->first++;
		range->pages--;
	}
	*run = (struct plot_range) { .first = range->first };
	while (range->pages && plot->pages[range->first].mapped) {
		range->first++;
		range->pages--;
		run->pages++;
	}
	return run->pages;
}

static int protect(struct plot *plot, struct plot_range range)
{
	bool writable = !one_in(&plot->random, 3);
	struct plot_range run;

	while (plot_next_run(plot, &range, &run)) {
		CHECK(mprotect(plot_at(plot, run.first), run.pages * PAGE,
			       writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0);
		for (uint64_t page = run.first; page < run.first + run.pages; page++)
			plot->pages[page].writable = writable;
	}
	return 0;
}

static bool is_mapped(struct plot *plot, uint64_t page)
{
	unsigned char there;

	return mincore(plot_at(plot, page), PAGE, &there) == 0;
}

/*
 * Move a range to another place in the plot.  The kernel may do a part of it and then refuse
 * to go on; what was moved it tells nobody, but it can be seen.
 */
static int move(struct plot *plot, struct plot_range from)
{
	struct plot_range to = some_range(plot);
	int error;

	if (from.pages > BLOCK_PAGES)
		from.pages = BLOCK_PAGES;
	if (one_in(&plot->random, 2))		/* whole page tables can move only so */
		to.first = (to.first & ~(BLOCK_PAGES - 1)) | (from.first & (BLOCK_PAGES - 1));
	if (to.first + from.pages > PLOT_PAGES || (to.first < from.first + from.pages &&
	    from.first < to.first + from.pages))
		return ERANGE;
	errno = 0;
	(void)!mremap(plot_at(plot, from.first), from.pages * PAGE, from.pages * PAGE,
		      MREMAP_MAYMOVE | MREMAP_FIXED, plot_at(plot, to.first));
	error = errno;
	for (uint64_t i = 0; i < from.pages; i++) {
		struct plot_page *old = &plot->pages[from.first + i];
		struct plot_page *new = &plot->pages[to.first + i];
		bool moved = old->mapped && !is_mapped(plot, from.first + i);

		if (moved) {
			CHECK(is_mapped(plot, to.first + i));
			*new = *old;
			*old = (struct plot_page) { 0 };
		} else if (new->mapped && !is_mapped(plot, to.first + i)) {
			*new = (struct plot_page) { 0 };
		}
	}
	return error;
}

/* --- advice -------------------------------------------------------------------------- */

static int advise(struct plot *plot, struct plot_range range, int advice)
{
	return madvise(plot_at(plot, range.first), range.pages * PAGE, advice) ? errno : 0;
}

/* Also what is locked: else it would stop there, and who could tell how far it came? */
static int discard(struct plot *plot, struct plot_range range)
{
	forget(plot, range);
	return advise(plot, range, MADV_DONTNEED_LOCKED);
}

static int discard_later(struct plot *plot, struct plot_range range)
{
	for (uint64_t page = range.first; page < range.first + range.pages; page++)
		plot->pages[page].lazy |= plot->pages[page].mapped;
	return advise(plot, range, MADV_FREE);
}

static int hint(struct plot *plot, struct plot_range range)
{
	static const int hints[] = {
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ,
		MADV_POPULATE_WRITE, MADV_WILLNEED,
	};

	return advise(plot, range, ONE_OF(&plot->random, hints));
}

static int collapse(struct plot *plot, struct plot_range range)
{
	range.first &= ~(BLOCK_PAGES - 1);
	range.pages = BLOCK_PAGES;
	if (one_in(&plot->random, 2))
		advise(plot, range, MADV_HUGEPAGE);
	return advise(plot, range, MADV_COLLAPSE);
}

static int lock(struct plot *plot, struct plot_range range)
{
	int error = mlock(plot_at(plot, range.first), range.pages * PAGE) ? errno : 0;

	/* Mostly let go at once: what is locked cannot go out. */
	if (!one_in(&plot->random, 8))
		munlockall();
	return error;
}

/* --- where the pages are -------------------------------------------------------------- */

int plot_done_or_why_not(int ret)
{
	if (!ret)
		return 0;
	if (errno != EBADF && errno != ENOTTY && errno != EINTR && errno != ENOMEM)
		FAIL("an ioctl says %s", strerror(errno));
	return errno;
}

/* @moved: how many pages did */
static int send(struct plot *plot, struct plot_range range, uint32_t flags, uint64_t *moved)
{
	struct vmirror_migrate args = {
		.size = sizeof(args),
		.flags = flags,
		.pool_fd = torture_pool(&plot->random),
		.gpa = (uintptr_t)plot_at(plot, range.first),
		.length = range.pages * PAGE,
	};
	int error = plot_done_or_why_not(ioctl(torture_vm(), VMIRROR_MIGRATE, &args));

	if (error)
		return error;
	CHECK(all_moved(&args.moved) == args.moved.done_bytes / PAGE);
	*moved += args.moved.moved_pages;
	return 0;
}

static int out(struct plot *plot, struct plot_range range)
{
	return send(plot, range, one_in(&plot->random, 2) ? VMIRROR_MIGRATE_POPULATE : 0,
		    &plot->counts.moved_pages);
}

/* Also what is in the other pool. */
static int to_peer(struct plot *plot, struct plot_range range)
{
	return send(plot, range, VMIRROR_MIGRATE_PEERS, &plot->counts.peer_pages);
}

static int back(struct plot *plot, struct plot_range range)
{
	struct vmirror_recall args = {
		.size = sizeof(args),
		.gpa = (uintptr_t)plot_at(plot, range.first),
		.length = range.pages * PAGE,
	};
	int error = plot_done_or_why_not(ioctl(torture_vm(), VMIRROR_RECALL, &args));

	if (error)
		return error;
	CHECK(all_moved(&args.moved) == args.moved.done_bytes / PAGE);
	return 0;
}

/* Part of a pool, whosever pages are in it. */
static int evict(struct plot *plot, struct plot_range range)
{
	uint64_t units = TORTURE_POOL_BYTES / VMIRROR_POOL_SIZE_UNIT;
	uint64_t first = random_below(&plot->random, units);
	struct vmirror_pool_evict args = {
		.size = sizeof(args),
		.offset = first * VMIRROR_POOL_SIZE_UNIT,
		.length = (1 + random_below(&plot->random, units - first)) * VMIRROR_POOL_SIZE_UNIT,
		.idle_ns = one_in(&plot->random, 2) ? random_below(&plot->random, 100) * 1000000 : 0,
	};
	int error = plot_done_or_why_not(ioctl(torture_pool(&plot->random), VMIRROR_POOL_EVICT, &args));

	(void)range;
	if (error)
		return error;
	CHECK(args.left_pages <= args.length / PAGE);
	plot->counts.evicted_pages += args.moved_pages;
	return 0;
}

/* --- fork ----------------------------------------------------------------------------- */

/*
 * Both write: nobody sees what the other wrote.  The child has all fds too, so what the others close
 * meanwhile ends only when it does.
 */
static int fork_off(struct plot *plot, struct plot_range range)
{
	uint64_t patience = random_below(&plot->random, 30000);
	struct plot_range other = some_range(plot);
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		plot_check_range(plot, range);
		plot->last_value += 1u << 30;
		plot_write_new(plot, range);
		usleep(patience);
		plot_check_range(plot, range);
		plot_check_range(plot, other);
		_exit(0);
	}
	plot_write_new(plot, other);
	plot_check_range(plot, range);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		FAIL("%s: the child ended with %#x", plot->name, status);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	unsigned int weight;
	int (*run)(struct plot *plot, struct plot_range range);
} deeds[] = {
	{ "out", 30, out },
	{ "to a peer", 6, to_peer },
	{ "back", 8, back },
	{ "evict", 2, evict },
	{ "check", 14, plot_check_range },
	{ "check through gup", 8, plot_check_through_gup },
	{ "write", 14, plot_write_new },
	{ "map anew", 6, map_anew },
	{ "unmap", 3, unmap },
	{ "mremap", 4, move },
	{ "mprotect", 4, protect },
	{ "hide", 2, plot_hide },
	{ "discard", 5, discard },
	{ "MADV_FREE", 2, discard_later },
	{ "hint", 6, hint },
	{ "collapse", 4, collapse },
	{ "mlock", 2, lock },
	{ "fork", 2, fork_off },
	{ "read by device", 4, plot_read_by_device },
	{ "write by device", 4, plot_write_by_device },
	{ "exclusive", 3, plot_take_from_cpus },
	{ "carry", 2, plot_carry_by_device },
};

void plot_deed(struct plot *plot)
{
	struct plot_range range = some_range(plot);
	unsigned int sum = 0, which;

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		sum += deeds[i].weight;
	which = random_below(&plot->random, sum);
	for (size_t i = 0; ; i++) {
		if (which < deeds[i].weight) {
			diary_begin(&plot->diary, deeds[i].name, range.first, range.pages);
			diary_end(&plot->diary, deeds[i].run(plot, range));
			break;
		}
		which -= deeds[i].weight;
	}
	plot->counts.deeds++;
}

void plot_check(struct plot *plot)
{
	plot_check_range(plot, (struct plot_range) { .pages = PLOT_PAGES });
}

void plot_open(struct plot *plot, unsigned int number, uint64_t seed)
{
	plot->memory = map_anonymous(PLOT_LENGTH, false);
	plot->buffer = map_anonymous(PLOT_BUFFER, false);
	plot->random = random_of(seed, number);
	plot->last_value = number << 28;
	snprintf(plot->name, sizeof(plot->name), "plot %u", number);
	diary_open(&plot->diary, plot->name);
	map_anew(plot, (struct plot_range) { .pages = PLOT_PAGES });
}
