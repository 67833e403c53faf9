// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include <unistd.h>

#include "hmmd.h"
#include "kernel-steps.h"
#include "names.h"
#include "walk.h"

#define HUGE_ORDER 9

static gint64 started;

/* ---- query-status ------------------------------------------------------- */

static json_object *engines_json(uint32_t engines)
{
	json_object *array = json_object_new_array();

	for (uint32_t value = 1; value < 32; value++)
		if (engines & 1u << value)
			json_object_array_add(array,
					      json_object_new_string(vmirror_engine_name(value)));
	return array;
}

static json_object *kernel_json(void)
{
	json_object *object = json_object_new_object();
	struct vmirror_info info = { .size = sizeof(info) };
	bool loaded = kernel_info(&info, NULL);

	control_add_bool(object, "loaded", loaded);
	control_add_u64(object, "abi", info.abi_version);
	json_object_object_add(object, "engines", engines_json(info.engines));
	control_add_bool(object, "huge", info.folio_orders & 1u << HUGE_ORDER);
	control_add_u64(object, "reserve-bytes", info.reserve_pages * VMIRROR_PAGE_SIZE);
	control_add_u64(object, "reserve-target-bytes", info.reserve_target * VMIRROR_PAGE_SIZE);
	return object;
}

void command_query_init(void)
{
	started = g_get_monotonic_time();
}

void command_query_status(Call *call)
{
	json_object *data = json_object_new_object();
	g_autoptr(GPtrArray) pools = pool_list();
	g_autoptr(GPtrArray) vms = vm_list();

	control_add_string(data, "version", PACKAGE_VERSION);
	control_add_u64(data, "pid", (uint64_t)getpid());
	control_add_u64(data, "uptime-seconds",
			(uint64_t)((g_get_monotonic_time() - started) / G_USEC_PER_SEC));
	control_add_bool(data, "fdstore", fdstore_available());
	json_object_object_add(data, "kernel", kernel_json());
	control_add_u64(data, "pools", pools->len);
	control_add_u64(data, "vms", vms->len);
	call_return(call, data);
}

/* ---- list-pools, subscribe ---------------------------------------------- */

void command_list_pools(Call *call)
{
	json_object *data = json_object_new_object();
	json_object *array = json_object_new_array();
	g_autoptr(GPtrArray) pools = pool_list();

	for (guint i = 0; i < pools->len; i++)
		json_object_array_add(array, pool_json(g_ptr_array_index(pools, i)));
	json_object_object_add(data, "pools", array);
	call_return(call, data);
}

/* One may listen to a VM before it is attached, but not to one that nobody knows. */
void command_subscribe(Call *call)
{
	GError *error = NULL;

	if (call->request.vm && !find_vm(call->request.vm, &error)) {
		if (error->code != CONTROL_CLASS_NOT_ATTACHED) {
			call_gerror(call, error);
			return;
		}
		g_error_free(error);
	}
	client_subscribe(call->client, call->request.vm);
	call_return(call, NULL);
}

/* ---- list-vms ----------------------------------------------------------- */

static json_object *vmm_json(const ProcVmm *vmm)
{
	json_object *object = json_object_new_object();

	control_add_string(object, "name", vmm->name);
	control_add_string(object, "uuid", vmm->uuid);
	control_add_u64(object, "pid", (uint64_t)vmm->pid);
	control_add_bool(object, "attached", false);
	control_add_u64(object, "ram-bytes", vmm->ram_bytes);
	control_add_u64(object, "out-bytes", 0);
	control_add_u64(object, "id", 0);
	return object;
}

void command_list_vms(Call *call)
{
	json_object *data = json_object_new_object();
	json_object *array = json_object_new_array();
	g_autoptr(GPtrArray) vms = vm_list();
	g_autoptr(GPtrArray) vmms = proc_vmm_scan("/proc");

	for (guint i = 0; i < vms->len; i++)
		json_object_array_add(array, vm_json(g_ptr_array_index(vms, i)));
	for (guint i = 0; i < vmms->len; i++) {
		const ProcVmm *vmm = g_ptr_array_index(vmms, i);

		if (!vm_by_pid(vmm->pid))
			json_object_array_add(array, vmm_json(vmm));
	}
	json_object_object_add(data, "vms", array);
	call_return(call, data);
}

/* ---- query-vm ----------------------------------------------------------- */

/* What the worker brings. */
struct query {
	int vm_fd;
	struct vmirror_slot *slots;
	uint32_t nr_slots;
	struct vmirror_vm_stat stat;
	int error;
};

/* Worker. */
static void query_run(Job *job)
{
	struct query *query = job->data;

	query->error = kernel_vm_numbers(query->vm_fd, &query->stat);
	if (!query->error)
		query->error = walk_slots(query->vm_fd, &query->slots, &query->nr_slots);
}

static json_object *stat_json(const struct vmirror_vm_stat *stat)
{
	json_object *object = json_object_new_object();

	control_add_u64(object, "id", stat->id);
	control_add_u64(object, "pid", (uint64_t)stat->pid);
	control_add_bool(object, "dead", stat->dead);
	control_add_u64(object, "ram-bytes", stat->ram_bytes);
	control_add_u64(object, "out-pages", stat->out_pages);
	control_add_u64(object, "moved-out", stat->moved_out);
	control_add_u64(object, "back-fault", stat->back_fault);
	control_add_u64(object, "back-recall", stat->back_recall);
	control_add_u64(object, "dropped", stat->dropped);
	control_add_u64(object, "faults", stat->faults);
	control_add_u64(object, "reserve-used", stat->reserve_used);
	control_add_u64(object, "invalidations", stat->invalidations);
	control_add_u64(object, "lost-records", stat->lost_records);
	control_add_u64(object, "overhead-bytes", stat->overhead_bytes);
	control_add_string(object, "name", stat->name);
	return object;
}

static json_object *slots_json(const struct vmirror_slot *slots, uint32_t nr)
{
	json_object *array = json_object_new_array();

	for (uint32_t i = 0; i < nr; i++) {
		json_object *slot = json_object_new_object();

		control_add_u64(slot, "gpa", slots[i].gpa);
		control_add_u64(slot, "bytes", slots[i].length);
		control_add_u64(slot, "hva", slots[i].hva);
		control_add_string(slot, "blocker",
				   slots[i].blocker ? vmirror_skip_name(slots[i].blocker) : NULL);
		json_object_array_add(array, slot);
	}
	return array;
}

static json_object *pools_json(Vm *vm)
{
	g_autoptr(GPtrArray) pools = pool_list();
	const Picture *picture;
	json_object *object;

	vm_ring_catch_up(vm);
	picture = sync_picture(vm->sync);
	if (!picture)
		return NULL;
	object = json_object_new_object();
	for (guint i = 0; i < pools->len; i++) {
		const Pool *pool = g_ptr_array_index(pools, i);
		uint64_t pages = picture_pool_pages(picture, pool->id);

		if (pages)
			json_object_object_add(object, pool->name,
					       json_object_new_uint64(pages * VMIRROR_PAGE_SIZE));
	}
	return object;
}

static void query_done(Job *job)
{
	struct query *query = job->data;
	json_object *data;

	if (job->call && query->error) {
		call_error(job->call,
			   query->error == -ESRCH ? CONTROL_CLASS_VM_GONE : CONTROL_CLASS_INTERNAL,
			   NULL, "VM '%s': %s", job->vm->name, g_strerror(-query->error));
	} else if (job->call) {
		data = json_object_new_object();
		json_object_object_add(data, "vm", vm_json(job->vm));
		json_object_object_add(data, "stat", stat_json(&query->stat));
		json_object_object_add(data, "slots", slots_json(query->slots, query->nr_slots));
		json_object_object_add(data, "pools", pools_json(job->vm));
		call_return(job->call, data);
	}
	g_free(query->slots);
	g_free(query);
}

void command_query_vm(Call *call)
{
	GError *error = NULL;
	struct query *query;
	Vm *vm = find_vm(call->request.vm, &error);

	if (!vm || !vm_permits(vm, CONTROL_QUERY_VM, &error)) {
		call_gerror(call, error);
		return;
	}
	query = g_new0(struct query, 1);
	query->vm_fd = vm->fd;
	job_start(job_new(call, vm, query_run, query_done, query));
}
