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

/* The device takes a page, wherever that is, and puts it where nothing was yet. */
static void reaches(struct dma_place *p)
{
	static const uint64_t from[] = { 0, 3, PAGES / 4 + 1, PAGES / 2 - 1 };
	uint64_t again[PAGES];

	fill_pattern(p->at.memory, LENGTH / 2, 1);
	dma_out(p, p->at.pool, LENGTH / 4, LENGTH / 4);
	CHECK(vm_out_pages(p->at.vm) == PAGES / 4);
	dma_map_whole(p);
	check_all_resident(p);
	check_none_out(p->at.vm);
	for (uint64_t i = 0; i < PAGES; i++)
		CHECK(p->addresses[i] % PAGE == 0 && p->addresses[i] >> EDU_DMA_BITS == 0);

	for (unsigned int i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		uint64_t to = PAGES / 2 + from[i];

		CHECK(*dma_word(p, to) == 0);
		dma_carry_within(p, from[i], to, PAGE);
	}
	check_pattern(p->at.memory, LENGTH / 2, 1);
	/* A part of it again is the same again. */
	dma_map_all(p->device, p->at.gpa + PAGE, LENGTH / 2, again);
	CHECK(!memcmp(again, p->addresses + 1, LENGTH / 2 / PAGE * sizeof(*again)));
	dma_map_whole(p);
}

/* A child shares the page: what the device writes from then on is the parent's alone. */
static void forks(struct dma_place *p)
{
	int go[2], status;
	char byte;
	pid_t pid;

	CHECK(pipe(go) == 0);
	*dma_word(p, 2) = 21;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(read(go[0], &byte, 1) == 1);
		_exit(*dma_word(p, 2) == 21 ? 0 : 1);
	}
	CHECK(dma_pages(p->device) == 0);
	dma_map_all(p->device, p->at.gpa, LENGTH, p->addresses);
	*dma_word(p, 0) = 22;
	dma_carry_within(p, 0, 2, 8);
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
		dma_take_in(p, 0, 1, own);
		*dma_word(p, 1) = lost;
		*dma_word(p, page) = value;
		dma_map_all(p->device, p->at.gpa + page * PAGE, PAGE, &address);
		CHECK(address == p->addresses[page]);
		edu_load(p->edu, address, 8);
		dma_map_all(p->device, p->at.gpa + PAGE, PAGE, &p->addresses[1]);
		edu_store(p->edu, p->addresses[1], 8);
		if (*dma_word(p, 1) != value && *dma_word(p, 1) != 0 && *dma_word(p, 1) != own &&
		    *dma_word(p, 1) != lost)
			FAIL("the device has read %#llx", (unsigned long long)*dma_word(p, 1));
		hits += *dma_word(p, 1) == value;
		dma_take_in(p, 0, 1, ~value);
		dma_map_all(p->device, p->at.gpa + page * PAGE, PAGE, &address);
		edu_store(p->edu, address, 8);
		CHECK(*dma_word(p, page) == value || *dma_word(p, page) == ~value);
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
		memcpy(dma_word(p, 0), text, 14);
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

/* Two devices, each with its own addresses; what one loses the other keeps, till it is closed. */
static void two_devices(struct dma_place *p)
{
	int other = dma_device_create(p->at.vm, p->edu);
	uint64_t address;

	dma_map_all(other, p->at.gpa + 4 * PAGE, PAGE, &address);
	CHECK(address != p->addresses[4]);
	*dma_word(p, 4) = 44;
	dma_carry(p, other, p->at.gpa + 4 * PAGE, dma_word(p, 1), dma_word(p, 4), 8);
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
		*dma_word(p, 3) = 77;
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
	dma_map_all(device, (uintptr_t)dma_word(p, 3), PAGE, &address);
	edu_load(p->edu, address, 8);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	check_memory_is_gone(device, (uintptr_t)dma_word(p, 3));
	edu_load_refused(p->edu, address);
	close(device);
	close(ready[0]);
	close(ready[1]);

	p->device = dma_device_create(p->at.vm, p->edu);
	dma_map_whole(p);
	dma_take_in(p, 3, 1, 78);
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
		dma_loses_pages(&p);
		while_it_moves(&p);
		if (with_kvm) {
			slot_goes(&p);
		} else {
			forks(&p);
			two_devices(&p);
			unmovable(&p);
			dma_in_coherent_pool(&p);
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
