#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 400
#
# A running guest that had no port gets one, loses it, and gets it again: with the port hints begin, and end.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
guest_start one --mem 384 --vcpus 1 --qemu-arg -device --qemu-arg virtio-serial-pci
pool_and_vm p 128MiB one
guest one memfill start data --mib 16 --huge --seed 3

# qmp JSON: must be done.
qmp()
{
	local answer
	answer=$(guest_qmp one "$1")
	! grep -q '"error"' <<<"$answer" || fail "QEMU: $answer"
}

# plug SECONDS: until hmmd has it, which knows it by its socket's name; and does not see /tmp, where tests have their files.
plug()
{
	qmp '{"execute": "chardev-add", "arguments": {"id": "agent", "backend": {"type": "socket", "data": {"server": true, "wait": false,
		"addr": {"type": "unix", "data": {"path": "/run/lab/one/org.hmmd.agent.0"}}}}}}'
	qmp '{"execute": "device_add", "arguments": {"driver": "virtserialport", "id": "port", "chardev": "agent", "name": "org.hmmd.agent.0"}}'
	wait_for 20 guest one sh -c 'grep -q . /sys/class/virtio-ports/*/name'
	guest one sh -c 'for port in /sys/class/virtio-ports/*; do ln -sf "../${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"; done'
	guest one rm -f /run/hmm-agentd.log
	guest_agent_start one
	[ "$found" = "by itself" ] || hints_of one >/dev/null
	wait_for "$1" agent_connected one || fail "hmmd does not find the port: $(guest one cat /run/hmm-agentd.log); $(hints_of one)"
}
unplug()
{
	qmp '{"execute": "device_del", "arguments": {"id": "port"}}'
	wait_for 20 no_port
	qmp '{"execute": "chardev-remove", "arguments": {"id": "agent"}}'
}
no_port() { guest one sh -c '! grep -q . /sys/class/virtio-ports/*/name 2>/dev/null'; }
no_hints() { [ "$(hints_of one | jq .hints)" = 0 ]; }

for found in "by itself" "by hmmctl hints"; do
	log "plugged in, found $found"
	if [ "$found" = "by itself" ]; then plug 75; else plug 10; fi
	state=$(guest one memfill hint data --advice device --seconds $((30 * $(patience))))
	jq -e '.state == "done"' <<<"$state" >/dev/null || fail "the hint was not followed: $state"
	all_out one data $((16 * mib)) || fail "only $(out_of one data) bytes are out"
	guest_agent_kill one
	unplug
	wait_for 60 no_hints || fail "hints are left of a port that has gone: $(hints_of one)"
	guest one memfill verify data
	hmmctl recall one --all >/dev/null
	# Then hmmd does not know any more where the port was.
	hmmctl detach one
	hmmctl attach one
done
