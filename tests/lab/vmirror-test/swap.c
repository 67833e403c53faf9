// SPDX-License-Identifier: LGPL-2.1-or-later
/* swap.c - see swap.h */
#include "swap.h"
#include "test.h"

void find_swap(char *path, size_t size)
{
	FILE *file = fopen("/proc/swaps", "r");
	char line[256];

	CHECK(file);
	if (!fgets(line, sizeof(line), file) || !fgets(line, sizeof(line), file))
		FAIL("there is no swap: this case needs some, 256 MiB will do (swapon)");
	fclose(file);
	line[strcspn(line, " \t")] = '\0';
	snprintf(path, size, "%s", line);
}
