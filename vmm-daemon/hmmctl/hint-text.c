// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>

#include "hint.h"
#include "units.h"

/* "3 MiB pinned, 4 KiB busy"; of a refused hint, why it was. */
static char *why_text(const struct hint_info *hint)
{
	GString *text = g_string_new(hint->reason);

	for (guint i = 0; i < hint->skipped->len; i++) {
		const struct skipped_bytes *one =
			&g_array_index(hint->skipped, struct skipped_bytes, i);
		g_autofree char *bytes = units_format_bytes(one->bytes);

		g_string_append_printf(text, "%s%s %s", text->len ? ", " : "", bytes, one->reason);
	}
	return g_string_free(text, FALSE);
}

char *hint_table(const GArray *hints)
{
	static const struct table_column columns[] = {
		{ "COOKIE", TABLE_LEFT }, { "OWNER", TABLE_RIGHT }, { "ADVICE", TABLE_LEFT },
		{ "PRIO", TABLE_RIGHT },  { "ASKED", TABLE_RIGHT }, { "DONE", TABLE_RIGHT },
		{ "STATUS", TABLE_LEFT }, { "WHY", TABLE_LEFT },
	};
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));

	for (guint i = 0; i < hints->len; i++) {
		const struct hint_info *hint = &g_array_index(hints, struct hint_info, i);

		/* As hmm-hint writes it in the guest, to be compared. */
		table_take(table, g_strdup_printf("0x%016" G_GINT64_MODIFIER "x", hint->cookie));
		if (hint->owner)
			table_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, hint->owner));
		else
			table_add(table, "guest");
		table_add(table, hint->advice);
		table_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, hint->priority));
		table_add_bytes(table, hint->asked_bytes);
		table_add_bytes(table, hint->done_bytes);
		table_add(table, hint->status);
		table_take(table, why_text(hint));
	}
	return table_text(table);
}

/* One reason, of all hints shown. */
struct reason {
	const char *name;
	guint64 hints;
	guint64 bytes;
};

static void count_reason(GArray *reasons, const char *name, guint64 bytes)
{
	struct reason fresh = { .name = name, .hints = 1, .bytes = bytes };

	for (guint i = 0; i < reasons->len; i++) {
		struct reason *reason = &g_array_index(reasons, struct reason, i);

		if (strcmp(reason->name, name) != 0)
			continue;
		reason->hints++;
		if (!g_uint64_checked_add(&reason->bytes, reason->bytes, bytes))
			reason->bytes = G_MAXUINT64;
		return;
	}
	g_array_append_val(reasons, fresh);
}

static gint most_bytes_first(gconstpointer a, gconstpointer b)
{
	const struct reason *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return strcmp(left->name, right->name);
}

static GArray *reasons_of(const GArray *hints)
{
	GArray *reasons = g_array_new(FALSE, FALSE, sizeof(struct reason));

	for (guint i = 0; i < hints->len; i++) {
		const struct hint_info *hint = &g_array_index(hints, struct hint_info, i);

		if (hint->reason)
			count_reason(reasons, hint->reason, hint->asked_bytes);
		for (guint s = 0; s < hint->skipped->len; s++) {
			const struct skipped_bytes *one =
				&g_array_index(hint->skipped, struct skipped_bytes, s);

			count_reason(reasons, one->reason, one->bytes);
		}
	}
	g_array_sort(reasons, most_bytes_first);
	return reasons;
}

char *hint_reasons(const GArray *hints)
{
	static const struct table_column columns[] = {
		{ "REASON", TABLE_LEFT },
		{ "HINTS", TABLE_RIGHT },
		{ "BYTES", TABLE_RIGHT },
		{ "MEANING", TABLE_LEFT },
	};
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));
	g_autoptr(GArray) reasons = reasons_of(hints);

	if (!reasons->len)
		return NULL;
	for (guint i = 0; i < reasons->len; i++) {
		const struct reason *reason = &g_array_index(reasons, struct reason, i);
		int value = hint_reason_value(reason->name);

		table_add(table, reason->name);
		table_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, reason->hints));
		table_add_bytes(table, reason->bytes);
		/* A newer hmmd may have reasons that this hmmctl has no text for. */
		table_add(table, value ? hint_reason_text((guint)value) : "-");
	}
	return table_text(table);
}
