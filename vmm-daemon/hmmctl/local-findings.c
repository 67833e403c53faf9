// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

json_object *local_finding(enum finding_level level, const char *topic, const char *text,
			   const char *fix)
{
	json_object *finding = json_object_new_object();

	json_object_object_add(finding, "level", json_object_new_string(finding_level_name(level)));
	json_object_object_add(finding, "topic", json_object_new_string(topic));
	json_object_object_add(finding, "text", json_object_new_string(text));
	json_object_object_add(finding, "fix", fix ? json_object_new_string(fix) : NULL);
	return finding;
}

static gboolean module_loaded(const struct local_paths *paths)
{
	g_autofree char *modules = NULL;

	if (access(paths->module, F_OK) == 0)
		return TRUE;
	if (!g_file_get_contents(paths->modules, &modules, NULL, NULL))
		return FALSE;
	return g_str_has_prefix(modules, "vmirror ") || strstr(modules, "\nvmirror ") != NULL;
}

static json_object *module_finding(gboolean loaded)
{
	if (loaded)
		return local_finding(FINDING_OK, "module", "vmirror is loaded", NULL);
	return local_finding(FINDING_FAIL, "module", "the kernel module vmirror is not loaded",
			     "run 'modprobe vmirror'; if there is no such module, build and "
			     "install it for the running kernel (dkms, or 'make install')");
}

static json_object *device_finding(const struct local_paths *paths, gboolean loaded)
{
	g_autofree char *text = NULL;
	struct stat st;

	if (stat(paths->device, &st) == 0 && S_ISCHR(st.st_mode)) {
		text = g_strdup_printf("%s is there", paths->device);
		return local_finding(FINDING_OK, "device", text, NULL);
	}
	text = g_strdup_printf("there is no device %s", paths->device);
	return local_finding(FINDING_FAIL, "device", text,
			     loaded ? "'dmesg | grep vmirror' may say why; in a container, pass "
				      "the device in"
				    : "it comes with the kernel module");
}

json_object *local_findings(const struct local_paths *paths, const char *connect_error)
{
	json_object *findings = json_object_new_array();
	gboolean loaded = module_loaded(paths);

	json_object_array_add(findings, module_finding(loaded));
	json_object_array_add(findings, device_finding(paths, loaded));
	json_object_array_add(findings, local_finding(FINDING_FAIL, "hmmd", connect_error, NULL));
	return findings;
}
