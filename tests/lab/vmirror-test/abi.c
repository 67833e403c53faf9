// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * abi.c - every ioctl with every bad argument: the documented errno, and nothing changed
 *
 * Each argument is a good one with one thing spoilt, so that it is that thing which is
 * refused.
 */
#include <fcntl.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "edu.h"

/* Size: too short, longer with zeroes (fine), longer with something in it. */
static void check_sizes(int fd, unsigned long cmd, const void *good, uint32_t size, bool makes_fd)
{
	unsigned char buffer[2 * 4096];
	uint32_t *claimed = (uint32_t *)buffer;
	int ret;

	memset(buffer, 0, sizeof(buffer));
	memcpy(buffer, good, size);
	for (uint32_t shorter = 0; shorter < size; shorter += 4) {
		*claimed = shorter;
		CHECK_ERRNO(ioctl(fd, cmd, buffer), EINVAL);
	}
	*claimed = size + 8;
	ret = ioctl(fd, cmd, buffer);
	CHECK(makes_fd ? ret >= 0 : ret == 0);
	if (makes_fd)
		close(ret);
	memcpy(buffer, good, size);
	*claimed = size + 8;
	buffer[size + 7] = 1;
	CHECK_ERRNO(ioctl(fd, cmd, buffer), E2BIG);
	buffer[size + 7] = 0;
	*claimed = 4096 + 8;
	CHECK_ERRNO(ioctl(fd, cmd, buffer), E2BIG);
	CHECK_ERRNO(ioctl(fd, cmd, NULL), EFAULT);
	CHECK_ERRNO(ioctl(fd, cmd, (void *)~0xfffull), EFAULT);
}

#define SPOILT(good, field, value) ({ __typeof__(good) bad = (good); bad.field = (value); bad; })

#define REFUSED(fd, cmd, good, field, value, want) do {			\
	__typeof__(good) spoilt = SPOILT(good, field, value);			\
	CHECK_ERRNO(ioctl(fd, cmd, &spoilt), want);				\
} while (0)

static void check_info(struct target *t)
{
	struct vmirror_info info = { .size = sizeof(info) };

	check_sizes(t->sys, VMIRROR_INFO, &info, sizeof(info), false);
	CHECK(ioctl(t->sys, VMIRROR_INFO, &info) == 0);
	CHECK(info.abi_version == VMIRROR_ABI_VERSION);
	CHECK(info.engines & 1 << VMIRROR_ENGINE_RAM);
	CHECK_ERRNO(ioctl(t->sys, VMIRROR_MIGRATE, &info), ENOTTY);
	CHECK_ERRNO(ioctl(t->sys, _IO(VMIRROR_IOC_TYPE, 0x7f), &info), ENOTTY);
}

static void check_pool_create(struct target *t)
{
	struct vmirror_pool_create good = {
		.size = sizeof(good),
		.engine = VMIRROR_ENGINE_RAM,
		.bytes = 4 * MiB,
		.name = "abi-pool",
	}, bad;
	int pool;

	check_sizes(t->sys, VMIRROR_POOL_CREATE, &good, sizeof(good), true);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, flags, 1u << 31, EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, reserved, 1, EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, engine, 0, EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, engine, 77, EOPNOTSUPP);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, bytes, 0, EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, bytes, 4 * MiB + 4096, EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, bytes, ~0ull << 21, ENOMEM);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, bytes, 1ull << 50, ENOMEM);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, name[0], '\0', EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, name[3], '/', EINVAL);
	REFUSED(t->sys, VMIRROR_POOL_CREATE, good, name[3], (char)0xe4, EINVAL);
	bad = good;
	memset(bad.name, 'a', sizeof(bad.name));
	CHECK_ERRNO(ioctl(t->sys, VMIRROR_POOL_CREATE, &bad), EINVAL);

	pool = pool_create(t, "abi-pool", 4 * MiB);
	CHECK_ERRNO(ioctl(t->sys, VMIRROR_POOL_CREATE, &good), EEXIST);
	CHECK(fcntl(pool, F_GETFD) == FD_CLOEXEC);
	close(pool);
}

/* Host pages are kept ready for pages that come home while there is a pool, and only then. */
static void check_reserve(struct target *t, bool wanted)
{
	struct vmirror_info info = { .size = sizeof(info) };

	CHECK(ioctl(t->sys, VMIRROR_INFO, &info) == 0);
	CHECK(info.reserve_pages == info.reserve_target);
	CHECK(wanted ? info.reserve_target >= 512 : info.reserve_target == 0);
}

/* Of a pool of 4 MiB. */
static void check_evict(int pool)
{
	struct vmirror_pool_block blocks[2];
	struct vmirror_pool_blocks list = {
		.size = sizeof(list), .blocks = (uintptr_t)blocks, .nr_blocks = 2,
	};
	struct vmirror_pool_evict evict = { .size = sizeof(evict), .length = 4 * MiB };

	check_sizes(pool, VMIRROR_POOL_BLOCKS, &list, sizeof(list), false);
	REFUSED(pool, VMIRROR_POOL_BLOCKS, list, flags, 1u << 31, EINVAL);
	REFUSED(pool, VMIRROR_POOL_BLOCKS, list, reserved, 1, EINVAL);
	REFUSED(pool, VMIRROR_POOL_BLOCKS, list, offset, 4096, EINVAL);
	REFUSED(pool, VMIRROR_POOL_BLOCKS, list, offset, 4 * MiB, ENXIO);
	REFUSED(pool, VMIRROR_POOL_BLOCKS, list, offset, ~0ull << 21, ENXIO);
	REFUSED(pool, VMIRROR_POOL_BLOCKS, list, blocks, ~0xfffull, EFAULT);

	check_sizes(pool, VMIRROR_POOL_EVICT, &evict, sizeof(evict), false);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, flags, 1u << 31, EINVAL);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, offset, 4096, EINVAL);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, length, 0, EINVAL);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, length, 4096, EINVAL);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, length, 6 * MiB, ENXIO);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, offset, 2 * MiB, ENXIO);
	REFUSED(pool, VMIRROR_POOL_EVICT, evict, offset, ~0ull << 21, EOVERFLOW);
}

static void check_pool_stat(struct target *t)
{
	struct vmirror_pool_stat stat = { .size = sizeof(stat) };
	int pool = pool_create(t, "abi-pool", 4 * MiB);

	check_sizes(pool, VMIRROR_POOL_STAT, &stat, sizeof(stat), false);
	REFUSED(pool, VMIRROR_POOL_STAT, stat, reserved, 1, EINVAL);
	pool_stat(pool, &stat);
	CHECK(stat.bytes == 4 * MiB && stat.used_bytes == 0 && stat.free_huge == 2);
	CHECK(!strcmp(stat.name, "abi-pool"));
	CHECK_ERRNO(ioctl(pool, VMIRROR_INFO, &stat), ENOTTY);
	check_evict(pool);
	check_reserve(t, true);
	close(pool);
	check_reserve(t, false);
}

static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	CHECK(waitpid(pid, NULL, 0) == pid);
	return pid;
}

static void check_attach(struct target *t)
{
	struct vmirror_vm_attach good = {
		.size = sizeof(good),
		.kvm_fd = t->kvm,
		.pid = t->pid,
		.name = "abi-vm",
	};
	int null = open("/dev/null", O_RDWR), vm;

	check_sizes(t->sys, VMIRROR_VM_ATTACH, &good, sizeof(good), true);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, flags, 1u << 31, EINVAL);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, reserved, 1, EINVAL);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, name[0], ' ', EINVAL);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, ring_records, 100, EINVAL);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, ring_records, VMIRROR_RING_MIN / 2, EINVAL);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, ring_records, VMIRROR_RING_MAX * 2, EINVAL);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, kvm_fd, -1, EBADF);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, kvm_fd, 1000000, EBADF);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, kvm_fd, null, ENXIO);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, kvm_fd, t->sys, ENXIO);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, pid, 0, ESRCH);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, pid, -1, ESRCH);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, pid, dead_pid(), ESRCH);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, pid, 2, ESRCH);	/* a kernel thread */
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, pid, getpid(), EPERM);
	close(null);

	vm = vm_attach(t, "abi-vm", 0);
	CHECK_ERRNO(ioctl(t->sys, VMIRROR_VM_ATTACH, &good), EEXIST);
	REFUSED(t->sys, VMIRROR_VM_ATTACH, good, name[0], 'x', EEXIST);
	close(vm);
}

/* The fd comes last, when all else is made: it must all be undone. */
static void check_no_fd_left(struct target *t)
{
	struct vmirror_pool_create pool = {
		.size = sizeof(pool), .engine = VMIRROR_ENGINE_RAM, .bytes = 4 * MiB, .name = "abi-pool",
	};
	struct vmirror_vm_attach vm = {
		.size = sizeof(vm), .kvm_fd = t->kvm, .pid = t->pid, .name = "abi-vm",
	};
	struct rlimit was, none;
	int next = dup(t->sys);

	CHECK(next >= 0 && close(next) == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &was) == 0);
	none = (struct rlimit) { .rlim_cur = next, .rlim_max = was.rlim_max };
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_ERRNO(ioctl(t->sys, VMIRROR_POOL_CREATE, &pool), EMFILE);
	CHECK_ERRNO(ioctl(t->sys, VMIRROR_VM_ATTACH, &vm), EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &was) == 0);
	check_nothing_left(t);
	close(pool_create(t, "abi-pool", 4 * MiB));
	close(vm_attach(t, "abi-vm", 0));
}

/* MIGRATE and RECALL have the same ideas about ranges. */
#define CHECK_RANGES(fd, cmd, good, hole) do {					\
	REFUSED(fd, cmd, good, flags, 1u << 31, EINVAL);				\
	REFUSED(fd, cmd, good, gpa, 0x123, EINVAL);				\
	REFUSED(fd, cmd, good, length, 0, EINVAL);				\
	REFUSED(fd, cmd, good, length, 4097, EINVAL);				\
	REFUSED(fd, cmd, good, length, ~0xfffull, EOVERFLOW);			\
	REFUSED(fd, cmd, good, gpa, ~0xfffull, EOVERFLOW);			\
	REFUSED(fd, cmd, good, gpa, 1ull << VMIRROR_GPA_BITS, EOVERFLOW);	\
	REFUSED(fd, cmd, good, gpa, hole, ENXIO);				\
} while (0)

static void check_vm_ioctls(struct target *t)
{
	const uint64_t hole = 1ull << 50;
	int pool = pool_create(t, "abi-pool", 4 * MiB), vm = vm_attach(t, "abi-vm", 0);
	struct vmirror_extent extents[16];
	struct vmirror_slot slots[4];
	struct vmirror_vm_stat stat = { .size = sizeof(stat) };
	struct vmirror_migrate out = {
		.size = sizeof(out), .pool_fd = pool, .gpa = 16 * MiB, .length = 4096,
	};
	struct vmirror_recall back = { .size = sizeof(back), .gpa = 16 * MiB, .length = 4096 };
	struct vmirror_snapshot snap = {
		.size = sizeof(snap), .gpa = 16 * MiB, .length = 4096,
		.extents = (uintptr_t)extents, .nr_extents = 16,
	};
	struct vmirror_slots list = {
		.size = sizeof(list), .slots = (uintptr_t)slots, .nr_slots = 4,
	};

	check_sizes(vm, VMIRROR_MIGRATE, &out, sizeof(out), false);
	CHECK_RANGES(vm, VMIRROR_MIGRATE, out, hole);
	REFUSED(vm, VMIRROR_MIGRATE, out, flags, 1u << 31, EINVAL);
	REFUSED(vm, VMIRROR_MIGRATE, out, reserved, 1, EINVAL);
	REFUSED(vm, VMIRROR_MIGRATE, out, pool_fd, -1, EBADF);
	REFUSED(vm, VMIRROR_MIGRATE, out, pool_fd, 1000000, EBADF);
	REFUSED(vm, VMIRROR_MIGRATE, out, pool_fd, vm, EBADF);
	REFUSED(vm, VMIRROR_MIGRATE, out, pool_fd, t->kvm, EBADF);

	check_sizes(vm, VMIRROR_RECALL, &back, sizeof(back), false);
	CHECK_RANGES(vm, VMIRROR_RECALL, back, hole);

	check_sizes(vm, VMIRROR_SNAPSHOT, &snap, sizeof(snap), false);
	CHECK_RANGES(vm, VMIRROR_SNAPSHOT, snap, hole);
	REFUSED(vm, VMIRROR_SNAPSHOT, snap, reserved, 1, EINVAL);
	REFUSED(vm, VMIRROR_SNAPSHOT, snap, nr_extents, 0, EINVAL);
	REFUSED(vm, VMIRROR_SNAPSHOT, snap, extents, ~0xfffull, EFAULT);

	check_sizes(vm, VMIRROR_SLOTS, &list, sizeof(list), false);
	REFUSED(vm, VMIRROR_SLOTS, list, flags, 1u << 31, EINVAL);
	REFUSED(vm, VMIRROR_SLOTS, list, reserved, 1, EINVAL);
	REFUSED(vm, VMIRROR_SLOTS, list, slots, ~0xfffull, EFAULT);

	check_sizes(vm, VMIRROR_VM_STAT, &stat, sizeof(stat), false);
	vm_stat(vm, &stat);
	CHECK(stat.pid == t->pid && !stat.dead && stat.ram_bytes > 0);
	CHECK(!strcmp(stat.name, "abi-vm"));
	CHECK_ERRNO(ioctl(vm, VMIRROR_POOL_STAT, &stat), ENOTTY);

	CHECK(mmap(NULL, 1 << 30, PROT_READ, MAP_SHARED, vm, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vm, 4096) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, vm, 0) == MAP_FAILED && errno == EINVAL);
	close(vm);
	close(pool);
}

static void check_dma(int vm, uint64_t gpa)
{
	uint64_t address;
	struct vmirror_device_dma_map map = {
		.size = sizeof(map), .gpa = gpa, .length = 4096, .addresses = (uintptr_t)&address,
	};
	struct vmirror_device_dma_unmap unmap = { .size = sizeof(unmap), .gpa = gpa, .length = 4096 };
	struct vmirror_device_create create = {
		.size = sizeof(create), .flags = VMIRROR_DEVICE_PCI, .dma_bits = EDU_DMA_BITS,
	};
	struct edu edu;
	int device;

	edu_find(&edu);
	edu_bind(&edu, "vmirror");
	create.pci_id = edu.id;
	check_sizes(vm, VMIRROR_DEVICE_CREATE, &create, sizeof(create), true);
	device = ioctl(vm, VMIRROR_DEVICE_CREATE, &create);
	CHECK(device >= 0 && fcntl(device, F_GETFD) == FD_CLOEXEC);
	check_sizes(device, VMIRROR_DEVICE_DMA_MAP, &map, sizeof(map), false);
	CHECK_RANGES(device, VMIRROR_DEVICE_DMA_MAP, map, 1ull << 50);
	REFUSED(device, VMIRROR_DEVICE_DMA_MAP, map, addresses, ~0xfffull, EFAULT);
	check_sizes(device, VMIRROR_DEVICE_DMA_UNMAP, &unmap, sizeof(unmap), false);
	REFUSED(device, VMIRROR_DEVICE_DMA_UNMAP, unmap, flags, 1, EINVAL);
	REFUSED(device, VMIRROR_DEVICE_DMA_UNMAP, unmap, length, ~0xfffull, EOVERFLOW);
	CHECK_ERRNO(ioctl(device, VMIRROR_DEVICE_DMA_UNMAP, &unmap), ENOENT);
	close(device);
	edu_bind(&edu, NULL);
}

static void check_device(struct target *t)
{
	const uint64_t gpa = 16 * MiB;
	uint64_t gpas[4];
	static char buffer[4096];
	int vm = vm_attach(t, "abi-vm", 0), device = device_create(vm);
	struct vmirror_device_create create = { .size = sizeof(create) };
	struct vmirror_device_access access = {
		.size = sizeof(access), .gpa = gpa, .length = 4096, .buffer = (uintptr_t)buffer,
	};
	struct vmirror_device_written written = {
		.size = sizeof(written), .gpas = (uintptr_t)gpas, .nr_gpas = 4,
	};
	struct vmirror_device_stat stat = { .size = sizeof(stat) };

	check_sizes(vm, VMIRROR_DEVICE_CREATE, &create, sizeof(create), true);
	REFUSED(vm, VMIRROR_DEVICE_CREATE, create, flags, 1u << 31, EINVAL);
	REFUSED(vm, VMIRROR_DEVICE_CREATE, create, pci_id, 1, EINVAL);
	REFUSED(vm, VMIRROR_DEVICE_CREATE, create, pci_segment, 1, EINVAL);
	REFUSED(vm, VMIRROR_DEVICE_CREATE, create, dma_bits, 64, EINVAL);
	REFUSED(vm, VMIRROR_DEVICE_CREATE, create, reserved, 1, EINVAL);
	check_sizes(device, VMIRROR_DEVICE_READ, &access, sizeof(access), false);
	CHECK_RANGES(device, VMIRROR_DEVICE_READ, access, 1ull << 50);
	REFUSED(device, VMIRROR_DEVICE_READ, access, reserved, 1, EINVAL);
	check_sizes(device, VMIRROR_DEVICE_WRITTEN, &written, sizeof(written), false);
	REFUSED(device, VMIRROR_DEVICE_WRITTEN, written, nr_gpas, 0, EINVAL);
	check_sizes(device, VMIRROR_DEVICE_STAT, &stat, sizeof(stat), false);
	REFUSED(device, VMIRROR_DEVICE_STAT, stat, reserved, 1, EINVAL);
	check_dma(vm, gpa);
	close(device);
	close(vm);
}

/* Only root may open the device. */
static void check_permission(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(open(VMIRROR_DEVICE, O_RDWR) == -1 && errno == EACCES ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void case_abi(struct target *t)
{
	check_permission();
	check_info(t);
	check_pool_create(t);
	check_pool_stat(t);
	check_attach(t);
	check_no_fd_left(t);
	check_vm_ioctls(t);
	check_device(t);
	verify(t);
}
