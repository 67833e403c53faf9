#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Single pages become a huge page, which loses parts, between MIGRATE's look and its setting out; with the kernel held up there
# and where it splits.

. "$(dirname "$0")/lib.sh"

thp=/sys/kernel/mm/transparent_hugepage/enabled
was=$(grep -o '\[.*\]' $thp | tr -d '[]')
without_hmmd
at_exit "echo $was >$thp"
echo madvise >$thp
insmod /usr/lib/hmmd-lab/kernel/slow_split.ko delay_us=4000
at_exit "rmmod slow_split"
vmirror-test grown
count() { cat /sys/module/slow_split/parameters/"$1"; }
log "$(count split_begin) splits"
[ "$(count split_begin)" -gt 0 ] || fail "nothing was split"
expect "splits in RAM while others may discard" 0 "$(count unguarded)"
expect "folios freed before they were split" 0 "$(count freed)"
