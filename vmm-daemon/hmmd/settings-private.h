/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings-private.h - what the files behind settings.h share
 */
#ifndef HMMD_SETTINGS_PRIVATE_H
#define HMMD_SETTINGS_PRIVATE_H

#include "settings.h"

/* ---- settings.c --------------------------------------------------------- */

/* What a section may have; one without a key is the end of the table. */
typedef struct {
	const char *key;
	/* One value; false with a message that says what is wrong with it. */
	bool (*set)(void *into, const char *value, char **why);
} SettingsKey;

/* An error of GKeyFile's domain; always false. */
bool settings_fail(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

bool settings_read_keys(GKeyFile *file, const char *path, const char *section,
			const SettingsKey *keys, void *into, GError **error);

/* ---- settings-hints.c --------------------------------------------------- */

/* The defaults. */
void settings_init_hints(Settings *settings);
void settings_free_hints(Settings *settings);

bool settings_is_hints(const char *section);

/* All of these sections, in an order of its own: they build on each other. */
bool settings_read_hints(GKeyFile *file, const char *path, Settings *settings, GError **error);

#endif /* HMMD_SETTINGS_PRIVATE_H */
