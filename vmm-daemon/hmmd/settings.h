/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings.h - hmmd.conf
 */
#ifndef HMMD_SETTINGS_H
#define HMMD_SETTINGS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A pool to be made when hmmd starts. */
typedef struct {
	char *name;
	int engine; /* enum vmirror_engine_type */
	uint64_t bytes;
} SettingsPool;

typedef struct {
	char *socket;
	char *group; /* NULL: uid 0 only */
	char *log_level;
	GPtrArray *pools; /* of SettingsPool */
} Settings;

/*
 * Read path.  A file that does not exist is an error only if must_exist.  An unknown section or
 * key, or a value that makes no sense, is an error that names the file, section and key.
 * On success settings_free() the result.
 */
Settings *settings_read(const char *path, bool must_exist, GError **error);
void settings_free(Settings *settings);

#endif /* HMMD_SETTINGS_H */
