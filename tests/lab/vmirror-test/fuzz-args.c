// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fuzz-args.c - arguments for every ioctl: good ones, and good ones with something spoilt
 *
 * Wholly random bytes would be refused for their size.  So an argument is made as a careful
 * caller makes it, of values that are at random but fit, and then perhaps one thing of it is
 * spoilt.
 */
#include <sys/mman.h>

#include "fuzz.h"

struct fuzz_places fuzz_places;

void *fuzz_map_guarded(uint64_t length)
{
	char *memory = mmap(NULL, length + 2 * MiB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	CHECK(mprotect(memory, length, PROT_READ | PROT_WRITE) == 0);
	return memory;
}

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

/* A pool costs host memory: none between these two is asked for. */
#define POOL_MOST (16 * MiB)
#define POOL_ABSURD (1ull << 40)

/* Numbers at which something ends. */
uint64_t fuzz_odd_number(struct random *r)
{
	static const uint64_t odd[] = {
		0, 1, 7, 8, 63, 64, 511, 512, 4095, 4096, 4097, 65536, 1 << 20, 1 << 21, 0x7fffffff,
		0x80000000, 0xffffffff, 1ull << 32, 1ull << 47, (1ull << 47) - 4096, 1ull << 51, 1ull << 52,
		(1ull << 52) - 4096, 1ull << 63, ~0ull, ~0xfffull, 0x5a5a5a5a5a5a5a5a,
	};

	return one_in(r, 4) ? random_word(r) >> random_below(r, 64) : ONE_OF(r, odd);
}

static void name_it(struct random *r, char name[VMIRROR_NAME_MAX])
{
	snprintf(name, VMIRROR_NAME_MAX, "fuzz-%u", (unsigned int)random_below(r, 8));
}

static uint64_t some_address(struct random *r)
{
	uint64_t at = random_below(r, FUZZ_LENGTH / PAGE) * PAGE;

	if (one_in(r, 2))
		at &= ~(2 * MiB - 1);
	switch (random_below(r, 12)) {
	case 0: case 1: case 2: return (uintptr_t)fuzz_places.known + at;
	case 3: case 4: return (uintptr_t)fuzz_places.scratch + at;
	case 5: case 6: case 7: return fuzz_places.known_gpa + at;
	case 8: case 9: return fuzz_places.scratch_gpa + at;
	/* Our own stack, and whatever lies about it. */
	case 10: return ((uintptr_t)&at & ~(PAGE - 1)) - random_below(r, 64) * PAGE;
	default: return 0;
	}
}

static uint64_t some_length(struct random *r)
{
	switch (random_below(r, 8)) {
	case 0: return FUZZ_LENGTH;
	case 1: case 2: return (random_below(r, 4) + 1) * 2 * MiB;
	/* All there may be.  A signal ends it. */
	case 3: return one_in(r, 32) ? 1ull << 47 : PAGE;
	default: return (random_below(r, 600) + 1) * PAGE;
	}
}

#define RESULTS_LENGTH 65536

/* This thread's own, for results; nothing is mapped behind it. */
static char *results(void)
{
	static _Thread_local char *own;

	if (!own)
		own = fuzz_map_guarded(RESULTS_LENGTH);
	return own;
}

/* Where results go; some of it is memory that anything may happen to. */
static uint64_t some_buffer(struct random *r)
{
	if (one_in(r, 4))
		return (uintptr_t)fuzz_places.scratch + random_below(r, FUZZ_LENGTH);
	return (uintptr_t)results();
}

/* The kernel would write there for us: only where it can do no harm. */
static bool is_harmless(uint64_t pointer)
{
	return pointer < 65536 || pointer >> 47 ||
	       pointer - (uintptr_t)fuzz_places.scratch < FUZZ_LENGTH ||
	       pointer - (uintptr_t)results() < RESULTS_LENGTH;
}

static void fill_info(struct random *r, union fuzz_argument *arg)
{
	(void)r, (void)arg;
}

static void fill_pool_create(struct random *r, union fuzz_argument *arg)
{
	arg->pool_create.engine = VMIRROR_ENGINE_RAM;
	arg->pool_create.bytes = (random_below(r, 4) + 1) * VMIRROR_POOL_SIZE_UNIT;
	name_it(r, arg->pool_create.name);
}

static void fill_vm_attach(struct random *r, union fuzz_argument *arg)
{
	bool process = one_in(r, 2);

	arg->vm_attach.flags = process ? VMIRROR_ATTACH_PROCESS : 0;
	arg->vm_attach.kvm_fd = process ? -1 : fuzz_places.self.t.kvm;
	arg->vm_attach.pid = process && one_in(r, 4) ? fuzz_places.child : getpid();
	arg->vm_attach.ring_records = one_in(r, 2) ? 0 : VMIRROR_RING_MIN << random_below(r, 11);
	name_it(r, arg->vm_attach.name);
}

static void fill_pool_blocks(struct random *r, union fuzz_argument *arg)
{
	arg->pool_blocks.offset = random_below(r, 3) * VMIRROR_POOL_SIZE_UNIT;
	arg->pool_blocks.blocks = some_buffer(r);
	arg->pool_blocks.nr_blocks = random_below(r, 8);
}

static void fill_pool_evict(struct random *r, union fuzz_argument *arg)
{
	arg->pool_evict.offset = random_below(r, 3) * VMIRROR_POOL_SIZE_UNIT;
	arg->pool_evict.length = (random_below(r, 3) + 1) * VMIRROR_POOL_SIZE_UNIT;
	arg->pool_evict.idle_ns = one_in(r, 2) ? 0 : random_below(r, 1ull << 32);
}

static void fill_migrate(struct random *r, union fuzz_argument *arg)
{
	arg->migrate.flags = one_in(r, 4) ? VMIRROR_MIGRATE_POPULATE : 0;
	arg->migrate.pool_fd = fuzz_fd(r, one_in(r, 16) ? random_below(r, FUZZ_KINDS) : FUZZ_POOL);
	arg->migrate.gpa = some_address(r);
	arg->migrate.length = some_length(r);
}

static void fill_recall(struct random *r, union fuzz_argument *arg)
{
	arg->recall.gpa = some_address(r);
	arg->recall.length = some_length(r);
}

static void fill_snapshot(struct random *r, union fuzz_argument *arg)
{
	arg->snapshot.gpa = some_address(r);
	arg->snapshot.length = some_length(r);
	arg->snapshot.extents = some_buffer(r);
	arg->snapshot.nr_extents = random_below(r, 1024) + 1;
}

static void fill_slots(struct random *r, union fuzz_argument *arg)
{
	arg->slots.slots = some_buffer(r);
	arg->slots.nr_slots = random_below(r, 8);
}

static void fill_device_create(struct random *r, union fuzz_argument *arg)
{
	if (!fuzz_places.has_edu || one_in(r, 4))
		return;
	arg->device_create.flags = VMIRROR_DEVICE_PCI;
	arg->device_create.pci_id = fuzz_places.edu.id;
	arg->device_create.dma_bits = one_in(r, 8) ? random_below(r, 70) : EDU_DMA_BITS;
}

static void fill_device_access(struct random *r, union fuzz_argument *arg)
{
	arg->device_access.gpa = some_address(r);
	arg->device_access.length = (random_below(r, RESULTS_LENGTH / PAGE) + 1) * PAGE;
	arg->device_access.buffer = (uintptr_t)results();
}

/*
 * Where it does not matter what is written, which is nothing but zeroes: an argument that another
 * thread has put there must not become one that does harm.
 */
static char zeroes[RESULTS_LENGTH];

static void fill_device_write(struct random *r, union fuzz_argument *arg)
{
	fill_device_access(r, arg);
	arg->device_access.buffer = (uintptr_t)zeroes;
	arg->device_access.gpa = (one_in(r, 2) ? (uintptr_t)fuzz_places.scratch : fuzz_places.scratch_gpa) +
				 random_below(r, FUZZ_LENGTH / PAGE / 2) * PAGE;
}

static void fill_device_exclusive(struct random *r, union fuzz_argument *arg)
{
	arg->device_exclusive.gpa = some_address(r);
	arg->device_exclusive.length = (random_below(r, 32) + 1) * PAGE;
}

static void fill_device_written(struct random *r, union fuzz_argument *arg)
{
	arg->device_written.gpas = some_buffer(r);
	arg->device_written.nr_gpas = random_below(r, 512) + 1;
}

static void fill_dma_map(struct random *r, union fuzz_argument *arg)
{
	arg->dma_map.gpa = some_address(r);
	arg->dma_map.length = (random_below(r, one_in(r, 8) ? 4096 : 32) + 1) * PAGE;
	arg->dma_map.addresses = some_buffer(r);
}

static void fill_dma_unmap(struct random *r, union fuzz_argument *arg)
{
	arg->dma_unmap.gpa = some_address(r);
	arg->dma_unmap.length = one_in(r, 2) ? FUZZ_LENGTH : (random_below(r, 64) + 1) * PAGE;
}

#define FUZZ_IOCTL(_name, _kind, _struct, _fill, ...) {				\
	.name = #_name, .cmd = VMIRROR_##_name, .kind = (_kind),		\
	.size = sizeof(struct _struct), .fill = (_fill), .errors = { __VA_ARGS__ },	\
}

/* fill_info() also does for those that ask nothing. */
const struct fuzz_ioctl fuzz_ioctls[] = {
	FUZZ_IOCTL(INFO, FUZZ_SYS, vmirror_info, fill_info, 0),
	FUZZ_IOCTL(POOL_CREATE, FUZZ_SYS, vmirror_pool_create, fill_pool_create, EOPNOTSUPP, EEXIST,
		   EMFILE),
	FUZZ_IOCTL(VM_ATTACH, FUZZ_SYS, vmirror_vm_attach, fill_vm_attach, EBADF, ENXIO, ESRCH, EPERM,
		   EEXIST, EMFILE, EINTR),
	FUZZ_IOCTL(POOL_STAT, FUZZ_POOL, vmirror_pool_stat, fill_info, 0),
	FUZZ_IOCTL(POOL_BLOCKS, FUZZ_POOL, vmirror_pool_blocks, fill_pool_blocks, ENXIO),
	FUZZ_IOCTL(POOL_EVICT, FUZZ_POOL, vmirror_pool_evict, fill_pool_evict, ENXIO),
	FUZZ_IOCTL(MIGRATE, FUZZ_VM, vmirror_migrate, fill_migrate, EBADF, ENXIO, ESRCH, EINTR),
	FUZZ_IOCTL(RECALL, FUZZ_VM, vmirror_recall, fill_recall, ENXIO, ESRCH, EINTR),
	FUZZ_IOCTL(SNAPSHOT, FUZZ_VM, vmirror_snapshot, fill_snapshot, ENXIO, ESRCH, EINTR, EBUSY),
	FUZZ_IOCTL(SLOTS, FUZZ_VM, vmirror_slots, fill_slots, ESRCH),
	FUZZ_IOCTL(VM_STAT, FUZZ_VM, vmirror_vm_stat, fill_info, 0),
	FUZZ_IOCTL(DEVICE_CREATE, FUZZ_VM, vmirror_device_create, fill_device_create, EPERM, ESRCH,
		   EMFILE, ENODEV, EBUSY, ENXIO, EOPNOTSUPP),
	FUZZ_IOCTL(DEVICE_READ, FUZZ_DEVICE, vmirror_device_access, fill_device_access, ENXIO, EPERM,
		   EBUSY, EIO, ESRCH, EINTR),
	FUZZ_IOCTL(DEVICE_WRITE, FUZZ_DEVICE, vmirror_device_access, fill_device_write, ENXIO, EPERM,
		   EBUSY, EIO, ESRCH, EINTR),
	FUZZ_IOCTL(DEVICE_EXCLUSIVE, FUZZ_DEVICE, vmirror_device_exclusive, fill_device_exclusive,
		   ENXIO, EPERM, EBUSY, EIO, ESRCH, EINTR, EOPNOTSUPP),
	FUZZ_IOCTL(DEVICE_WRITTEN, FUZZ_DEVICE, vmirror_device_written, fill_device_written, 0),
	FUZZ_IOCTL(DEVICE_STAT, FUZZ_DEVICE, vmirror_device_stat, fill_info, 0),
	FUZZ_IOCTL(DEVICE_DMA_MAP, FUZZ_DEVICE, vmirror_device_dma_map, fill_dma_map, ENODEV, EEXIST,
		   EFBIG, ENXIO, ENOSPC, EPERM, EBUSY, EOPNOTSUPP, ESRCH, EINTR),
	FUZZ_IOCTL(DEVICE_DMA_UNMAP, FUZZ_DEVICE, vmirror_device_dma_unmap, fill_dma_unmap, ENODEV,
		   ENOENT, EEXIST, EOPNOTSUPP),
};

const unsigned int fuzz_nr_ioctls = sizeof(fuzz_ioctls) / sizeof(fuzz_ioctls[0]);

static bool is_in_scratch(uint64_t gpa, uint64_t length)
{
	uint64_t at = gpa - (uintptr_t)fuzz_places.scratch, at_gpa = gpa - fuzz_places.scratch_gpa;

	return length <= FUZZ_LENGTH && (at <= FUZZ_LENGTH - length || at_gpa <= FUZZ_LENGTH - length);
}

/* What is too dear, and what is none of our business: systemd would be a process like any other. */
static void keep_bounds(const struct fuzz_ioctl *op, union fuzz_argument *arg)
{
	if (op->cmd == VMIRROR_POOL_CREATE && arg->pool_create.bytes > POOL_MOST &&
	    arg->pool_create.bytes < POOL_ABSURD)
		arg->pool_create.bytes %= POOL_MOST;
	if (op->cmd == VMIRROR_VM_ATTACH && arg->vm_attach.pid > 0 && arg->vm_attach.pid != 2 &&
	    arg->vm_attach.pid != fuzz_places.child && arg->vm_attach.pid < 1 << 22)
		arg->vm_attach.pid = getpid();
	if (op->cmd == VMIRROR_SNAPSHOT && !is_harmless(arg->snapshot.extents))
		arg->snapshot.extents = (uintptr_t)results();
	if (op->cmd == VMIRROR_POOL_BLOCKS && !is_harmless(arg->pool_blocks.blocks))
		arg->pool_blocks.blocks = (uintptr_t)results();
	if (op->cmd == VMIRROR_SLOTS && !is_harmless(arg->slots.slots))
		arg->slots.slots = (uintptr_t)results();
	if (op->cmd == VMIRROR_DEVICE_WRITTEN && !is_harmless(arg->device_written.gpas))
		arg->device_written.gpas = (uintptr_t)results();
	if (op->cmd == VMIRROR_DEVICE_DMA_MAP && !is_harmless(arg->dma_map.addresses))
		arg->dma_map.addresses = (uintptr_t)results();
	if (op->cmd == VMIRROR_DEVICE_READ && !is_harmless(arg->device_access.buffer))
		arg->device_access.buffer = (uintptr_t)results();
	if (op->cmd == VMIRROR_DEVICE_WRITE) {
		if (!is_in_scratch(arg->device_access.gpa, arg->device_access.length))
			arg->device_access.length = 0;
		if (arg->device_access.buffer >= 65536 && !(arg->device_access.buffer >> 47))
			arg->device_access.buffer = (uintptr_t)zeroes;
	}
}

void fuzz_spoil(struct random *r, const struct fuzz_ioctl *op, union fuzz_argument *arg)
{
	uint64_t odd = fuzz_odd_number(r);

	switch (random_below(r, 4)) {
	case 0:
		arg->words[random_below(r, op->size / 4)] = odd;
		break;
	case 1:
		memcpy(&arg->words[random_below(r, op->size / 8) * 2], &odd, sizeof(odd));
		break;
	case 2:
		arg->size = one_in(r, 2) ? odd : op->size - 16 + random_below(r, 32);
		break;
	default:
		arg->bytes[random_below(r, op->size + 16)] ^= 1 << random_below(r, 8);
		break;
	}
	keep_bounds(op, arg);
}
