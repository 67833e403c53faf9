// SPDX-License-Identifier: LGPL-2.1-or-later
/* attach.c - how long VM_ATTACH and the close of a vm fd take, for a small VM and a large one */
#include <sys/mman.h>

#include "bench.h"

#define ROUNDS_EACH 3		/* for each repetition: one attach is short */

struct sized {
	struct selfvm self;
	uint64_t mib;
	void *memory;
};

static void sized_create(struct sized *s, uint64_t mib, bool touched)
{
	s->mib = mib;
	s->memory = map_anonymous(mib * MiB, false);
	if (touched)
		touch_pages(s->memory, mib * MiB, 2);
	selfvm_create(&s->self);
	selfvm_add_slot(&s->self, s->memory, mib * MiB);
}

static void sized_destroy(struct sized *s)
{
	selfvm_destroy(&s->self);
	munmap(s->memory, s->mib * MiB);
}

static void attach_once(struct sized *s, bool touched, int rep)
{
	uint64_t start = now_ns(), attached, closing;
	int vm = vm_attach(&s->self.t, "bench-attach", 0);

	attached = now_ns();
	closing = now_ns();
	close(vm);
	if (rep >= 0)
		printf("{\"part\":\"attach\",\"mib\":%llu,\"touched\":%s,\"rep\":%d,"
		       "\"ns\":%llu,\"detach_ns\":%llu}\n",
		       (unsigned long long)s->mib, touched ? "true" : "false", rep,
		       (unsigned long long)(attached - start),
		       (unsigned long long)(now_ns() - closing));
}

void bench_attach(const struct bench *b)
{
	struct sized small, large;

	sized_create(&small, 256, true);
	sized_create(&large, 2048, b->touched);
	for (int rep = -1; rep < b->reps; rep++) {
		progress("attach", rep, b->reps);
		for (int i = 0; i < ROUNDS_EACH; i++) {
			attach_once(&small, true, rep);
			attach_once(&large, b->touched, rep);
		}
	}
	sized_destroy(&small);
	sized_destroy(&large);
}
