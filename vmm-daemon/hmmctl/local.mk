# SPDX-License-Identifier: LGPL-2.1-or-later
# hmmctl; everything but main() is a library too, for its unit tests.

bin_PROGRAMS += hmmctl
hmmctl_SOURCES = vmm-daemon/hmmctl/main.c
hmmctl_LDADD = libhmmctl.a $(HMMPROTO_LIBS) $(HMMHINTPROTO_LIBS) -lm

noinst_LIBRARIES += libhmmctl.a
libhmmctl_a_SOURCES = \
	vmm-daemon/hmmctl/client.c \
	vmm-daemon/hmmctl/ctl.c \
	vmm-daemon/hmmctl/error.c \
	vmm-daemon/hmmctl/event-text.c \
	vmm-daemon/hmmctl/explain.c \
	vmm-daemon/hmmctl/hint-text.c \
	vmm-daemon/hmmctl/hmmctl.h \
	vmm-daemon/hmmctl/interrupt.c \
	vmm-daemon/hmmctl/line.c \
	vmm-daemon/hmmctl/local-findings.c \
	vmm-daemon/hmmctl/map-draw.c \
	vmm-daemon/hmmctl/map.c \
	vmm-daemon/hmmctl/objects.c \
	vmm-daemon/hmmctl/progress.c \
	vmm-daemon/hmmctl/reply.c \
	vmm-daemon/hmmctl/report.c \
	vmm-daemon/hmmctl/selector.c \
	vmm-daemon/hmmctl/table.c \
	vmm-daemon/hmmctl/terminal.c \
	vmm-daemon/hmmctl/text.c \
	vmm-daemon/hmmctl/verb-attach.c \
	vmm-daemon/hmmctl/verb-detach.c \
	vmm-daemon/hmmctl/verb-doctor.c \
	vmm-daemon/hmmctl/verb-events.c \
	vmm-daemon/hmmctl/verb-hints.c \
	vmm-daemon/hmmctl/verb-list.c \
	vmm-daemon/hmmctl/verb-map.c \
	vmm-daemon/hmmctl/verb-migrate.c \
	vmm-daemon/hmmctl/verb-pool-create.c \
	vmm-daemon/hmmctl/verb-pool-destroy.c \
	vmm-daemon/hmmctl/verb-pools.c \
	vmm-daemon/hmmctl/verb-recall.c \
	vmm-daemon/hmmctl/verb-status.c \
	vmm-daemon/hmmctl/verbs.c

dist_man_MANS += vmm-daemon/man/hmmctl.8

# Installed under the command's own name: bash-completion looks for that.
dist_bashcompletion_DATA = vmm-daemon/completion/hmmctl
