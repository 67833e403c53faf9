// SPDX-License-Identifier: LGPL-2.1-or-later
/* pagemap.c - see pagemap.h */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/syscall.h>

#include "pagemap.h"
#include "test.h"

#define PRESENT (1ull << 63)
#define FRAME ((1ull << 55) - 1)

void page_entries(const char *memory, uint64_t pages, uint64_t *entries)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = (ssize_t)(pages * sizeof(*entries));

	CHECK(fd >= 0);
	CHECK(pread(fd, entries, bytes, (uintptr_t)memory / VMIRROR_PAGE_SIZE * sizeof(*entries)) == bytes);
	close(fd);
}

void page_frames(const char *memory, uint64_t pages, uint64_t *frames)
{
	page_entries(memory, pages, frames);
	for (uint64_t page = 0; page < pages; page++)
		frames[page] = frames[page] & PRESENT ? frames[page] & FRAME : 0;
}

void page_nodes(char *memory, uint64_t pages, int *nodes)
{
	void **list = calloc(pages, sizeof(*list));

	CHECK(list);
	for (uint64_t page = 0; page < pages; page++)
		list[page] = memory + page * VMIRROR_PAGE_SIZE;
	CHECK(syscall(SYS_move_pages, 0, pages, list, NULL, nodes, 0) == 0);
	free(list);
}
