// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vm.c - attached VMs, until the close of the vm fd
 *
 *	vm-attach.c ──▶ ATTACHED ◀──▶ MOVING
 *	                          │             │
 *	               vm_detach  ▼             ▼  vm_gone, from any state
 *	                      DETACHING        GONE
 *	         all is home  ▼                 │
 *	                      CLOSING ──────────┴──▶ freed
 *
 * A VM that is closing waits until no worker uses its fd, then a worker closes it: the last
 * close brings home what is still out, and that may take a while.
 */
#include <string.h>
#include <unistd.h>

#include "hmmd.h"
#include "kernel-steps.h"

static const struct {
	const char *name;
	unsigned int permitted;
	const char *why_not;
} states[] = {
#define STATE_ENTRY(NAME, name, permitted, why_not) { name, permitted, why_not },
	VM_STATE_LIST(STATE_ENTRY)
};

static GPtrArray *vms;

GPtrArray *vm_list(void)
{
	if (!vms)
		vms = g_ptr_array_new();
	return g_ptr_array_ref(vms);
}

Vm *vm_by_pid(pid_t pid)
{
	for (guint i = 0; vms && i < vms->len; i++) {
		Vm *vm = g_ptr_array_index(vms, i);

		if (vm->pid == pid && vm->state != VM_STATE_GONE)
			return vm;
	}
	return NULL;
}

/* systemd gives fds back in no certain order; people see the oldest first. */
static int by_id(gconstpointer a, gconstpointer b)
{
	const Vm *x = *(Vm *const *)a, *y = *(Vm *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

void vm_publish(Vm *vm)
{
	g_ptr_array_unref(vm_list());
	g_ptr_array_add(vms, vm);
	g_ptr_array_sort(vms, by_id);
}

const char *vm_state_name(const Vm *vm)
{
	return states[vm->state].name;
}

bool vm_permits(const Vm *vm, enum control_command command, GError **error)
{
	if (states[vm->state].permitted & 1u << command)
		return true;
	hmmd_set_error(error,
		       vm->state == VM_STATE_GONE ? CONTROL_CLASS_VM_GONE : CONTROL_CLASS_BUSY,
		       "VM '%s' %s", vm->name, states[vm->state].why_not);
	return false;
}

json_object *vm_json(Vm *vm)
{
	json_object *object = json_object_new_object();
	struct vmirror_vm_stat stat = { .size = sizeof(stat) };

	kernel_vm_numbers(vm->fd, &stat);
	control_add_string(object, "name", vm->name);
	control_add_string(object, "uuid", vm->uuid);
	control_add_u64(object, "pid", (uint64_t)vm->pid);
	control_add_bool(object, "attached", true);
	control_add_u64(object, "ram-bytes", stat.ram_bytes);
	control_add_u64(object, "out-bytes", stat.out_pages * VMIRROR_PAGE_SIZE);
	control_add_u64(object, "id", vm->id);
	control_add_string(object, "state", vm_state_name(vm));
	return object;
}

/* ---- the end ------------------------------------------------------------ */

void vm_free(Vm *vm)
{
	vm_ring_stop(vm);
	hints_free(vm->hints);
	sync_free(vm->sync);
	if (vm->pidfd_source)
		g_source_remove(vm->pidfd_source);
	if (vm->pidfd >= 0)
		close(vm->pidfd);
	if (vm->fd >= 0)
		close(vm->fd);
	g_free(vm->name);
	g_free(vm->uuid);
	g_free(vm);
}

struct closing {
	Vm *vm;
	int fd;
	uint32_t id;
	uint64_t out_bytes; /* what the close brought home */
};

/* Worker: has its own copy of what it needs. */
static void close_fd(Job *job)
{
	struct closing *closing = job->data;
	struct vmirror_vm_stat stat;

	if (kernel_vm_numbers(closing->fd, &stat) == 0)
		closing->out_bytes = stat.out_pages * VMIRROR_PAGE_SIZE;
	fdstore_remove("vm", closing->id);
	close(closing->fd);
}

static void closed(Job *job)
{
	g_autofree struct closing *closing = job->data;
	Vm *vm = closing->vm;
	Call *call = vm->closing_call;
	json_object *data;

	g_ptr_array_remove(vms, vm);
	log_info(vm->name, NULL, "detached");
	events_emit("vm-detached", vm, NULL);
	if (call) {
		data = json_object_new_object();
		control_add_u64(data, "returned-bytes", vm->closing_bytes + closing->out_bytes);
		call_return(call, data);
	}
	vm_free(vm);
}

static void close_if_unused(Vm *vm)
{
	struct closing *closing;

	if (!vm->closing || vm->workers)
		return;
	closing = g_new0(struct closing, 1);
	*closing = (struct closing){ .vm = vm, .fd = vm->fd, .id = vm->id };
	vm->fd = -1;
	vm->workers++; /* this one; there are no others after it */
	job_start(job_new(NULL, NULL, close_fd, closed, closing));
}

static void vm_close(Vm *vm)
{
	if (vm->closing)
		return;
	vm->closing = true;
	if (vm->state != VM_STATE_GONE)
		vm->state = VM_STATE_CLOSING;
	hints_stop(vm->hints);
	/* The mapping of the ring keeps the fd open, too. */
	vm_ring_stop(vm);
	if (vm->pidfd_source)
		g_source_remove(vm->pidfd_source);
	vm->pidfd_source = 0;
	close_if_unused(vm);
}

static void stop_jobs(Vm *vm, enum control_class class_, const char *why)
{
	if (vm->running)
		job_stop(vm->running, class_, why);
	while (!g_queue_is_empty(&vm->waiting))
		job_stop(g_queue_peek_head(&vm->waiting), class_, why);
}

void vm_stop_all(void)
{
	for (guint i = 0; vms && i < vms->len; i++) {
		Vm *vm = g_ptr_array_index(vms, i);

		stop_jobs(vm, CONTROL_CLASS_BUSY, "hmmd is stopping");
		hints_stop(vm->hints);
	}
}

void vm_gone(Vm *vm)
{
	if (vm->state == VM_STATE_GONE)
		return;
	vm->state = VM_STATE_GONE;
	log_info(vm->name, NULL, "the VM has ended");
	events_emit("exit", vm, NULL);
	stop_jobs(vm, CONTROL_CLASS_VM_GONE, "the VM has ended");
	vm_close(vm);
}

void vm_forget_call(Call *call)
{
	for (guint i = 0; vms && i < vms->len; i++) {
		Vm *vm = g_ptr_array_index(vms, i);

		if (vm->closing_call == call)
			vm->closing_call = NULL;
	}
}

/* ---- detach ------------------------------------------------------------- */

/* Worker. */
static void bring_home(Job *job)
{
	move_run(job->data);
}

static void brought_home(Job *job)
{
	g_autofree Move *move = job->data;
	Vm *vm = job->vm;

	vm->closing_bytes = move->moved.moved_pages * VMIRROR_PAGE_SIZE;
	if (vm->state == VM_STATE_DETACHING && job->stopped) {
		vm->state = VM_STATE_ATTACHED;
		log_info(vm->name, NULL, "not detached: %s", job->stopped);
		if (job->call)
			call_error(job->call, job->stopped_class, NULL,
				   "VM '%s' was not detached: %s", vm->name, job->stopped);
		return;
	}
	/* Whatever would not come by RECALL comes with the close. */
	vm->closing_call = job->call;
	vm_close(vm);
}

void vm_detach(Vm *vm, Call *call)
{
	Move *move = g_new0(Move, 1);
	Job *job = job_new(call, vm, bring_home, brought_home, move);

	vm->state = VM_STATE_DETACHING;
	stop_jobs(vm, CONTROL_CLASS_NOT_ATTACHED, "the VM is being detached");
	move->vm_fd = vm->fd;
	move->pool_fd = -1;
	move->what = MOVE_ALL;
	move->at = &job->at;
	job->serial = true;
	job->progress = true;
	job_start(job);
}

/* ---- jobs --------------------------------------------------------------- */

void vm_hold(Vm *vm)
{
	vm->workers++;
}

void vm_release(Vm *vm)
{
	vm->workers--;
	close_if_unused(vm);
}

/* A background job is the last one, and ends early; there is one at most. */
static void wait_for_turn(Vm *vm, Job *job)
{
	GList *last = vm->waiting.tail;

	if (!job->background && last && ((Job *)last->data)->background)
		g_queue_insert_before(&vm->waiting, last, job);
	else
		g_queue_push_tail(&vm->waiting, job);
	if (vm->running->background)
		move_stop(&vm->running->at);
}

bool vm_job_begin(Vm *vm, Job *job)
{
	if (job->serial && vm->running) {
		wait_for_turn(vm, job);
		return false;
	}
	vm_hold(vm);
	if (job->serial) {
		vm->running = job;
		if (vm->state == VM_STATE_ATTACHED)
			vm->state = VM_STATE_MOVING;
	}
	return true;
}

bool vm_job_unqueue(Vm *vm, Job *job)
{
	if (!g_queue_remove(&vm->waiting, job))
		return false;
	/* vm_job_end() follows for this one as for the others. */
	vm_hold(vm);
	return true;
}

void vm_job_end(Vm *vm, Job *job)
{
	Job *next;

	if (job == vm->running) {
		vm->running = NULL;
		if (vm->state == VM_STATE_MOVING)
			vm->state = VM_STATE_ATTACHED;
		next = g_queue_pop_head(&vm->waiting);
		if (next && vm_job_begin(vm, next))
			job_run(next);
	}
	vm_release(vm);
}
