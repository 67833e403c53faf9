#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# 'systemctl restart hmmd' leaves moved pages out; 'systemctl stop hmmd' brings everything home.

. "$(dirname "$0")/lib.sh"

guest_start one --mem 256
guest one memfill start data --mib 64 --huge --seed 4
hmmctl pool-create stays --size 512MiB
hmmctl attach one
hmmctl migrate one --all
used=$(pool_number stays used-bytes)
systemctl restart hmmd
now=$(pool_number stays used-bytes)
[ "$now" -gt $((used / 4)) ] || fail "of $used bytes that were out only $now are after a restart"
guest one memfill verify data

hmmctl migrate one --all >/dev/null
systemctl stop hmmd
at_exit "systemctl start hmmd"
free() { [ "$(cat /sys/module/vmirror/refcnt)" = 0 ]; }
wait_for 30 free
guest one memfill verify data
