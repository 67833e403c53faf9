#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A software device sees a running guest's memory as its CPUs do; a guest runs on in coherent memory.

. "$(dirname "$0")/lib.sh"

without_hmmd
guest_start one --mem 192 --vcpus 2
guest one memfill start data --mib 96 --huge --seed 4
vmirror-test guest "$(guest_pid one)" "timeout 60 labguest exec one -- memfill verify data </dev/null >/dev/null"
