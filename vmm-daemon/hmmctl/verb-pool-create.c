// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include "units.h"

static gboolean parse_size(const char *text, uint64_t *bytes, GError **error)
{
	g_autofree char *message = NULL;

	if (!text) {
		g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
				    "how large shall the pool be? --size 256MiB, for instance");
		return FALSE;
	}
	if (!units_parse_bytes(text, bytes, &message)) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE, "--size: %s", message);
		return FALSE;
	}
	if (!*bytes || *bytes % VMIRROR_POOL_SIZE_UNIT) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "--size: '%s' is not a multiple of 2 MiB", text);
		return FALSE;
	}
	return TRUE;
}

gboolean verb_pool_create(struct ctl *ctl, GError **error)
{
	g_autofree char *size = NULL, *engine = NULL, *text = NULL;
	const GOptionEntry own[] = {
		{ "size", 's', 0, G_OPTION_ARG_STRING, &size, "Its size; must be given", "SIZE" },
		{ "engine", 'e', 0, G_OPTION_ARG_STRING, &engine,
		  "How bytes get in and out: ram (a software device; the default)", "ENGINE" },
		{ NULL },
	};
	g_autoptr(hmmctl_json) answer = NULL;
	json_object *arguments, *object;
	struct pool_info pool;
	uint64_t bytes;

	if (!ctl_parse(ctl, own, error) || !parse_size(size, &bytes, error))
		return FALSE;
	arguments = json_object_new_object();
	json_object_object_add(arguments, "name", json_object_new_string(ctl_operand(ctl, 0)));
	if (engine)
		json_object_object_add(arguments, "engine", json_object_new_string(engine));
	json_object_object_add(arguments, "bytes", json_object_new_uint64(bytes));
	answer = ctl_call_long(ctl, "create-pool", arguments, "making the pool", error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!reply_object(answer, "pool", &object, error) || !pool_from_json(object, &pool, error))
		return FALSE;
	text = units_format_bytes(pool.bytes);
	ctl_say(ctl, "pool %s: %s, engine %s\n", pool.name, text, pool.engine);
	return TRUE;
}
