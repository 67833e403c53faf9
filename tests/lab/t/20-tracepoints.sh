#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vmirror:* tracepoints tell of every out, back and invalidate, for perf and bpftrace.

. "$(dirname "$0")/lib.sh"

trace=/sys/kernel/tracing
[ -e $trace/trace ] || mount -t tracefs tracefs $trace
without_hmmd
at_exit "echo 0 >$trace/events/vmirror/enable"
echo 1 >$trace/events/vmirror/enable
echo >$trace/trace
vmirror-test two-pools
cp $trace/trace $TMP/trace
for event in vmirror_out vmirror_back vmirror_invalidate; do
	expect_match "a trace of $event" "$event: vm=[0-9]+ gpa=0x[0-9a-f]+ pages=[0-9]+" "$(grep -m 1 "$event" $TMP/trace)"
done
