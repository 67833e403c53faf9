#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The lab itself: a test that runs in it can only be believed if guests, exec, memfill and the kernel log do what they say.

. "$(dirname "$0")/lib.sh"

log "a guest"
guest_start one --mem 192 --vcpus 2 --append "lab.test=1"
expect "vCPUs" 2 "$(guest one nproc)"
expect "host name" one "$(guest one hostname)"
expect_match "kernel arguments" lab.test=1 "$(guest one cat /proc/cmdline)"
# Where CPUs are emulated (vm_accel in lib/vm.sh), a guest on the first one could end the nested host.
if grep -q 'systemd.cpu_affinity=1-' /proc/cmdline; then
	expect_match "the first CPU is nobody's" '^[1-9]' "$(taskset -c -p "$(guest_pid one)" | sed 's/.*: //')"
fi
expect_match "list" "one pid=[0-9]+ uuid=[0-9a-f-]+" "$(labguest list)"
expect "QMP" '"running"' "$(guest_qmp one '{"execute":"query-status"}' | jq '.return.status // empty')"

log "exec: exit status, streams, words"
expect_status 0 guest one true
expect_status 3 guest one sh -c 'exit 3'
expect_status 137 guest one sh -c 'kill -9 $$'
expect_status 127 guest one no-such-program 2>/dev/null
guest one sh -c 'echo out; echo err >&2' >"$TMP/out" 2>"$TMP/err"
expect "stdout" out "$(cat "$TMP/out")"
expect "stderr" err "$(cat "$TMP/err")"
expect "words" "[a b][][\$x][it's]" "$(guest one printf '[%s]' 'a b' '' '$x' "it's")"

log "exec: bytes pass unchanged, both ways"
head -c 5000000 /dev/urandom >"$TMP/bytes"
guest_in one cat <"$TMP/bytes" >"$TMP/back"
cmp "$TMP/bytes" "$TMP/back" || fail "bytes changed"
expect "line count" 3 "$(printf 'a\nb\nc\n' | guest_in one wc -l | tr -d ' ')"

log "exec: several at once, and a killed one takes its command with it"
pids=()
for i in 1 2 3 4 5 6; do guest one sh -c "sleep 1; exit $i" & pids+=($!); done
for i in 1 2 3 4 5 6; do expect_status "$i" wait "${pids[i - 1]}"; done
labexec "$(cat /run/lab/one/cid)" -- sleep 4321 </dev/null & pid=$!
wait_for 5 guest one pidof sleep >/dev/null
kill $pid
wait $pid 2>/dev/null || true
gone() { ! guest one pidof sleep >/dev/null; }
wait_for 5 gone || fail "the command lives on"

log "push"
labguest push one "$TMP/bytes" /tmp/pushed
expect "pushed file" "$(sha256sum <"$TMP/bytes")" "$(guest one sha256sum /tmp/pushed/bytes | sed 's| .*|  -|')"

log "memfill"
guest one memfill start a --mib 32 --seed 7
guest one memfill start b --mib 16 --huge
guest one memfill verify a
guest one memfill verify b
guest one memfill rewrite a --seed 8
guest one memfill touch a --first 10 --count 100
guest one memfill verify a
bytes=$(guest one memfill extents a | awk -F+ '{ n += $2 } END { print n }')
expect "bytes in extents" $((32 << 20)) "$bytes"
expect_match "an extent" '^0x[0-9a-f]+\+[0-9]+$' "$(guest one memfill extents a | head -n 1)"
guest one memfill corrupt a --first 99
expect_match "a wrong page is found" '^WRONG page 99 ' "$(guest one memfill verify a || true)"
expect_status 1 guest one memfill verify a >/dev/null
guest one memfill stop a
expect_status 2 guest one memfill verify a 2>/dev/null

log "the kernel log: bad words are found"
echo "<6>hmmd-lab: nothing to see here" >/dev/kmsg
kernel-log check lab || fail "the log is bad before anything was injected"
for bad in "WARNING: test" "BUG: test" "INFO: rcu_sched detected stalls on CPUs/tasks" "INFO: task test:1 blocked for more than 120 seconds." \
	"WARNING: possible circular locking dependency detected" "Oops: 0000 [#1]"; do
	kernel-log mark lab
	echo "$bad" >/dev/kmsg
	! kernel-log check lab >"$TMP/found" || fail "not found in the kernel log: $bad"
	grep -q -F "$bad" "$TMP/found" || fail "found something else: $(cat "$TMP/found")"
done
log "the kernel log: a report of the OOM killer passes where it is expected, and nothing else"
oom_report()
{
	printf '%s\n' "test invoked oom-killer: gfp_mask=0x140cca, order=0, oom_score_adj=0" "$@" "Call Trace:" " <TASK>" \
		"Out of memory: Killed process 4321 (test)" | while read -r line; do echo "$line" >/dev/kmsg; done
}
kernel-log mark lab
oom_report
! kernel-log check lab >/dev/null || fail "a report of the OOM killer passes that nobody expected"
kernel-log expect-oom
oom_report
kernel-log check lab || fail "a report of the OOM killer that is expected is found"
kernel-log expect-oom
oom_report "WARNING: test"
! kernel-log check lab >/dev/null || fail "a warning within a report of the OOM killer is not found"
kernel-log expect-oom
oom_report
echo "Call Trace:" >/dev/kmsg
! kernel-log check lab >/dev/null || fail "a stack behind a report of the OOM killer is not found"
oom_report
! kernel-log check lab >/dev/null || fail "a report of the OOM killer passes after the mark"
kernel-log mark lab
guest one sh -c 'echo "<2>BUG: in the guest" >/dev/kmsg'
wait_for 5 grep -q "BUG: in the guest" /run/lab/console/one
! kernel-log check lab >/dev/null || fail "a guest's kernel log is not looked at"
kernel-log mark lab

log "stop"
guest_stop one
expect_status 1 labguest exec one -- true 2>/dev/null
expect "list" "" "$(labguest list)"
