// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - stands in for libFuzzer: runs the files, and the files in the directories, it is given
 *
 * Nothing but libc: the guest's side is built without GLib.
 */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int run_file(const char *path)
{
	FILE *file = fopen(path, "r");
	uint8_t *bytes = NULL;
	size_t size = 0, room = 0;

	if (!file) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 0;
	}
	do {
		room += 65536;
		bytes = realloc(bytes, room);
		if (!bytes)
			abort();
		size += fread(bytes + size, 1, room - size, file);
	} while (size == room);
	fclose(file);
	/* No more room than that: the sanitizers see whoever looks behind it. */
	bytes = realloc(bytes, size ? size : 1);
	if (bytes)
		LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 1;
}

static unsigned int run_path(const char *path)
{
	DIR *directory = opendir(path);
	unsigned int nr = 0;
	struct dirent *entry;
	char file[PATH_MAX];

	if (!directory)
		return run_file(path);
	while ((entry = readdir(directory))) {
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		nr += entry->d_name[0] == '.' ? 0 : run_file(file);
	}
	closedir(directory);
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
