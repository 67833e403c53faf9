# SPDX-License-Identifier: LGPL-2.1-or-later
# What hmmd and hmmctl, and the tests, share.

hmmdincludedir = $(includedir)/hmmd
hmmdinclude_HEADERS = proto/vmirror.h

noinst_LIBRARIES += libhmmproto.a
libhmmproto_a_SOURCES = \
	proto/control.c proto/control.h \
	proto/control-reply.c \
	proto/names.c proto/names.h \
	proto/units.c proto/units.h

HMMPROTO_LIBS = libhmmproto.a $(JSON_LIBS) $(GLIB_LIBS)

EXTRA_DIST += proto/PROTOCOL.md
