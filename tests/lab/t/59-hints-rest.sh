#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the guest uses while it hints that it belongs into device memory does not go to and fro; it goes out when the guest leaves it alone.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
guest_start one --mem 640 --vcpus 2 --agent
with_hints p 512MiB one

guest one memfill start data --mib 16 --seed 3
guest one memfill hint data --advice device --seconds $((30 * $(patience)))
all_out one data $((16 * mib)) || fail "only $(out_of one data) bytes are out"
before=$(vm_number one moved-out)
guest one memfill loop data --seconds 30 >$TMP/loop & loop=$!
wait_for 25 hinted one '.skipped.resting > 0' || fail "nothing rests: $(hints_of one)"
wait $loop || fail "guest: $(cat $TMP/loop)"
times=$((($(vm_number one moved-out) - before) / (16 * mib / 4096)))
log "$(cat $TMP/loop); out again $times times in 30 s"
# After 1, 2, 4, 8 and 16 s.
[ $times -le 8 ] || fail "it went out $times times more"
wait_for 120 all_out one data $((16 * mib)) || fail "only $(out_of one data) bytes are out, and nobody touches it: $(hints_of one)"
guest one memfill verify data
guest one memfill stop data
