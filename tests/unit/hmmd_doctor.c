// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "check.h"
#include "doctor.h"
#include "fake_kernel.h"

/* The first finding with that topic, as "level: text | fix", or NULL. */
static char *find(json_object *findings, const char *topic)
{
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		json_object *finding = json_object_array_get_idx(findings, i);
		json_object *fix = json_object_object_get(finding, "fix");

		if (strcmp(json_object_get_string(json_object_object_get(finding, "topic")), topic))
			continue;
		return g_strdup_printf(
			"%s: %s | %s",
			json_object_get_string(json_object_object_get(finding, "level")),
			json_object_get_string(json_object_object_get(finding, "text")),
			fix ? json_object_get_string(fix) : "-");
	}
	return NULL;
}

static void expect(json_object *findings, const char *topic, const char *start, const char *part)
{
	g_autofree char *text = find(findings, topic);
	bool right = text && g_str_has_prefix(text, start) && strstr(text, part);

	if (!right)
		printf("\n%s: got '%s', expected '%s...%s'\n", topic, text, start, part);
	CU_ASSERT(right);
}

static void sick_host(void)
{
	json_object *findings = json_object_new_array();
	char why[] = "not loaded";
	DoctorCase kase = { .not_loaded = why };

	doctor_host(&kase, "/nowhere", findings);
	expect(findings, "module", "fail: not loaded", "modprobe vmirror");
	expect(findings, "huge-pages", "warn: ", "enabled");
	expect(findings, "pools", "warn: there is no pool", "pool-create");
	expect(findings, "restart", "warn: ", "hmmd.service");
	json_object_put(findings);
}

static void healthy_host(void)
{
	json_object *findings = json_object_new_array();
	DoctorCase kase = {
		.loaded = true,
		.info = { .abi_version = 1,
			  .engines = 1 << VMIRROR_ENGINE_RAM,
			  .folio_orders = 1 | 1 << 9,
			  .reserve_pages = 1024,
			  .reserve_target = 1024 },
		.pools = 2,
		.fdstore = true,
	};

	doctor_host(&kase, "/nowhere", findings);
	expect(findings, "module", "ok: ", "engines: ram");
	expect(findings, "reserve", "ok: ", "4 MiB");
	expect(findings, "pools", "ok: 2 pools", "");
	expect(findings, "restart", "ok: ", "");
	json_object_put(findings);
}

static void vm_slots(void)
{
	json_object *findings = json_object_new_array();
	char name[] = "web";
	ProcVmm vmm = { .pid = 1, .name = name };
	DoctorVm vm = { .vmm = &vmm, .vm_fd = 3 };

	fake_reset();
	doctor_vm(&vm, "/nowhere", findings);
	expect(findings, "slot", "ok: web: 32 MiB at 0x0 can move", "");
	expect(findings, "vfio", "ok: ", "no VFIO device");
	json_object_put(findings);

	findings = json_object_new_array();
	fake.blocker = VMIRROR_SKIP_HUGETLB;
	doctor_vm(&vm, "/nowhere", findings);
	expect(findings, "slot", "fail: web: 32 MiB at 0x0 cannot move", "<hugepages/>");
	json_object_put(findings);
}

static void vm_not_attached(void)
{
	json_object *findings = json_object_new_array();
	char name[] = "web";
	ProcVmm vmm = { .pid = 1, .name = name };
	DoctorVm vm = { .vmm = &vmm, .vm_fd = -1 };

	doctor_vm(&vm, "/nowhere", findings);
	expect(findings, "attach", "warn: web: not attached", "hmmctl attach web");
	json_object_put(findings);
}

int main(void)
{
	static const struct check checks[] = {
		{ "sick host", sick_host },
		{ "healthy host", healthy_host },
		{ "slots", vm_slots },
		{ "not attached", vm_not_attached },
	};

	return run_checks("doctor", checks, G_N_ELEMENTS(checks));
}
