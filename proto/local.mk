# SPDX-License-Identifier: LGPL-2.1-or-later
# What hmmd and hmmctl, and the tests, share.

if HOST
hmmdincludedir = $(includedir)/hmmd
hmmdinclude_HEADERS = proto/vmirror.h

noinst_LIBRARIES += libhmmproto.a
libhmmproto_a_SOURCES = \
	proto/control.c proto/control.h \
	proto/control-reply.c \
	proto/name-table.h \
	proto/names.c proto/names.h \
	proto/units.c proto/units.h
HMMPROTO_LIBS = libhmmproto.a $(JSON_LIBS) $(GLIB_LIBS)
endif

# What the agent in the guest shares with them: nothing but libc, so none of the others' flags.
noinst_LIBRARIES += libhmmhintproto.a
libhmmhintproto_a_SOURCES = \
	proto/budget.c proto/budget.h \
	proto/hint.h \
	proto/hint-find.c \
	proto/hint-get.c \
	proto/hint-names.c \
	proto/hint-put.c \
	proto/name-table.h
libhmmhintproto_a_CFLAGS = -std=gnu11 $(WARN_CFLAGS) $(SAN_FLAGS)

HMMHINTPROTO_LIBS = libhmmhintproto.a

EXTRA_DIST += proto/PROTOCOL.md
