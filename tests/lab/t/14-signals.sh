#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A signal ends a long MIGRATE early and in good order.

. "$(dirname "$0")/lib.sh"

without_hmmd
guest_start one --mem 256 --vcpus 2
guest one memfill start data --mib 64 --huge --seed 3
vmirror-test signals "$(guest_pid one)" "timeout 60 labguest exec one -- memfill verify data </dev/null >/dev/null"
