// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include "units.h"

gboolean verb_pool_destroy(struct ctl *ctl, GError **error)
{
	g_autoptr(hmmctl_json) answer = NULL;
	g_autofree char *text = NULL;
	json_object *arguments;
	guint64 returned;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	arguments = json_object_new_object();
	json_object_object_add(arguments, "name", json_object_new_string(ctl_operand(ctl, 0)));
	answer = ctl_call_long(ctl, "destroy-pool", arguments, "emptying the pool", error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!reply_u64(answer, "returned-bytes", &returned, error))
		return FALSE;
	text = units_format_bytes(returned);
	ctl_say(ctl, "pool %s is gone; %s came back to RAM\n", ctl_operand(ctl, 0), text);
	return TRUE;
}
