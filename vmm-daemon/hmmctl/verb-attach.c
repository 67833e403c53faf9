// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include "units.h"

gboolean verb_attach(struct ctl *ctl, GError **error)
{
	g_autofree char *ram = NULL, *name = NULL;
	g_autoptr(hmmctl_json) answer = NULL;
	json_object *arguments, *object;
	struct vm_info vm;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	arguments = json_object_new_object();
	json_object_object_add(arguments, "vm", json_object_new_string(ctl_operand(ctl, 0)));
	answer = ctl_call_long(ctl, "attach", arguments, "attaching", error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!reply_object(answer, "vm", &object, error) || !vm_from_json(object, &vm, error))
		return FALSE;
	ram = units_format_bytes(vm.ram_bytes);
	name = text_clean(vm.name);
	ctl_say(ctl, "%s is attached: process %" G_GUINT64_FORMAT ", %s of RAM\n", name, vm.pid,
		ram);
	return TRUE;
}
