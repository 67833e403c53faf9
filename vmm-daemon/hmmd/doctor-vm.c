// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <string.h>

#include "doctor.h"
#include "kernel-steps.h"
#include "names.h"
#include "units.h"
#include "walk.h"

#define KVM_MEM_READONLY (1u << 1)

/* Smaller ones are firmware, option ROMs and video memory, not the guest's RAM. */
#define RAM_SLOT_MIN (UINT64_C(16) << 20)

/* What to change in the domain's XML, or on QEMU's command line, for what blocks a slot. */
static const struct {
	enum vmirror_skip blocker;
	const char *fix;
} fixes[] = {
	{ VMIRROR_SKIP_SHARED,
	  "in <memoryBacking> remove <access mode='shared'/> and <source type='memfd'/> (QEMU: share=off); virtiofs and vhost-user devices need shared memory and must go, too" },
	{ VMIRROR_SKIP_HUGETLB,
	  "in <memoryBacking> remove <hugepages/>; transparent huge pages move, hugetlbfs pages do not" },
	{ VMIRROR_SKIP_LOCKED,
	  "in <memoryBacking> remove <locked/> (QEMU: -overcommit mem-lock=off)" },
	{ VMIRROR_SKIP_PINNED,
	  "give the guest a vIOMMU: <iommu model='intel'><driver intremap='on' caching_mode='on'/></iommu> in <devices>, and boot it with intel_iommu=on" },
	{ VMIRROR_SKIP_SPECIAL,
	  "this is memory of a device; a confidential guest's private memory cannot move either" },
};

static const char *fix_for(uint32_t blocker)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fixes); i++)
		if (fixes[i].blocker == blocker)
			return fixes[i].fix;
	return NULL;
}

static void check_slot(const char *name, const struct vmirror_slot *slot, json_object *findings)
{
	g_autofree char *size = units_format_bytes(slot->length);
	bool ram = slot->length >= RAM_SLOT_MIN && !(slot->flags & KVM_MEM_READONLY);

	if (!slot->blocker)
		doctor_find(findings, DOCTOR_OK, "slot", NULL, "%s: %s at 0x%llx can move", name,
			    size, slot->gpa);
	else
		doctor_find(findings, ram ? DOCTOR_FAIL : DOCTOR_OK, "slot",
			    ram ? fix_for(slot->blocker) : NULL,
			    "%s: %s at 0x%llx cannot move: %s%s", name, size, slot->gpa,
			    vmirror_skip_text(slot->blocker),
			    ram ? "" : " (firmware or device memory, not the guest's RAM)");
}

static void check_slots(const DoctorVm *vm, json_object *findings)
{
	g_autofree struct vmirror_slot *slots = NULL;
	uint32_t nr;
	int err = walk_slots(vm->vm_fd, &slots, &nr);

	if (err) {
		doctor_find(findings, DOCTOR_FAIL, "slot", NULL,
			    "%s: its memory slots cannot be read: %s", vm->vmm->name,
			    g_strerror(-err));
		return;
	}
	for (uint32_t i = 0; i < nr; i++)
		check_slot(vm->vmm->name, &slots[i], findings);
}

/* VFIO accounts what it pins as VmLck (type 1) or VmPin (iommufd). */
static void check_vfio(const DoctorVm *vm, const char *proc, json_object *findings)
{
	/* The container itself, /dev/vfio/vfio, is no device. */
	unsigned int nr = proc_count_fds(proc, vm->vmm->pid, "/dev/vfio/") -
			  proc_count_fds(proc, vm->vmm->pid, "/dev/vfio/vfio");
	uint64_t locked = proc_status_bytes(proc, vm->vmm->pid, "VmLck");
	uint64_t pinned = proc_status_bytes(proc, vm->vmm->pid, "VmPin");
	g_autofree char *locked_text = units_format_bytes(locked);
	g_autofree char *pinned_text = units_format_bytes(pinned);
	bool most = vm->vmm->ram_bytes && locked + pinned >= vm->vmm->ram_bytes / 2;

	if (nr && (most || locked + pinned >= RAM_SLOT_MIN))
		doctor_find(findings, most ? DOCTOR_FAIL : DOCTOR_WARN, "vfio",
			    fix_for(VMIRROR_SKIP_PINNED),
			    "%s: has %u VFIO %s; locked %s, pinned %s: pinned pages cannot move",
			    vm->vmm->name, nr, nr == 1 ? "device" : "devices", locked_text,
			    pinned_text);
	else if (nr)
		doctor_find(findings, DOCTOR_OK, "vfio", NULL,
			    "%s: has %u VFIO %s; locked %s, pinned %s", vm->vmm->name, nr,
			    nr == 1 ? "device" : "devices", locked_text, pinned_text);
	else if (locked >= RAM_SLOT_MIN)
		doctor_find(findings, DOCTOR_FAIL, "mlock", fix_for(VMIRROR_SKIP_LOCKED),
			    "%s: %s of its memory is locked into RAM", vm->vmm->name, locked_text);
	else
		doctor_find(findings, DOCTOR_OK, "vfio", NULL, "%s: no VFIO device, nothing locked",
			    vm->vmm->name);
}

static void check_picture(const DoctorVm *vm, json_object *findings)
{
	struct vmirror_vm_stat stat;

	if (kernel_vm_numbers(vm->vm_fd, &stat) != 0)
		return;
	if (stat.lost_records)
		doctor_find(findings, DOCTOR_OK, "events", NULL,
			    "%s: %llu event records were lost; the state was read again",
			    vm->vmm->name, stat.lost_records);
	if (vm->picture_known && vm->picture_pages != stat.out_pages)
		doctor_find(findings, DOCTOR_OK, "events", NULL,
			    "%s: hmmd's picture has %" PRIu64
			    " pages out, the kernel %llu; pages may be on their way",
			    vm->vmm->name, vm->picture_pages, stat.out_pages);
}

void doctor_vm(const DoctorVm *vm, const char *proc, json_object *findings)
{
	g_autofree char *fix = NULL;

	if (vm->vm_fd >= 0) {
		check_slots(vm, findings);
		check_picture(vm, findings);
	} else {
		fix = g_strdup_printf("hmmctl attach %s", vm->vmm->name);
		doctor_find(findings, DOCTOR_WARN, "attach", fix,
			    "%s: not attached (process %d), so its memory slots are not known",
			    vm->vmm->name, (int)vm->vmm->pid);
	}
	check_vfio(vm, proc, findings);
}
