// SPDX-License-Identifier: LGPL-2.1-or-later
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc-private.h"

#define KVM_VM_LINK "anon_inode:kvm-vm"

/* A VMM opens its VM early; whoever has ten thousand sockets shall not hold hmmd up. */
#define FDS_MAX 4096u

static const char *const qemu_units = "BKMGTPE";

void proc_vmm_free(ProcVmm *vmm)
{
	if (!vmm)
		return;
	g_free(vmm->name);
	g_free(vmm->uuid);
	g_free(vmm);
}

ProcVmm *proc_vmm_copy(const ProcVmm *vmm)
{
	ProcVmm *copy = g_new(ProcVmm, 1);

	*copy = *vmm;
	copy->name = g_strdup(vmm->name);
	copy->uuid = g_strdup(vmm->uuid);
	return copy;
}

/* ---- QEMU's command line ------------------------------------------------ */

/* QEMU's -m: a number of MiB, or with a unit of one letter. */
static uint64_t qemu_memory(const char *text)
{
	g_autofree char *size = proc_qemu_option(text, "size", "size");
	const char *unit;
	guint64 number;
	char *end;

	if (!size || !g_ascii_isdigit(size[0]))
		return 0;
	number = g_ascii_strtoull(size, &end, 10);
	unit = *end ? strchr(qemu_units, g_ascii_toupper(*end)) : strchr(qemu_units, 'M');
	if (!unit || (*end && end[1]) || number > UINT64_MAX >> (10 * (unit - qemu_units)))
		return 0;
	return number << (10 * (unit - qemu_units));
}

static void take_option(const char *option, const char *value, void *data)
{
	ProcVmm *vmm = data;
	char *name;

	if (strcmp(option, "name") == 0) {
		name = proc_qemu_option(value, "guest", "guest");
		if (name && *name) {
			g_free(vmm->name);
			/* It goes into JSON, and its owner may have put anything there. */
			vmm->name = g_utf8_make_valid(name, -1);
		}
		g_free(name);
	} else if (strcmp(option, "uuid") == 0 && g_uuid_string_is_valid(value)) {
		g_free(vmm->uuid);
		vmm->uuid = g_ascii_strdown(value, -1);
	} else if (strcmp(option, "m") == 0) {
		vmm->ram_bytes = qemu_memory(value);
	}
}

void proc_parse_cmdline(const char *cmdline, size_t length, ProcVmm *vmm)
{
	proc_qemu_each(cmdline, length, take_option, vmm);
}

/* ---- /proc/PID ---------------------------------------------------------- */

char *proc_read_whole(const char *path, size_t max, size_t *length)
{
	g_autofree char *buffer = g_malloc(max + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*length = 0;
	if (fd < 0)
		return NULL;
	while (*length < max) {
		n = read(fd, buffer + *length, max - *length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*length += (size_t)n;
	}
	close(fd);
	buffer[*length] = '\0';
	return g_realloc(g_steal_pointer(&buffer), *length + 1);
}

int proc_each_fd(const char *root, pid_t pid, bool (*what)(const char *link, void *data),
		 void *data)
{
	g_autofree char *path = g_strdup_printf("%s/%d/fd", root, (int)pid);
	DIR *dir = opendir(path);
	unsigned int seen = 0;
	struct dirent *entry;
	char link[256];
	int found = -1;
	ssize_t n;

	if (!dir)
		return -1;
	while (found < 0 && seen++ < FDS_MAX && (entry = readdir(dir))) {
		if (!g_ascii_isdigit(entry->d_name[0]))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (what(link, data))
			found = atoi(entry->d_name);
	}
	closedir(dir);
	return found;
}

static bool is_kvm_vm(const char *link, void *data)
{
	(void)data;
	return strcmp(link, KVM_VM_LINK) == 0;
}

ProcVmm *proc_vmm_read(const char *root, pid_t pid)
{
	g_autofree char *path = g_strdup_printf("%s/%d/cmdline", root, (int)pid);
	g_autofree char *cmdline = NULL;
	int kvm_fd = proc_each_fd(root, pid, is_kvm_vm, NULL);
	ProcVmm *vmm;
	size_t length;

	if (kvm_fd < 0)
		return NULL;
	vmm = g_new0(ProcVmm, 1);
	vmm->pid = pid;
	vmm->kvm_fd = kvm_fd;
	cmdline = proc_read_whole(path, PROC_CMDLINE_MAX, &length);
	if (cmdline)
		proc_parse_cmdline(cmdline, length, vmm);
	if (!vmm->name)
		vmm->name = g_strdup_printf("pid-%d", (int)pid);
	return vmm;
}

static int by_pid(gconstpointer a, gconstpointer b)
{
	const ProcVmm *x = *(ProcVmm *const *)a, *y = *(ProcVmm *const *)b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

GPtrArray *proc_vmm_scan(const char *root)
{
	GPtrArray *vmms = g_ptr_array_new_with_free_func((GDestroyNotify)proc_vmm_free);
	DIR *dir = opendir(root);
	struct dirent *entry;
	ProcVmm *vmm;

	while (dir && (entry = readdir(dir))) {
		if (!g_ascii_isdigit(entry->d_name[0]))
			continue;
		vmm = proc_vmm_read(root, atoi(entry->d_name));
		if (vmm)
			g_ptr_array_add(vmms, vmm);
	}
	if (dir)
		closedir(dir);
	g_ptr_array_sort(vmms, by_pid);
	return vmms;
}

bool proc_vmm_matches(const char *name, const char *uuid, pid_t pid, const char *text)
{
	char number[24];

	g_snprintf(number, sizeof(number), "pid-%d", (int)pid);
	return strcmp(name, text) == 0 || (uuid && g_ascii_strcasecmp(uuid, text) == 0) ||
	       strcmp(number, text) == 0 || strcmp(number + strlen("pid-"), text) == 0;
}

/* ---- for doctor --------------------------------------------------------- */

uint64_t proc_status_bytes(const char *root, pid_t pid, const char *field)
{
	g_autofree char *path = g_strdup_printf("%s/%d/status", root, (int)pid);
	g_autofree char *text = NULL;
	size_t length, n = strlen(field);
	const char *line;

	text = proc_read_whole(path, 65536, &length);
	for (line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, field, n) == 0 && line[n] == ':')
			return g_ascii_strtoull(line + n + 1, NULL, 10) * 1024;
	}
	return 0;
}

struct count {
	const char *prefix;
	unsigned int nr;
};

static bool count_one(const char *link, void *data)
{
	struct count *count = data;

	count->nr += g_str_has_prefix(link, count->prefix);
	return false;
}

unsigned int proc_count_fds(const char *root, pid_t pid, const char *prefix)
{
	struct count count = { prefix, 0 };

	proc_each_fd(root, pid, count_one, &count);
	return count.nr;
}
