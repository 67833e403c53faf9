// SPDX-License-Identifier: LGPL-2.1-or-later
/* footprint.c - kernel memory that one attachment costs, as vmirror says and as the kernel counts */
#include <sys/mman.h>

#include "bench.h"

#define VMS 32

/* Slab and vmalloc memory of the whole kernel, in bytes: what changes meanwhile is ours. */
static uint64_t kernel_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib, sum = 0;
	char line[128];

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Slab: %llu", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %llu", &kib) == 1 ||
		    sscanf(line, "Percpu: %llu", &kib) == 1)
			sum += kib * 1024;
	fclose(f);
	return sum;
}

static void attach_all(struct selfvm *vms, int rep)
{
	int fds[VMS];
	struct vmirror_vm_stat stat;
	uint64_t before = kernel_memory(), after;

	for (int i = 0; i < VMS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "bench-%d", i);
		fds[i] = vm_attach(&vms[i].t, name, 0);
	}
	after = kernel_memory();
	vm_stat(fds[0], &stat);
	for (int i = 0; i < VMS; i++)
		close(fds[i]);
	if (rep >= 0)
		printf("{\"part\":\"footprint\",\"rep\":%d,\"stat_bytes\":%llu,\"measured_bytes\":%lld}\n",
		       rep, (unsigned long long)stat.overhead_bytes,
		       ((long long)after - (long long)before) / VMS);
}

static void pool_cost(void)
{
	struct selfvm self;
	struct vmirror_pool_stat stat;
	int pool;

	selfvm_create(&self);
	pool = pool_create(&self.t, "bench-cost", 256 * MiB);
	pool_stat(pool, &stat);
	printf("{\"part\":\"pool-cost\",\"bytes\":%llu,\"overhead_bytes\":%llu}\n",
	       (unsigned long long)stat.bytes, (unsigned long long)stat.overhead_bytes);
	close(pool);
	selfvm_destroy(&self);
}

void bench_footprint(const struct bench *b)
{
	static struct selfvm vms[VMS];
	void *memory = map_anonymous(16 * MiB, false);

	for (int i = 0; i < VMS; i++) {
		selfvm_create(&vms[i]);
		selfvm_add_slot(&vms[i], memory, 16 * MiB);
	}
	for (int rep = -1; rep < b->reps; rep++) {
		progress("footprint", rep, b->reps);
		attach_all(vms, rep);
	}
	for (int i = 0; i < VMS; i++)
		selfvm_destroy(&vms[i]);
	munmap(memory, 16 * MiB);
	pool_cost();
}
