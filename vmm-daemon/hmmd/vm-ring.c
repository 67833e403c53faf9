// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hmmd.h"

/*
 * Records per round of the main loop.  A VM that floods its ring gets its turn like everyone
 * else; what does not fit into the ring meanwhile is LOST, and a snapshot makes up for it.
 */
#define BATCH 256

/*
 * How long to look away once the ring is empty: a guest whose pages come home by fault, one by
 * one, wakes us no more often.  A ring of the default size overflows at a million records a second.
 */
#define PAUSE_MS 1

/* false once the VM has ended. */
static bool take_batch(Vm *vm, size_t *n)
{
	struct vmirror_record records[BATCH];

	*n = ring_read(&vm->ring, records, BATCH);
	for (size_t i = 0; i < *n; i++) {
		sync_record(vm->sync, &records[i]);
		hints_record(vm->hints, &records[i]);
		events_record(vm, &records[i]);
		if (records[i].type == VMIRROR_EVENT_EXIT)
			return false;
	}
	return true;
}

static gboolean ring_ready(gint fd, GIOCondition condition, gpointer data);

static gboolean ring_listen(gpointer data)
{
	Vm *vm = data;

	vm->ring_source = g_unix_fd_add(vm->fd, G_IO_IN, ring_ready, vm);
	return G_SOURCE_REMOVE;
}

static gboolean ring_ready(gint fd, GIOCondition condition, gpointer data)
{
	Vm *vm = data;
	size_t n;

	(void)fd;
	if (take_batch(vm, &n) && (n || !(condition & (G_IO_HUP | G_IO_ERR)))) {
		if (n == BATCH)
			return G_SOURCE_CONTINUE;
		vm->ring_source = g_timeout_add(PAUSE_MS, ring_listen, vm);
		return G_SOURCE_REMOVE;
	}
	vm->ring_source = 0;
	vm_gone(vm);
	return G_SOURCE_REMOVE;
}

bool vm_ring_start(Vm *vm, GError **error)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 0;
	void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, vm->fd, 0);

	/* The first page tells how much there is to map. */
	if (memory != MAP_FAILED) {
		size = ((struct vmirror_ring *)memory)->map_size;
		munmap(memory, page);
		memory = MAP_FAILED;
		if (size >= page)
			memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->fd, 0);
	}
	if (memory == MAP_FAILED) {
		hmmd_set_error(error, CONTROL_CLASS_INTERNAL, "the event ring of VM '%s': %s",
			       vm->name, g_strerror(errno));
		return false;
	}
	if (!ring_open(&vm->ring, memory, size)) {
		hmmd_set_error(error, CONTROL_CLASS_INTERNAL,
			       "the event ring of VM '%s' is not of the kind hmmd knows", vm->name);
		munmap(memory, size);
		return false;
	}
	ring_listen(vm);
	return true;
}

/*
 * Take what is in the ring now: no more than fits in, because a guest that goes on may go on
 * filling it.  false once the VM has ended.
 */
static bool take_all(Vm *vm)
{
	size_t n;

	for (size_t left = vm->ring.mask + 1; left; left -= MIN(n, left)) {
		if (!take_batch(vm, &n))
			return false;
		if (!n)
			break;
	}
	return true;
}

static gboolean ring_over(gpointer data)
{
	Vm *vm = data;

	vm->ring_source = 0;
	vm_gone(vm);
	return G_SOURCE_REMOVE;
}

void vm_ring_catch_up(Vm *vm)
{
	if (!vm->ring_source || take_all(vm))
		return;
	/* Not here and now: who asks is in the midst of something with this VM. */
	g_source_remove(vm->ring_source);
	vm->ring_source = g_idle_add(ring_over, vm);
}

void vm_ring_stop(Vm *vm)
{
	if (vm->ring_source)
		g_source_remove(vm->ring_source);
	vm->ring_source = 0;
	if (!vm->ring.header)
		return;
	/* The last that anyone hears of this VM. */
	take_all(vm);
	munmap(vm->ring.header, vm->ring.map_size);
	vm->ring.header = NULL;
}
