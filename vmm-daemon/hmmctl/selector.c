// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include "units.h"

static gboolean usage(GError **error, const char *option, char *message)
{
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE, "%s: %s", option, message);
	g_free(message);
	return FALSE;
}

static gboolean add_ranges(char **gpa, json_object *arguments, GError **error)
{
	g_autoptr(hmmctl_json) ranges = json_object_new_array();

	for (; *gpa; gpa++) {
		uint64_t first, bytes;
		char *message;
		json_object *range;

		if (!units_parse_range(*gpa, &first, &bytes, &message))
			return usage(error, "--gpa", message);
		range = json_object_new_object();
		json_object_object_add(range, "gpa", json_object_new_uint64(first));
		json_object_object_add(range, "bytes", json_object_new_uint64(bytes));
		json_object_array_add(ranges, range);
	}
	json_object_object_add(arguments, "ranges", g_steal_pointer(&ranges));
	return TRUE;
}

static gboolean add_bytes(const char *text, json_object *arguments, GError **error)
{
	uint64_t bytes;
	char *message;

	if (!units_parse_bytes(text, &bytes, &message))
		return usage(error, "--bytes", message);
	if (!bytes)
		return usage(error, "--bytes", g_strdup("0 is nothing to do"));
	json_object_object_add(arguments, "bytes", json_object_new_uint64(bytes));
	return TRUE;
}

gboolean selector_to_json(const struct selector *selector, json_object *arguments, GError **error)
{
	int given = (selector->gpa != NULL) + (selector->bytes != NULL) + (selector->all != FALSE);

	if (given != 1) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "say which memory: exactly one of --gpa 0x40000000+64MiB "
			    "(may be repeated), --bytes 64MiB or --all; %s",
			    given ? "more than one was given" : "none was given");
		return FALSE;
	}
	if (selector->gpa)
		return add_ranges(selector->gpa, arguments, error);
	if (selector->bytes)
		return add_bytes(selector->bytes, arguments, error);
	json_object_object_add(arguments, "all", json_object_new_boolean(TRUE));
	return TRUE;
}

void selector_clear(struct selector *selector)
{
	g_clear_pointer(&selector->gpa, g_strfreev);
	g_clear_pointer(&selector->bytes, g_free);
}
