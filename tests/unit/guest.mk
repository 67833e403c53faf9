# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs in the guest.

GUEST_UNIT_TESTS = \
	tests/unit/agentd_pure \
	tests/unit/agentd_rules \
	tests/unit/agentd_run \
	tests/unit/hint_cli \
	tests/unit/local_check
UNIT_TESTS += $(GUEST_UNIT_TESTS)

GUEST_UNIT_CFLAGS = $(UNIT_CFLAGS) -I$(srcdir)/guest-agent/lib -I$(srcdir)/guest-agent/local \
	-I$(srcdir)/guest-agent/agentd
AGENT_CHECK = tests/unit/agent_check.c tests/unit/agent_check.h \
	tests/unit/fake_host.c tests/unit/fake_host.h tests/unit/check.h
AGENT_CHECK_LIBS = libhmmhint.a $(HMMHINTPROTO_LIBS) $(GLIB_LIBS) $(CUNIT_LIBS)

tests_unit_agentd_pure_SOURCES = tests/unit/agentd_pure.c tests/unit/check.h
tests_unit_agentd_pure_CFLAGS = $(GUEST_UNIT_CFLAGS)
tests_unit_agentd_pure_LDADD = libhmmagentd.a $(GLIB_LIBS) $(CUNIT_LIBS)

tests_unit_local_check_SOURCES = tests/unit/local_check.c tests/unit/check.h
tests_unit_local_check_CFLAGS = $(GUEST_UNIT_CFLAGS)
tests_unit_local_check_LDADD = libhmmagentd.a $(GLIB_LIBS) $(CUNIT_LIBS)

# It runs ./hmm-hint and ./hmm-agentd.
tests_unit_hint_cli_SOURCES = tests/unit/hint_cli.c $(AGENT_CHECK) \
	guest-agent/hmm-hint/cli.h guest-agent/hmm-hint/parse.c
tests_unit_hint_cli_CFLAGS = $(GUEST_UNIT_CFLAGS) -I$(srcdir)/guest-agent/hmm-hint -pthread
tests_unit_hint_cli_LDADD = $(AGENT_CHECK_LIBS) $(JSON_LIBS)
EXTRA_tests_unit_hint_cli_DEPENDENCIES = hmm-agentd hmm-hint

# They run ./hmm-agentd.
tests_unit_agentd_rules_SOURCES = tests/unit/agentd_rules.c $(AGENT_CHECK)
tests_unit_agentd_rules_CFLAGS = $(GUEST_UNIT_CFLAGS) -pthread
tests_unit_agentd_rules_LDADD = $(AGENT_CHECK_LIBS)
EXTRA_tests_unit_agentd_rules_DEPENDENCIES = hmm-agentd

tests_unit_agentd_run_SOURCES = tests/unit/agentd_run.c $(AGENT_CHECK)
tests_unit_agentd_run_CFLAGS = $(GUEST_UNIT_CFLAGS) -pthread
tests_unit_agentd_run_LDADD = $(AGENT_CHECK_LIBS)
EXTRA_tests_unit_agentd_run_DEPENDENCIES = hmm-agentd
