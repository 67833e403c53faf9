// SPDX-License-Identifier: LGPL-2.1-or-later
/* place.c - see place.h */
#include <sys/mman.h>

#include "place.h"

static bool has_kvm(const struct place *p)
{
	return p->self.t.kvm >= 0;
}

uint64_t place_add(struct place *p, void *memory, uint64_t length)
{
	return has_kvm(p) ? selfvm_add_slot(&p->self, memory, length) : (uintptr_t)memory;
}

void place_begin(struct place *p, uint64_t length, bool with_kvm, bool huge)
{
	memset(p, 0, sizeof(*p));
	if (with_kvm)
		selfvm_create(&p->self);
	else
		p->self.t = process_self();
	p->memory = map_anonymous(length, huge);
	p->length = length;
	p->gpa = place_add(p, p->memory, length);
}

void place_mirror(struct place *p, const char *name)
{
	p->vm = vm_attach(&p->self.t, name, 0);
	p->pool = pool_create(&p->self.t, name, p->length);
}

void place_open(struct place *p, const char *name, uint64_t length, bool with_kvm, bool huge)
{
	place_begin(p, length, with_kvm, huge);
	place_mirror(p, name);
}

void place_close(struct place *p)
{
	close(p->vm);
	close(p->pool);
	if (has_kvm(p))
		selfvm_destroy(&p->self);
	else
		close(p->self.t.sys);
	munmap(p->memory, p->length);
}

static bool is_held(const struct vmirror_moved *moved, uint32_t held)
{
	for (int why = 0; why < (int)VMIRROR_SKIP_SLOTS; why++)
		if ((held & (1u << why)) && moved->skipped_pages[why])
			return true;
	return false;
}

void place_out(struct place *p, int pool, uint64_t offset, uint64_t length, uint32_t held, int tries)
{
	struct vmirror_moved moved;

	while (tries--) {
		migrate(p->vm, pool, p->gpa + offset, length, &moved);
		if (!is_held(&moved, held))
			return;
		usleep(10000);
	}
	FAIL("pages are busy all the time");
}
