// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pidfd.c - take the KVM fd out of a VMM
 *
 * A pid may be reused at any moment, a pidfd not.  So: open the pidfd, read /proc/PID, and see
 * that the process of the pidfd is still there.  If it is, its pid was not reused in between, and
 * what was read is about this process.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hmmd.h"

int pidfd_open_process(pid_t pid, GError **error)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		hmmd_set_error(error,
			       errno == ESRCH ? CONTROL_CLASS_VM_GONE : CONTROL_CLASS_INTERNAL,
			       "process %d: %s", (int)pid, g_strerror(errno));
	return fd;
}

bool pidfd_alive(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0;
}

static bool is_kvm_vm(int fd)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *link = g_file_read_link(path, NULL);

	return link && strcmp(link, "anon_inode:kvm-vm") == 0;
}

int pidfd_take_kvm(int pidfd, const ProcVmm *vmm, GError **error)
{
	/* Read again: this time it is certain whom it is about. */
	g_autoptr(ProcVmm) now = proc_vmm_read("/proc", vmm->pid);
	int fd;

	if (!pidfd_alive(pidfd) || !now || strcmp(now->name, vmm->name) != 0) {
		hmmd_set_error(error, CONTROL_CLASS_VM_GONE, "VM '%s' (process %d) has just ended",
			       vmm->name, (int)vmm->pid);
		return -1;
	}
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, now->kvm_fd, 0);
	if (fd < 0) {
		hmmd_set_error(error,
			       errno == EPERM ? CONTROL_CLASS_PERMISSION_DENIED
					      : CONTROL_CLASS_VM_GONE,
			       "the KVM fd of VM '%s' (process %d) cannot be taken: %s%s",
			       vmm->name, (int)vmm->pid, g_strerror(errno),
			       errno == EPERM ? "; hmmd needs CAP_SYS_PTRACE" : "");
		return -1;
	}
	if (!is_kvm_vm(fd)) {
		hmmd_set_error(error, CONTROL_CLASS_NOT_KVM,
			       "VM '%s' (process %d) closed its KVM VM", vmm->name, (int)vmm->pid);
		close(fd);
		return -1;
	}
	return fd;
}
