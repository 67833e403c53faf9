# SPDX-License-Identifier: LGPL-2.1-or-later
# Those of the guest's side need nothing but libc.

FUZZ_TARGETS = tests/fuzz/hint.fuzz
if HOST
FUZZ_TARGETS += tests/fuzz/control.fuzz tests/fuzz/policy.fuzz
endif
if GUEST_AGENT
FUZZ_TARGETS += tests/fuzz/local.fuzz
endif
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
FUZZ_LOG_COMPILER = $(srcdir)/tests/fuzz/run.sh
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/corpus
FUZZ_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG

tests_fuzz_control_fuzz_SOURCES = tests/fuzz/control_fuzz.c
tests_fuzz_control_fuzz_LDADD = $(HMMPROTO_LIBS)
tests_fuzz_control_fuzz_CFLAGS = $(FUZZ_CFLAGS)

tests_fuzz_hint_fuzz_SOURCES = tests/fuzz/hint_fuzz.c
tests_fuzz_hint_fuzz_LDADD = $(HMMHINTPROTO_LIBS)
tests_fuzz_hint_fuzz_CFLAGS = $(FUZZ_CFLAGS)

tests_fuzz_local_fuzz_SOURCES = tests/fuzz/local_fuzz.c
tests_fuzz_local_fuzz_LDADD = libhmmagentd.a
tests_fuzz_local_fuzz_CFLAGS = $(FUZZ_CFLAGS) -I$(srcdir)/guest-agent/local \
	-I$(srcdir)/guest-agent/agentd

tests_fuzz_policy_fuzz_SOURCES = tests/fuzz/policy_fuzz.c
tests_fuzz_policy_fuzz_LDADD = libhmmd.a $(HMMPROTO_LIBS) $(HMMHINTPROTO_LIBS)
tests_fuzz_policy_fuzz_CFLAGS = $(FUZZ_CFLAGS) -I$(srcdir)/vmm-daemon/hmmd

if !FUZZING
tests_fuzz_control_fuzz_SOURCES += tests/fuzz/main.c
tests_fuzz_hint_fuzz_SOURCES += tests/fuzz/main.c
tests_fuzz_local_fuzz_SOURCES += tests/fuzz/main.c
tests_fuzz_policy_fuzz_SOURCES += tests/fuzz/main.c
endif
