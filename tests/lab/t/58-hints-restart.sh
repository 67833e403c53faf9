#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 400
#
# With hints standing the agent is killed, hmmd is killed and restarted, the VM is detached and attached: nothing moves that need not, and all hints
# are there again.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
guest_start one --mem 640 --vcpus 2 --agent
with_hints p 512MiB one
guest one memfill start data --mib 64 --huge --seed 3
guest one memfill start stay --mib 8 --seed 4
guest one memfill hint data --advice device --seconds $((30 * $(patience)))
guest one memfill hint stay --advice pin-host --seconds $((30 * $(patience)))

stand()
{
	hinted one '.advice == "device" and .status == "done" and .["done-bytes"] >= '$((63 * mib)) && hinted one '.advice == "pin-host" and .status == "done"'
}
none_stands() { [ "$(hints_of one | jq .hints)" = 0 ]; }
recalled() { vm_number one back-recall; }
pid_of_hmmd() { systemctl show -p MainPID --value hmmd; }

# still_out WHAT: nothing came home meanwhile.
still_out()
{
	wait_for 40 stand || fail "after $1: $(hints_of one); $(guest one cat /run/hmm-agentd.log)"
	expect "pages recalled by $1" "$recalled" "$(recalled)"
	all_out one data $((64 * mib)) || fail "after $1 only $(out_of one data) bytes are out"
}

wait_for 20 stand || fail "$(hints_of one)"
recalled=$(recalled)

log "the agent is killed, and starts again at once"
guest_agent_kill one
guest_agent_start one
still_out "the agent's death"

log "the agent is gone for longer: what it said is forgotten"
guest_agent_kill one
wait_for 60 none_stands || fail "hints of an agent that is gone: $(hints_of one)"
guest_agent_start one
wait_for 40 stand || fail "$(hints_of one)"
wait_for 20 all_out one data $((64 * mib)) || fail "only $(out_of one data) bytes are out"
recalled=$(recalled)

log "hmmd is restarted"
systemctl restart hmmd
still_out "hmmd's restart"

for round in 1 2 3; do
	log "hmmd is killed, round $round"
	old=$(pid_of_hmmd)
	kill -KILL "$old"
	back() { local new; new=$(pid_of_hmmd); [ "$new" != 0 ] && [ "$new" != "$old" ] && hmmctl status >/dev/null 2>&1; }
	wait_for 30 back
	still_out "hmmd's death"
done

log "both at once"
old=$(pid_of_hmmd)
kill -KILL "$old"
guest_agent_kill one
guest_agent_start one
wait_for 30 back
still_out "both deaths"

log "detached and attached"
hmmctl detach one
hmmctl attach one
wait_for 90 stand || fail "after attach: $(hints_of one); $(guest one cat /run/hmm-agentd.log)"
wait_for 30 all_out one data $((64 * mib)) || fail "only $(out_of one data) bytes are out"

guest one memfill verify data
guest one memfill verify stay
guest one memfill stop data
guest one memfill stop stay
wait_for 20 none_stands || fail "hints without a process: $(hints_of one)"
