#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 300
#
# A program in the guest says where its memory belongs, and the host has it there: each kind of advice; and it is over when the program ends.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
guest_start one --mem 640 --vcpus 2 --agent
with_hints p 512MiB one

pid_of() { guest one memfill info "$1" | sed 's/.* pid \([0-9]*\) .*/\1/'; }
give() { guest one memfill hint "$1" --advice "$2" --seconds $((30 * $(patience))) "${@:3}"; }

# done_with JSON: as good as all of it was told to the host, and is where the hint wants it.
done_with()
{
	jq -e '.state == "done" and .told >= .asked / 100 * 99 and .done >= .asked / 100 * 99' <<<"$1" >/dev/null || fail "not done: $1"
	log "$(jq -r '"\(.advice): \(.done) of \(.asked) bytes in \(.ms) ms"' <<<"$1")"
}

log "device"
for kind in huge small; do
	options=()
	[ $kind = small ] || options=(--huge)
	guest one memfill start $kind --mib 64 "${options[@]}" --seed 3
	done_with "$(give $kind device)"
	all_out one $kind $((64 * mib)) || fail "the host's map has only $(out_of one $kind) bytes of $kind out"
	hinted one ".owner == $(pid_of $kind) and .advice == \"device\" and .status == \"done\" and .[\"done-bytes\"] >= .[\"asked-bytes\"] / 100 * 99" ||
		fail "hmmctl hints has another opinion: $(hints_of one)"
	before=$(vm_number one back-fault)
	guest one memfill verify $kind
	[ "$(vm_number one back-fault)" -gt "$before" ] || fail "nothing came back by fault"
	gone=$(pid_of $kind)
	guest one memfill stop $kind
	wait_for 10 not_hinted one ".owner == $gone" || fail "the hint lives longer than its process"
done

log "host, of what is out"
guest one memfill start back --mib 32 --huge --seed 4
done_with "$(give back device)"
guest one memfill forget back
all_out one back $((32 * mib)) || fail "forgetting the hint brought it home"
done_with "$(give back host)"
wait_for 10 none_of_it_out one back || fail "$(out_of one back) bytes are still out"
guest one memfill verify back

log "cold"
guest one memfill start cold --mib 32 --seed 5
give cold cold >/dev/null
wait_for 60 all_out one cold $((32 * mib)) || fail "only $(out_of one cold) bytes are out"
guest one memfill verify cold

log "willneed-device: once"
guest one memfill start once --mib 32 --huge --seed 6
give once willneed-device >/dev/null
wait_for 60 all_out one once $((32 * mib)) || fail "only $(out_of one once) bytes are out"
wait_for 20 hinted one ".owner == $(pid_of once) and .status == \"done\"" || fail "it is not done: $(hints_of one)"
guest one memfill verify once
sleep 5
none_of_it_out one once || fail "$(out_of one once) bytes went out again"
wait_for 10 hinted one ".owner == $(pid_of once) and .advice == \"willneed-device\" and .skipped.once >= .[\"asked-bytes\"] / 100 * 99" ||
	fail "it is not said why it stays: $(hints_of one)"

log "pin-host, whatever root says about all of the process"
guest one memfill start pin --mib 32 --huge --seed 7
done_with "$(give pin pin-host --priority 7)"
guest one hmm-hint --pid "$(pid_of pin)" --range all --wait=10 device || true
sleep 2
none_of_it_out one pin || fail "$(out_of one pin) bytes are out"
hinted one ".owner == $(pid_of pin) and .advice == \"device\" and .skipped[\"other-hint\"] >= $((32 * mib))" ||
	fail "it is not said why: $(hints_of one)"

log "any user about their own memory; the example program"
guest one memfill start own --mib 4 --uid 1000
done_with "$(give own device)"
expect_match "the example" 'done: [0-9]+ of 67108864 bytes' "$(guest one hint-64mib)"

for memory in back cold once pin; do guest one memfill verify $memory; done
[ "$(hints_of one | jq .hints)" -gt 0 ] || fail "hmmctl hints counts none"
for memory in back cold once pin own; do guest one memfill stop $memory; done
none_left() { [ "$(hints_of one | jq .hints)" = 0 ]; }
wait_for 20 none_left || fail "hints without a process: $(hints_of one)"
