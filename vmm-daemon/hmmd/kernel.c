// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kernel.c - the system fd, and the ioctls whose errors a person gets to read
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hmmd.h"
#include "kernel-steps.h"

static char *device;
static int system_fd = -1;
static void (*when_open)(void);

void kernel_set_device(const char *path)
{
	g_free(device);
	device = g_strdup(path);
}

static enum control_class class_of(int err)
{
	switch (err) {
	case ENOENT:
	case ENODEV:
		return CONTROL_CLASS_NO_MODULE;
	case EPERM:
	case EACCES:
		return CONTROL_CLASS_PERMISSION_DENIED;
	case ESRCH:
		return CONTROL_CLASS_VM_GONE;
	case ENXIO:
		return CONTROL_CLASS_OUT_OF_RANGE;
	case ENOMEM:
		return CONTROL_CLASS_NO_MEMORY;
	case EBUSY:
		return CONTROL_CLASS_BUSY;
	case EINVAL:
	case EOVERFLOW:
		return CONTROL_CLASS_INVALID_ARGUMENT;
	default:
		return CONTROL_CLASS_INTERNAL;
	}
}

bool kernel_open(GError **error)
{
	struct vmirror_info info = { .size = sizeof(info) };
	int fd, err;

	if (system_fd >= 0)
		return true;
	fd = open(device, O_RDWR | O_CLOEXEC);
	err = errno;
	if (fd < 0 && (err == ENOENT || err == ENODEV || err == ENXIO))
		hmmd_set_error(error, CONTROL_CLASS_NO_MODULE,
			       "the kernel module vmirror is not loaded: run 'modprobe vmirror'");
	else if (fd < 0 && (err == EPERM || err == EACCES))
		hmmd_set_error(error, CONTROL_CLASS_PERMISSION_DENIED,
			       "hmmd may not open %s: it must run as root", device);
	else if (fd < 0)
		hmmd_set_error(error, class_of(err), "%s: %s", device, g_strerror(err));
	if (fd < 0)
		return false;
	if (ioctl(fd, VMIRROR_INFO, &info) < 0) {
		hmmd_set_error(error, CONTROL_CLASS_NO_MODULE,
			       "%s does not answer as vmirror does: %s", device, g_strerror(errno));
		close(fd);
		return false;
	}
	if (info.abi_version != VMIRROR_ABI_VERSION) {
		hmmd_set_error(
			error, CONTROL_CLASS_NO_MODULE,
			"the kernel module vmirror has ABI version %u, hmmd needs %u: install both from the same release",
			info.abi_version, VMIRROR_ABI_VERSION);
		close(fd);
		return false;
	}
	system_fd = fd;
	if (when_open)
		when_open();
	return true;
}

void kernel_when_open(void (*what)(void))
{
	when_open = what;
	if (system_fd >= 0)
		what();
}

bool kernel_info(struct vmirror_info *info, GError **error)
{
	if (!kernel_open(error))
		return false;
	*info = (struct vmirror_info){ .size = sizeof(*info) };
	if (ioctl(system_fd, VMIRROR_INFO, info) == 0)
		return true;
	hmmd_set_error(error, CONTROL_CLASS_INTERNAL, "VMIRROR_INFO: %s", g_strerror(errno));
	return false;
}

int kernel_pool_create(int engine, uint64_t bytes, const char *name, GError **error)
{
	struct vmirror_pool_create arg = {
		.size = sizeof(arg),
		.engine = (uint32_t)engine,
		.bytes = bytes,
	};
	int fd, err;

	if (!kernel_open(error))
		return -1;
	g_strlcpy(arg.name, name, sizeof(arg.name));
	fd = ioctl(system_fd, VMIRROR_POOL_CREATE, &arg);
	err = errno;
	if (fd >= 0)
		return fd;
	if (err == EEXIST)
		hmmd_set_error(error, CONTROL_CLASS_ALREADY_EXISTS,
			       "there is already a pool '%s', and not one of this hmmd", name);
	else if (err == EOPNOTSUPP)
		hmmd_set_error(error, CONTROL_CLASS_INVALID_ARGUMENT,
			       "the kernel module vmirror was built without that engine");
	else if (err == ENOMEM)
		hmmd_set_error(error, CONTROL_CLASS_NO_MEMORY,
			       "there is not enough host memory or address space for pool '%s'",
			       name);
	else
		hmmd_set_error(error, class_of(err), "pool '%s' was not created: %s", name,
			       g_strerror(err));
	return -1;
}

bool kernel_pool_stat(int pool_fd, struct vmirror_pool_stat *stat, GError **error)
{
	int err = kernel_pool_numbers(pool_fd, stat);

	if (err)
		hmmd_set_error(error, class_of(-err), "VMIRROR_POOL_STAT: %s", g_strerror(-err));
	return err == 0;
}

int kernel_vm_attach(int kvm_fd, pid_t pid, const char *name, GError **error)
{
	struct vmirror_vm_attach arg = {
		.size = sizeof(arg),
		.kvm_fd = kvm_fd,
		.pid = pid,
	};
	int fd, err;

	if (!kernel_open(error))
		return -1;
	g_strlcpy(arg.name, name, sizeof(arg.name));
	do {
		fd = ioctl(system_fd, VMIRROR_VM_ATTACH, &arg);
		err = errno;
	} while (fd < 0 && err == EINTR);
	if (fd >= 0)
		return fd;
	if (err == EEXIST)
		hmmd_set_error(error, CONTROL_CLASS_ALREADY_ATTACHED,
			       "VM '%s' is already attached, and not by this hmmd", name);
	else if (err == ENXIO)
		hmmd_set_error(error, CONTROL_CLASS_NOT_KVM, "VM '%s' is not a KVM VM", name);
	else if (err == ESRCH)
		hmmd_set_error(error, CONTROL_CLASS_VM_GONE, "VM '%s' has just ended", name);
	else if (err == EPERM)
		hmmd_set_error(error, CONTROL_CLASS_NOT_KVM,
			       "the memory of VM '%s' belongs to another process than its KVM fd",
			       name);
	else
		hmmd_set_error(error, class_of(err), "VM '%s' was not attached: %s", name,
			       g_strerror(err));
	return -1;
}

bool kernel_vm_stat(int vm_fd, struct vmirror_vm_stat *stat, GError **error)
{
	int err = kernel_vm_numbers(vm_fd, stat);

	if (err)
		hmmd_set_error(error, class_of(-err), "VMIRROR_VM_STAT: %s", g_strerror(-err));
	return err == 0;
}
