# SPDX-License-Identifier: LGPL-2.1-or-later

check_PROGRAMS += tests/fuzz/control_fuzz
tests_fuzz_control_fuzz_SOURCES = tests/fuzz/control_fuzz.c
tests_fuzz_control_fuzz_LDADD = $(HMMPROTO_LIBS)
tests_fuzz_control_fuzz_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS) -UNDEBUG
if !FUZZING
tests_fuzz_control_fuzz_SOURCES += tests/fuzz/main.c
endif

TESTS += tests/fuzz/run-control.sh
EXTRA_DIST += tests/fuzz/run-control.sh tests/fuzz/corpus
