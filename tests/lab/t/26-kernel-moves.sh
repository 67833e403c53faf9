#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 240
#
# The kernel collapses, merges, compacts, swaps and balances pages while they go out and come back. It balances where there are
# two nodes: HMMD_LAB_NODES=2.

. "$(dirname "$0")/lib.sh"

without_hmmd
swap_on_zram 256M
vmirror-test kernel-moves
vmirror-test ksm
