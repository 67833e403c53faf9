/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vcpu.h - a guest of one vCPU, that runs a loop when told to */
#ifndef VMIRROR_BENCH_VCPU_H
#define VMIRROR_BENCH_VCPU_H

#include "bench.h"

enum loop { LOOP_COMPUTE, LOOP_MEMORY, NR_LOOPS };

struct vcpu {
	struct selfvm self;
	void *memory;
	uint64_t length;
	int fd;
	struct kvm_run *run;
	uint64_t run_size;
};

/* @length: bytes of RAM, from guest physical address 0 */
void vcpu_create(struct vcpu *v, uint64_t length);
/* The same fixed work each time; returns the nanoseconds that it took. */
uint64_t vcpu_loop(struct vcpu *v, enum loop loop);
void vcpu_destroy(struct vcpu *v);

#endif
