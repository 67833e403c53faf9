// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcpu.c - see vcpu.h
 *
 * The guest's code is below, 32-bit without paging: nothing runs in it but the loop, so a
 * difference between two runs is not the guest's.  Its addresses go through nested paging.
 */
#include <fcntl.h>

#include <linux/kvm.h>
#include <sys/mman.h>

#include "vcpu.h"

#define STEPS	(2u << 20)
/* One word of each page, each time in another cache line: hard on TLBs. */
#define STRIDE	(PAGE + 64)
#define PASSES	4

/* eax: any number but 0; ecx: steps of xorshift */
extern const char guest_compute[], guest_compute_end[];
asm("	.pushsection .rodata\n"
    "	.code32\n"
    "guest_compute:\n"
    "1:	mov %eax, %ebx\n"
    "	shl $13, %ebx\n"
    "	xor %ebx, %eax\n"
    "	mov %eax, %ebx\n"
    "	shr $17, %ebx\n"
    "	xor %ebx, %eax\n"
    "	mov %eax, %ebx\n"
    "	shl $5, %ebx\n"
    "	xor %ebx, %eax\n"
    "	dec %ecx\n"
    "	jnz 1b\n"
    "	hlt\n"
    "guest_compute_end:\n"
    "	.code64\n"
    "	.popsection\n");

/* edi: where the words begin; ecx: how many; edx: their distance; ebx: passes; esi: = ecx */
extern const char guest_memory[], guest_memory_end[];
asm("	.pushsection .rodata\n"
    "	.code32\n"
    "guest_memory:\n"
    "	mov %edi, %eax\n"
    "	mov %esi, %ecx\n"
    "1:	incl (%eax)\n"
    "	add %edx, %eax\n"
    "	dec %ecx\n"
    "	jnz 1b\n"
    "	dec %ebx\n"
    "	jnz guest_memory\n"
    "	hlt\n"
    "guest_memory_end:\n"
    "	.code64\n"
    "	.popsection\n");

static const struct {
	const char *code, *end;
	uint64_t gpa;
} loops[NR_LOOPS] = {
	[LOOP_COMPUTE] = { guest_compute, guest_compute_end, 0 },
	[LOOP_MEMORY] = { guest_memory, guest_memory_end, PAGE / 2 },
};

/* 32-bit protected mode, flat, no paging, no interrupts. */
static void set_mode(struct vcpu *v)
{
	struct kvm_segment code = {
		.limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1,
	};
	struct kvm_segment data = code;
	struct kvm_sregs sregs;

	data.type = 3;
	data.selector = 16;
	CHECK(ioctl(v->fd, KVM_GET_SREGS, &sregs) == 0);
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 |= 1;		/* PE */
	CHECK(ioctl(v->fd, KVM_SET_SREGS, &sregs) == 0);
}

void vcpu_create(struct vcpu *v, uint64_t length)
{
	struct kvm_userspace_memory_region ram = { .memory_size = length };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), size;

	CHECK(kvm >= 0);
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	CHECK(size > 0);
	close(kvm);

	v->length = length;
	v->memory = map_anonymous(length, false);	/* small pages: many translations */
	memset(v->memory, 0, length);
	ram.userspace_addr = (uintptr_t)v->memory;
	for (int i = 0; i < NR_LOOPS; i++)
		memcpy((char *)v->memory + loops[i].gpa, loops[i].code, loops[i].end - loops[i].code);

	selfvm_create(&v->self);
	CHECK(ioctl(v->self.t.kvm, KVM_SET_USER_MEMORY_REGION, &ram) == 0);
	v->fd = ioctl(v->self.t.kvm, KVM_CREATE_VCPU, 0);
	CHECK(v->fd >= 0);
	v->run_size = size;
	v->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	CHECK(v->run != MAP_FAILED);
	set_mode(v);
}

static void run(struct vcpu *v)
{
	while (ioctl(v->fd, KVM_RUN, 0))
		CHECK(errno == EINTR);
	if (v->run->exit_reason != KVM_EXIT_HLT)
		FAIL("the vCPU stopped: exit reason %u", v->run->exit_reason);
}

uint64_t vcpu_loop(struct vcpu *v, enum loop loop)
{
	uint64_t words = (v->length - PAGE) / STRIDE, start;
	struct kvm_regs regs = { .rip = loops[loop].gpa, .rflags = 2, .rax = 1 };

	if (loop == LOOP_COMPUTE) {
		regs.rcx = STEPS;
	} else {
		regs.rdi = PAGE;
		regs.rsi = words;
		regs.rdx = STRIDE;
		regs.rbx = PASSES;
	}
	CHECK(ioctl(v->fd, KVM_SET_REGS, &regs) == 0);
	start = now_ns();
	run(v);
	return now_ns() - start;
}

void vcpu_destroy(struct vcpu *v)
{
	munmap(v->run, v->run_size);
	close(v->fd);
	selfvm_destroy(&v->self);
	munmap(v->memory, v->length);
}
