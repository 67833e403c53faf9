// SPDX-License-Identifier: LGPL-2.1-or-later
/* selfvm.c - see selfvm.h */
#include <fcntl.h>

#include <linux/kvm.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "selfvm.h"

void selfvm_create(struct selfvm *self)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	memset(self, 0, sizeof(*self));
	if (kvm < 0)
		FAIL("/dev/kvm: %s", strerror(errno));
	self->t.pid = getpid();
	self->t.kvm = ioctl(kvm, KVM_CREATE_VM, 0);
	CHECK(self->t.kvm >= 0);
	close(kvm);
	self->t.sys = open(VMIRROR_DEVICE, O_RDWR | O_CLOEXEC);
	if (self->t.sys < 0)
		FAIL("%s: %s", VMIRROR_DEVICE, strerror(errno));
}

static void set_slot(struct selfvm *self, int slot, void *memory, uint64_t length)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = SELFVM_GPA(slot),
		.memory_size = length,
		.userspace_addr = (uintptr_t)memory,
	};

	CHECK(ioctl(self->t.kvm, KVM_SET_USER_MEMORY_REGION, &region) == 0);
}

/* Returns the guest physical address of @memory. */
uint64_t selfvm_add_slot(struct selfvm *self, void *memory, uint64_t length)
{
	set_slot(self, self->slots, memory, length);
	return SELFVM_GPA(self->slots++);
}

void selfvm_remove_slot(struct selfvm *self, int slot)
{
	set_slot(self, slot, NULL, 0);
}

void selfvm_destroy(struct selfvm *self)
{
	close(self->t.kvm);
	close(self->t.sys);
}

/* Anonymous memory, aligned to 2 MiB, not touched yet. */
void *map_anonymous(uint64_t length, bool huge)
{
	char *raw = mmap(NULL, length + 2 * MiB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t aligned;

	CHECK(raw != MAP_FAILED);
	aligned = ((uintptr_t)raw + 2 * MiB - 1) & ~(2 * MiB - 1);
	munmap(raw, aligned - (uintptr_t)raw);
	munmap((char *)aligned + length, (uintptr_t)raw + 2 * MiB - aligned);
	CHECK(madvise((void *)aligned, length, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0);
	return (void *)aligned;
}

uint64_t read_through_gup(char *from)
{
	uint64_t value;
	struct iovec to = { &value, sizeof(value) }, remote = { from, sizeof(value) };

	CHECK(process_vm_readv(getpid(), &to, 1, &remote, 1, 0) == sizeof(value));
	return value;
}

static uint64_t word_at(uint64_t seed, uint64_t index)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ull + index * 0xd1342543de82ef95ull;
}

/* Every 512th byte is enough to tell pages, and blocks of a page, apart. */
#define STRIDE 64

void fill_pattern(void *memory, uint64_t length, uint64_t seed)
{
	uint64_t *words = memory;

	for (uint64_t i = 0; i < length / 8; i += STRIDE)
		words[i] = word_at(seed, i);
}

void check_pattern(const void *memory, uint64_t length, uint64_t seed)
{
	const uint64_t *words = memory;

	for (uint64_t i = 0; i < length / 8; i += STRIDE)
		if (words[i] != word_at(seed, i))
			FAIL("memory is not what it was: page %llu, byte %llu, is %#llx",
			     (unsigned long long)i / 512, (unsigned long long)i % 512 * 8,
			     (unsigned long long)words[i]);
}
