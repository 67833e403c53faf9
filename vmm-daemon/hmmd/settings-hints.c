// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "control.h"
#include "hint.h"
#include "settings-private.h"
#include "units.h"

#define SECTION "hints"
#define PREFIX	SECTION " "

#define ADD_NAME(value, NAME, name, text) " " name
#define ALL_NAMES			  HINT_ADVICE_LIST(ADD_NAME)

/* Of one VM: all that counts for it, what it has from [hints] included. */
typedef struct {
	char *vm; /* name or UUID */
	SettingsHints hints;
} VmHints;

/* ---- the keys ----------------------------------------------------------- */

static bool set_enable(void *into, const char *value, char **why)
{
	SettingsHints *hints = into;

	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		*why = g_strdup("must be 'yes' or 'no'");
		return false;
	}
	hints->enable = strcmp(value, "yes") == 0;
	return true;
}

static bool set_advice(void *into, const char *value, char **why)
{
	g_auto(GStrv) names = g_strsplit_set(value, " \t", -1);
	SettingsHints *hints = into;
	unsigned int advice = 0;

	for (char **name = names; *name; name++) {
		int number = hint_advice_value(*name);

		if (!**name)
			continue; /* between two spaces */
		if (!number) {
			*why = g_strdup_printf(
				"there is no advice '%s'; name some of these, separated by spaces:" ALL_NAMES,
				*name);
			return false;
		}
		advice |= 1u << number;
	}
	if (!advice) {
		*why = g_strdup("names no advice: to take none say 'enable = no'");
		return false;
	}
	hints->advice = advice;
	return true;
}

static bool set_pool(void *into, const char *value, char **why)
{
	SettingsHints *hints = into;

	if (*value && !control_valid_name(value)) {
		*why = g_strdup("a pool's name is 1 to 63 letters, digits, dots, underscores and "
				"dashes; leave it empty for the only pool");
		return false;
	}
	g_free(hints->pool);
	hints->pool = *value ? g_strdup(value) : NULL;
	return true;
}

static bool set_quota(void *into, const char *value, char **why)
{
	SettingsHints *hints = into;
	uint64_t quota = UINT64_MAX;

	if (strcmp(value, "none") != 0) {
		g_autofree char *unclear = NULL;

		if (!units_parse_bytes(value, &quota, &unclear)) {
			*why = g_strconcat(unclear, "; 'none' for no quota", NULL);
			return false;
		}
		/* Also for those who forgot the unit. */
		if (quota % HINT_PAGE_SIZE) {
			*why = g_strdup("must be a multiple of 4 KiB, or 'none'");
			return false;
		}
	}
	hints->quota = quota;
	return true;
}

static bool set_number(uint32_t *into, const char *value, uint32_t max, char **why)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(value, 10, 1, max, &number, NULL)) {
		*why = g_strdup_printf("must be a number from 1 to %u", max);
		return false;
	}
	*into = (uint32_t)number;
	return true;
}

static bool set_max_hints(void *into, const char *value, char **why)
{
	return set_number(&((SettingsHints *)into)->max_hints, value, 65536, why);
}

static bool set_max_extents(void *into, const char *value, char **why)
{
	return set_number(&((SettingsHints *)into)->max_extents, value, 1048576, why);
}

static bool set_frames(void *into, const char *value, char **why)
{
	return set_number(&((SettingsHints *)into)->frames_per_second, value, 100000, why);
}

static const SettingsKey keys[] = {
	{ "enable", set_enable },
	{ "advice", set_advice },
	{ "pool", set_pool },
	{ "quota", set_quota },
	{ "max-hints", set_max_hints },
	{ "max-extents", set_max_extents },
	{ "frames-per-second", set_frames },
	{ NULL, NULL },
};

/* ---- the sections ------------------------------------------------------- */

static void vm_free(gpointer data)
{
	VmHints *vm = data;

	g_free(vm->vm);
	g_free(vm->hints.pool);
	g_free(vm);
}

void settings_init_hints(Settings *settings)
{
	settings->hints = (SettingsHints){
		.enable = true,
		.quota = UINT64_MAX,
		.max_hints = 16384,
		.max_extents = 65536,
		.frames_per_second = 2000,
	};
	for (unsigned int advice = 1; advice <= HINT_ADVICE_LAST; advice++)
		settings->hints.advice |= 1u << advice;
	settings->vm_hints = g_ptr_array_new_with_free_func(vm_free);
}

bool settings_is_hints(const char *section)
{
	return strcmp(section, SECTION) == 0 || g_str_has_prefix(section, PREFIX);
}

/* A UUID is the same one in any case. */
static bool same_vm(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (g_uuid_string_is_valid(a) && g_ascii_strcasecmp(a, b) == 0);
}

static bool check_vm(const char *path, const char *section, const Settings *settings,
		     GError **error)
{
	const char *name = section + strlen(PREFIX);

	/* "[hints  a]" is for " a", which is hardly what was meant. */
	if (!*name || *name == ' ' || g_str_has_suffix(name, " "))
		return settings_fail(
			error, G_KEY_FILE_ERROR_INVALID_VALUE,
			"%s: [%s]: write [" SECTION
			" VM] with the VM's name or UUID, one space before it and none after it",
			path, section);
	for (guint i = 0; i < settings->vm_hints->len; i++) {
		const VmHints *vm = g_ptr_array_index(settings->vm_hints, i);

		if (same_vm(vm->vm, name))
			return settings_fail(error, G_KEY_FILE_ERROR_INVALID_VALUE,
					     "%s: [%s]: is the same VM as [" PREFIX
					     "%s]: make one section of them",
					     path, section, vm->vm);
	}
	return true;
}

static bool read_vm(GKeyFile *file, const char *path, const char *section, Settings *settings,
		    GError **error)
{
	VmHints *vm;

	if (!check_vm(path, section, settings, error))
		return false;
	vm = g_new0(VmHints, 1);
	vm->vm = g_strdup(section + strlen(PREFIX));
	vm->hints = settings->hints;
	vm->hints.pool = g_strdup(settings->hints.pool);
	g_ptr_array_add(settings->vm_hints, vm);
	return settings_read_keys(file, path, section, keys, &vm->hints, error);
}

bool settings_read_hints(GKeyFile *file, const char *path, Settings *settings, GError **error)
{
	g_auto(GStrv) sections = g_key_file_get_groups(file, NULL);

	if (g_key_file_has_group(file, SECTION) &&
	    !settings_read_keys(file, path, SECTION, keys, &settings->hints, error))
		return false;
	for (char **section = sections; *section; section++)
		if (g_str_has_prefix(*section, PREFIX) &&
		    !read_vm(file, path, *section, settings, error))
			return false;
	return true;
}

void settings_free_hints(Settings *settings)
{
	g_free(settings->hints.pool);
	g_clear_pointer(&settings->vm_hints, g_ptr_array_unref);
}

static const SettingsHints *find_vm(const Settings *settings, const char *vm)
{
	for (guint i = 0; vm && i < settings->vm_hints->len; i++) {
		const VmHints *hints = g_ptr_array_index(settings->vm_hints, i);

		if (same_vm(hints->vm, vm))
			return &hints->hints;
	}
	return NULL;
}

const SettingsHints *settings_hints(const Settings *settings, const char *name, const char *uuid)
{
	const SettingsHints *hints = find_vm(settings, name);

	if (!hints)
		hints = find_vm(settings, uuid);
	return hints ? hints : &settings->hints;
}
