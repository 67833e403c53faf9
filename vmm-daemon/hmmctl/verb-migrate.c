// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

gboolean verb_migrate(struct ctl *ctl, GError **error)
{
	g_auto(selector_auto) selector = { 0 };
	g_autofree char *pool = NULL;
	gint64 evict = G_MAXINT64; /* not given */
	const GOptionEntry own[] = {
		SELECTOR_OPTIONS(selector),
		{ "pool", 'p', 0, G_OPTION_ARG_STRING, &pool,
		  "Where to; need not be given if there is one pool", "NAME" },
		{ "evict", 0, 0, G_OPTION_ARG_INT64, &evict,
		  "Where the pool is full make room: what has been idle there for so long comes "
		  "home, the coldest first",
		  "SECONDS" },
		{ NULL },
	};
	g_autoptr(hmmctl_json) arguments = json_object_new_object();
	g_autoptr(hmmctl_json) answer = NULL;

	if (!ctl_parse(ctl, own, error) || !selector_to_json(&selector, arguments, error))
		return FALSE;
	json_object_object_add(arguments, "vm", json_object_new_string(ctl_operand(ctl, 0)));
	if (pool)
		json_object_object_add(arguments, "pool", json_object_new_string(pool));
	if (evict != G_MAXINT64)
		json_object_object_add(arguments, "evict-idle-seconds",
				       json_object_new_int64(evict));
	answer = ctl_call_long(ctl, "migrate", g_steal_pointer(&arguments), "moving out", error);
	return answer && report_answer(ctl, answer, REPORT_OUT, error);
}
