// SPDX-License-Identifier: LGPL-2.1-or-later
/* dma-use.c - DMA for whom and what it must not be given; PCI devices that come and go */
#include <fcntl.h>
#include <limits.h>

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "dma.h"

#define LENGTH DMA_LENGTH
#define PAGES DMA_PAGES
#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

static void check_create(int vm, struct vmirror_device_create args, int want)
{
	CHECK_ERRNO(ioctl(vm, VMIRROR_DEVICE_CREATE, &args), want);
}

static void without_rawio(int vm, const struct edu *edu)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct vmirror_device_create args = dma_create_args(edu);
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(syscall(SYS_capget, &head, data) == 0);
		data[0].effective &= ~(1u << CAP_SYS_RAWIO);
		CHECK(syscall(SYS_capset, &head, data) == 0);
		close(device_create(vm));
		CHECK_ERRNO(ioctl(vm, VMIRROR_DEVICE_CREATE, &args), EPERM);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void wrong_create(struct dma_place *p)
{
	const struct vmirror_device_create good = dma_create_args(p->edu);
	struct vmirror_device_create args = good;

	args.flags = 0;
	check_create(p->at.vm, args, EINVAL);
	args = good;
	args.flags |= 1u << 31;
	check_create(p->at.vm, args, EINVAL);
	args = good;
	args.reserved = 1;
	check_create(p->at.vm, args, EINVAL);
	for (int i = 0; i < 3; i++) {
		args = good;
		args.dma_bits = ((int[]) { 0, 31, 65 })[i];
		check_create(p->at.vm, args, EINVAL);
	}
	args = good;
	args.pci_id = 1 << 16;
	check_create(p->at.vm, args, EINVAL);
	args.pci_id = 0xfffe;
	check_create(p->at.vm, args, ENODEV);
	args = good;
	args.pci_segment = 0x7fff;
	check_create(p->at.vm, args, ENODEV);
	args = good;
	args.pci_id = 0;		/* the host bridge */
	check_create(p->at.vm, args, EBUSY);
	args = good;
	args.dma_bits++;		/* others use it already */
	check_create(p->at.vm, args, EBUSY);
	without_rawio(p->at.vm, p->edu);
}

/* 32 bits of address are soon used up. */
static void no_room(struct dma_place *p)
{
	const uint64_t most = VMIRROR_DMA_MAX;
	/* The first page of each range ends a block, so that it is done before the others fail. */
	char *reserved = mmap(NULL, 6 * most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			      -1, 0);
	char *at = (char *)(((uintptr_t)reserved + 2 * MiB) & ~(2 * MiB - 1)) - PAGE;
	uint64_t address[8], pages;
	int n = 0;

	CHECK(reserved != MAP_FAILED);
	if (at < reserved)
		at += 2 * MiB;
	for (; n < 5; n++) {
		char *range = at + n * most;

		CHECK(mprotect(range, PAGE, PROT_READ | PROT_WRITE) == 0);
		if (dma_map(p->device, (uintptr_t)range, most, address) < 0)
			break;
		dma_map_whole_and(p, (uintptr_t)at, most, n + 1, address);
	}
	CHECK(errno == ENOSPC && n >= 1 && n < 4);
	CHECK(dma_unmap(p->device, (uintptr_t)at, 5 * most, &pages) == 0);
	CHECK(pages <= (uint64_t)n);
	dma_map_whole(p);
	CHECK(munmap(reserved, 6 * most) == 0);
}

/* So many, and no more. */
static void no_ranges(struct dma_place *p)
{
	uint64_t address;
	int n = 0;

	while (dma_map(p->device, p->spare_gpa + n * PAGE, PAGE, &address) == (int64_t)PAGE)
		n++;
	CHECK(errno == ENOSPC && n == 1023);
	CHECK(dma_unmap(p->device, p->spare_gpa, LENGTH, NULL) == 0);
	dma_map_whole(p);
}

void dma_wrong_use(struct dma_place *p)
{
	uint64_t addresses[4];
	char *protected = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmirror_device_dma_map map = {
		.size = sizeof(map), .flags = 1, .gpa = p->spare_gpa, .length = PAGE,
		.addresses = (uintptr_t)addresses,
	};
	struct vmirror_device_dma_unmap unmap = {
		.size = sizeof(unmap), .flags = 1, .gpa = p->at.gpa, .length = LENGTH,
	};
	int plain = device_create(p->at.vm);

	wrong_create(p);
	dma_map_all(p->device, p->at.gpa, LENGTH, p->addresses);
	CHECK_ERRNO(ioctl(p->device, VMIRROR_DEVICE_DMA_MAP, &map), EINVAL);
	CHECK_ERRNO(ioctl(p->device, VMIRROR_DEVICE_DMA_UNMAP, &unmap), EINVAL);
	CHECK_ERRNO(dma_map(plain, p->spare_gpa, PAGE, addresses), ENODEV);
	CHECK_ERRNO(dma_unmap(plain, p->spare_gpa, PAGE, NULL), ENODEV);
	close(plain);

	dma_map_whole(p);
	CHECK_ERRNO(dma_map(p->device, p->spare_gpa + 1, PAGE, addresses), EINVAL);
	CHECK_ERRNO(dma_map(p->device, p->spare_gpa, 0, addresses), EINVAL);
	CHECK_ERRNO(dma_map(p->device, -1ull << 12, 2 * PAGE, addresses), EOVERFLOW);
	CHECK_ERRNO(dma_map(p->device, 1ull << 51, PAGE, addresses), ENXIO);
	CHECK_ERRNO(dma_map(p->device, 0, VMIRROR_DMA_MAX + PAGE, addresses), EFBIG);
	CHECK_ERRNO(dma_map(p->device, p->spare_gpa, PAGE, NULL), EFAULT);
	CHECK_ERRNO(dma_map(p->device, p->at.gpa + LENGTH - PAGE, 2 * PAGE, addresses), EEXIST);
	CHECK_ERRNO(dma_map(p->device, p->at.gpa - PAGE, LENGTH + 2 * PAGE, addresses), EEXIST);
	CHECK_ERRNO(dma_map(p->device, (uintptr_t)protected, PAGE, addresses), EPERM);
	CHECK(mprotect(protected, 2 * PAGE, PROT_NONE) == 0);
	CHECK_ERRNO(dma_map(p->device, (uintptr_t)protected, PAGE, addresses), EFAULT);
	CHECK(munmap(protected, 2 * PAGE) == 0);
	CHECK_ERRNO(dma_map(p->device, (uintptr_t)protected, PAGE, addresses), EFAULT);
	no_room(p);
	no_ranges(p);
	/* What failed has left nothing. */
	CHECK_ERRNO(dma_unmap(p->device, (uintptr_t)protected, 2 * PAGE, NULL), ENOENT);
	CHECK_ERRNO(dma_unmap(p->device, p->spare_gpa, LENGTH, NULL), ENOENT);
	CHECK_ERRNO(dma_unmap(p->device, p->at.gpa + PAGE, LENGTH, NULL), EEXIST);
	dma_map_whole(p);

	dma_map_and_unmap(p->device, p->spare_gpa, 4 * PAGE, PAGE, addresses);
	CHECK_ERRNO(dma_unmap(p->device, p->spare_gpa, 4 * PAGE, NULL), ENOENT);
	dma_map_and_unmap(p->device, p->at.gpa, LENGTH, 0, p->addresses);
	CHECK(dma_pages(p->device) == 0);
}

static void check_device_lost(struct dma_place *p)
{
	uint64_t address, value;

	CHECK(dma_pages(p->device) == 0);
	CHECK_ERRNO(dma_map(p->device, p->at.gpa, PAGE, &address), ENODEV);
	CHECK_ERRNO(dma_unmap(p->device, p->at.gpa, LENGTH, NULL), ENODEV);
	/* It still is a software device. */
	device_access_all(p->device, VMIRROR_DEVICE_READ, p->at.gpa, p->spare, PAGE,
			  edu_limit(30000));
	memcpy(&value, p->spare, sizeof(value));
	CHECK(value == *(uint64_t *)p->at.memory);
	close(p->device);
}

/* Unbound, or pulled out, while it can reach memory; and back again. */
void dma_loses_device(struct dma_place *p)
{
	struct edu *edu = p->edu;

	*(uint64_t *)p->at.memory = 0x7777;
	for (int pull = 0; pull < 2; pull++) {
		dma_map_whole(p);
		edu_unmap(edu);
		if (pull)
			edu_replug(edu);
		else
			edu_bind(edu, NULL);
		check_device_lost(p);
		check_create(p->at.vm, dma_create_args(edu), EBUSY);
		edu_bind(edu, "vmirror");
		edu_map(edu);
		p->device = dma_device_create(p->at.vm, edu);
		dma_map_all(p->device, p->at.gpa, PAGE, p->addresses);
		edu_load(edu, p->addresses[0], 8);
		CHECK(dma_unmap(p->device, p->at.gpa, PAGE, NULL) == 0);
	}
}

static void check_has_driver(struct edu *edu, const char *name)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", edu->name);
	n = readlink(path, link, sizeof(link) - 1);
	CHECK(n > 0);
	link[n] = '\0';
	CHECK(!strcmp(strrchr(link, '/') + 1, name));
}

/* As VFIO has it; and where the IOMMU lets everything through. */
void dma_wrong_devices(struct dma_place *p)
{
	struct edu *edu = p->edu;

	close(p->device);
	edu_bind(edu, "vfio-pci");
	check_has_driver(edu, "vfio-pci");
	check_create(p->at.vm, dma_create_args(edu), EBUSY);
	edu_bind(edu, NULL);
	edu_set(edu, "iommu_group/type", "identity");
	edu_bind(edu, "vmirror");
	check_create(p->at.vm, dma_create_args(edu), ENXIO);
	edu_bind(edu, NULL);
	edu_set(edu, "iommu_group/type", "auto");
	edu_bind(edu, "vmirror");
	p->device = dma_device_create(p->at.vm, edu);
}
