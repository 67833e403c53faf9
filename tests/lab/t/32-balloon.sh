#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The balloon takes memory that is out: it is dropped there, never brought home, events say so, and what the guest uses stays right.

. "$(dirname "$0")/lib.sh"

dropped() { [ "$(vm_number one dropped)" -gt 0 ]; }

# A guest that clears pages as it allocates them, also for its balloon, would bring them home before they are dropped.
guest_start one --mem 256 --append "init_on_alloc=0"
guest one memfill start data --mib 32 --huge --seed 5
guest one memfill start junk --mib 96 --huge --seed 6
pool_and_vm balloon 512MiB one
hmmctl events one --json --timeout 90 >$TMP/events & events=$!
at_exit "kill $events 2>/dev/null || true"
hmmctl migrate one --all
guest one memfill stop junk
out=$(vm_number one out-pages)
log "$((out / 256)) MiB out, the guest has freed 96 MiB of it"
guest_qmp one '{"execute":"balloon","arguments":{"value":167772160}}' >/dev/null
wait_for 60 dropped
log "dropped: $(vm_number one dropped) pages"
saw() { grep -q "$1" $TMP/events; }
wait_for 30 saw '"reason": *"clear"'
jq -s -e 'map(select(.event == "invalidate" and .data.reason == "clear")) | all(.data.gpa < 268435456 and .data.bytes > 0)' $TMP/events >/dev/null
jq -s -e 'map(select(.event == "out")) | length > 0' $TMP/events >/dev/null
guest one memfill verify data
guest_qmp one '{"execute":"balloon","arguments":{"value":268435456}}' >/dev/null
guest one memfill verify data
