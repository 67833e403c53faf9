#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 120
#
# The balloon takes memory that is out: it is dropped, events say so, and what the guest uses stays right.

. "$(dirname "$0")/lib.sh"

guest_start one --mem 256
guest one memfill start data --mib 32 --huge --seed 5
pool_and_vm balloon 512MiB one
hmmctl events one --json --timeout 60 >$TMP/events & events=$!
at_exit "kill $events 2>/dev/null || true"
hmmctl migrate one --all
guest_qmp one '{"execute":"balloon","arguments":{"value":201326592}}' >/dev/null
# Memory that the guest never touched has no page to drop: events come all the same.
saw_clear() { grep -q '"reason": *"clear"' $TMP/events; }
wait_for 30 saw_clear
jq -s -e 'map(select(.event == "invalidate" and .data.reason == "clear")) | all(.data.gpa < 268435456 and .data.bytes > 0)' $TMP/events >/dev/null
jq -s -e 'map(select(.event == "out")) | length > 0' $TMP/events >/dev/null
guest one memfill verify data
guest_qmp one '{"execute":"balloon","arguments":{"value":268435456}}' >/dev/null
guest one memfill verify data
