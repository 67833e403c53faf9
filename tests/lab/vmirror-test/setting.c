// SPDX-License-Identifier: LGPL-2.1-or-later
/* setting.c - see setting.h */
#include <fcntl.h>

#include "setting.h"
#include "test.h"

#define MAX_SETTINGS 16

static struct setting {
	char path[128], before[64];
} settings[MAX_SETTINGS];
static int nr_settings;

static void put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		FAIL("%s: cannot write '%s': %s", path, value, strerror(errno));
	close(fd);
}

static void restore(void)
{
	while (nr_settings) {
		struct setting *setting = &settings[--nr_settings];

		put(setting->path, setting->before);
	}
}

static void remember(const char *path)
{
	struct setting *setting = &settings[nr_settings];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	for (int i = 0; i < nr_settings; i++)
		if (!strcmp(settings[i].path, path)) {
			close(fd);
			return;
		}
	CHECK(nr_settings < MAX_SETTINGS);
	n = read(fd, setting->before, sizeof(setting->before) - 1);
	if (n <= 0)
		FAIL("%s: cannot read it: %s", path, strerror(errno));
	close(fd);
	snprintf(setting->path, sizeof(setting->path), "%s", path);
	if (!nr_settings++)
		atexit(restore);
}

void set(const char *path, const char *value)
{
	remember(path);
	put(path, value);
}

void make_khugepaged_eager(void)
{
	set("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "10");
	set("/sys/kernel/mm/transparent_hugepage/khugepaged/alloc_sleep_millisecs", "10");
	set("/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan", "100000");
}

uint64_t number_in(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	uint64_t number = 0;
	char line[256];

	if (!file)
		FAIL("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (name && strncmp(line, name, strlen(name)))
			continue;
		number = strtoull(line + (name ? strlen(name) : 0), NULL, 10);
		break;
	}
	fclose(file);
	return number;
}
