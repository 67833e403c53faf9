#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The module cannot be unloaded while it is in use, and can when it is not; without it hmmctl says what to do.

. "$(dirname "$0")/lib.sh"

guest_start one --mem 128
hmmctl pool-create p --size 64MiB
expect_status 1 rmmod vmirror
hmmctl attach one
hmmctl migrate one --all
expect_status 1 rmmod vmirror
hmmctl detach one
hmmctl pool-destroy p
systemctl stop hmmd
at_exit "modprobe vmirror && systemctl restart hmmd"
rmmod vmirror
[ ! -e /dev/vmirror ] || fail "/dev/vmirror is still there"
mkdir -p /run/hmmd
hmmd --socket $TMP/sock & daemon=$!
at_exit "kill $daemon 2>/dev/null || true"
there() { [ -S $TMP/sock ]; }
wait_for 10 there
expect_status 1 hmmctl --socket $TMP/sock pool-create q --size 2MiB 2>$TMP/err
expect_match "what hmmctl says" 'vmirror' "$(cat $TMP/err)"
modprobe vmirror
hmmctl --socket $TMP/sock pool-create q --size 2MiB
hmmctl --socket $TMP/sock pool-destroy q
