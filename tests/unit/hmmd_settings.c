// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "hint.h"
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

/* ---- hints -------------------------------------------------------------- */

#define UUID	 "6f1d2a34-0000-4000-8000-0123456789ab"
#define UUID_UP	 "6F1D2A34-0000-4000-8000-0123456789AB"
#define ALL	 0x3eu
#define BIT(ADV) (1u << HINT_ADVICE_##ADV)

static void default_hints(const SettingsHints *hints)
{
	CU_ASSERT(hints->enable);
	CHECK_NUMBER(hints->advice, ALL);
	CHECK_TEXT(hints->pool, NULL);
	CHECK_NUMBER(hints->quota, UINT64_MAX);
	CHECK_NUMBER(hints->max_hints, 16384);
	CHECK_NUMBER(hints->max_extents, 65536);
	CHECK_NUMBER(hints->frames_per_second, 2000);
}

static void hints_defaults(void)
{
	Settings *settings = read_text("[hints]\n[hints a]\n", NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	default_hints(settings_hints(settings, NULL, NULL));
	default_hints(settings_hints(settings, "a", UUID));
	settings_free(settings);
}

static void hints_all_keys(void)
{
	Settings *settings = read_text("[hints]\nenable = no\nadvice =  cold  pin-host cold \n"
				       "pool=p0\nquota=1.5GiB\nmax-hints=1\nmax-extents=1048576\n"
				       "frames-per-second=100000\n",
				       NULL);
	const SettingsHints *hints;

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	hints = settings_hints(settings, "any", NULL);
	CU_ASSERT_FALSE(hints->enable);
	CHECK_NUMBER(hints->advice, BIT(COLD) | BIT(PIN_HOST));
	CHECK_TEXT(hints->pool, "p0");
	CHECK_NUMBER(hints->quota, 3ull << 29);
	CHECK_NUMBER(hints->max_hints, 1);
	CHECK_NUMBER(hints->max_extents, 1048576);
	CHECK_NUMBER(hints->frames_per_second, 100000);
	settings_free(settings);
}

/* Key by key, wherever [hints] stands. */
static void hints_of_a_vm(void)
{
	Settings *settings =
		read_text("[hints a]\nadvice = device\npool=\nquota=none\n"
			  "[hints]\nquota=1MiB\npool=p0\nmax-hints=7\n"
			  "[hints b c]\nenable=no\nquota=0\nmax-hints=8\nmax-hints=9\n",
			  NULL);
	const SettingsHints *hints;

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	hints = settings_hints(settings, "a", NULL);
	CU_ASSERT(hints->enable);
	CHECK_NUMBER(hints->advice, BIT(DEVICE));
	CHECK_TEXT(hints->pool, NULL);
	CHECK_NUMBER(hints->quota, UINT64_MAX);
	CHECK_NUMBER(hints->max_hints, 7);
	hints = settings_hints(settings, "b c", UUID);
	CU_ASSERT_FALSE(hints->enable);
	CHECK_NUMBER(hints->advice, ALL);
	CHECK_TEXT(hints->pool, "p0");
	CHECK_NUMBER(hints->quota, 0);
	CHECK_NUMBER(hints->max_hints, 9);
	hints = settings_hints(settings, "A", UUID);
	CHECK_NUMBER(hints->quota, 1 << 20);
	CHECK_NUMBER(hints->max_hints, 7);
	settings_free(settings);
}

static uint32_t max_hints(const Settings *settings, const char *name, const char *uuid)
{
	return settings_hints(settings, name, uuid)->max_hints;
}

static void hints_by_uuid(void)
{
	Settings *settings = read_text("[hints " UUID_UP "]\nmax-hints=2\n"
				       "[hints a]\nmax-hints=3\n[hints]\nmax-hints=1\n",
				       NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	CHECK_NUMBER(max_hints(settings, NULL, NULL), 1);
	CHECK_NUMBER(max_hints(settings, "b", NULL), 1);
	CHECK_NUMBER(max_hints(settings, "b", UUID), 2);
	CHECK_NUMBER(max_hints(settings, NULL, UUID), 2);
	CHECK_NUMBER(max_hints(settings, NULL, UUID_UP), 2);
	CHECK_NUMBER(max_hints(settings, "b", "6f1d2a34-0000-4000-8000-0123456789ac"), 1);
	/* The name goes before the UUID. */
	CHECK_NUMBER(max_hints(settings, "a", UUID), 3);
	settings_free(settings);
}

static void wrong_hints(void)
{
	refused("[hints]\nenabled=yes\n", "[hints]: there is no key 'enabled'");
	refused("[hints a]\nbytes=2M\n", "[hints a]: there is no key 'bytes'");
	refused("[hints]\nenable=true\n", "[hints] enable: must be 'yes' or 'no'");
	refused("[hints]\nadvice=device, cold\n", "[hints] advice: there is no advice 'device,'");
	refused("[hints]\nadvice=hot\n", "spaces: device host cold willneed-device pin-host");
	refused("[hints]\nadvice=\n", "to take none say 'enable = no'");
	refused("[hints a]\npool=a/b\n", "[hints a] pool: a pool's name");
	refused("[hints]\nquota=lots\n", "[hints] quota: 'lots' is not a size");
	refused("[hints]\nquota=\n", "'none' for no quota");
	refused("[hints]\nquota=512\n", "[hints] quota: must be a multiple of 4 KiB, or 'none'");
	refused("[hints]\nquota=18446744073709551615\n", "[hints] quota: must be a multiple");
	refused("[hints]\nmax-hints=0\n", "[hints] max-hints: must be a number from 1 to 65536");
	refused("[hints]\nmax-hints=65537\n", "from 1 to 65536");
	refused("[hints]\nmax-hints=0x10\n", "from 1 to 65536");
	refused("[hints]\nmax-hints=-1\n", "from 1 to 65536");
	refused("[hints]\nmax-extents=1048577\n",
		"max-extents: must be a number from 1 to 1048576");
	refused("[hints]\nframes-per-second=100001\n", "from 1 to 100000");
	refused("[hints]\nframes-per-second=18446744073709551617\n", "from 1 to 100000");
	refused("[hints]\nframes-per-second=\n", "frames-per-second: must be");
}

static void wrong_hint_sections(void)
{
	refused("[hint]\n", "there is no section '[hint]'");
	refused("[hintsa]\n", "there is no section '[hintsa]'");
	refused("[hints ]\n", "[hints ]: write [hints VM]");
	refused("[hints  a]\n", "[hints  a]: write [hints VM]");
	refused("[hints a]\n[hints  a]\n", "[hints  a]: write [hints VM]");
	refused("[hints a ]\n", "[hints a ]: write [hints VM]");
	refused("[hints " UUID "]\n[hints " UUID_UP "]\n",
		"[hints " UUID_UP "]: is the same VM as [hints " UUID "]");
}

/* As with all sections: two of the same name are one. */
static void hints_twice(void)
{
	Settings *settings = read_text(
		"[hints a]\nmax-hints=2\nenable=no\n[log]\n[hints a]\nmax-hints=3\n", NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	CHECK_NUMBER(max_hints(settings, "a", NULL), 3);
	CU_ASSERT_FALSE(settings_hints(settings, "a", NULL)->enable);
	settings_free(settings);
}

/* The sample says what is so without it. */
static void sample(void)
{
	const char *source = g_getenv("srcdir");
	g_autofree char *path =
		g_build_filename(source ? source : ".", "vmm-daemon", "hmmd.conf", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	Settings *settings;

	CU_ASSERT_FATAL(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if ((*line)[0] == '#' && (*line)[1] != ' ')
			(*line)[0] = ' ';
	g_free(text);
	text = g_strjoinv("\n", lines);
	settings = read_text(text, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	CHECK_TEXT(settings->socket, "/run/hmmd/control.sock");
	CHECK_TEXT(settings->log_level, "info");
	default_hints(settings_hints(settings, "any", NULL));
	CU_ASSERT_FALSE(settings_hints(settings, "web", NULL)->enable);
	settings_free(settings);
}

static void missing(void)
{
	GError *error = NULL;
	Settings *settings = settings_read("/nowhere/hmmd.conf", false, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(settings);
	default_hints(settings_hints(settings, "a", UUID));
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
		{ "hints: defaults", hints_defaults },
		{ "hints: all keys", hints_all_keys },
		{ "hints: of a VM", hints_of_a_vm },
		{ "hints: by UUID", hints_by_uuid },
		{ "hints: wrong values", wrong_hints },
		{ "hints: wrong sections", wrong_hint_sections },
		{ "hints: a section twice", hints_twice },
		{ "sample", sample },
		{ "missing", missing },
	};

	return run_checks("settings", checks, G_N_ELEMENTS(checks));
}
