// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * khugepaged.c - khugepaged itself, asked by nobody, makes huge pages of what has just come home, and
 * of blocks of which parts are out: these it brings home for that
 */
#include <sys/mman.h>

#include "edu.h"
#include "fire.h"
#include "setting.h"

#define LENGTH (8 * MiB)
#define BLOCKS (LENGTH / BLOCK)
#define KHUGEPAGED "/sys/kernel/mm/transparent_hugepage/khugepaged/"

/* As many of a block's pages khugepaged brings back, from swap or from a device: an eighth. */
#define MAX_OUT 64

static uint64_t collapsed(void)
{
	return number_in(KHUGEPAGED "pages_collapsed", NULL);
}

/* Single pages, and new content; khugepaged has to leave them alone until let_collapse(). */
static void break_up(struct fire *f, uint64_t salt)
{
	CHECK(madvise(f->memory, LENGTH, MADV_NOHUGEPAGE) == 0);
	CHECK(madvise(f->memory, LENGTH, MADV_DONTNEED) == 0);
	fire_write(f, (struct run) { 0, f->pages }, salt);
}

/* How many blocks are mapped as one. */
static unsigned int huge_blocks(struct fire *f)
{
	unsigned int huge = 0;

	for (unsigned int block = 0; block < BLOCKS; block++) {
		struct vmirror_extent extents[2] = { 0 };
		struct vmirror_snapshot args = {
			.size = sizeof(args), .gpa = (uintptr_t)f->memory + block * BLOCK,
			.length = BLOCK, .extents = (uintptr_t)extents, .nr_extents = 2,
		};

		CHECK(ioctl(f->vm, VMIRROR_SNAPSHOT, &args) == 0);
		huge += args.nr_extents == 1 && extents[0].order == 9 &&
			extents[0].state == VMIRROR_STATE_RAM;
	}
	return huge;
}

/* Pages of each block that are out: few, and in several places. */
static bool is_out(uint64_t page)
{
	uint64_t n = page % BLOCK_PAGES;

	return (n >= 40 && n < 80) || n == 3 || n == 300 || n == BLOCK_PAGES - 1;
}

/*
 * It must do all of them, and soon.  No CPU touches what is out; but the rest is in use, or it would
 * not be worth it.
 */
static void let_collapse(struct fire *f, const char *what)
{
	uint64_t before = collapsed(), start = now_ms(), limit = start + edu_limit(60000);

	CHECK(huge_blocks(f) == 0);
	CHECK(madvise(f->memory, LENGTH, MADV_HUGEPAGE) == 0);
	while (huge_blocks(f) < BLOCKS) {
		if (now_ms() > limit)
			FAIL("%s: khugepaged has collapsed %u of %llu blocks", what, huge_blocks(f),
			     (unsigned long long)BLOCKS);
		for (uint64_t page = 0; page < f->pages; page++)
			if (!is_out(page))
				fire_check(f, (struct run) { page, 1 });
		usleep(10000);
	}
	if (collapsed() < before + BLOCKS)
		FAIL("%s: khugepaged says it has collapsed %llu blocks, not %llu", what,
		     (unsigned long long)(collapsed() - before), (unsigned long long)BLOCKS);
	fire_check_all(f);
	check_none_out(f->vm);
	printf("  %s: %llu blocks collapsed by khugepaged after %llu ms\n", what,
	       (unsigned long long)BLOCKS, (unsigned long long)(now_ms() - start));
}

static void come_home(struct fire *f, bool by_recall)
{
	struct vmirror_moved moved;

	break_up(f, by_recall ? 90 : 91);
	all_out(f->vm, f->pool, f->memory, LENGTH);
	CHECK(vm_out_pages(f->vm) == f->pages);
	if (by_recall)
		recall(f->vm, (uintptr_t)f->memory, LENGTH, &moved);
	else
		fire_check_all(f);
	let_collapse(f, by_recall ? "home by RECALL" : "home by touch");
}

static void parts_out(struct fire *f)
{
	struct vmirror_vm_stat before, after;
	uint64_t out = 0;

	break_up(f, 92);
	for (uint64_t page = 0; page < f->pages; page++)
		if (is_out(page)) {
			all_out(f->vm, f->pool, fire_at(f, page), VMIRROR_PAGE_SIZE);
			out++;
		}
	CHECK(out < MAX_OUT * BLOCKS && vm_out_pages(f->vm) == out);
	vm_stat(f->vm, &before);
	let_collapse(f, "parts out");
	vm_stat(f->vm, &after);
	CHECK(after.back_fault == before.back_fault + out && after.back_recall == before.back_recall);
}

void case_khugepaged(struct target *t)
{
	char max_out[16];
	struct fire f;

	(void)t;
	snprintf(max_out, sizeof(max_out), "%d", MAX_OUT);
	set(KHUGEPAGED "max_ptes_swap", max_out);
	make_khugepaged_eager();
	fire_begin(&f, LENGTH, false);
	for (int round = 0; round < 3; round++) {
		come_home(&f, false);
		come_home(&f, true);
		parts_out(&f);
	}
	fire_end(&f);
}
