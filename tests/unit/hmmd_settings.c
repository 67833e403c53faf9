// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "settings.h"
#include "vmirror.h"

static Settings *read_text(const char *text, GError **error)
{
	g_autofree char *path = NULL;
	Settings *settings;
	int fd = g_file_open_tmp("hmmd-conf-XXXXXX", &path, NULL);

	close(fd);
	g_file_set_contents(path, text, -1, NULL);
	settings = settings_read(path, true, error);
	g_unlink(path);
	return settings;
}

static void refused(const char *text, const char *part)
{
	GError *error = NULL;
	Settings *settings = read_text(text, &error);

	CU_ASSERT_PTR_NULL(settings);
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	if (!strstr(error->message, part))
		printf("\ngot '%s', expected '%s'\n", error->message, part);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, part));
	/* It says which file. */
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "hmmd-conf-"));
	g_error_free(error);
}

static void defaults(void)
{
	Settings *settings = read_text("", NULL);

	CHECK_TEXT(settings->socket, "/run/hmmd/control.sock");
	CHECK_TEXT(settings->log_level, "info");
	CHECK_TEXT(settings->group, NULL);
	CHECK_NUMBER(settings->pools->len, 0);
	settings_free(settings);
}

static void everything(void)
{
	GError *error = NULL;
	Settings *settings = read_text("# a comment\n"
				       "[control]\nsocket = /tmp/s\ngroup=kvm\n"
				       "[log]\nlevel=debug\n"
				       "[pool p0]\nbytes=64MiB\n"
				       "[pool p1]\nengine = ram\nbytes = 1 GiB\n",
				       &error);
	const SettingsPool *pool;

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	CHECK_TEXT(settings->socket, "/tmp/s");
	CHECK_TEXT(settings->group, "kvm");
	CHECK_TEXT(settings->log_level, "debug");
	CHECK_NUMBER(settings->pools->len, 2);
	pool = g_ptr_array_index(settings->pools, 1);
	CHECK_TEXT(pool->name, "p1");
	CHECK_NUMBER(pool->bytes, 1 << 30);
	CHECK_NUMBER((unsigned int)pool->engine, VMIRROR_ENGINE_RAM);
	settings_free(settings);
}

static void wrong(void)
{
	refused("[control]\nsokcet=/x\n", "[control]: there is no key 'sokcet'");
	refused("[contorl]\n", "there is no section '[contorl]'");
	refused("[pool]\nbytes=2M\n", "there is no section '[pool]'");
	refused("[control]\nsocket=relative\n", "[control] socket: must be an absolute path");
	refused("[pool a]\n", "[pool a]: 'bytes' is missing");
	refused("[pool a]\nbytes=1\n", "[pool a] bytes: must be a positive multiple of 2 MiB");
	refused("[pool a]\nbytes=0\n", "multiple of 2 MiB");
	refused("[pool a]\nbytes=2MB\n", "[pool a] bytes: '2MB' is not a size");
	refused("[pool a]\nbytes=2M\nengine=rom\n", "there is no engine 'rom'");
	refused("[pool a/b]\nbytes=2M\n", "a pool's name");
	refused("[pool ]\nbytes=2M\n", "a pool's name");
	refused("nonsense\n", "");
	refused("[control\n", "");
}

static void missing(void)
{
	GError *error = NULL;
	Settings *settings = settings_read("/nowhere/hmmd.conf", false, &error);

	CU_ASSERT_PTR_NOT_NULL(settings);
	settings_free(settings);
	settings = settings_read("/nowhere/hmmd.conf", true, &error);
	CU_ASSERT_PTR_NULL(settings);
	CU_ASSERT_PTR_NOT_NULL(strstr(error->message, "/nowhere/hmmd.conf"));
	g_error_free(error);
}

int main(void)
{
	static const struct check checks[] = {
		{ "defaults", defaults },
		{ "everything", everything },
		{ "wrong", wrong },
		{ "missing", missing },
	};

	return run_checks("settings", checks, G_N_ELEMENTS(checks));
}
