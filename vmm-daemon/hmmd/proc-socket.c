// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc-socket.c - at which unix sockets a process listens
 *
 * A name in /proc/PID/net/unix may have a newline in it, so anybody can add a line that is not one;
 * where two have the same inode no one knows which is true.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "proc-private.h"

#define TABLE_MAX (16u << 20)
#define ACCEPTING 0x10000u /* __SO_ACCEPTCON, of Flags */

bool proc_socket_inode(const char *link, uint64_t *inode)
{
	int end = 0;

	return sscanf(link, "socket:[%19" SCNu64 "]%n", inode, &end) == 1 && end > 0 && !link[end];
}

/*
 * "Num: RefCount Protocol Flags Type St Inode Path": the path of the line, if it is that of a
 * listening stream socket.  Abstract names and relative ones are no use here.
 */
static const char *path_of_line(const char *line, uint64_t *inode)
{
	unsigned int flags, type;
	int end = 0;

	if (sscanf(line,
		   "%*[0-9a-fA-F]: %*8[0-9a-fA-F] %*8[0-9a-fA-F] %8x %4x %*2x %19" SCNu64 "%n",
		   &flags, &type, inode, &end) != 3 ||
	    !(flags & ACCEPTING) || type != SOCK_STREAM)
		return NULL;
	return end > 0 && line[end] == ' ' && line[end + 1] == '/' ? line + end + 1 : NULL;
}

/* Call what for each listening socket; path is good until it returns. */
static void each_line(const char *root, pid_t pid,
		      void (*what)(uint64_t inode, const char *path, void *data), void *data)
{
	g_autofree char *file = g_strdup_printf("%s/%d/net/unix", root, (int)pid);
	size_t length;
	g_autofree char *table = proc_read_whole(file, TABLE_MAX, &length);
	const char *path;
	uint64_t inode;
	char *line, *end;

	for (line = table; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		path = path_of_line(line, &inode);
		if (path)
			what(inode, path, data);
	}
}

/* ---- which has this inode ----------------------------------------------- */

struct wanted {
	uint64_t inode;
	unsigned int nr;
	char *path;
};

static void take_wanted(uint64_t inode, const char *path, void *data)
{
	struct wanted *wanted = data;

	if (inode == wanted->inode && wanted->nr++ == 0)
		wanted->path = g_strdup(path);
}

char *proc_socket_path(const char *root, pid_t pid, uint64_t inode)
{
	struct wanted wanted = { .inode = inode };

	each_line(root, pid, take_wanted, &wanted);
	if (wanted.nr > 1)
		g_clear_pointer(&wanted.path, g_free);
	return wanted.path;
}

/* ---- which of a process's has this name --------------------------------- */

struct named {
	const char *name;
	GHashTable *paths; /* inode -> path, of those of that name; "" if two have it */
	const char *found;
	bool many;
};

static void take_named(uint64_t inode, const char *path, void *data)
{
	struct named *named = data;

	if (strcmp(strrchr(path, '/') + 1, named->name) != 0)
		return;
	if (g_hash_table_contains(named->paths, &inode))
		path = "";
	g_hash_table_insert(named->paths, g_memdup2(&inode, sizeof(inode)), g_strdup(path));
}

static bool find_named(const char *link, void *data)
{
	struct named *named = data;
	const char *path;
	uint64_t inode;

	if (!proc_socket_inode(link, &inode))
		return false;
	path = g_hash_table_lookup(named->paths, &inode);
	named->many |= path && named->found && strcmp(path, named->found) != 0;
	named->found = path ? path : named->found;
	return false;
}

char *proc_socket_named(const char *root, pid_t pid, const char *name)
{
	struct named named = { .name = name };
	char *path = NULL;

	named.paths = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	each_line(root, pid, take_named, &named);
	if (g_hash_table_size(named.paths))
		proc_each_fd(root, pid, find_named, &named);
	if (named.found && *named.found && !named.many)
		path = g_strdup(named.found);
	g_hash_table_destroy(named.paths);
	return path;
}
