#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 900
#
# A minute of everything at random, all at once: see README.md, "Torture". 'lab torture' does it for longer.

. "$(dirname "$0")/lib.sh"

seed=$(date +%s)
labtorture 60 "$seed" || {
	echo "== what was done last"
	tail -n 150 /run/lab-torture/actions
	[ ! -e /run/lab-torture/hang ] || cat /run/lab-torture/hang
	fail "seed $seed"
}
