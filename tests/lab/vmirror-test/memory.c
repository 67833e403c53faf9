// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory.c - the VMM does to its memory what VMMs do, while pages are out: discard, unmap,
 * move, protect, fork, change of slots; and events tell it
 */
#include <poll.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "selfvm.h"

#define LENGTH (8 * MiB)
#define PAGES (LENGTH / VMIRROR_PAGE_SIZE)
#define RING_RECORDS 4096
#define RING_BYTES (4096 + RING_RECORDS * sizeof(struct vmirror_record))

struct place {
	struct selfvm self;
	int vm, pool;
	char *memory;
	uint64_t gpa;
	struct vmirror_ring *ring;
};

static void open_place(struct place *p, bool huge)
{
	struct vmirror_moved moved;

	selfvm_create(&p->self);
	p->memory = map_anonymous(LENGTH, huge);
	fill_pattern(p->memory, LENGTH, 1);
	p->gpa = selfvm_add_slot(&p->self, p->memory, LENGTH);
	p->vm = vm_attach(&p->self.t, "memory", RING_RECORDS);
	p->pool = pool_create(&p->self.t, "memory", LENGTH);
	p->ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->vm, 0);
	CHECK(p->ring != MAP_FAILED);
	migrate(p->vm, p->pool, p->gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES);
	CHECK(moved.moved_huge == (huge ? LENGTH / (2 * MiB) : 0));
	p->ring->tail = p->ring->head;
}

/* A mapping of the ring holds the attachment just as the fd does. */
static void close_vm(struct place *p)
{
	if (p->ring)
		munmap(p->ring, RING_BYTES);
	p->ring = NULL;
	close(p->vm);
}

/* Everything home; what came and what was dropped must add up. */
static void close_place(struct place *p, uint64_t dropped)
{
	struct vmirror_pool_stat ps;
	struct vmirror_vm_stat vs;
	struct vmirror_moved moved;

	recall(p->vm, p->gpa, LENGTH, &moved);
	check_none_out(p->vm);
	vm_stat(p->vm, &vs);
	CHECK(vs.out_pages == 0);
	CHECK(vs.dropped == dropped);
	pool_stat(p->pool, &ps);
	CHECK(ps.used_bytes == 0);
	close_vm(p);
	close(p->pool);
	selfvm_destroy(&p->self);
	munmap(p->memory, LENGTH);
}

/* The next INVALIDATE must be this one. */
static void expect_event(struct place *p, uint32_t reason, uint64_t offset, uint64_t pages)
{
	struct vmirror_record *records = (void *)((char *)p->ring + p->ring->record_offset);

	for (; p->ring->tail != p->ring->head; p->ring->tail++) {
		struct vmirror_record *r = &records[p->ring->tail & (p->ring->records - 1)];

		if (r->type != VMIRROR_EVENT_INVALIDATE || r->reason != reason)
			continue;
		if (r->gpa != p->gpa + offset || r->pages != pages)
			FAIL("event at %#llx, %llu pages; expected %#llx, %llu",
			     (unsigned long long)r->gpa, (unsigned long long)r->pages,
			     (unsigned long long)(p->gpa + offset), (unsigned long long)pages);
		p->ring->tail++;
		return;
	}
	FAIL("no event with reason %u", reason);
}

static uint64_t out_pages(struct place *p)
{
	return pages_in_state(p->vm, p->gpa, LENGTH, VMIRROR_STATE_POOL);
}

/* As the balloon does. */
static void discard(bool huge)
{
	struct place p;

	open_place(&p, huge);
	CHECK(madvise(p.memory + MiB, MiB, MADV_DONTNEED) == 0);
	expect_event(&p, VMIRROR_REASON_CLEAR, MiB, MiB / 4096);
	CHECK(out_pages(&p) == PAGES - MiB / 4096);
	for (uint64_t i = MiB; i < 2 * MiB; i += 4096)
		CHECK(p.memory[i] == 0);
	check_pattern(p.memory, MiB, 1);
	fill_pattern(p.memory, LENGTH, 2);
	close_place(&p, MiB / 4096);
}

static void unmap(bool huge)
{
	struct place p;

	open_place(&p, huge);
	CHECK(munmap(p.memory + MiB, 4 * MiB) == 0);
	expect_event(&p, VMIRROR_REASON_UNMAP, MiB, 4 * MiB / 4096);
	CHECK(out_pages(&p) == PAGES - 4 * MiB / 4096);
	check_pattern(p.memory, MiB, 1);
	close_place(&p, 4 * MiB / 4096);
}

/* Memory that moved away in the VMM is out of the slot, but its pages still come home. */
static void remap(bool huge)
{
	char *target = map_anonymous(LENGTH, false), *moved;
	struct vmirror_vm_stat vs;
	struct place p;

	open_place(&p, huge);
	moved = mremap(p.memory, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, target);
	CHECK(moved == target);
	expect_event(&p, VMIRROR_REASON_UNMAP, 0, PAGES);
	CHECK(out_pages(&p) == 0);
	vm_stat(p.vm, &vs);
	CHECK(vs.out_pages == PAGES);
	check_pattern(moved, LENGTH / 2, 1);
	close_vm(&p);			/* the other half: by device page */
	check_pattern(moved, LENGTH, 1);
	p.memory = moved;
	p.vm = vm_attach(&p.self.t, "memory", 0);
	close_place(&p, 0);
}

static void protect(bool huge)
{
	struct place p;

	open_place(&p, huge);
	CHECK(mprotect(p.memory, LENGTH, PROT_READ) == 0);
	expect_event(&p, VMIRROR_REASON_PROTECT, 0, PAGES);
	CHECK(out_pages(&p) == PAGES);
	check_pattern(p.memory, LENGTH, 1);
	CHECK(mprotect(p.memory, LENGTH, PROT_READ | PROT_WRITE) == 0);
	fill_pattern(p.memory, LENGTH, 2);
	check_pattern(p.memory, LENGTH, 2);
	close_place(&p, 0);
}

/* A child shares the pages that are out; each has its own after a write. */
static void copy_on_write(bool huge)
{
	struct place p;
	pid_t pid;
	int status;

	open_place(&p, huge);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		check_pattern(p.memory, LENGTH, 1);
		fill_pattern(p.memory, LENGTH, 7);
		check_pattern(p.memory, LENGTH, 7);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	check_pattern(p.memory, LENGTH, 1);
	fill_pattern(p.memory, LENGTH, 2);
	check_pattern(p.memory, LENGTH, 2);
	close_place(&p, 0);
}

/* Some pages come home, the rest stays; then all go out again. */
static void partial(bool huge)
{
	struct vmirror_moved moved;
	struct place p;

	open_place(&p, huge);
	recall(p.vm, p.gpa + MiB, MiB, &moved);
	CHECK(moved.moved_pages == MiB / 4096);
	CHECK(out_pages(&p) == PAGES - MiB / 4096);
	check_pattern(p.memory + MiB / 2, 0, 1);
	migrate(p.vm, p.pool, p.gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == MiB / 4096);
	CHECK(moved.skipped_pages[VMIRROR_SKIP_ALREADY_OUT] == PAGES - MiB / 4096);
	check_pattern(p.memory, LENGTH, 1);
	close_place(&p, 0);
}

static struct vmirror_extent first_extent(struct place *p, uint64_t offset)
{
	struct vmirror_extent extent = { 0 };
	struct vmirror_snapshot args = {
		.size = sizeof(args),
		.gpa = p->gpa + offset,
		.length = LENGTH - offset,
		.extents = (uintptr_t)&extent,
		.nr_extents = 1,
	};

	CHECK(ioctl(p->vm, VMIRROR_SNAPSHOT, &args) == 0 && args.nr_extents == 1);
	CHECK(extent.gpa == p->gpa + offset && extent.state == VMIRROR_STATE_POOL);
	return extent;
}

/* A snapshot that begins inside a folio still tells each page's own place in the pool. */
static void offsets(bool huge)
{
	struct place p;
	uint64_t whole, inside;

	open_place(&p, huge);
	whole = first_extent(&p, 0).pool_offset;
	inside = first_extent(&p, 5 * VMIRROR_PAGE_SIZE).pool_offset;
	CHECK(inside == whole + 5 * VMIRROR_PAGE_SIZE);
	close_place(&p, 0);
}

static void slots_change(void)
{
	struct vmirror_moved moved;
	struct vmirror_migrate gone;
	char *more = map_anonymous(LENGTH, false);
	struct vmirror_vm_stat vs;
	struct place p;
	uint64_t gpa;

	open_place(&p, false);
	fill_pattern(more, LENGTH, 9);
	gpa = selfvm_add_slot(&p.self, more, LENGTH);
	recall(p.vm, p.gpa, LENGTH, &moved);
	migrate(p.vm, p.pool, gpa, LENGTH, &moved);
	CHECK(moved.moved_pages == PAGES);
	selfvm_remove_slot(&p.self, 1);
	gone = (struct vmirror_migrate) {
		.size = sizeof(gone), .pool_fd = p.pool, .gpa = gpa, .length = LENGTH,
	};
	CHECK_ERRNO(ioctl(p.vm, VMIRROR_MIGRATE, &gone), ENXIO);
	vm_stat(p.vm, &vs);
	CHECK(vs.out_pages == PAGES && vs.ram_bytes == LENGTH);
	check_pattern(more, LENGTH, 9);
	close_place(&p, 0);
	munmap(more, LENGTH);
}

void case_memory(struct target *t)
{
	(void)t;
	for (int huge = 0; huge <= 1; huge++) {
		printf("  %s pages\n", huge ? "2 MiB" : "4 KiB");
		fflush(stdout);
		discard(huge);
		unmap(huge);
		remap(huge);
		protect(huge);
		copy_on_write(huge);
		partial(huge);
		offsets(huge);
	}
	slots_change();
}
