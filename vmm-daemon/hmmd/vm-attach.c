// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vm-attach.c - how a VM comes to be attached: because someone asked, or because an earlier hmmd
 * had done it and systemd kept the fd
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hmmd.h"
#include "kernel-steps.h"

static gboolean process_exited(gint fd, GIOCondition condition, gpointer data)
{
	Vm *vm = data;

	(void)fd, (void)condition;
	vm->pidfd_source = 0;
	vm_gone(vm);
	return G_SOURCE_REMOVE;
}

/* Takes over both fds, also when it fails. */
static Vm *vm_new(int fd, int pidfd, const ProcVmm *vmm, GError **error)
{
	struct vmirror_vm_stat stat;
	Vm *vm = g_new0(Vm, 1);

	vm->fd = fd;
	vm->pidfd = pidfd;
	vm->pid = vmm->pid;
	vm->name = g_strdup(vmm->name);
	vm->uuid = g_strdup(vmm->uuid);
	g_queue_init(&vm->waiting);
	if (!kernel_vm_stat(fd, &stat, error)) {
		vm_free(vm);
		return NULL;
	}
	vm->id = stat.id;
	vm->sync = sync_new(vm);
	vm->hints = hints_new(vm);
	if (!vm_ring_start(vm, error)) {
		vm_free(vm);
		return NULL;
	}
	vm->pidfd_source = g_unix_fd_add(pidfd, G_IO_IN, process_exited, vm);
	vm_publish(vm);
	return vm;
}

/* A name as the kernel takes it, that no other VM has. */
static char *kernel_name(const ProcVmm *vmm)
{
	g_autoptr(GPtrArray) vms = vm_list();
	char *name = g_strndup(vmm->name, VMIRROR_NAME_MAX - 1);
	bool taken = false;

	for (char *p = name; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("._-", *p))
			*p = '-';
	for (guint i = 0; i < vms->len; i++)
		taken |= strcmp(((Vm *)g_ptr_array_index(vms, i))->name, vmm->name) == 0;
	if (taken || strcmp(name, vmm->name) != 0) {
		g_autofree char *base = name;

		name = g_strdup_printf("%.48s.%d", base, (int)vmm->pid);
	}
	return name;
}

Vm *vm_attach(const ProcVmm *vmm, GError **error)
{
	g_autofree char *name = kernel_name(vmm);
	int pidfd, kvm_fd, fd;
	Vm *vm;

	pidfd = pidfd_open_process(vmm->pid, error);
	if (pidfd < 0)
		return NULL;
	kvm_fd = pidfd_take_kvm(pidfd, vmm, error);
	if (kvm_fd < 0) {
		close(pidfd);
		return NULL;
	}
	fd = kernel_vm_attach(kvm_fd, vmm->pid, name, error);
	/* As long as we held it the VM could not end. */
	close(kvm_fd);
	if (fd < 0) {
		close(pidfd);
		return NULL;
	}
	vm = vm_new(fd, pidfd, vmm, error);
	if (!vm)
		return NULL;
	fdstore_add(vm->fd, "vm", vm->id);
	log_info(vm->name, NULL, "attached (process %d)", (int)vm->pid);
	events_emit("vm-attached", vm, vm_json(vm));
	return vm;
}

struct orphan {
	int fd;
	uint32_t id;
};

/* Worker. */
static void close_orphan(Job *job)
{
	struct orphan *orphan = job->data;

	fdstore_remove("vm", orphan->id);
	if (orphan->fd >= 0)
		close(orphan->fd);
}

static void orphan_closed(Job *job)
{
	g_free(job->data);
}

static void drop_orphan(int fd, const struct vmirror_vm_stat *stat, const char *why)
{
	struct orphan *orphan = g_new(struct orphan, 1);

	*orphan = (struct orphan){ fd, stat->id };
	log_info(stat->name, NULL, "detached: %s", why);
	job_start(job_new(NULL, NULL, close_orphan, orphan_closed, orphan));
}

bool vm_adopt(int fd)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ProcVmm) vmm = NULL;
	struct vmirror_vm_stat stat;
	int pidfd = -1, spare;
	Vm *vm;

	if (kernel_vm_numbers(fd, &stat) != 0)
		return false;
	if (!stat.dead && stat.pid > 0)
		pidfd = pidfd_open_process(stat.pid, &error);
	if (pidfd >= 0)
		vmm = proc_vmm_read("/proc", stat.pid);
	/* Ask again: now the pid is certain to be of the process that pidfd holds. */
	if (!vmm || kernel_vm_numbers(fd, &stat) != 0 || stat.dead || stat.pid != vmm->pid) {
		if (pidfd >= 0)
			close(pidfd);
		drop_orphan(fd, &stat, "the VM ended while hmmd was away");
		return true;
	}
	/* One more, because systemd's copy goes before the last of ours does. */
	spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	vm = vm_new(fd, pidfd, vmm, &error);
	if (!vm) {
		drop_orphan(spare, &stat, error->message);
		return true;
	}
	close(spare);
	log_info(vm->name, NULL, "taken over (process %d), %llu MiB out", (int)vm->pid,
		 stat.out_pages * VMIRROR_PAGE_SIZE >> 20);
	sync_all(vm->sync);
	return true;
}
