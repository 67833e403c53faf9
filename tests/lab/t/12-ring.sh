#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The event ring adds up; its overflow is told; the state is right after it. It tells that the host tracks what is written.

. "$(dirname "$0")/lib.sh"

without_hmmd
guest_start one --mem 256 --vcpus 2
guest one memfill start data --mib 64 --huge --seed 3
vmirror-test ring "$(guest_pid one)" "timeout 60 labguest exec one -- memfill verify data </dev/null >/dev/null"
vmirror-test soft-dirty
