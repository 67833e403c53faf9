// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * failing.c - an engine that fails a copy, at any call of any operation
 *
 * Whatever fails, every page is valid in one place, and the numbers add up.  A CPU gets a SIGBUS
 * for the page that cannot be read, and for no other; and once the engine works again it gets
 * the page.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>

#include <sys/mman.h>

#include "failing.h"

/* How often something is asked for that the kernel may refuse for a moment. */
#define TRIES 500

#define PARAMETERS "/sys/module/failing_engine/parameters/"

const struct layout layouts[] = {
	{ "4 KiB", 0, 24, false },
	{ "2 MiB", BLOCK_PAGES, 0, false },
	{ "both", BLOCK_PAGES, 24, false },
	{ "coherent", 0, 24, true },
};
const int nr_layouts = sizeof(layouts) / sizeof(layouts[0]);
const struct layout small_pages = { "4 KiB", 0, 16, false };
const struct layout huge_page = { "2 MiB", BLOCK_PAGES, 0, false };

/* --- the engine -------------------------------------------------------------- */

static void put(const char *parameter, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", parameter);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		FAIL("%s: '%s': %s", path, text, strerror(errno));
	close(fd);
}

void arm(const char *op, uint64_t nth, uint64_t times)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %llu %llu", op, (unsigned long long)nth,
		 (unsigned long long)times);
	put("arm", text);
}

uint64_t heal(void)
{
	char text[32] = "";
	int fd = open(PARAMETERS "failed", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	arm("none", 0, 0);
	return strtoull(text, NULL, 10);
}

void break_offset(uint64_t offset)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)offset);
	put("bad_offset", text);
}

/* --- the memory -------------------------------------------------------------- */

int world_pool(struct failing_world *w)
{
	return w->layout->coherent ? pool_create_coherent(&w->t, "failing", w->length) :
				     pool_create(&w->t, "failing", w->length);
}

static void begin(struct failing_world *w, const struct layout *layout)
{
	uint64_t huge_bytes = layout->huge_pages * VMIRROR_PAGE_SIZE;

	*w = (struct failing_world) {
		.t = process_self(),
		.layout = layout,
		.pages = layout->huge_pages + layout->small_pages,
		.peer = -1,
	};
	w->length = w->pages * VMIRROR_PAGE_SIZE;
	w->memory = map_anonymous(w->length, false);
	if (huge_bytes)
		CHECK(madvise(w->memory, huge_bytes, MADV_HUGEPAGE) == 0);
	w->vm = vm_attach(&w->t, "failing", 0);
	w->pool = world_pool(w);
}

/* How much of it is mapped by 2 MiB entries, in RAM? */
static uint64_t huge_pages(struct failing_world *w)
{
	static struct vmirror_extent extents[BLOCK_PAGES * 2];
	struct vmirror_snapshot args = {
		.size = sizeof(args),
		.gpa = (uintptr_t)w->memory,
		.length = w->length,
		.extents = (uintptr_t)extents,
		.nr_extents = BLOCK_PAGES * 2,
	};
	uint64_t pages = 0;

	CHECK(ioctl(w->vm, VMIRROR_SNAPSHOT, &args) == 0 && args.done_bytes == w->length);
	for (unsigned int i = 0; i < args.nr_extents; i++)
		if (extents[i].state == VMIRROR_STATE_RAM && extents[i].order)
			pages += extents[i].pages;
	return pages;
}

/* A host that is short of huge pages had none at hand, and has to make one. */
static void make_huge(struct failing_world *w)
{
	uint64_t bytes = w->layout->huge_pages * VMIRROR_PAGE_SIZE;

	for (int tries = 0; huge_pages(w) < w->layout->huge_pages; tries++) {
		if (tries == TRIES)
			FAIL("%s: the host has no huge page to give: %s", w->layout->name,
			     strerror(errno));
		if (madvise(w->memory, bytes, MADV_COLLAPSE))
			usleep(10000);
	}
}

void world_begin(struct failing_world *w, const struct layout *layout)
{
	begin(w, layout);
	world_write(w, 1000);
	make_huge(w);
}

void world_begin_untouched(struct failing_world *w, const struct layout *layout)
{
	begin(w, layout);
}

void world_end(struct failing_world *w)
{
	struct vmirror_moved moved;
	struct vmirror_vm_stat vs;

	recall(w->vm, (uintptr_t)w->memory, w->length, &moved);
	world_check(w);
	expect_out(w, 0);
	vm_stat(w->vm, &vs);
	CHECK(vs.moved_out == vs.back_fault + vs.back_recall && !vs.dropped);
	close(w->vm);
	close(w->pool);
	if (w->peer >= 0)
		close(w->peer);
	close(w->t.sys);
	munmap(w->memory, w->length);
}

char *world_at(struct failing_world *w, uint64_t page)
{
	return w->memory + page * VMIRROR_PAGE_SIZE;
}

uint64_t page_tag(const struct failing_world *w, uint64_t page)
{
	return w->tag ? w->tag + page : 0;
}

void world_check(struct failing_world *w)
{
	for (uint64_t page = 0; page < w->pages; page++)
		if (!page_holds(world_at(w, page), page_tag(w, page)))
			FAIL("%s: page %llu is not what it was: it begins with %#llx",
			     w->layout->name, (unsigned long long)page,
			     *(volatile unsigned long long *)world_at(w, page));
}

void world_write(struct failing_world *w, uint64_t tag)
{
	w->tag = tag;
	for (uint64_t page = 0; page < w->pages; page++)
		page_write(world_at(w, page), page_tag(w, page));
}

void world_try(struct failing_world *w, int pool, uint32_t flags, struct vmirror_moved *moved)
{
	migrate_with(w->vm, pool, (uintptr_t)w->memory, w->length, flags, moved);
}

uint64_t held_pages(const struct vmirror_moved *moved)
{
	return moved->skipped_pages[VMIRROR_SKIP_BUSY] + moved->skipped_pages[VMIRROR_SKIP_ABSENT];
}

void world_migrate(struct failing_world *w, int pool, uint32_t flags, struct vmirror_moved *moved)
{
	uint64_t pages = 0, huge = 0;

	for (int tries = 0; tries < TRIES; tries++) {
		world_try(w, pool, flags, moved);
		pages += moved->moved_pages;
		huge += moved->moved_huge;
		if (!held_pages(moved)) {
			moved->moved_pages = pages;
			moved->moved_huge = huge;
			return;
		}
		usleep(10000);
	}
	FAIL("%s: %llu pages are held all the time", w->layout->name,
	     (unsigned long long)held_pages(moved));
}

void world_out(struct failing_world *w)
{
	struct vmirror_moved moved;

	make_huge(w);
	world_migrate(w, w->pool, 0, &moved);
	expect_out(w, w->pages);
}

static uint64_t used_pages(int pool)
{
	struct vmirror_pool_stat ps;

	pool_stat(pool, &ps);
	return ps.used_bytes / VMIRROR_PAGE_SIZE;
}

void expect_used(int pool, uint64_t pages)
{
	CHECK(used_pages(pool) == pages);
}

void expect_out(struct failing_world *w, uint64_t pages)
{
	uint64_t used = used_pages(w->pool) + (w->peer < 0 ? 0 : used_pages(w->peer));
	uint64_t mapped = pages_in_state(w->vm, (uintptr_t)w->memory, w->length,
					 VMIRROR_STATE_POOL);
	struct vmirror_vm_stat vs;

	vm_stat(w->vm, &vs);
	if (vs.out_pages != pages || mapped != pages || used != pages)
		FAIL("%s: %llu pages should be out; %llu are, %llu are mapped, %llu in the pools",
		     w->layout->name, (unsigned long long)pages, (unsigned long long)vs.out_pages,
		     (unsigned long long)mapped, (unsigned long long)used);
}

uint64_t pool_offset_of(struct failing_world *w, uint64_t page)
{
	struct vmirror_extent extent = { 0 };
	struct vmirror_snapshot args = {
		.size = sizeof(args),
		.gpa = (uintptr_t)world_at(w, page),
		.length = VMIRROR_PAGE_SIZE,
		.extents = (uintptr_t)&extent,
		.nr_extents = 1,
	};

	CHECK(ioctl(w->vm, VMIRROR_SNAPSHOT, &args) == 0 && args.nr_extents == 1);
	CHECK(extent.state == VMIRROR_STATE_POOL);
	return extent.pool_offset;
}

/* --- the CPU ----------------------------------------------------------------- */

static sigjmp_buf after_sigbus;
static void *volatile sigbus_at;

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	sigbus_at = info->si_addr;
	siglongjmp(after_sigbus, 1);
}

bool can_read(struct failing_world *w, uint64_t page)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO }, before;
	volatile char *at = world_at(w, page);
	volatile bool could = false;

	CHECK(sigaction(SIGBUS, &action, &before) == 0);
	if (!sigsetjmp(after_sigbus, 1)) {
		(void)*at;
		could = true;
	}
	CHECK(sigaction(SIGBUS, &before, NULL) == 0);
	CHECK(could || sigbus_at == (void *)at);
	return could;
}

void case_failing_engine(struct target *t)
{
	static const struct {
		const char *what;
		void (*run)(void);
	} parts[] = {
		{ "out, and made there", failing_out },
		{ "from pool to pool", failing_peers },
		{ "recalled", failing_home },
		{ "touched", failing_faults },
		{ "detach, and the end of a pool", failing_ends },
		{ "a software device", failing_device },
	};

	(void)t;
	heal();
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t start = now_ms();

		parts[i].run();
		printf("  %s: %llu ms\n", parts[i].what, (unsigned long long)(now_ms() - start));
	}
}
