// SPDX-License-Identifier: LGPL-2.1-or-later
/* balancing.c - NUMA balancing watches pages and moves them to other nodes while they go out and come back */
#include <dirent.h>
#include <sched.h>

#include "fire.h"
#include "pagemap.h"
#include "setting.h"

#define LENGTH (4 * MiB)
#define STORM_MS 2000

#define NUMA "/sys/kernel/debug/sched/numa_balancing/"

static unsigned int nodes(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir = opendir("/sys/devices/system/node");

	while (dir && (entry = readdir(dir)))
		n += !strncmp(entry->d_name, "node", 4);
	if (dir)
		closedir(dir);
	return n;
}

/* Each node has a CPU. */
static void go_to_next_cpu(void)
{
	static int cpu;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu++ % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);	/* not where the lab keeps a CPU for itself */
}

/* The balancer follows the task from node to node: so from CPU to CPU. */
static void wander(struct fire *f)
{
	go_to_next_cpu();
	for (int i = 0; i < 8; i++)
		fire_write(f, fire_run(f), 70);
}

static void *do_nothing(void *until)
{
	while (!atomic_load((atomic_bool *)until))
		usleep(10000);
	return NULL;
}

/*
 * It watches pages that nobody touches, and those are the ones to send out; SNAPSHOT does not
 * see them.  It does so while a task runs, so this waits without sleeping; and does not care for
 * pages of the node at hand unless there is a second thread.
 */
static uint64_t wait_watched(struct fire *f)
{
	uint64_t watched, end = now_ms() + 3000;
	atomic_bool stop = false;
	pthread_t second;

	CHECK(pthread_create(&second, NULL, do_nothing, &stop) == 0);
	do {
		watched = pages_in_state(f->vm, (uintptr_t)f->memory, LENGTH, VMIRROR_STATE_ABSENT);
	} while (watched < f->pages && now_ms() < end);
	atomic_store(&stop, true);
	CHECK(pthread_join(second, NULL) == 0);
	return watched;
}

#define STAY_MS 3000
#define STAYS_MAX 4		/* with each CPU */

static uint64_t pages_elsewhere(const int *before, const int *after, uint64_t pages)
{
	uint64_t n = 0;

	for (uint64_t page = 0; page < pages; page++)
		n += before[page] >= 0 && after[page] >= 0 && before[page] != after[page];
	return n;
}

/* Nothing else moves them meanwhile: what lies in another node then, the balancer has moved. */
static void mirrored_pages_change_nodes(struct fire *f)
{
	static int before[LENGTH / VMIRROR_PAGE_SIZE], after[LENGTH / VMIRROR_PAGE_SIZE];
	struct vmirror_moved home;
	uint64_t moved = 0;

	recall(f->vm, (uintptr_t)f->memory, LENGTH, &home);
	page_nodes(f->memory, f->pages, before);
	for (int stays = 0; stays < STAYS_MAX * sysconf(_SC_NPROCESSORS_ONLN) && !moved; stays++) {
		uint64_t end = now_ms() + STAY_MS;

		go_to_next_cpu();
		while (!moved && now_ms() < end) {
			fire_write(f, (struct run) { 0, f->pages }, 71);
			page_nodes(f->memory, f->pages, after);
			moved = pages_elsewhere(before, after, f->pages);
		}
	}
	printf("    %llu of %llu mirrored pages have changed nodes\n", (unsigned long long)moved,
	       (unsigned long long)f->pages);
	CHECK(moved > 0);
	fire_check_all(f);
}

static void nodes_are_balanced(bool huge)
{
	uint64_t before = number_in("/proc/vmstat", "numa_pte_updates ");
	cpu_set_t all;
	struct fire f;

	set("/proc/sys/kernel/numa_balancing", "1");
	set(NUMA "scan_delay_ms", "1");
	set(NUMA "scan_period_min_ms", "10");
	set(NUMA "scan_period_max_ms", "20");
	CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
	fire_begin(&f, LENGTH, huge);
	fire_storm(&f, "NUMA balancing", STORM_MS, wander);
	mirrored_pages_change_nodes(&f);
	CHECK(sched_setaffinity(0, sizeof(all), &all) == 0);
	printf("    %llu entries watched by it\n",
	       (unsigned long long)(number_in("/proc/vmstat", "numa_pte_updates ") - before));
	CHECK(number_in("/proc/vmstat", "numa_pte_updates ") > before);
	fire_check_all(&f);
	printf("    %llu pages watched as they go out\n", (unsigned long long)wait_watched(&f));
	all_out(f.vm, f.pool, f.memory, LENGTH);
	CHECK(pages_in_state(f.vm, (uintptr_t)f.memory, LENGTH, VMIRROR_STATE_POOL) == f.pages);
	fire_end(&f);
}

void case_balancing(struct target *t)
{
	(void)t;
	if (nodes() < 2)
		FAIL("there is one node, and nothing to balance: the lab has two with HMMD_LAB_NODES=2");
	for (int huge = 0; huge < 2; huge++)
		nodes_are_balanced(huge);
}
