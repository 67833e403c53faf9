// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>

#include "units.h"

/* Local time, or dashes where hmmd sent none. */
static char *event_time(json_object *event)
{
	g_autoptr(GDateTime) time = NULL;
	json_object *timestamp;
	guint64 seconds, us;
	g_autofree char *whole = NULL;

	if (reply_object(event, "timestamp", &timestamp, NULL) &&
	    reply_u64(timestamp, "seconds", &seconds, NULL) &&
	    reply_u64(timestamp, "microseconds", &us, NULL) && us < G_USEC_PER_SEC)
		time = g_date_time_new_from_unix_local((gint64)seconds);
	if (!time)
		return g_strdup("--:--:--.------");
	whole = g_date_time_format(time, "%H:%M:%S");
	return g_strdup_printf("%s.%06u", whole, (guint)us);
}

/* "0x40000000+2 MiB huge, pool p0, recall": whatever of it there is. */
static void append_pages(GString *text, json_object *data)
{
	guint64 gpa, bytes;
	const char *string;
	gboolean huge;

	if (reply_u64(data, "gpa", &gpa, NULL) && reply_u64(data, "bytes", &bytes, NULL)) {
		g_autofree char *size = units_format_bytes(bytes);

		g_string_append_printf(text, "  0x%" G_GINT64_MODIFIER "x+%s", gpa, size);
	}
	if (reply_bool(data, "huge", &huge, NULL) && huge)
		g_string_append(text, "  huge");
	if (reply_string(data, "pool", &string, NULL))
		g_string_append_printf(text, "  pool %s", string);
	if (reply_string(data, "reason", &string, NULL))
		g_string_append_printf(text, "  %s", string);
}

char *event_text(const char *name, json_object *event)
{
	g_autofree char *time = event_time(event);
	g_autofree char *clean_name = text_clean(name);
	g_autoptr(GString) text = g_string_new(NULL);
	json_object *data = NULL, *pool;
	const char *string;
	guint64 count;

	reply_object(event, "data", &data, NULL);
	if (reply_string(data, "vm", &string, NULL))
		g_string_append_printf(text, "  %s", string);
	append_pages(text, data);
	if (reply_u64(data, "records", &count, NULL))
		g_string_append_printf(text, "  %" G_GUINT64_FORMAT " records of detail lost",
				       count);
	if (reply_u64(data, "count", &count, NULL))
		g_string_append_printf(
			text, "  %" G_GUINT64_FORMAT " events, hmmctl read too slowly", count);
	if (reply_object(data, "pool", &pool, NULL) && reply_string(pool, "name", &string, NULL))
		g_string_append_printf(text, "  %s", string);
	if (reply_string(data, "name", &string, NULL))
		g_string_append_printf(text, "  %s", string);
	{
		g_autofree char *clean = text_clean(text->str);

		return text->len ? g_strdup_printf("%s  %-13s%s", time, clean_name, clean)
				 : g_strdup_printf("%s  %s", time, clean_name);
	}
}
