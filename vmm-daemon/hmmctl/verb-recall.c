// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

gboolean verb_recall(struct ctl *ctl, GError **error)
{
	g_auto(selector_auto) selector = { 0 };
	const GOptionEntry own[] = {
		SELECTOR_OPTIONS(selector),
		{ NULL },
	};
	g_autoptr(hmmctl_json) arguments = json_object_new_object();
	g_autoptr(hmmctl_json) answer = NULL;

	if (!ctl_parse(ctl, own, error) || !selector_to_json(&selector, arguments, error))
		return FALSE;
	json_object_object_add(arguments, "vm", json_object_new_string(ctl_operand(ctl, 0)));
	answer = ctl_call_long(ctl, "recall", g_steal_pointer(&arguments), "bringing back", error);
	return answer && report_answer(ctl, answer, REPORT_BACK, error);
}
