// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include "hmmd.h"
#include "names.h"
#include "walk.h"

#define GPA_END (UINT64_C(1) << VMIRROR_GPA_BITS)

/* ---- attach, detach ----------------------------------------------------- */

void command_attach(Call *call)
{
	g_autoptr(ProcVmm) vmm = NULL;
	GError *error = NULL;
	json_object *data;
	Vm *vm = NULL;

	if (kernel_open(&error))
		vmm = find_vmm(call->request.vm, &error);
	if (vmm && vm_by_pid(vmm->pid)) {
		hmmd_set_error(&error, CONTROL_CLASS_ALREADY_ATTACHED,
			       "VM '%s' is already attached", vmm->name);
	} else if (vmm) {
		vm = vm_attach(vmm, &error);
	}
	if (!vm) {
		call_gerror(call, error);
		return;
	}
	data = json_object_new_object();
	json_object_object_add(data, "vm", vm_json(vm));
	call_return(call, data);
}

void command_detach(Call *call)
{
	GError *error = NULL;
	Vm *vm = find_vm(call->request.vm, &error);

	if (vm && vm_permits(vm, CONTROL_DETACH, &error))
		vm_detach(vm, call);
	else
		call_gerror(call, error);
}

/* ---- map ---------------------------------------------------------------- */

/* What one answer carries; a client asks for the rest. */
#define EXTENTS_MAX 16384u

struct map {
	int vm_fd;
	uint64_t gpa;
	uint64_t end;
	GArray *extents;
	bool more;
	int error;
};

/* Worker. */
static void map_run(Job *job)
{
	struct map *map = job->data;
	g_autofree Walk *walk = g_new(Walk, 1);
	struct vmirror_extent extent;
	int more;

	map->error = walk_start(walk, map->vm_fd, map->gpa, map->end);
	while (!map->error && !move_stopped(&job->at)) {
		more = walk_next(walk, &extent);
		if (more < 0)
			map->error = more;
		if (more <= 0)
			break;
		g_array_append_val(map->extents, extent);
		/* One more than is sent, to know where to go on. */
		if (map->extents->len > EXTENTS_MAX) {
			map->more = true;
			break;
		}
	}
	walk_end(walk);
}

static json_object *extent_json(const struct vmirror_extent *extent)
{
	json_object *object = json_object_new_object();
	bool out = extent->state == VMIRROR_STATE_POOL;

	control_add_u64(object, "gpa", extent->gpa);
	control_add_u64(object, "bytes", (uint64_t)extent->pages * VMIRROR_PAGE_SIZE);
	control_add_string(object, "state", vmirror_state_name(extent->state));
	control_add_bool(object, "huge", extent->order != 0);
	control_add_bool(object, "writable", extent->writable);
	control_add_string(object, "pool", out ? pool_name(extent->pool_id) : NULL);
	control_add_u64(object, "offset", extent->pool_offset);
	return object;
}

static json_object *map_json(const struct map *map)
{
	json_object *data = json_object_new_object();
	guint nr = MIN(map->extents->len, EXTENTS_MAX);
	json_object *array = json_object_new_array_ext((int)nr);

	for (guint i = 0; i < nr; i++)
		json_object_array_add(
			array, extent_json(&g_array_index(map->extents, struct vmirror_extent, i)));
	json_object_object_add(data, "extents", array);
	if (map->more)
		control_add_u64(data, "next-gpa",
				g_array_index(map->extents, struct vmirror_extent, nr).gpa);
	else
		json_object_object_add(data, "next-gpa", NULL);
	return data;
}

static void map_done(Job *job)
{
	struct map *map = job->data;

	if (job->call && map->error == -ESRCH)
		call_error(job->call, CONTROL_CLASS_VM_GONE, NULL, "VM '%s' has ended",
			   job->vm->name);
	else if (job->call && map->error)
		call_error(job->call, CONTROL_CLASS_BUSY, NULL, "VM '%s' cannot be mapped: %s",
			   job->vm->name, g_strerror(-map->error));
	else if (job->call && !map->extents->len)
		call_error(job->call, CONTROL_CLASS_OUT_OF_RANGE, NULL,
			   "VM '%s' has no memory there", job->vm->name);
	else if (job->call)
		call_return(job->call, map_json(map));
	g_array_free(map->extents, TRUE);
	g_free(map);
}

void command_map(Call *call)
{
	const struct control_request *request = &call->request;
	GError *error = NULL;
	struct map *map;
	Vm *vm = find_vm(request->vm, &error);

	if (!vm || !vm_permits(vm, CONTROL_MAP, &error)) {
		call_gerror(call, error);
		return;
	}
	map = g_new0(struct map, 1);
	map->vm_fd = vm->fd;
	map->gpa = request->gpa;
	map->end = request->has & CONTROL_HAS(BYTES) ? request->gpa + request->bytes : GPA_END;
	map->extents = g_array_new(FALSE, FALSE, sizeof(struct vmirror_extent));
	job_start(job_new(call, vm, map_run, map_done, map));
}
