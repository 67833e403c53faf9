// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <string.h>

#include "proc-private.h"

/*
 * Which of QEMU's options take a value is not known here, so whatever begins with a dash is
 * taken as an option.
 */
void proc_qemu_each(const char *cmdline, size_t length,
		    void (*what)(const char *option, const char *value, void *data), void *data)
{
	const char *end = cmdline + length;
	const char *option = NULL;
	const char *arg, *nul;
	bool program = true;

	for (arg = cmdline; arg < end; arg = nul + 1) {
		nul = memchr(arg, '\0', (size_t)(end - arg));
		if (!nul)
			return; /* cut short: the last one is not whole */
		if (program && !strstr(arg, "qemu") && !strstr(arg, "kvm"))
			return;
		if (option)
			what(option, arg, data);
		option = NULL;
		if (!program && arg[0] == '-')
			option = arg + (arg[1] == '-' ? 2 : 1);
		program = false;
	}
}

/* The comma that ends a value, or the end. */
static const char *value_end(const char *p)
{
	while (*p && (*p != ',' || p[1] == ','))
		p += *p == ',' ? 2 : 1;
	return p;
}

static char *single_commas(const char *from, const char *end)
{
	GString *value = g_string_sized_new((gsize)(end - from));

	for (; from < end; from += *from == ',' ? 2 : 1)
		g_string_append_c(value, *from);
	return g_string_free(value, FALSE);
}

static bool is_key(const char *key, const char *text, size_t length)
{
	return strncmp(key, text, length) == 0 && key[length] == '\0';
}

static const char *flag_value(const char *key, const char *text, size_t length)
{
	if (is_key(key, text, length))
		return "on";
	if (length > 2 && strncmp(text, "no", 2) == 0 && is_key(key, text + 2, length - 2))
		return "off";
	return NULL;
}

/* One element: returns its end; *value is its value if it has that key. */
static const char *element(const char *p, const char *key, const char *implied, char **value)
{
	size_t n = strcspn(p, "=,");
	const char *from = p, *end;
	bool wanted;

	if (p[n] == '=') {
		from += n + 1;
		wanted = is_key(key, p, n);
	} else if (implied) {
		wanted = strcmp(key, implied) == 0;
	} else {
		const char *flag = flag_value(key, p, n);

		if (flag) {
			g_free(*value);
			*value = g_strdup(flag);
		}
		return p + n;
	}
	end = value_end(from);
	if (wanted) {
		g_free(*value);
		*value = single_commas(from, end);
	}
	return end;
}

char *proc_qemu_option(const char *text, const char *key, const char *implied)
{
	char *value = NULL;
	const char *p;

	for (p = text; *p; p += *p == ',') {
		p = element(p, key, implied, &value);
		implied = NULL;
	}
	return value;
}
