# SPDX-License-Identifier: LGPL-2.1-or-later
# libhmmhint: one archive, of which the shared library is made as well.

include_HEADERS = guest-agent/lib/hmmhint.h

lib_LIBRARIES += libhmmhint.a
libhmmhint_a_SOURCES = \
	guest-agent/lib/advise.c \
	guest-agent/lib/connect.c \
	guest-agent/lib/handle.c \
	guest-agent/lib/hmmhint.h \
	guest-agent/lib/keeper.c \
	guest-agent/lib/names.c \
	guest-agent/lib/private.h \
	guest-agent/lib/standing.c \
	guest-agent/lib/status.c \
	guest-agent/local/local-check.c \
	guest-agent/local/local.h
libhmmhint_a_CPPFLAGS = $(GUEST_CPPFLAGS)
libhmmhint_a_CFLAGS = $(GUEST_CFLAGS) -fPIC -fvisibility=hidden -pthread
