# SPDX-License-Identifier: LGPL-2.1-or-later
# As a user of the library builds it: against the shared one.

check_PROGRAMS += guest-agent/examples/hint-64mib
TESTS += guest-agent/examples/hint-64mib
guest_agent_examples_hint_64mib_SOURCES = guest-agent/examples/hint-64mib.c
guest_agent_examples_hint_64mib_CPPFLAGS = -D_GNU_SOURCE -I$(srcdir)/guest-agent/lib
guest_agent_examples_hint_64mib_CFLAGS = $(GUEST_CFLAGS)
guest_agent_examples_hint_64mib_LDADD = libhmmhint.so.0
guest_agent_examples_hint_64mib_LDFLAGS = $(AM_LDFLAGS) -Wl,-rpath,$(abs_builddir)
