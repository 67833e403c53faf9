# SPDX-License-Identifier: LGPL-2.1-or-later
# Unit tests of hmmctl, and of the whole program against a scripted server.

HMMCTL_TESTS = \
	tests/unit/hmmctl_client \
	tests/unit/hmmctl_explain \
	tests/unit/hmmctl_hints \
	tests/unit/hmmctl_map \
	tests/unit/hmmctl_options \
	tests/unit/hmmctl_reply \
	tests/unit/hmmctl_report \
	tests/unit/hmmctl_text \
	tests/unit/hmmctl_with_fake_hmmd

check_PROGRAMS += $(HMMCTL_TESTS)
TESTS += $(HMMCTL_TESTS)

HMMCTL_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/vmm-daemon/hmmctl
HMMCTL_TEST_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
HMMCTL_TEST_LIBS = libhmmctl.a $(HMMPROTO_LIBS) $(HMMHINTPROTO_LIBS) $(CUNIT_LIBS) -lm

tests_unit_hmmctl_client_SOURCES = tests/unit/hmmctl_client.c \
	tests/unit/check.h tests/unit/hmmctl_check.h
tests_unit_hmmctl_client_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_client_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_client_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_explain_SOURCES = tests/unit/hmmctl_explain.c
tests_unit_hmmctl_explain_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_explain_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_explain_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_hints_SOURCES = tests/unit/hmmctl_hints.c \
	tests/unit/fake_hmmd.c tests/unit/fake_hmmd.h tests/unit/fake_cases.h
tests_unit_hmmctl_hints_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_hints_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_hints_LDADD = $(HMMCTL_TEST_LIBS)
# It runs ./hmmctl.
EXTRA_tests_unit_hmmctl_hints_DEPENDENCIES = hmmctl

tests_unit_hmmctl_map_SOURCES = tests/unit/hmmctl_map.c
tests_unit_hmmctl_map_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_map_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_map_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_options_SOURCES = tests/unit/hmmctl_options.c
tests_unit_hmmctl_options_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_options_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_options_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_reply_SOURCES = tests/unit/hmmctl_reply.c
tests_unit_hmmctl_reply_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_reply_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_reply_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_report_SOURCES = tests/unit/hmmctl_report.c
tests_unit_hmmctl_report_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_report_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_report_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_text_SOURCES = tests/unit/hmmctl_text.c
tests_unit_hmmctl_text_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_text_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_text_LDADD = $(HMMCTL_TEST_LIBS)

tests_unit_hmmctl_with_fake_hmmd_SOURCES = \
	tests/unit/hmmctl_with_fake_hmmd.c \
	tests/unit/fake_hmmd.c tests/unit/fake_hmmd.h tests/unit/fake_cases.h
tests_unit_hmmctl_with_fake_hmmd_CPPFLAGS = $(HMMCTL_TEST_CPPFLAGS)
tests_unit_hmmctl_with_fake_hmmd_CFLAGS = $(HMMCTL_TEST_CFLAGS)
tests_unit_hmmctl_with_fake_hmmd_LDADD = $(HMMCTL_TEST_LIBS)
# It runs ./hmmctl.
EXTRA_tests_unit_hmmctl_with_fake_hmmd_DEPENDENCIES = hmmctl
