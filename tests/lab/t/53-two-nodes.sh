#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# nodes: 2
#
# The kernel balances pages between two nodes while they go out and come back.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test balancing
