#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The kernel collapses, merges, compacts and swaps pages while they go out and come back. It balances them in 53-two-nodes.

. "$(dirname "$0")/lib.sh"

without_hmmd
swap_on_zram 256M
vmirror-test kernel-moves
vmirror-test ksm
