// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "doctor.h"
#include "names.h"
#include "units.h"

static const char *const level_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

void doctor_find(json_object *findings, enum doctor_level level, const char *topic, const char *fix,
		 const char *format, ...)
{
	json_object *finding = json_object_new_object();
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	json_object_object_add(finding, "level", json_object_new_string(level_names[level]));
	json_object_object_add(finding, "topic", json_object_new_string(topic));
	json_object_object_add(finding, "text", json_object_new_string(text));
	json_object_object_add(finding, "fix", fix ? json_object_new_string(fix) : NULL);
	json_object_array_add(findings, finding);
}

static void check_module(const DoctorCase *kase, json_object *findings)
{
	g_autoptr(GString) engines = g_string_new(NULL);

	if (!kase->loaded) {
		doctor_find(findings, DOCTOR_FAIL, "module", "modprobe vmirror", "%s",
			    kase->not_loaded);
		return;
	}
	for (uint32_t value = 1; value < 32; value++)
		if (kase->info.engines & 1u << value)
			g_string_append_printf(engines, " %s", vmirror_engine_name(value));
	doctor_find(findings, DOCTOR_OK, "module", NULL,
		    "vmirror is loaded, ABI version %u, engines:%s", kase->info.abi_version,
		    engines->str);
}

static void check_reserve(const DoctorCase *kase, json_object *findings)
{
	const struct vmirror_info *info = &kase->info;
	g_autofree char *have = units_format_bytes(info->reserve_pages * VMIRROR_PAGE_SIZE);
	g_autofree char *target = units_format_bytes(info->reserve_target * VMIRROR_PAGE_SIZE);

	/* There is none before there is a pool. */
	if (!kase->loaded || !info->reserve_target)
		return;
	if (info->reserve_pages < info->reserve_target)
		doctor_find(findings, DOCTOR_WARN, "reserve",
			    "free some host memory: the reserve is refilled by itself",
			    "the reserve for pages that come home holds %s of %s", have, target);
	else
		doctor_find(findings, DOCTOR_OK, "reserve", NULL,
			    "the reserve for pages that come home is full: %s", have);
}

static void check_thp(const DoctorCase *kase, const char *sys, json_object *findings)
{
	g_autofree char *path = g_strdup_printf("%s/kernel/mm/transparent_hugepage/enabled", sys);
	g_autofree char *setting = NULL;

	if (!g_file_get_contents(path, &setting, NULL, NULL) || strstr(setting, "[never]"))
		doctor_find(
			findings, DOCTOR_WARN, "huge-pages",
			"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, then start the VMs again",
			"transparent huge pages are off: pages move one by one, which is several times slower");
	else if (kase->loaded && !(kase->info.folio_orders & 1u << 9))
		doctor_find(findings, DOCTOR_WARN, "huge-pages", "use a kernel from 6.19 on",
			    "this kernel cannot move 2 MiB pages whole");
	else
		doctor_find(findings, DOCTOR_OK, "huge-pages", NULL,
			    "transparent huge pages are on%s",
			    kase->loaded ? " and move whole" : "");
}

static void check_pools(const DoctorCase *kase, json_object *findings)
{
	if (!kase->pools)
		doctor_find(
			findings, DOCTOR_WARN, "pools",
			"hmmctl pool-create NAME --size SIZE, or a [pool NAME] section in hmmd.conf",
			"there is no pool: nothing can move out");
	else if (kase->pools_full)
		doctor_find(findings, DOCTOR_WARN, "pools",
			    "hmmctl recall VM --bytes SIZE, or hmmctl pool-create",
			    "every pool is full");
	else
		doctor_find(findings, DOCTOR_OK, "pools", NULL, "%u %s with room", kase->pools,
			    kase->pools == 1 ? "pool" : "pools");
}

void doctor_host(const DoctorCase *kase, const char *sys, json_object *findings)
{
	check_module(kase, findings);
	check_reserve(kase, findings);
	check_thp(kase, sys, findings);
	check_pools(kase, findings);
	if (kase->fdstore)
		doctor_find(findings, DOCTOR_OK, "restart", NULL,
			    "systemd keeps pools and VMs while hmmd restarts");
	else
		doctor_find(
			findings, DOCTOR_WARN, "restart",
			"run hmmd as the systemd service hmmd.service",
			"nobody keeps pools and VMs while hmmd restarts: all pages come home then");
}
