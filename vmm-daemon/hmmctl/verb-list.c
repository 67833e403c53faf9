// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <stdio.h>

static gboolean add_vm(struct table *table, json_object *object, GError **error)
{
	struct vm_info vm;

	if (!vm_from_json(object, &vm, error))
		return FALSE;
	table_add(table, vm.name);
	table_add(table, vm.uuid ? vm.uuid : "-");
	table_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, vm.pid));
	table_add_bytes(table, vm.ram_bytes);
	if (vm.attached)
		table_add_bytes(table, vm.out_bytes);
	else
		table_add(table, "-");
	table_add(table, vm.state);
	return TRUE;
}

gboolean verb_list(struct ctl *ctl, GError **error)
{
	static const struct table_column columns[] = {
		{ "NAME", TABLE_LEFT }, { "UUID", TABLE_LEFT }, { "PID", TABLE_RIGHT },
		{ "RAM", TABLE_RIGHT }, { "OUT", TABLE_RIGHT }, { "STATE", TABLE_LEFT },
	};
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));
	g_autoptr(hmmctl_json) answer = NULL;
	g_autofree char *text = NULL;
	json_object *vms;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	answer = ctl_call(ctl, "list-vms", NULL, CTL_ASK_TIMEOUT_MS, error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!reply_array(answer, "vms", &vms, error))
		return FALSE;
	for (size_t i = 0; i < json_object_array_length(vms); i++)
		if (!add_vm(table, json_object_array_get_idx(vms, i), error))
			return FALSE;
	if (!json_object_array_length(vms)) {
		ctl_say(ctl, "no VM runs under KVM here\n");
		return TRUE;
	}
	text = table_text(table);
	fputs(text, stdout);
	return TRUE;
}
