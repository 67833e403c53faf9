#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# 2 MiB folios that are out and lose parts while everyone wants them home, with the kernel held up where it splits them.

. "$(dirname "$0")/lib.sh"

without_hmmd
at_exit "echo Y >/sys/module/vmirror/parameters/huge_home"
insmod /usr/lib/hmmd-lab/kernel/slow_split.ko delay_us=5000
at_exit "rmmod slow_split"
for huge in Y N N; do
	log "huge_home=$huge"
	echo $huge >/sys/module/vmirror/parameters/huge_home
	vmirror-test parts
done
# It has no worth where nothing was held up, and where nothing was done about it.
for what in split_begin split_end rests visits; do
	times=$(cat /sys/module/slow_split/parameters/$what)
	log "$what: $times"
	[ "$times" -gt 0 ] || fail "$what: it never happened"
done
