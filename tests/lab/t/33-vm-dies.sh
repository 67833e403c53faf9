#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The VMM is killed, and another one quits, with everything out: hmmd lets go, the pool is empty, nothing is held.

. "$(dirname "$0")/lib.sh"

hmmctl pool-create dies --size 512MiB
at_exit "hmmctl pool-destroy dies"
gone() { ! json list | jq -e ".vms[] | select(.name == \"$1\")" >/dev/null; }
empty() { [ "$(pool_number dies used-bytes)" = 0 ]; }

for how in kill stop; do
	guest_start "v-$how" --mem 256
	guest "v-$how" memfill start data --mib 64 --huge
	hmmctl attach "v-$how"
	hmmctl events "v-$how" --json --timeout 30 >$TMP/events & events=$!
	sleep 0.5
	hmmctl migrate "v-$how" --all
	[ "$(pool_number dies used-bytes)" -gt 0 ] || fail "nothing is out"
	if [ $how = kill ]; then kill -KILL "$(guest_pid v-kill)"; else guest_stop v-stop; fi
	wait_for 20 gone "v-$how"
	wait_for 20 empty
	kill $events 2>/dev/null || true
	wait $events || true
	grep -q '"event": *"exit"' $TMP/events || grep -q '"event": *"vm-detached"' $TMP/events || fail "no event told it"
done
expect "VMs attached" 0 "$(json status | jq .vms)"
