# SPDX-License-Identifier: LGPL-2.1-or-later
# hmm-hint

bin_PROGRAMS += hmm-hint
hmm_hint_SOURCES = \
	guest-agent/hmm-hint/cli.h \
	guest-agent/hmm-hint/error.c \
	guest-agent/hmm-hint/main.c \
	guest-agent/hmm-hint/parse.c \
	guest-agent/hmm-hint/verb-advise.c \
	guest-agent/hmm-hint/verb-forget.c \
	guest-agent/hmm-hint/verb-run.c \
	guest-agent/hmm-hint/verb-status.c
hmm_hint_CPPFLAGS = $(GUEST_CPPFLAGS)
hmm_hint_CFLAGS = $(GUEST_CFLAGS)
hmm_hint_LDADD = libhmmhint.a
hmm_hint_LDFLAGS = $(AM_LDFLAGS) -pthread
