// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_proc.h"

#include <glib/gstdio.h>
#include <unistd.h>

char *fake_proc;

void fake_proc_make(void)
{
	fake_proc = g_dir_make_tmp("hmmd-proc-XXXXXX", NULL);
}

static char *make_way(const char *pid, const char *name)
{
	char *path = g_build_filename(fake_proc, pid, name, NULL);
	g_autofree char *directory = g_path_get_dirname(path);

	g_mkdir_with_parents(directory, 0700);
	g_unlink(path);
	return path;
}

void fake_proc_file(const char *pid, const char *name, const char *text, gssize length)
{
	g_autofree char *path = make_way(pid, name);

	g_file_set_contents(path, text, length, NULL);
}

void fake_proc_link(const char *pid, const char *name, const char *target)
{
	g_autofree char *path = make_way(pid, name);

	g_assert(symlink(target, path) == 0);
}

static void remove_tree(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		if (g_file_test(child, G_FILE_TEST_IS_SYMLINK) ||
		    !g_file_test(child, G_FILE_TEST_IS_DIR))
			g_unlink(child);
		else
			remove_tree(child);
	}
	if (dir)
		g_dir_close(dir);
	g_rmdir(path);
}

void fake_proc_remove(void)
{
	remove_tree(fake_proc);
	g_clear_pointer(&fake_proc, g_free);
}
