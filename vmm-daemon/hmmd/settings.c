// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.h"

#include <string.h>

#include "control.h"
#include "names.h"
#include "units.h"
#include "vmirror.h"

#define POOL_PREFIX "pool "

/* One value; false with a message that says what is wrong with it. */
typedef bool set_value(Settings *settings, SettingsPool *pool, const char *value, char **why);

static bool set_socket(Settings *settings, SettingsPool *pool, const char *value, char **why)
{
	(void)pool;
	if (!g_path_is_absolute(value) || strlen(value) > 107) {
		*why = g_strdup("must be an absolute path of at most 107 bytes");
		return false;
	}
	g_free(settings->socket);
	settings->socket = g_strdup(value);
	return true;
}

static bool set_group(Settings *settings, SettingsPool *pool, const char *value, char **why)
{
	(void)pool, (void)why;
	g_free(settings->group);
	settings->group = *value ? g_strdup(value) : NULL;
	return true;
}

static bool set_level(Settings *settings, SettingsPool *pool, const char *value, char **why)
{
	(void)pool, (void)why;
	g_free(settings->log_level);
	settings->log_level = g_strdup(value);
	return true;
}

static bool set_engine(Settings *settings, SettingsPool *pool, const char *value, char **why)
{
	(void)settings;
	pool->engine = vmirror_engine_value(value);
	if (!pool->engine)
		*why = g_strdup_printf("there is no engine '%s'", value);
	return pool->engine != 0;
}

static bool set_bytes(Settings *settings, SettingsPool *pool, const char *value, char **why)
{
	(void)settings;
	if (!units_parse_bytes(value, &pool->bytes, why))
		return false;
	if (pool->bytes == 0 || pool->bytes % VMIRROR_POOL_SIZE_UNIT) {
		*why = g_strdup("must be a positive multiple of 2 MiB");
		return false;
	}
	return true;
}

static const struct {
	const char *section; /* "pool " stands for every section that begins so */
	const char *key;
	set_value *set;
} keys[] = {
	{ "control", "socket", set_socket }, { "control", "group", set_group },
	{ "log", "level", set_level },	     { POOL_PREFIX, "engine", set_engine },
	{ POOL_PREFIX, "bytes", set_bytes },
};

G_GNUC_PRINTF(3, 4)
static bool fail(GError **error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (error)
		*error = g_error_new_valist(G_KEY_FILE_ERROR, code, format, args);
	va_end(args);
	return false;
}

static const char *table_section(const char *section)
{
	return g_str_has_prefix(section, POOL_PREFIX) ? POOL_PREFIX : section;
}

static bool known_section(const char *section)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].section, table_section(section)) == 0)
			return true;
	return false;
}

static set_value *find_key(const char *section, const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].section, table_section(section)) == 0 &&
		    strcmp(keys[i].key, key) == 0)
			return keys[i].set;
	return NULL;
}

static void pool_free(gpointer data)
{
	SettingsPool *pool = data;

	g_free(pool->name);
	g_free(pool);
}

static bool read_keys(GKeyFile *file, const char *path, const char *section, Settings *settings,
		      SettingsPool *pool, GError **error)
{
	g_auto(GStrv) names = g_key_file_get_keys(file, section, NULL, error);

	if (!names)
		return false;
	for (char **key = names; *key; key++) {
		set_value *set = find_key(section, *key);
		g_autofree char *value = NULL, *why = NULL;

		if (!set)
			return fail(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND,
				    "%s: [%s]: there is no key '%s'", path, section, *key);
		value = g_key_file_get_string(file, section, *key, error);
		if (!value) {
			g_prefix_error(error, "%s: [%s]: ", path, section);
			return false;
		}
		if (!set(settings, pool, g_strstrip(value), &why))
			return fail(error, G_KEY_FILE_ERROR_INVALID_VALUE, "%s: [%s] %s: %s", path,
				    section, *key, why);
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
		return fail(
			error, G_KEY_FILE_ERROR_INVALID_VALUE,
			"%s: [%s]: a pool's name is 1 to 63 letters, digits, dots, underscores and dashes",
			path, section);
	if (!read_keys(file, path, section, settings, pool, error))
		return false;
	if (!pool->bytes)
		return fail(error, G_KEY_FILE_ERROR_KEY_NOT_FOUND, "%s: [%s]: 'bytes' is missing",
			    path, section);
	return true;
}

static bool read_sections(GKeyFile *file, const char *path, Settings *settings, GError **error)
{
	g_auto(GStrv) sections = g_key_file_get_groups(file, NULL);

	for (char **section = sections; *section; section++) {
		if (!known_section(*section))
			return fail(error, G_KEY_FILE_ERROR_GROUP_NOT_FOUND,
				    "%s: there is no section '[%s]'", path, *section);
		if (g_str_has_prefix(*section, POOL_PREFIX)
			    ? !read_pool(file, path, *section, settings, error)
			    : !read_keys(file, path, *section, settings, NULL, error))
			return false;
	}
	return true;
}

Settings *settings_read(const char *path, bool must_exist, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) local = NULL;
	Settings *settings = g_new0(Settings, 1);

	settings->socket = g_strdup(CONTROL_SOCKET);
	settings->log_level = g_strdup("info");
	settings->pools = g_ptr_array_new_with_free_func(pool_free);
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
	g_free(settings);
}
