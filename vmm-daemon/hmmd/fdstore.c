// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fdstore.c - systemd keeps a copy of every pool and vm fd
 *
 * An object lives as long as any copy of its fd.  While systemd holds one, hmmd may die and
 * nothing moves; the next hmmd gets them all back.  The other way round, closing ours ends
 * nothing before systemd has closed its own.
 *
 * Names are "pool-ID" and "vm-ID": systemd removes by name, so each needs its own.  What an
 * fd is, is asked back from the kernel, not read from its name.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "hmmd.h"

#ifdef HAVE_LIBSYSTEMD

/* How long systemd may take to close its copy. */
#define BARRIER_USEC (30 * G_USEC_PER_SEC)

bool fdstore_available(void)
{
	/* systemd before 254 does not tell how many fds it would keep. */
	const char *max = g_getenv("FDSTORE");

	return g_getenv("NOTIFY_SOCKET") && (!max || atoi(max) > 0);
}

void fdstore_add(int fd, const char *kind, uint32_t id)
{
	g_autofree char *state = NULL;
	int err;

	if (!fdstore_available())
		return;
	/* FDPOLL=0: systemd shall not drop it because the VM has ended. */
	state = g_strdup_printf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s-%" PRIu32, kind, id);
	err = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
	if (err < 0)
		log_warn(NULL, NULL,
			 "systemd did not take %s-%" PRIu32
			 ": %s; its pages come home when hmmd stops",
			 kind, id, g_strerror(-err));
}

void fdstore_remove(const char *kind, uint32_t id)
{
	int err;

	if (!fdstore_available())
		return;
	err = sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s-%" PRIu32, kind, id);
	if (err > 0)
		err = sd_notify_barrier(0, BARRIER_USEC);
	if (err < 0)
		log_warn(NULL, NULL, "systemd did not give %s-%" PRIu32 " back: %s", kind, id,
			 g_strerror(-err));
}

int *fdstore_take(unsigned int *nr)
{
	int n = sd_listen_fds(1);
	int *fds;

	*nr = n > 0 ? (unsigned int)n : 0;
	fds = g_new(int, *nr + 1);
	for (unsigned int i = 0; i < *nr; i++)
		fds[i] = SD_LISTEN_FDS_START + (int)i;
	return fds;
}

void service_ready(void)
{
	sd_notify(0, "READY=1");
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

#else

bool fdstore_available(void)
{
	return false;
}

void fdstore_add(int fd, const char *kind, uint32_t id)
{
	(void)fd, (void)kind, (void)id;
}

void fdstore_remove(const char *kind, uint32_t id)
{
	(void)kind, (void)id;
}

int *fdstore_take(unsigned int *nr)
{
	*nr = 0;
	return NULL;
}

void service_ready(void)
{
}

void service_stopping(void)
{
}

#endif
