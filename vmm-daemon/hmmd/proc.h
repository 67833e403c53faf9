/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.h - what /proc tells about VMMs
 *
 * Everything takes the root of the proc file system, so that tests can bring their own.
 */
#ifndef HMMD_PROC_H
#define HMMD_PROC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process that has a KVM VM open. */
typedef struct {
	pid_t pid;
	int kvm_fd;	    /* the number it has in that process */
	char *name;	    /* QEMU's -name, else "pid-PID" */
	char *uuid;	    /* QEMU's -uuid in lower case, or NULL */
	uint64_t ram_bytes; /* QEMU's -m, 0 if unknown */
} ProcVmm;

void proc_vmm_free(ProcVmm *vmm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProcVmm, proc_vmm_free)
ProcVmm *proc_vmm_copy(const ProcVmm *vmm);

/* NULL if there is no such process, or it has no KVM VM. */
ProcVmm *proc_vmm_read(const char *root, pid_t pid);

/* Every VMM: an array of ProcVmm that owns them, ascending by pid. */
GPtrArray *proc_vmm_scan(const char *root);

/*
 * From the arguments of a VMM, separated by NUL; what is not there is left alone.
 * Only QEMU's are understood.
 */
void proc_parse_cmdline(const char *cmdline, size_t length, ProcVmm *vmm);

/* Whether text names it: by name, by UUID in any case, by pid in decimal, or as "pid-PID". */
bool proc_vmm_matches(const char *name, const char *uuid, pid_t pid, const char *text);

/* A line of /proc/PID/status in kB, as bytes; 0 if it is not there. */
uint64_t proc_status_bytes(const char *root, pid_t pid, const char *field);

/* How many files of the process lie below that directory, e.g. "/dev/vfio/". */
unsigned int proc_count_fds(const char *root, pid_t pid, const char *prefix);

/* ---- proc-channel.c: a port of the guest -------------------------------- */

/*
 * The absolute path of the unix socket on which that QEMU waits for the host's side of the
 * virtserialport of that name, short enough for a sockaddr_un; NULL if there is none.  One that was
 * plugged in later is on no command line: it is found if its socket is named like the port, as
 * libvirt names it.  Free with g_free().
 *
 * It is what the VMM says, bytes of any kind, in the VMM's mount namespace.  Who connects asks
 * with SO_PEERCRED whether it is that VMM that listens: a path can be anybody's.
 */
char *proc_channel_path(const char *root, pid_t pid, const char *port);

#endif /* HMMD_PROC_H */
