#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The whole guest goes out again and again while it writes and checks its memory. For that the kernel does not have all CPUs drain their LRU
# batches over and over.

. "$(dirname "$0")/lib.sh"

guest_start one --mem 256 --vcpus 2
guest one memfill start a --mib 48 --huge --seed 1
guest one memfill start b --mib 16 --seed 2
pool_and_vm load 512MiB one

trace=/sys/kernel/tracing instance=/sys/kernel/tracing/instances/drains
mkdir $instance
at_exit "rmdir $instance; echo -:drain >>$trace/kprobe_events"
echo 'p:drain lru_add_drain_all' >>$trace/kprobe_events
echo 1 >$instance/events/kprobes/drain/enable
at_exit "echo 0 >$instance/events/kprobes/drain/enable"

guest one memfill loop a --seconds 20 >$TMP/a & a=$!
guest one memfill loop b --seconds 20 >$TMP/b & b=$!
rounds=0
while kill -0 $a 2>/dev/null; do
	hmmctl migrate one --all >/dev/null || kill -0 $a 2>/dev/null || break
	[ $((rounds % 3)) -ne 0 ] || hmmctl recall one --bytes 32MiB >/dev/null
	rounds=$((rounds + 1))
	sleep 0.2
done
wait $a || fail "guest: $(cat $TMP/a)"
wait $b || fail "guest: $(cat $TMP/b)"
log "$rounds rounds, $(vm_number one moved-out) pages out, $(vm_number one back-fault) back by fault"
[ $rounds -gt 1 ] || fail "only $rounds rounds"
drains=$(grep ' drain: ' $instance/trace | grep -c -v 'khugepaged\|kcompactd' || true)
log "$drains drains"
[ "$drains" -le $((rounds * 8)) ] || fail "$drains drains of the LRU batches in $rounds rounds"
guest one memfill verify a
guest one memfill verify b
