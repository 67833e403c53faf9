// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <stdio.h>

static gboolean add_pool(struct table *table, json_object *object, GError **error)
{
	struct pool_info pool;

	if (!pool_from_json(object, &pool, error))
		return FALSE;
	table_add(table, pool.name);
	table_add(table, pool.engine);
	table_add_bytes(table, pool.bytes);
	table_add_bytes(table, pool.used_bytes);
	table_add_bytes(table, pool.bytes - pool.used_bytes);
	table_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, pool.free_huge));
	return TRUE;
}

gboolean verb_pools(struct ctl *ctl, GError **error)
{
	static const struct table_column columns[] = {
		{ "NAME", TABLE_LEFT },	 { "ENGINE", TABLE_LEFT },
		{ "SIZE", TABLE_RIGHT }, { "USED", TABLE_RIGHT },
		{ "FREE", TABLE_RIGHT }, { "FREE 2M BLOCKS", TABLE_RIGHT },
	};
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));
	g_autoptr(hmmctl_json) answer = NULL;
	g_autofree char *text = NULL;
	json_object *pools;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	answer = ctl_call(ctl, "list-pools", NULL, CTL_ASK_TIMEOUT_MS, error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!reply_array(answer, "pools", &pools, error))
		return FALSE;
	for (size_t i = 0; i < json_object_array_length(pools); i++)
		if (!add_pool(table, json_object_array_get_idx(pools, i), error))
			return FALSE;
	if (!json_object_array_length(pools)) {
		ctl_say(ctl, "no pools; make one with 'hmmctl pool-create NAME --size 256MiB'\n");
		return TRUE;
	}
	text = table_text(table);
	fputs(text, stdout);
	return TRUE;
}
