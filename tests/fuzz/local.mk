# SPDX-License-Identifier: LGPL-2.1-or-later

FUZZ_TARGETS = tests/fuzz/control_fuzz tests/fuzz/hint_fuzz
FUZZ_RUNS = tests/fuzz/run-control.sh tests/fuzz/run-hint.sh
if GUEST_AGENT
FUZZ_TARGETS += tests/fuzz/local_fuzz
FUZZ_RUNS += tests/fuzz/run-local.sh
endif
check_PROGRAMS += $(FUZZ_TARGETS)

tests_fuzz_control_fuzz_SOURCES = tests/fuzz/control_fuzz.c
tests_fuzz_control_fuzz_LDADD = $(HMMPROTO_LIBS)
tests_fuzz_control_fuzz_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG

tests_fuzz_hint_fuzz_SOURCES = tests/fuzz/hint_fuzz.c
tests_fuzz_hint_fuzz_LDADD = $(HMMHINTPROTO_LIBS) $(GLIB_LIBS)
tests_fuzz_hint_fuzz_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG

tests_fuzz_local_fuzz_SOURCES = tests/fuzz/local_fuzz.c
tests_fuzz_local_fuzz_LDADD = libhmmagentd.a $(GLIB_LIBS)
tests_fuzz_local_fuzz_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG \
	-I$(srcdir)/guest-agent/local -I$(srcdir)/guest-agent/agentd

if !FUZZING
tests_fuzz_control_fuzz_SOURCES += tests/fuzz/main.c
tests_fuzz_hint_fuzz_SOURCES += tests/fuzz/main.c
tests_fuzz_local_fuzz_SOURCES += tests/fuzz/main.c
endif

TESTS += $(FUZZ_RUNS)
EXTRA_DIST += tests/fuzz/run-control.sh tests/fuzz/run-hint.sh tests/fuzz/run-local.sh tests/fuzz/corpus
