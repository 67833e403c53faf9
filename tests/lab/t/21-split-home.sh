#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# 2 MiB folios come home in pieces, as they do where the host has no huge page left: by fault, by recall, by device page.

. "$(dirname "$0")/lib.sh"

without_hmmd
at_exit "echo Y >/sys/module/vmirror/parameters/huge_home"
echo N >/sys/module/vmirror/parameters/huge_home
for case in two-pools memory race mixed; do
	log $case
	vmirror-test $case
done
guest_start one --mem 256 --vcpus 2
guest one memfill start data --mib 64 --huge --seed 3
vmirror-test move "$(guest_pid one)" "timeout 60 labguest exec one -- memfill verify data </dev/null >/dev/null"
