// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * command-move.c - migrate and recall
 */
#include <errno.h>

#include "hmmd.h"
#include "kernel-steps.h"
#include "names.h"
#include "units.h"

#define NS_PER_SECOND UINT64_C(1000000000)

struct order {
	Move move;
	Room room;
	Pool *pool; /* NULL: recall */
	struct control_range *ranges;
	double seconds;
};

/* Worker. */
static void order_run(Job *job)
{
	struct order *order = job->data;
	gint64 began = g_get_monotonic_time();

	move_run(&order->move);
	order->seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
}

/* ---- the answer --------------------------------------------------------- */

static json_object *skipped_json(const struct vmirror_moved *moved)
{
	json_object *object = json_object_new_object();

	for (uint32_t i = 1; i < VMIRROR_SKIP_SLOTS; i++)
		if (moved->skipped_pages[i])
			control_add_u64(object, vmirror_skip_name(i),
					moved->skipped_pages[i] * VMIRROR_PAGE_SIZE);
	return object;
}

static json_object *moved_json(const struct order *order)
{
	const Move *move = &order->move;
	json_object *object = json_object_new_object();

	control_add_u64(object, "asked-bytes", move->asked_bytes);
	control_add_u64(object, "moved-bytes", move->moved.moved_pages * VMIRROR_PAGE_SIZE);
	control_add_u64(object, "moved-huge", move->moved.moved_huge);
	json_object_object_add(object, "seconds", json_object_new_double(order->seconds));
	control_add_u64(object, "evicted-bytes", order->room.evicted_pages * VMIRROR_PAGE_SIZE);
	json_object_object_add(object, "skipped", skipped_json(&move->moved));
	return object;
}

static bool only_no_slot(const struct vmirror_moved *moved)
{
	for (uint32_t i = 1; i < VMIRROR_SKIP_SLOTS; i++)
		if (i != VMIRROR_SKIP_NO_SLOT && moved->skipped_pages[i])
			return false;
	return moved->skipped_pages[VMIRROR_SKIP_NO_SLOT] != 0;
}

static void answer_pool_full(Call *call, Pool *pool, uint64_t asked)
{
	json_object *data = json_object_new_object();
	struct vmirror_pool_stat stat = { .size = sizeof(stat) };
	g_autofree char *free_text = NULL, *asked_text = units_format_bytes(asked);
	uint64_t free_bytes;

	kernel_pool_numbers(pool->fd, &stat);
	free_bytes = stat.bytes - stat.used_bytes;
	free_text = units_format_bytes(free_bytes);
	control_add_u64(data, "free-bytes", free_bytes);
	call_error(call, CONTROL_CLASS_POOL_FULL, data, "pool '%s' has %s free, %s were asked for",
		   pool->name, free_text, asked_text);
}

static void answer_error(Call *call, const char *vm, int err)
{
	switch (-err) {
	case ESRCH:
		call_error(call, CONTROL_CLASS_VM_GONE, NULL, "VM '%s' has ended", vm);
		break;
	case ENOMEM:
		call_error(call, CONTROL_CLASS_NO_MEMORY, NULL,
			   "the kernel has no memory to move that of VM '%s'", vm);
		break;
	case EBUSY:
		call_error(call, CONTROL_CLASS_BUSY, NULL,
			   "the memory of VM '%s' is changing too fast; try again", vm);
		break;
	default:
		call_error(call, CONTROL_CLASS_INTERNAL, NULL, "VM '%s': %s", vm, g_strerror(-err));
		break;
	}
}

static void answer(Call *call, const struct order *order, const Job *job)
{
	const Move *move = &order->move;
	const char *vm = job->vm->name;

	if (job->stopped) {
		g_autofree char *moved =
			units_format_bytes(move->moved.moved_pages * VMIRROR_PAGE_SIZE);

		call_error(call, job->stopped_class, moved_json(order),
			   "stopped after %s had moved: %s", moved, job->stopped);
	} else if (move->error && !move->moved.moved_pages) {
		answer_error(call, vm, move->error);
	} else if (move->moved.moved_pages || !move->asked_bytes) {
		call_return(call, moved_json(order));
	} else if (only_no_slot(&move->moved)) {
		call_error(call, CONTROL_CLASS_OUT_OF_RANGE, NULL, "VM '%s' has no memory there",
			   vm);
	} else if (!order->pool) {
		call_return(call, moved_json(order));
	} else if (move->pool_full) {
		answer_pool_full(call, order->pool, move->asked_bytes);
	} else {
		json_object *data = json_object_new_object();

		json_object_object_add(data, "skipped", skipped_json(&move->moved));
		call_error(call, CONTROL_CLASS_NOTHING_MOVABLE, data,
			   "nothing of VM '%s' could move", vm);
	}
}

static void order_done(Job *job)
{
	struct order *order = job->data;
	const Move *move = &order->move;
	uint64_t moved = move->moved.moved_pages * VMIRROR_PAGE_SIZE;

	if (move->error)
		log_warn(job->vm->name, order->pool ? order->pool->name : NULL,
			 "%s ended early: %s", order->pool ? "migrate" : "recall",
			 g_strerror(-move->error));
	log_debug(job->vm->name, order->pool ? order->pool->name : NULL,
		  "%s %" PRIu64 " of %" PRIu64 " KiB in %.3f s",
		  order->pool ? "moved out" : "brought back", moved / 1024,
		  move->asked_bytes / 1024, order->seconds);
	if (job->call)
		answer(job->call, order, job);
	if (order->pool)
		pool_unuse(order->pool, job);
	room_end(&order->room);
	g_free(order->ranges);
	g_free(order);
}

/* ---- the order ---------------------------------------------------------- */

static void start(Call *call, Vm *vm, Pool *pool)
{
	struct control_request *request = &call->request;
	struct order *order = g_new0(struct order, 1);
	Job *job = job_new(call, vm, order_run, order_done, order);

	order->pool = pool;
	order->ranges = g_steal_pointer(&request->ranges);
	order->move = (Move){
		.vm_fd = vm->fd,
		.pool_fd = pool ? pool->fd : -1,
		.what = request->all	? MOVE_ALL
			: order->ranges ? MOVE_RANGES
					: MOVE_BYTES,
		.ranges = order->ranges,
		.nr_ranges = request->nr_ranges,
		.bytes = request->bytes,
		.at = &job->at,
	};
	if (request->has & CONTROL_HAS(EVICT)) {
		room_begin(&order->room, vm->fd, pool->fd,
			   request->evict_idle_seconds * NS_PER_SECOND);
		order->room.ranges = order->ranges;
		order->room.nr_ranges = request->nr_ranges;
		order->move.room = &order->room;
	}
	job->serial = true;
	job->progress = true;
	if (pool)
		pool_use(pool, job);
	job_start(job);
}

void command_migrate(Call *call)
{
	GError *error = NULL;
	Pool *pool = NULL;
	Vm *vm = find_vm(call->request.vm, &error);

	if (vm && vm_permits(vm, CONTROL_MIGRATE, &error))
		pool = pool_pick(call->request.pool, &error);
	if (pool)
		start(call, vm, pool);
	else
		call_gerror(call, error);
}

void command_recall(Call *call)
{
	GError *error = NULL;
	Vm *vm = find_vm(call->request.vm, &error);

	if (vm && vm_permits(vm, CONTROL_RECALL, &error))
		start(call, vm, NULL);
	else
		call_gerror(call, error);
}
