# SPDX-License-Identifier: LGPL-2.1-or-later
# hmmd; the files that know neither sockets nor the kernel are a library too, for the tests.

sbin_PROGRAMS += hmmd
hmmd_SOURCES = \
	vmm-daemon/hmmd/call.c \
	vmm-daemon/hmmd/client.c \
	vmm-daemon/hmmd/command-doctor.c \
	vmm-daemon/hmmd/command-hints.c \
	vmm-daemon/hmmd/command-move.c \
	vmm-daemon/hmmd/command-pool.c \
	vmm-daemon/hmmd/command-query.c \
	vmm-daemon/hmmd/command-vm.c \
	vmm-daemon/hmmd/error.c \
	vmm-daemon/hmmd/events.c \
	vmm-daemon/hmmd/fdstore.c \
	vmm-daemon/hmmd/find.c \
	vmm-daemon/hmmd/hint-batch.c \
	vmm-daemon/hmmd/hint-batch.h \
	vmm-daemon/hmmd/hmmd.h \
	vmm-daemon/hmmd/job.c \
	vmm-daemon/hmmd/kernel.c \
	vmm-daemon/hmmd/kernel-steps.c \
	vmm-daemon/hmmd/log.c \
	vmm-daemon/hmmd/main.c \
	vmm-daemon/hmmd/options.c \
	vmm-daemon/hmmd/pidfd.c \
	vmm-daemon/hmmd/pool.c \
	vmm-daemon/hmmd/restore.c \
	vmm-daemon/hmmd/server.c \
	vmm-daemon/hmmd/sync.c \
	vmm-daemon/hmmd/vm.c \
	vmm-daemon/hmmd/vm-attach.c \
	vmm-daemon/hmmd/vm-ring.c
hmmd_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
hmmd_LDADD = libhmmd.a $(HMMPROTO_LIBS) $(HMMHINTPROTO_LIBS) $(SYSTEMD_LIBS)

noinst_LIBRARIES += libhmmd.a
libhmmd_a_SOURCES = \
	vmm-daemon/hmmd/coldest.c \
	vmm-daemon/hmmd/coldest.h \
	vmm-daemon/hmmd/doctor-host.c \
	vmm-daemon/hmmd/doctor-vm.c \
	vmm-daemon/hmmd/doctor.h \
	vmm-daemon/hmmd/hint-channel.c \
	vmm-daemon/hmmd/hint-channel.h \
	vmm-daemon/hmmd/hint-channel-private.h \
	vmm-daemon/hmmd/hint-connect.c \
	vmm-daemon/hmmd/hint-news.c \
	vmm-daemon/hmmd/hint-news.h \
	vmm-daemon/hmmd/hint-parts.c \
	vmm-daemon/hmmd/hint-pass.c \
	vmm-daemon/hmmd/hint-policy.c \
	vmm-daemon/hmmd/hint-policy.h \
	vmm-daemon/hmmd/hint-policy-private.h \
	vmm-daemon/hmmd/hint-rest.c \
	vmm-daemon/hmmd/hint-rest.h \
	vmm-daemon/hmmd/hint-room.c \
	vmm-daemon/hmmd/hint-round.c \
	vmm-daemon/hmmd/hint-round.h \
	vmm-daemon/hmmd/hint-stuck.c \
	vmm-daemon/hmmd/hint-stuck.h \
	vmm-daemon/hmmd/hint-table.c \
	vmm-daemon/hmmd/hint-table.h \
	vmm-daemon/hmmd/hint-tell.c \
	vmm-daemon/hmmd/hint-winner.c \
	vmm-daemon/hmmd/hint-winner.h \
	vmm-daemon/hmmd/hints.c \
	vmm-daemon/hmmd/hints.h \
	vmm-daemon/hmmd/hints-private.h \
	vmm-daemon/hmmd/kernel-steps.h \
	vmm-daemon/hmmd/move.c \
	vmm-daemon/hmmd/move.h \
	vmm-daemon/hmmd/picture.c \
	vmm-daemon/hmmd/picture.h \
	vmm-daemon/hmmd/picture-sums.c \
	vmm-daemon/hmmd/picture-sums.h \
	vmm-daemon/hmmd/proc.c \
	vmm-daemon/hmmd/proc.h \
	vmm-daemon/hmmd/proc-channel.c \
	vmm-daemon/hmmd/proc-private.h \
	vmm-daemon/hmmd/proc-qemu.c \
	vmm-daemon/hmmd/proc-socket.c \
	vmm-daemon/hmmd/ring.c \
	vmm-daemon/hmmd/ring.h \
	vmm-daemon/hmmd/room.c \
	vmm-daemon/hmmd/room.h \
	vmm-daemon/hmmd/settings.c \
	vmm-daemon/hmmd/settings.h \
	vmm-daemon/hmmd/settings-hints.c \
	vmm-daemon/hmmd/settings-private.h \
	vmm-daemon/hmmd/walk.c \
	vmm-daemon/hmmd/walk.h
