# SPDX-License-Identifier: LGPL-2.1-or-later
# hmm-agentd; the files that know neither sockets nor /proc are a library too, for the tests.

sbin_PROGRAMS += hmm-agentd
hmm_agentd_SOURCES = \
	guest-agent/agentd/agentd.h \
	guest-agent/agentd/channel.c \
	guest-agent/agentd/connection.c \
	guest-agent/agentd/hint.c \
	guest-agent/agentd/list.c \
	guest-agent/agentd/log.c \
	guest-agent/agentd/loop.c \
	guest-agent/agentd/main.c \
	guest-agent/agentd/options.c \
	guest-agent/agentd/port.c \
	guest-agent/agentd/privileges.c \
	guest-agent/agentd/process.c \
	guest-agent/agentd/queue.c \
	guest-agent/agentd/request.c \
	guest-agent/agentd/scan.c \
	guest-agent/agentd/server.c \
	guest-agent/agentd/translate.c \
	guest-agent/agentd/user.c \
	guest-agent/local/local.h
hmm_agentd_CPPFLAGS = $(GUEST_CPPFLAGS)
hmm_agentd_CFLAGS = $(GUEST_CFLAGS)
hmm_agentd_LDADD = libhmmagentd.a $(HMMHINTPROTO_LIBS)

noinst_LIBRARIES += libhmmagentd.a
libhmmagentd_a_SOURCES = \
	guest-agent/agentd/extents.c \
	guest-agent/agentd/extents.h \
	guest-agent/agentd/maps.c \
	guest-agent/agentd/maps.h \
	guest-agent/agentd/pace.c \
	guest-agent/agentd/pace.h \
	guest-agent/local/local-check.c
libhmmagentd_a_CPPFLAGS = $(GUEST_CPPFLAGS)
libhmmagentd_a_CFLAGS = $(GUEST_CFLAGS)

EXTRA_DIST += guest-agent/agentd/hmm-agentd.service.in
nodist_systemdsystemunit_DATA += guest-agent/agentd/hmm-agentd.service
CLEANFILES += guest-agent/agentd/hmm-agentd.service
guest-agent/agentd/hmm-agentd.service: guest-agent/agentd/hmm-agentd.service.in Makefile
	$(SUBST) $(srcdir)/guest-agent/agentd/hmm-agentd.service.in > $@

dist_udevrules_DATA += guest-agent/agentd/60-hmm-agentd.rules
