#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 240
#
# The kernel collapses, merges, compacts, swaps and balances pages while they go out and come back. It balances where there are two
# nodes:
#
#   HMMD_LAB_QEMU_ARGS="-object memory-backend-ram,id=node0,size=2G -object memory-backend-ram,id=node1,size=2G
#       -numa node,nodeid=0,memdev=node0,cpus=0-1 -numa node,nodeid=1,memdev=node1,cpus=2" lab up

. "$(dirname "$0")/lib.sh"

without_hmmd
swap_on_zram 256M
vmirror-test kernel-moves
