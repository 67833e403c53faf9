# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs in the guest: nothing but libc, so none of the others' flags.

GUEST_CPPFLAGS = -D_GNU_SOURCE -I$(srcdir)/proto -I$(srcdir)/guest-agent/local \
	-I$(srcdir)/guest-agent/lib
GUEST_CFLAGS = -std=gnu11 $(WARN_CFLAGS) $(SAN_FLAGS)

include guest-agent/lib/local.mk
include guest-agent/agentd/local.mk
include guest-agent/hmm-hint/local.mk
include guest-agent/examples/local.mk
dist_man_MANS += guest-agent/man/hmm-agentd.8 guest-agent/man/hmm-hint.1 guest-agent/man/hmmhint.3
