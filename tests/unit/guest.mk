# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs in the guest.

GUEST_UNIT_TESTS = \
	tests/unit/agentd_rules \
	tests/unit/agentd_run
UNIT_TESTS += $(GUEST_UNIT_TESTS)

GUEST_UNIT_CFLAGS = $(UNIT_CFLAGS) -I$(srcdir)/guest-agent/lib -I$(srcdir)/guest-agent/local \
	-I$(srcdir)/guest-agent/agentd
AGENT_CHECK = tests/unit/agent_check.c tests/unit/agent_check.h \
	tests/unit/fake_host.c tests/unit/fake_host.h tests/unit/check.h
AGENT_CHECK_LIBS = libhmmhint.a $(HMMHINTPROTO_LIBS) $(GLIB_LIBS) $(CUNIT_LIBS)

# They run ./hmm-agentd.
tests_unit_agentd_rules_SOURCES = tests/unit/agentd_rules.c $(AGENT_CHECK)
tests_unit_agentd_rules_CFLAGS = $(GUEST_UNIT_CFLAGS) -pthread
tests_unit_agentd_rules_LDADD = $(AGENT_CHECK_LIBS)
EXTRA_tests_unit_agentd_rules_DEPENDENCIES = hmm-agentd

tests_unit_agentd_run_SOURCES = tests/unit/agentd_run.c $(AGENT_CHECK)
tests_unit_agentd_run_CFLAGS = $(GUEST_UNIT_CFLAGS) -pthread
tests_unit_agentd_run_LDADD = $(AGENT_CHECK_LIBS)
EXTRA_tests_unit_agentd_run_DEPENDENCIES = hmm-agentd
