// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * command-doctor.c - gathers the case in the main thread, lets a worker look at it
 */
#include "doctor.h"
#include "hmmd.h"
#include "kernel-steps.h"

struct visit {
	DoctorCase kase;
	GPtrArray *held; /* VMs whose fd the worker uses */
	json_object *findings;
};

/* Worker. */
static void visit_run(Job *job)
{
	struct visit *visit = job->data;

	doctor_host(&visit->kase, "/sys", visit->findings);
	for (guint i = 0; i < visit->kase.vms->len; i++)
		doctor_vm(g_ptr_array_index(visit->kase.vms, i), "/proc", visit->findings);
}

static void visit_free(struct visit *visit)
{
	for (guint i = 0; i < visit->held->len; i++)
		vm_release(g_ptr_array_index(visit->held, i));
	g_ptr_array_free(visit->held, TRUE);
	g_ptr_array_free(visit->kase.vms, TRUE);
	g_free(visit->kase.not_loaded);
	json_object_put(visit->findings);
	g_free(visit);
}

static void visit_done(Job *job)
{
	struct visit *visit = job->data;
	json_object *data;

	if (job->call) {
		data = json_object_new_object();
		json_object_object_add(data, "findings", json_object_get(visit->findings));
		call_return(job->call, data);
	}
	visit_free(visit);
}

static void doctor_vm_free(gpointer data)
{
	DoctorVm *vm = data;

	proc_vmm_free(vm->vmm);
	g_free(vm);
}

static void gather_host(DoctorCase *kase)
{
	g_autoptr(GPtrArray) pools = pool_list();
	g_autoptr(GError) error = NULL;

	kase->loaded = kernel_info(&kase->info, &error);
	kase->not_loaded = error ? g_strdup(error->message) : NULL;
	kase->fdstore = fdstore_available();
	kase->pools = pools->len;
	kase->pools_full = pools->len > 0;
	for (guint i = 0; i < pools->len; i++) {
		const Pool *pool = g_ptr_array_index(pools, i);
		struct vmirror_pool_stat stat;

		if (!pool->closing && kernel_pool_numbers(pool->fd, &stat) == 0 &&
		    stat.used_bytes < stat.bytes)
			kase->pools_full = false;
	}
}

static void gather_vm(struct visit *visit, const ProcVmm *vmm)
{
	DoctorVm *item = g_new0(DoctorVm, 1);
	Vm *vm = vm_by_pid(vmm->pid);
	const Picture *picture;

	item->vmm = proc_vmm_copy(vmm);
	item->vm_fd = -1;
	g_ptr_array_add(visit->kase.vms, item);
	if (!vm || !vm_permits(vm, CONTROL_DOCTOR, NULL))
		return;
	item->vm_fd = vm->fd;
	vm_ring_catch_up(vm);
	picture = sync_picture(vm->sync);
	item->picture_known = picture != NULL;
	item->picture_pages = picture ? picture_pages(picture) : 0;
	vm_hold(vm);
	g_ptr_array_add(visit->held, vm);
}

void command_doctor(Call *call)
{
	g_autoptr(GPtrArray) vmms = NULL;
	GError *error = NULL;
	struct visit *visit;
	ProcVmm *one;

	if (call->request.vm) {
		one = find_vmm(call->request.vm, &error);
		if (!one) {
			call_gerror(call, error);
			return;
		}
		vmms = g_ptr_array_new_with_free_func((GDestroyNotify)proc_vmm_free);
		g_ptr_array_add(vmms, one);
	} else {
		vmms = proc_vmm_scan("/proc");
	}
	visit = g_new0(struct visit, 1);
	visit->held = g_ptr_array_new();
	visit->kase.vms = g_ptr_array_new_with_free_func(doctor_vm_free);
	visit->findings = json_object_new_array();
	gather_host(&visit->kase);
	for (guint i = 0; i < vmms->len; i++)
		gather_vm(visit, g_ptr_array_index(vmms, i));
	job_start(job_new(call, NULL, visit_run, visit_done, visit));
}
