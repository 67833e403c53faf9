#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every order in which VM, pool and their holder can go while pages are out; also a mirrored process before them.

. "$(dirname "$0")/lib.sh"

without_hmmd
guest_start one --mem 256 --vcpus 2
guest one memfill start data --mib 64 --huge --seed 3
vmirror-test teardown "$(guest_pid one)" "timeout 60 labguest exec one -- memfill verify data </dev/null >/dev/null"
guest_stop one
vmirror-test orphans
