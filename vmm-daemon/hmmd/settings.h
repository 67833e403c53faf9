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

/* What the hints of a VM may do. */
typedef struct {
	bool enable;	     /* false: all are refused */
	unsigned int advice; /* those that are taken: bits 1 << enum hint_advice */
	char *pool;	     /* where its pages go; NULL: the only one */
	uint64_t quota;	     /* bytes that may be out at a time; UINT64_MAX: none */
	uint32_t max_hints, max_extents, frames_per_second;
} SettingsHints;

typedef struct {
	char *socket;
	char *group; /* NULL: uid 0 only */
	char *log_level;
	GPtrArray *pools; /* of SettingsPool */
	SettingsHints hints;
	GPtrArray *vm_hints; /* ask settings_hints() */
} Settings;

/*
 * Read path.  A file that does not exist is an error only if must_exist.  An unknown section or
 * key, or a value that makes no sense, is an error that names the file, section and key.
 * On success settings_free() the result.
 */
Settings *settings_read(const char *path, bool must_exist, GError **error);
void settings_free(Settings *settings);

/*
 * What counts for a VM: the section for its name, else the one for its UUID, else the defaults.
 * Either may be NULL.  It lives as long as settings.
 */
const SettingsHints *settings_hints(const Settings *settings, const char *name, const char *uuid);

#endif /* HMMD_SETTINGS_H */
