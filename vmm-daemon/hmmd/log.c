// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * log.c - to the journal with its fields where stderr is the journal, else plain lines
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hmmd.h"

static const struct {
	const char *name;
	GLogLevelFlags level;
} levels[] = {
	{ "error", G_LOG_LEVEL_CRITICAL },
	{ "warning", G_LOG_LEVEL_WARNING },
	{ "info", G_LOG_LEVEL_INFO },
	{ "debug", G_LOG_LEVEL_DEBUG },
};

static GLogLevelFlags shown = G_LOG_LEVEL_INFO;
static bool journal;

bool log_level_parse(const char *name, GLogLevelFlags *level)
{
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*level = levels[i].level;
			return true;
		}
	}
	return false;
}

static const char *level_name(GLogLevelFlags level)
{
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
		if (level <= levels[i].level)
			return levels[i].name;
	return "debug";
}

static const char *field(const GLogField *fields, gsize nr, const char *key)
{
	for (gsize i = 0; i < nr; i++)
		if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
			return fields[i].value;
	return NULL;
}

static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize nr,
				  gpointer data)
{
	const char *message;

	(void)data;
	level &= G_LOG_LEVEL_MASK;
	if (level > shown)
		return G_LOG_WRITER_HANDLED;
	if (journal)
		return g_log_writer_journald(level, fields, nr, NULL);
	message = field(fields, nr, "MESSAGE");
	fprintf(stderr, "hmmd: %s: %s\n", level_name(level), message ? message : "");
	return G_LOG_WRITER_HANDLED;
}

void log_start(GLogLevelFlags level)
{
	shown = level;
	journal = g_log_writer_is_journald(STDERR_FILENO);
	g_log_set_writer_func(write_log, NULL, NULL);
}

static const char *priority(GLogLevelFlags level)
{
	if (level <= G_LOG_LEVEL_CRITICAL)
		return "3";
	if (level == G_LOG_LEVEL_WARNING)
		return "4";
	return level == G_LOG_LEVEL_DEBUG ? "7" : "6";
}

void log_about(GLogLevelFlags level, const char *vm, const char *pool, const char *format, ...)
{
	g_autofree char *text = NULL, *message = NULL;
	GLogField fields[5] = {
		{ "PRIORITY", priority(level), -1 },
		{ "GLIB_DOMAIN", G_LOG_DOMAIN, -1 },
	};
	gsize nr = 2;
	va_list args;

	if (level > shown)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	message = g_strconcat(vm ? "vm " : "", vm ? vm : "", vm ? ": " : "", pool ? "pool " : "",
			      pool ? pool : "", pool ? ": " : "", text, NULL);
	fields[nr++] = (GLogField){ "MESSAGE", message, -1 };
	if (vm)
		fields[nr++] = (GLogField){ "HMMD_VM", vm, -1 };
	if (pool)
		fields[nr++] = (GLogField){ "HMMD_POOL", pool, -1 };
	g_log_structured_array(level, fields, nr);
}
