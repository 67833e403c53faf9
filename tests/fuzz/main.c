// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - stands in for libFuzzer: runs the files, and the files in the directories, it is given
 */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int run_file(const char *path)
{
	g_autofree char *text = NULL;
	gsize size;

	if (!g_file_get_contents(path, &text, &size, NULL)) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 0;
	}
	LLVMFuzzerTestOneInput((const uint8_t *)text, size);
	return 1;
}

static unsigned int run_path(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	unsigned int nr = 0;
	const char *name;

	if (!dir)
		return run_file(path);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		nr += run_file(file);
	}
	g_dir_close(dir);
	return nr;
}

int main(int argc, char **argv)
{
	unsigned int nr = 0;

	for (int i = 1; i < argc; i++)
		nr += run_path(argv[i]);
	printf("%u inputs\n", nr);
	return nr ? 0 : 1;
}
