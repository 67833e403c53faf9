# SPDX-License-Identifier: LGPL-2.1-or-later
# One program per source file that knows neither sockets nor the kernel.

TESTS += tests/unit/headers.sh
EXTRA_DIST += tests/unit/headers.sh
AM_TESTS_ENVIRONMENT = CC='$(CC)'; CXX='$(CXX)'; HEADER_CFLAGS='$(JSON_CFLAGS)'; \
	PROTO_HEADERS='$(proto_headers)'; FUZZ_FLAGS='$(FUZZ_FLAGS)'; \
	export CC CXX HEADER_CFLAGS PROTO_HEADERS FUZZ_FLAGS;
if !HOST
# Others are json-c's users.
proto_headers = budget.h hint.h name-table.h
endif

if HAVE_CUNIT
UNIT_TESTS = \
	tests/unit/proto_budget \
	tests/unit/proto_hint \
	tests/unit/proto_hint_find \
	tests/unit/proto_hint_names \
	tests/unit/proto_hint_rules
if HOST
include tests/unit/hmmctl.mk
UNIT_TESTS += \
	tests/unit/proto_control \
	tests/unit/proto_names \
	tests/unit/proto_units \
	tests/unit/hmmd_doctor \
	tests/unit/hmmd_hint_channel \
	tests/unit/hmmd_hint_policy \
	tests/unit/hmmd_hint_stuck \
	tests/unit/hmmd_hint_table \
	tests/unit/hmmd_hints \
	tests/unit/hmmd_move \
	tests/unit/hmmd_picture \
	tests/unit/hmmd_proc \
	tests/unit/hmmd_proc_channel \
	tests/unit/hmmd_ring \
	tests/unit/hmmd_run \
	tests/unit/hmmd_settings
endif
if GUEST_AGENT
include tests/unit/guest.mk
endif
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

UNIT_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/vmm-daemon/hmmd $(CUNIT_CFLAGS) \
	-Wno-missing-prototypes
UNIT_LIBS = libhmmd.a $(HMMPROTO_LIBS) $(HMMHINTPROTO_LIBS) $(CUNIT_LIBS)

tests_unit_proto_control_SOURCES = tests/unit/proto_control.c tests/unit/check.h
tests_unit_proto_control_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_control_LDADD = $(UNIT_LIBS)

# Of what is tested here a guest links all, and no more.
HINT_TEST_LIBS = $(HMMHINTPROTO_LIBS) $(GLIB_LIBS) $(CUNIT_LIBS)

tests_unit_proto_budget_SOURCES = tests/unit/proto_budget.c tests/unit/check.h
tests_unit_proto_budget_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_budget_LDADD = $(HINT_TEST_LIBS)

tests_unit_proto_hint_SOURCES = tests/unit/proto_hint.c tests/unit/check.h
tests_unit_proto_hint_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_hint_LDADD = $(HINT_TEST_LIBS)

tests_unit_proto_hint_find_SOURCES = tests/unit/proto_hint_find.c tests/unit/check.h tests/unit/hint_check.h
tests_unit_proto_hint_find_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_hint_find_LDADD = $(HINT_TEST_LIBS)

tests_unit_proto_hint_names_SOURCES = tests/unit/proto_hint_names.c tests/unit/check.h
tests_unit_proto_hint_names_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_hint_names_LDADD = $(HINT_TEST_LIBS)

tests_unit_proto_hint_rules_SOURCES = tests/unit/proto_hint_rules.c tests/unit/check.h tests/unit/hint_check.h
tests_unit_proto_hint_rules_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_hint_rules_LDADD = $(HINT_TEST_LIBS)

tests_unit_proto_names_SOURCES = tests/unit/proto_names.c tests/unit/check.h
tests_unit_proto_names_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_names_LDADD = $(UNIT_LIBS)

tests_unit_proto_units_SOURCES = tests/unit/proto_units.c tests/unit/check.h
tests_unit_proto_units_CFLAGS = $(UNIT_CFLAGS)
tests_unit_proto_units_LDADD = $(UNIT_LIBS)

# Those that call the kernel get one that is an array.
FAKE_KERNEL = tests/unit/fake_kernel.c tests/unit/fake_kernel.h

tests_unit_hmmd_doctor_SOURCES = tests/unit/hmmd_doctor.c tests/unit/check.h $(FAKE_KERNEL)
tests_unit_hmmd_doctor_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_doctor_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_hint_channel_SOURCES = tests/unit/hmmd_hint_channel.c tests/unit/check.h
tests_unit_hmmd_hint_channel_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_hint_channel_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_hint_policy_SOURCES = tests/unit/hmmd_hint_policy.c tests/unit/check.h tests/unit/hint_world.h
tests_unit_hmmd_hint_policy_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_hint_policy_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_hint_stuck_SOURCES = tests/unit/hmmd_hint_stuck.c tests/unit/check.h
tests_unit_hmmd_hint_stuck_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_hint_stuck_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_hint_table_SOURCES = tests/unit/hmmd_hint_table.c tests/unit/check.h tests/unit/hint_world.h
tests_unit_hmmd_hint_table_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_hint_table_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_hints_SOURCES = tests/unit/hmmd_hints.c tests/unit/check.h $(FAKE_KERNEL)
tests_unit_hmmd_hints_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_hints_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_move_SOURCES = tests/unit/hmmd_move.c tests/unit/check.h $(FAKE_KERNEL)
tests_unit_hmmd_move_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_move_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_picture_SOURCES = tests/unit/hmmd_picture.c tests/unit/check.h
tests_unit_hmmd_picture_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_picture_LDADD = $(UNIT_LIBS)

FAKE_PROC = tests/unit/fake_proc.c tests/unit/fake_proc.h

tests_unit_hmmd_proc_SOURCES = tests/unit/hmmd_proc.c tests/unit/check.h $(FAKE_PROC)
tests_unit_hmmd_proc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_proc_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_proc_channel_SOURCES = tests/unit/hmmd_proc_channel.c tests/unit/check.h $(FAKE_PROC)
tests_unit_hmmd_proc_channel_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_proc_channel_LDADD = $(UNIT_LIBS)

tests_unit_hmmd_ring_SOURCES = tests/unit/hmmd_ring.c tests/unit/check.h
tests_unit_hmmd_ring_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_ring_LDADD = $(UNIT_LIBS) -lpthread

tests_unit_hmmd_run_SOURCES = tests/unit/hmmd_run.c tests/unit/check.h
tests_unit_hmmd_run_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_run_LDADD = $(UNIT_LIBS)
# It runs ./hmmd.
EXTRA_tests_unit_hmmd_run_DEPENDENCIES = hmmd

tests_unit_hmmd_settings_SOURCES = tests/unit/hmmd_settings.c tests/unit/check.h
tests_unit_hmmd_settings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_hmmd_settings_LDADD = $(UNIT_LIBS)
