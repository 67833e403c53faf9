// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * privileges.c - what the agent may do is what it needs
 *
 *	CAP_SYS_ADMIN		frames of pages in /proc/PID/pagemap
 *	CAP_SYS_PTRACE		/proc/PID/pagemap and maps of other users' processes
 *	CAP_DAC_READ_SEARCH	the same: the files are their owner's alone
 *
 * It never executes anything, and what it opens by name is the port, its socket, and /proc.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agentd.h"

#define NEEDED (1u << CAP_SYS_ADMIN | 1u << CAP_SYS_PTRACE | 1u << CAP_DAC_READ_SEARCH)

/* A descriptor for each process and each connection. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int privileges_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	raise_files();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	/* Without CAP_SETPCAP this fails; it only adds to what no_new_privs does. */
	for (int cap = 0; cap <= 63; cap++)
		if (cap > 31 || !(NEEDED & 1u << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) < 0)
		return errno;
	data[0].permitted &= NEEDED;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1].permitted = data[1].effective = data[1].inheritable = 0;
	if (syscall(SYS_capset, &header, data) < 0)
		return errno;
	if (data[0].permitted != NEEDED)
		log_error("without CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH not all "
			  "pages can be found");
	return 0;
}
