#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 300
#
# A VM has no more in device memory by hints than its quota; within it what has the higher priority.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
hmmd_conf "[hints]" "quota = 32MiB"
guest_start one --mem 640 --vcpus 2 --agent
with_hints p 512MiB one

give() { guest one memfill hint "$1" --advice device --priority "$2" --seconds $((30 * $(patience))); }
within() { [ "$(pool_number p used-bytes)" -le "$1" ]; }

log "as much as the quota"
guest one memfill start low --mib 48 --seed 3
give low 1
wait_for 20 hinted one ".priority == 1 and .status == \"done\" and .skipped.quota >= $((16 * mib))" || fail "the quota is not said: $(hints_of one)"
within $((32 * mib)) || fail "$(pool_number p used-bytes) bytes are out"
[ "$(out_of one low)" -ge $((31 * mib)) ] || fail "only $(out_of one low) bytes are out"

log "the higher priority first"
guest one memfill start high --mib 24 --huge --seed 4
give high 6
wait_for 30 all_out one high $((24 * mib)) || fail "only $(out_of one high) bytes of the urgent are out: $(hints_of one)"
within $((32 * mib)) || fail "$(pool_number p used-bytes) bytes are out"
guest one memfill verify low
guest one memfill verify high

log "its place is free again when it ends"
guest one memfill stop high
low_is_back() { [ "$(out_of one low)" -ge $((31 * mib)) ]; }
wait_for 120 low_is_back || fail "only $(out_of one low) bytes are out: $(hints_of one)"

log "a quota of its own; and what an operator moves is none of it"
hmmd_conf "[hints]" "quota = 32MiB" "[hints one]" "quota = 8MiB"
wait_for 60 within $((8 * mib)) || fail "$(pool_number p used-bytes) bytes are out"
guest one memfill stop low
none_left() { [ "$(hints_of one | jq .hints)" = 0 ]; }
wait_for 20 none_left || fail "hints without a process: $(hints_of one)"
moved=$(json migrate one --bytes 64MiB | jq '.["moved-bytes"]')
[ "$moved" -ge $((48 * mib)) ] || fail "the operator cannot move more than the quota: $moved bytes"
