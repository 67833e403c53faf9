// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "control.h"
#include "names.h"
#include "settings-private.h"
#include "units.h"
#include "vmirror.h"

#define POOL_PREFIX "pool "

static bool set_socket(void *into, const char *value, char **why)
{
	Settings *settings = into;

	if (!g_path_is_absolute(value) || strlen(value) > 107) {
		*why = g_strdup("must be an absolute path of at most 107 bytes");
		return false;
	}
	g_free(settings->socket);
	settings->socket = g_strdup(value);
	return true;
}

static bool set_group(void *into, const char *value, char **why)
{
	Settings *settings = into;

	(void)why;
	g_free(settings->group);
	settings->group = *value ? g_strdup(value) : NULL;
	return true;
}

static bool set_level(void *into, const char *value, char **why)
{
	Settings *settings = into;

	(void)why;
	g_free(settings->log_level);
	settings->log_level = g_strdup(value);
	return true;
}

static bool set_engine(void *into, const char *value, char **why)
{
	SettingsPool *pool = into;

	pool->engine = vmirror_engine_value(value);
	if (!pool->engine)
		*why = g_strdup_printf("there is no engine '%s'", value);
	return pool->engine != 0;
}

static bool set_bytes(void *into, const char *value, char **why)
{
	SettingsPool *pool = into;

	if (!units_parse_bytes(value, &pool->bytes, why))
		return false;
	if (pool->bytes == 0 || pool->bytes % VMIRROR_POOL_SIZE_UNIT) {
		*why = g_strdup("must be a positive multiple of 2 MiB");
		return false;
	}
	return true;
}

static const SettingsKey control_keys[] = {
	{ "socket", set_socket },
	{ "group", set_group },
	{ NULL, NULL },
};

static const SettingsKey log_keys[] = {
	{ "level", set_level },
	{ NULL, NULL },
};

static const SettingsKey pool_keys[] = {
	{ "engine", set_engine },
	{ "bytes", set_bytes },
	{ NULL, NULL },
};

bool settings_fail(GError **error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (error)
		*error = g_error_new_valist(G_KEY_FILE_ERROR, code, format, args);
	va_end(args);
	return false;
}

static void pool_free(gpointer data)
{
	SettingsPool *pool = data;

	g_free(pool->name);
	g_free(pool);
}

bool settings_read_keys(GKeyFile *file, const char *path, const char *section,
			const SettingsKey *keys, void *into, GError **error)
{
	g_auto(GStrv) names = g_key_file_get_keys(file, section, NULL, error);

	if (!names)
		return false;
	for (char **name = names; *name; name++) {
		g_autofree char *value = NULL, *why = NULL;
		const SettingsKey *key = keys;

		while (key->key && strcmp(key->key, *name) != 0)
			key++;
		if (!key->key)
			return settings_fail(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
					     "%s: [%s]: there is no key '%s'", path, section,
					     *name);
		value = g_key_file_get_string(file, section, *name, error);
		if (!value) {
			g_prefix_error(error, "%s: [%s]: ", path, section);
			return false;
		}
		if (!key->set(into, g_strstrip(value), &why))
			return settings_fail(error, G_KEY_FILE_ERROR_INVALID_VALUE,
					     "%s: [%s] %s: %s", path, section, *name, why);
	}
	return true;
}

static bool read_pool(GKeyFile *file, const char *path, const char *section, Settings *settings,
		      GError **error)
{
	const char *name = section + strlen(POOL_PREFIX);
	SettingsPool *pool = g_new0(SettingsPool, 1);

	pool->name = g_strdup(name);
	pool->engine = VMIRROR_ENGINE_RAM;
	g_ptr_array_add(settings->pools, pool);
	if (!control_valid_name(name))
		return settings_fail(
			error, G_KEY_FILE_ERROR_INVALID_VALUE,
			"%s: [%s]: a pool's name is 1 to 63 letters, digits, dots, underscores and dashes",
			path, section);
	if (!settings_read_keys(file, path, section, pool_keys, pool, error))
		return false;
	if (!pool->bytes)
		return settings_fail(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
				     "%s: [%s]: 'bytes' is missing", path, section);
	return true;
}

static bool read_section(GKeyFile *file, const char *path, const char *section, Settings *settings,
			 GError **error)
{
	if (g_str_has_prefix(section, POOL_PREFIX))
		return read_pool(file, path, section, settings, error);
	if (strcmp(section, "control") == 0)
		return settings_read_keys(file, path, section, control_keys, settings, error);
	if (strcmp(section, "log") == 0)
		return settings_read_keys(file, path, section, log_keys, settings, error);
	if (settings_is_hints(section))
		return true; /* read_sections() has them read together */
	return settings_fail(error, G_KEY_FILE_ERROR_GROUP_NOT_FOUND,
			     "%s: there is no section '[%s]'", path, section);
}

static bool read_sections(GKeyFile *file, const char *path, Settings *settings, GError **error)
{
	g_auto(GStrv) sections = g_key_file_get_groups(file, NULL);

	for (char **section = sections; *section; section++)
		if (!read_section(file, path, *section, settings, error))
			return false;
	return settings_read_hints(file, path, settings, error);
}

Settings *settings_read(const char *path, bool must_exist, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) local = NULL;
	Settings *settings = g_new0(Settings, 1);

	settings->socket = g_strdup(CONTROL_SOCKET);
	settings->log_level = g_strdup("info");
	settings->pools = g_ptr_array_new_with_free_func(pool_free);
	settings_init_hints(settings);
	if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &local)) {
		if (read_sections(file, path, settings, error))
			return settings;
	} else if (!must_exist && g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		return settings;
	} else {
		g_propagate_prefixed_error(error, g_steal_pointer(&local), "%s: ", path);
	}
	settings_free(settings);
	return NULL;
}

void settings_free(Settings *settings)
{
	if (!settings)
		return;
	g_free(settings->socket);
	g_free(settings->group);
	g_free(settings->log_level);
	g_ptr_array_free(settings->pools, TRUE);
	settings_free_hints(settings);
	g_free(settings);
}
