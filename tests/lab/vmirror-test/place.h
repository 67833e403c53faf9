/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * place.h - a process, or a VM, that is this very program; its memory, mirrored; and a pool
 *
 * A case goes through the same with and without KVM: only the addresses differ.
 */
#ifndef VMIRROR_TEST_PLACE_H
#define VMIRROR_TEST_PLACE_H

#include "selfvm.h"

/**
 * struct place - a process, or a VM with a slot
 * @self: the VM; where it is a process, that, without KVM and slots
 * @gpa: where @memory is in the VM, or in the process
 * @pool: as large as @memory
 */
struct place {
	struct selfvm self;
	char *memory;
	uint64_t length;
	uint64_t gpa;
	int vm;
	int pool;
};

void place_begin(struct place *p, uint64_t length, bool with_kvm, bool huge);
/* More memory, before it is mirrored: returns where it is in the VM, in a slot, or in the process. */
uint64_t place_add(struct place *p, void *memory, uint64_t length);
void place_mirror(struct place *p, const char *name);

/* With no memory but its own: ready for use. */
void place_open(struct place *p, const char *name, uint64_t length, bool with_kvm, bool huge);
void place_close(struct place *p);

/*
 * Some of it out.  What the kernel holds just then stays, for one of @held, bits 1 << VMIRROR_SKIP_*:
 * asked again, @tries times at most, it lets go.
 */
void place_out(struct place *p, int pool, uint64_t offset, uint64_t length, uint32_t held, int tries);

#endif
