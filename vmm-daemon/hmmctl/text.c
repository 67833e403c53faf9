// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>

char *text_clean(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *clean = g_string_sized_new(strlen(valid));

	for (char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isprint(c))
			g_string_append_unichar(clean, c);
		else
			g_string_append_c(clean, g_unichar_isspace(c) ? ' ' : '?');
	}
	return g_string_free(clean, FALSE);
}

size_t text_columns(const char *text)
{
	glong length;
	g_autofree gunichar *characters = g_utf8_to_ucs4_fast(text, -1, &length);
	size_t columns = 0;

	for (glong i = 0; i < length; i++)
		if (!g_unichar_iszerowidth(characters[i]))
			columns += g_unichar_iswide(characters[i]) ? 2 : 1;
	return columns;
}

char *text_duration(guint64 seconds)
{
	const guint64 minute = 60, hour = 60 * minute, day = 24 * hour;

	if (seconds >= day)
		return g_strdup_printf("%" G_GUINT64_FORMAT " d %" G_GUINT64_FORMAT " h",
				       seconds / day, seconds % day / hour);
	if (seconds >= hour)
		return g_strdup_printf("%" G_GUINT64_FORMAT " h %" G_GUINT64_FORMAT " min",
				       seconds / hour, seconds % hour / minute);
	if (seconds >= minute)
		return g_strdup_printf("%" G_GUINT64_FORMAT " min %" G_GUINT64_FORMAT " s",
				       seconds / minute, seconds % minute);
	return g_strdup_printf("%" G_GUINT64_FORMAT " s", seconds);
}

/*
 * How many letters must be put in, taken out or replaced to make one word of the
 * other: one row of the usual table at a time.
 */
static size_t edit_distance(const char *a, const char *b)
{
	size_t columns = strlen(b);
	g_autofree size_t *row = g_new(size_t, columns + 1);

	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t above = row[j];
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = MIN(replaced, MIN(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[columns];
}

const char *text_nearest(const char *word, const char *const *names)
{
	g_autofree char *wanted = g_ascii_strdown(word, -1);
	size_t length = strlen(wanted);
	size_t best = length / 3 + 2; /* farther than this is no guess at all */
	const char *nearest = NULL;

	/* Names are short; what is not was not typed by a person. */
	if (length < 2 || length > VMIRROR_NAME_MAX)
		return NULL;
	for (; names && *names; names++) {
		g_autofree char *name = g_ascii_strdown(*names, -1);
		size_t distance;

		if (strlen(name) > 4 * VMIRROR_NAME_MAX)
			continue;
		if (strcmp(name, wanted) == 0)
			distance = 0;
		else if (g_str_has_prefix(name, wanted) || g_str_has_prefix(wanted, name))
			distance = 1;
		else
			distance = edit_distance(wanted, name);
		if (distance < best) {
			best = distance;
			nearest = *names;
		}
	}
	return nearest;
}
