/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc-private.h - what the files behind proc.h share
 */
#ifndef HMMD_PROC_PRIVATE_H
#define HMMD_PROC_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_CMDLINE_MAX (1u << 20)

/* ---- proc.c ------------------------------------------------------------- */

/*
 * The first max bytes of a file, with a NUL behind them, or NULL if it cannot be opened.
 * Free with g_free().
 */
char *proc_read_whole(const char *path, size_t max, size_t *length);

/*
 * Call what for the link of every fd, of so many at most, until it returns true; then that fd's
 * number, else -1.
 */
int proc_each_fd(const char *root, pid_t pid, bool (*what)(const char *link, void *data),
		 void *data);

/* ---- proc-socket.c: at which unix sockets a process listens ------------- */

/* Of a link in /proc/PID/fd; false if it is no socket's. */
bool proc_socket_inode(const char *link, uint64_t *inode);

/*
 * The path of the listening stream socket with that inode, or of the one that the process has and
 * whose file has that name; NULL if there is none, or more than one.  Free with g_free().
 */
char *proc_socket_path(const char *root, pid_t pid, uint64_t inode);
char *proc_socket_named(const char *root, pid_t pid, const char *name);

/* ---- proc-qemu.c: QEMU's command line ----------------------------------- */

/*
 * Call what for every option of a command line as /proc has it, without its dashes, and the
 * argument behind it.  Nothing is called for a program that is not QEMU by its name.
 */
void proc_qemu_each(const char *cmdline, size_t length,
		    void (*what)(const char *option, const char *value, void *data), void *data);

/*
 * The value of a key in QEMU's "value,key=value,flag,noflag" syntax, where a comma in a value is
 * doubled, a flag is "on" and one with a "no" before it "off".  The first element may lack its
 * key, which is then implied.  The last one counts.  NULL if there is none; free with g_free().
 */
char *proc_qemu_option(const char *text, const char *key, const char *implied);

#endif /* HMMD_PROC_PRIVATE_H */
