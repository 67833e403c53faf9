/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * selfvm.h - a KVM VM whose VMM is this very program
 *
 * It has memory and no vCPU: the program's own threads touch the memory instead.  So a
 * test decides exactly what lies in a slot, and what happens to it.
 */
#ifndef VMIRROR_TEST_SELFVM_H
#define VMIRROR_TEST_SELFVM_H

#include "test.h"

/* Where slot n begins in the guest's address space. */
#define SELFVM_GPA(n) (((uint64_t)(n) + 1) << 32)

struct selfvm {
	struct target t;
	int slots;
};

void selfvm_create(struct selfvm *self);
uint64_t selfvm_add_slot(struct selfvm *self, void *memory, uint64_t length);
void selfvm_remove_slot(struct selfvm *self, int slot);
void selfvm_destroy(struct selfvm *self);

void *map_anonymous(uint64_t length, bool huge);
/* A word of our own memory, read as KVM reads it: through get_user_pages(). */
uint64_t read_through_gup(char *from);
void fill_pattern(void *memory, uint64_t length, uint64_t seed);
void check_pattern(const void *memory, uint64_t length, uint64_t seed);

#endif
