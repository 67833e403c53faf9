# SPDX-License-Identifier: LGPL-2.1-or-later

FUZZ_TARGETS = tests/fuzz/control_fuzz tests/fuzz/hint_fuzz
check_PROGRAMS += $(FUZZ_TARGETS)

tests_fuzz_control_fuzz_SOURCES = tests/fuzz/control_fuzz.c
tests_fuzz_control_fuzz_LDADD = $(HMMPROTO_LIBS)
tests_fuzz_control_fuzz_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG

tests_fuzz_hint_fuzz_SOURCES = tests/fuzz/hint_fuzz.c
tests_fuzz_hint_fuzz_LDADD = $(HMMHINTPROTO_LIBS) $(GLIB_LIBS)
tests_fuzz_hint_fuzz_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG

if !FUZZING
tests_fuzz_control_fuzz_SOURCES += tests/fuzz/main.c
tests_fuzz_hint_fuzz_SOURCES += tests/fuzz/main.c
endif

TESTS += tests/fuzz/run-control.sh tests/fuzz/run-hint.sh
EXTRA_DIST += tests/fuzz/run-control.sh tests/fuzz/run-hint.sh tests/fuzz/corpus
