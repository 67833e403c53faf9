// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dma.c - a real PCI device reads and writes a guest's memory, and only as long as it is the guest's
 *
 * What vmirror gives out is given to the DMA engine of an edu device, which is behind an IOMMU.
 */
#include <fcntl.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "dma.h"
#include "repeat.h"
#include "setting.h"

#define LENGTH DMA_LENGTH
#define PAGES DMA_PAGES
#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

/* What the kernel is moving about just now looks absent. */
static void out(struct dma_place *p, int pool, uint64_t offset, uint64_t length)
{
	place_out(&p->at, pool, offset, length, 1u << VMIRROR_SKIP_BUSY | 1u << VMIRROR_SKIP_ABSENT, 500);
}

static uint64_t *word(struct dma_place *p, uint64_t page)
{
	return (uint64_t *)(p->at.memory + page * PAGE);
}

/* A page that is being moved about is nowhere for a moment. */
static void check_all_resident(struct dma_place *p)
{
	for (int tries = 0; tries < 500; tries++) {
		if (pages_in_state(p->at.vm, p->at.gpa, LENGTH, VMIRROR_STATE_RAM) == PAGES)
			return;
		usleep(10000);
	}
	FAIL("not all pages are in RAM");
}

/* The device takes what one page begins with to another, where there is something else. */
static void carry(struct dma_place *p, uint64_t from, uint64_t to, uint64_t length)
{
	dma_carry(p, p->device, p->at.gpa + from * PAGE, word(p, to), word(p, from), length);
}

/* The device's own memory begins with @value from here on: @page is where that was seen. */
static void take_in(struct dma_place *p, uint64_t from, uint64_t page, uint64_t value)
{
	*word(p, from) = value;
	*word(p, page) = ~value;
	carry(p, from, page, 8);
}

/* The device takes a page, wherever that is, and puts it where nothing was yet. */
static void reaches(struct dma_place *p)
{
	static const uint64_t from[] = { 0, 3, PAGES / 4 + 1, PAGES / 2 - 1 };
	uint64_t again[PAGES];

	fill_pattern(p->at.memory, LENGTH / 2, 1);
	out(p, p->at.pool, LENGTH / 4, LENGTH / 4);
	CHECK(vm_out_pages(p->at.vm) == PAGES / 4);
	dma_map_whole(p);
	check_all_resident(p);
	check_none_out(p->at.vm);
	for (uint64_t i = 0; i < PAGES; i++)
		CHECK(p->addresses[i] % PAGE == 0 && p->addresses[i] >> EDU_DMA_BITS == 0);

	for (unsigned int i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		uint64_t to = PAGES / 2 + from[i];

		CHECK(*word(p, to) == 0);
		carry(p, from[i], to, PAGE);
	}
	check_pattern(p->at.memory, LENGTH / 2, 1);
	/* A part of it again is the same again. */
	dma_map_all(p->device, p->at.gpa + PAGE, LENGTH / 2, again);
	CHECK(!memcmp(again, p->addresses + 1, LENGTH / 2 / PAGE * sizeof(*again)));
	dma_map_whole(p);
}

/* Pages for words that the device brings or takes, in another block than what is taken from it. */
#define SEEN (PAGES - 2)
#define MARK (PAGES - 1)

/*
 * What was at @page is out of the device's reach; @secret is what it must not see.  It sees what
 * it had before, or nothing.  Returns whether it has kept the block where @page is not.
 */
static bool check_lost(struct dma_place *p, uint64_t page, uint64_t secret)
{
	uint64_t before = 0x1111111111111111, left = dma_pages(p->device);

	if (left >= PAGES)
		FAIL("page %llu is gone, and %llu pages are left", (unsigned long long)page,
		     (unsigned long long)left);
	/* The kernel may take SEEN as well, at any time, and what is stored is lost then. */
	*word(p, SEEN) = ~before;
	for (int tries = 0; tries < 10 && *word(p, SEEN) == ~before; tries++) {
		take_in(p, MARK, SEEN, before);
		*word(p, SEEN) = ~before;
		edu_load_refused(p->edu, p->addresses[page]);
		dma_map_all(p->device, p->at.gpa + SEEN * PAGE, PAGE, &p->addresses[SEEN]);
		edu_store(p->edu, p->addresses[SEEN], 8);
	}
	CHECK(*word(p, SEEN) != secret);
	CHECK(*word(p, SEEN) == before || *word(p, SEEN) == 0);
	edu_store_refused(p->edu, p->addresses[page]);
	return left >= PAGES / 2;
}

/* After that the device must reach the page again, at the same address. */
static void check_comes_back(struct dma_place *p, uint64_t page)
{
	uint64_t again, value = 0x2222222222222222 + page;

	dma_map_all(p->device, p->at.gpa + page * PAGE, PAGE, &again);
	CHECK(again == p->addresses[page]);
	*word(p, MARK) = value;
	carry(p, MARK, page, 8);
	*word(p, page) = value + 1;
	carry(p, page, SEEN, 8);
	/* A fault that brings a page home takes the neighbours from the device for a moment. */
	dma_map_whole(p);
	CHECK(again == p->addresses[page]);
}

static void lose_to_pool(struct dma_place *p, uint64_t page)
{
	out(p, p->at.pool, page * PAGE, PAGE);
	CHECK(vm_out_pages(p->at.vm) == 1);
}

static void lose_to_discard(struct dma_place *p, uint64_t page)
{
	CHECK(madvise(word(p, page), PAGE, MADV_DONTNEED) == 0);
}

static void lose_to_protection(struct dma_place *p, uint64_t page)
{
	CHECK(mprotect(word(p, page), PAGE, PROT_READ) == 0);
}

static void regain_access(struct dma_place *p, uint64_t page)
{
	uint64_t address;

	CHECK_ERRNO(dma_map(p->device, p->at.gpa + page * PAGE, PAGE, &address), EPERM);
	CHECK(mprotect(word(p, page), PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void lose_to_unmap(struct dma_place *p, uint64_t page)
{
	uint64_t address;

	CHECK(munmap(word(p, page), PAGE) == 0);
	CHECK_ERRNO(dma_map(p->device, p->at.gpa + page * PAGE, PAGE, &address), EFAULT);
}

static void fill_hole(struct dma_place *p, uint64_t page)
{
	CHECK(mmap(word(p, page), PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == word(p, page));
}

/* Whatever the host does to a page takes it from the device first. */
static void loses(struct dma_place *p)
{
	const struct {
		void (*lose)(struct dma_place *p, uint64_t page);
		void (*regain)(struct dma_place *p, uint64_t page);
		bool keeps;
	} ways[] = {
		{ lose_to_pool, NULL, true },
		{ lose_to_discard, NULL, false },
		{ lose_to_protection, regain_access, true },
		{ lose_to_unmap, fill_hole, false },
	};

	unsigned int kept = 0;

	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		uint64_t page = 5 + i, secret = 0x5ec2e7 + i;

		*word(p, page) = secret;
		dma_map_whole(p);
		ways[i].lose(p, page);
		kept += check_lost(p, page, secret);
		if (ways[i].keeps)
			CHECK(*word(p, page) == secret);
		if (ways[i].regain)
			ways[i].regain(p, page);
		check_comes_back(p, page);
	}
	/*
	 * The kernel may take the whole block, if only to change the protection of a page; of another
	 * one at any time some, but not each time.
	 */
	CHECK(kept > 0);
}

/* A child shares the page: what the device writes from then on is the parent's alone. */
static void forks(struct dma_place *p)
{
	int go[2], status;
	char byte;
	pid_t pid;

	CHECK(pipe(go) == 0);
	*word(p, 2) = 21;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &byte, 1) == 1);
		_exit(*word(p, 2) == 21 ? 0 : 1);
	}
	CHECK(dma_pages(p->device) == 0);
	dma_map_all(p->device, p->at.gpa, LENGTH, p->addresses);
	*word(p, 0) = 22;
	carry(p, 0, 2, 8);
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(go[0]);
	close(go[1]);
}

static unsigned int move_half(void *arg, unsigned int *seed)
{
	struct dma_place *p = arg;
	struct vmirror_moved moved;

	migrate(p->at.vm, p->at.pool, p->at.gpa + LENGTH / 2, LENGTH / 2, &moved);
	/* The engine takes 100 ms to begin. */
	return rand_r(seed) % 250000;
}

/* Half of the memory moves all the time: the device sees what is there, or nothing. */
static void while_it_moves(struct dma_place *p)
{
	const uint64_t own = 0x1111, lost = 0x4444;
	uint64_t end = now_ms() + 4000, address, page = PAGES / 2 + 7, value = 0x3333, hits = 0;
	struct repeat mover = { .turn = move_half, .arg = p, .seed = 1 };

	repeat_start(&mover);
	for (; now_ms() < end || mover.rounds < 3 || !hits; value++) {
		CHECK(now_ms() < end + edu_limit(60000));
		take_in(p, 0, 1, own);
		*word(p, 1) = lost;
		*word(p, page) = value;
		dma_map_all(p->device, p->at.gpa + page * PAGE, PAGE, &address);
		CHECK(address == p->addresses[page]);
		edu_load(p->edu, address, 8);
		dma_map_all(p->device, p->at.gpa + PAGE, PAGE, &p->addresses[1]);
		edu_store(p->edu, p->addresses[1], 8);
		if (*word(p, 1) != value && *word(p, 1) != 0 && *word(p, 1) != own &&
		    *word(p, 1) != lost)
			FAIL("the device has read %#llx", (unsigned long long)*word(p, 1));
		hits += *word(p, 1) == value;
		take_in(p, 0, 1, ~value);
		dma_map_all(p->device, p->at.gpa + page * PAGE, PAGE, &address);
		edu_store(p->edu, address, 8);
		CHECK(*word(p, page) == value || *word(p, page) == ~value);
	}
	repeat_stop(&mover);
	dma_map_all(p->device, p->at.gpa, LENGTH, p->addresses);
	edu_wait_quiet();
}

/* Until the PCI device has written @text to the page at @shared; no CPU does. */
static void write_by_device(struct dma_place *p, char *shared, const char *text)
{
	uint64_t address;

	for (int tries = 0; tries < 100; tries++) {
		dma_map_all(p->device, (uintptr_t)shared, PAGE, &address);
		memcpy(word(p, 0), text, 14);
		dma_map_all(p->device, p->at.gpa, PAGE, p->addresses);
		edu_load(p->edu, p->addresses[0], 16);
		edu_store(p->edu, address, 16);
		if (!memcmp(shared, text, 14))
			return;
	}
	FAIL("the device does not write '%s'", text);
}

/* Memory that cannot move: shared, of a file; what the device writes gets into the file. */
static void unmovable(struct dma_place *p)
{
	char path[] = "/var/tmp/vmirror-test.XXXXXX", got[16];
	int fd = mkstemp(path);
	char *shared;

	CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, PAGE) == 0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(shared != MAP_FAILED);
	write_by_device(p, shared, "by the device");
	CHECK(fsync(fd) == 0);
	dma_map_whole(p);	/* to be written to disk it had to be taken */
	write_by_device(p, shared, "and once more");
	CHECK(munmap(shared, PAGE) == 0);
	dma_map_whole(p);
	CHECK(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	CHECK(pread(fd, got, 14, 0) == 14 && !strcmp(got, "and once more"));
	CHECK(dma_unmap(p->device, (uintptr_t)shared, PAGE, NULL) == 0);
	close(fd);
}

/* In a coherent pool a page is where a PCI device can reach it as well. */
static void in_coherent_pool(struct dma_place *p)
{
	struct vmirror_pool_create args = {
		.size = sizeof(args), .engine = VMIRROR_ENGINE_COHERENT, .bytes = 2 * MiB,
		.base = COHERENT_BASE, .name = "dma-coherent",
	};
	int pool = ioctl(p->at.self.t.sys, VMIRROR_POOL_CREATE, &args);

	CHECK(pool >= 0);
	*word(p, 9) = 99;
	out(p, pool, 9 * PAGE, PAGE);
	CHECK(vm_out_pages(p->at.vm) == 1 && dma_pages(p->device) < PAGES);
	check_comes_back(p, 9);
	CHECK(vm_out_pages(p->at.vm) == 1);
	close(pool);
	check_none_out(p->at.vm);
	check_lost(p, 9, 0x2222222222222222 + 9 + 1);
	check_comes_back(p, 9);
}

/* Two devices, each with its own addresses; what one loses the other keeps, till it is closed. */
static void two_devices(struct dma_place *p)
{
	int other = dma_device_create(p->at.vm, p->edu);
	uint64_t address;

	dma_map_all(other, p->at.gpa + 4 * PAGE, PAGE, &address);
	CHECK(address != p->addresses[4]);
	*word(p, 4) = 44;
	dma_carry(p, other, p->at.gpa + 4 * PAGE, word(p, 1), word(p, 4), 8);
	dma_map_and_unmap(p->device, p->at.gpa, LENGTH, 0, p->addresses);
	CHECK(dma_pages(p->device) == 0);
	for (int tries = 0; dma_pages(other) != 1; tries++) {	/* the kernel may have taken it */
		CHECK(tries < 100);
		dma_map_all(other, p->at.gpa + 4 * PAGE, PAGE, &address);
	}
	edu_load_refused(p->edu, p->addresses[4]);
	edu_load(p->edu, address, 8);
	close(other);
	edu_load_refused(p->edu, address);
	dma_map_whole(p);
}

/* The dead process's memory goes when the last who looked at it is through. */
static void check_memory_is_gone(int device, uint64_t gpa)
{
	uint64_t address, limit = now_ms() + edu_limit(60000);

	while (dma_map(device, gpa, PAGE, &address) >= 0) {
		CHECK(now_ms() < limit);
		usleep(10000);
	}
	CHECK(errno == ESRCH);
	while (dma_pages(device)) {
		CHECK(now_ms() < limit);
		usleep(10000);
	}
}

/*
 * A PCI device works for one VM at a time.  That one is detached, and the device goes on; its VMM is
 * gone, and nothing can be reached.
 */
static void outlives(struct dma_place *p)
{
	struct vmirror_device_create args = dma_create_args(p->edu);
	int ready[2], vm, device;
	uint64_t address;
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(p->device);	/* ours is not to keep it */
		*word(p, 3) = 77;
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	vm = vm_attach(&(struct target) { .pid = pid, .kvm = -1, .sys = p->at.self.t.sys },
		       "child", 0);
	CHECK_ERRNO(ioctl(vm, VMIRROR_DEVICE_CREATE, &args), EBUSY);
	close(p->device);
	device = dma_device_create(vm, p->edu);
	close(vm);
	dma_map_all(device, (uintptr_t)word(p, 3), PAGE, &address);
	edu_load(p->edu, address, 8);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	check_memory_is_gone(device, (uintptr_t)word(p, 3));
	edu_load_refused(p->edu, address);
	close(device);
	close(ready[0]);
	close(ready[1]);

	p->device = dma_device_create(p->at.vm, p->edu);
	dma_map_whole(p);
	take_in(p, 3, 1, 78);
}

/* The VM loses a slot, and the device what it could reach there. */
static void slot_goes(struct dma_place *p)
{
	struct vmirror_slots args = { .size = sizeof(args) };
	uint64_t address, other, pages;

	dma_map_whole_and(p, p->spare_gpa, PAGE, 1, &address);
	CHECK_ERRNO(dma_map(p->device, p->spare_gpa + PAGE, LENGTH, &other), ENXIO);
	selfvm_remove_slot(&p->at.self, 1);
	CHECK(ioctl(p->at.vm, VMIRROR_SLOTS, &args) == 0);
	dma_map_whole(p);
	edu_load_refused(p->edu, address);
	CHECK_ERRNO(dma_map(p->device, p->spare_gpa, PAGE, &other), ENXIO);
	/* Its address is nobody else's until it is unmapped: it goes on to be refused. */
	CHECK(dma_unmap(p->device, p->at.gpa, LENGTH, &pages) == 0);
	dma_map_all(p->device, p->at.gpa, PAGE, &other);
	CHECK(other != address);
	edu_load_refused(p->edu, address);
	CHECK(dma_unmap(p->device, p->spare_gpa, PAGE, &pages) == 0 && pages == 0);
	CHECK_ERRNO(dma_unmap(p->device, p->spare_gpa, PAGE, &pages), ENOENT);
}

void case_dma(struct target *t)
{
	struct dma_place p;
	struct edu edu;

	(void)t;
	/* It would take huge pages' parts from the device whenever it likes. */
	set("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "3600000");
	edu_find(&edu);
	edu_bind(&edu, NULL);
	edu_set(&edu, "iommu_group/type", "auto");	/* should an earlier run have ended in between */
	edu_bind(&edu, "vmirror");
	edu_map(&edu);
	for (int variant = 0; variant < 3; variant++) {
		bool with_kvm = variant == 1;

		dma_open_place(&p, &edu, with_kvm, variant == 2);
		reaches(&p);
		loses(&p);
		while_it_moves(&p);
		if (with_kvm) {
			slot_goes(&p);
		} else {
			forks(&p);
			two_devices(&p);
			unmovable(&p);
			in_coherent_pool(&p);
			outlives(&p);
		}
		if (!variant)
			dma_wrong_use(&p);
		dma_close_place(&p);
		printf("  variant %d: passed\n", variant);
	}
	dma_open_place(&p, &edu, false, false);
	dma_loses_device(&p);
	dma_wrong_devices(&p);
	dma_close_place(&p);
	edu_unmap(&edu);
	edu_bind(&edu, NULL);
}
