// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmd.h"

static char *add_pid(char *list, pid_t pid)
{
	char *longer = g_strdup_printf("%s%s%d", list ? list : "", list ? ", " : "", (int)pid);

	g_free(list);
	return longer;
}

static void set_ambiguous(GError **error, const char *text, const char *pids)
{
	hmmd_set_error(error, CONTROL_CLASS_VM_AMBIGUOUS,
		       "more than one VM is called '%s': use one of the process ids %s", text,
		       pids);
}

ProcVmm *find_vmm(const char *text, GError **error)
{
	g_autoptr(GPtrArray) vmms = proc_vmm_scan("/proc");
	g_autofree char *pids = NULL;
	const ProcVmm *found = NULL;
	unsigned int nr = 0;

	for (guint i = 0; i < vmms->len; i++) {
		const ProcVmm *vmm = g_ptr_array_index(vmms, i);

		if (!proc_vmm_matches(vmm->name, vmm->uuid, vmm->pid, text))
			continue;
		found = vmm;
		pids = add_pid(pids, vmm->pid);
		nr++;
	}
	if (nr == 1)
		return proc_vmm_copy(found);
	if (nr)
		set_ambiguous(error, text, pids);
	else
		hmmd_set_error(
			error, CONTROL_CLASS_VM_NOT_FOUND,
			"there is no running KVM VM with the name, UUID or process id '%s'; %s",
			text, vmms->len ? "'hmmctl list' shows those that run" : "none runs");
	return NULL;
}

Vm *find_vm(const char *text, GError **error)
{
	g_autoptr(GPtrArray) vms = vm_list();
	g_autoptr(ProcVmm) vmm = NULL;
	g_autofree char *pids = NULL;
	Vm *found = NULL;
	unsigned int nr = 0;

	for (guint i = 0; i < vms->len; i++) {
		Vm *vm = g_ptr_array_index(vms, i);

		/* One that has ended may have a successor already. */
		if (vm->state == VM_STATE_GONE ||
		    !proc_vmm_matches(vm->name, vm->uuid, vm->pid, text))
			continue;
		found = vm;
		pids = add_pid(pids, vm->pid);
		nr++;
	}
	if (nr == 1)
		return found;
	if (nr) {
		set_ambiguous(error, text, pids);
		return NULL;
	}
	vmm = find_vmm(text, error);
	if (vmm)
		hmmd_set_error(error, CONTROL_CLASS_NOT_ATTACHED,
			       "VM '%s' is not attached; 'hmmctl attach %s' does that", text, text);
	return NULL;
}
