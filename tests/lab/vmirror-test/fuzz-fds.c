// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fuzz-fds.c - the fds that calls are made on
 *
 * A thread that takes a number from here may find it closed, or given to something else, when
 * it uses it: that is meant.  None of these fds matters to the program itself.
 */
#include <fcntl.h>

#include <sys/eventfd.h>
#include <sys/mman.h>

#include "fuzz.h"

#define PLACES 4

static atomic_int fds[FUZZ_KINDS][PLACES];

static int close_old(int fd)
{
	return fd >= 0 ? close(fd) : 0;
}

void fuzz_fds_open(const struct selfvm *self)
{
	for (int kind = 0; kind < FUZZ_KINDS; kind++)
		for (int i = 0; i < PLACES; i++)
			fds[kind][i] = -1;
	for (int i = 0; i < 2; i++)
		fds[FUZZ_SYS][i] = open(VMIRROR_DEVICE, O_RDWR | O_CLOEXEC);
	fds[FUZZ_OTHER][0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[FUZZ_OTHER][1] = memfd_create("fuzz", MFD_CLOEXEC);
	fds[FUZZ_OTHER][2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds[FUZZ_OTHER][3] = dup(self->t.kvm);
}

void fuzz_fds_close(void)
{
	for (int kind = 0; kind < FUZZ_KINDS; kind++)
		for (int i = 0; i < PLACES; i++)
			close_old(atomic_exchange(&fds[kind][i], -1));
}

int fuzz_fd(struct random *r, enum fuzz_kind kind)
{
	for (int tries = 0; tries < PLACES; tries++) {
		int fd = fds[kind][random_below(r, PLACES)];

		if (fd >= 0)
			return fd;
	}
	return -1;
}

void fuzz_fd_keep(struct random *r, enum fuzz_kind kind, int fd)
{
	close_old(atomic_exchange(&fds[kind][random_below(r, PLACES)], fd));
}

void fuzz_fd_drop(struct random *r, enum fuzz_kind kind)
{
	/* There is always one of these. */
	if (kind == FUZZ_POOL || kind == FUZZ_VM || kind == FUZZ_DEVICE)
		fuzz_fd_keep(r, kind, -1);
}
