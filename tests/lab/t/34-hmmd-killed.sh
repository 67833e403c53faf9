#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hmmd is killed with pages out, idle and in the middle of a migration: it comes back, finds pool and VM, and the
# guest never notices.

. "$(dirname "$0")/lib.sh"

guest_start one --mem 256 --vcpus 2
guest one memfill start data --mib 64 --huge --seed 9
hmmctl pool-create keep --size 512MiB
hmmctl attach one
hmmctl migrate one --all
out=$(vm_number one moved-out)

pid_of_hmmd() { systemctl show -p MainPID --value hmmd; }
kill_hmmd()
{
	local old
	old=$(pid_of_hmmd)
	kill -KILL "$old"
	back() { local new; new=$(pid_of_hmmd); [ "$new" != 0 ] && [ "$new" != "$old" ] && hmmctl status >/dev/null 2>&1; }
	wait_for 30 back
}

guest one memfill loop data --seconds 12 >$TMP/loop & loop=$!
kill_hmmd
expect "pools found again" '["keep"]' "$(json pools | jq -c '[.pools[].name]')"
expect "VM found again" '["one"]' "$(json list | jq -c '[.vms[] | select(.attached) | .name]')"
[ "$(vm_number one moved-out)" -ge "$out" ] || fail "the kernel forgot"
for round in 1 2 3; do
	log "killed while it migrates, round $round"
	hmmctl migrate one --all >/dev/null 2>&1 & migrate=$!
	sleep 0.0$((round * 2))
	kill_hmmd
	wait $migrate || true
	hmmctl migrate one --all >/dev/null || true
done
wait $loop || fail "guest: $(cat $TMP/loop)"
guest one memfill verify data
nothing_left one keep
hmmctl pool-destroy keep
