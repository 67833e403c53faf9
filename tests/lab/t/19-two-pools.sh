#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Several pools: each sends home its own; pages move from one to another; coherent memory.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test two-pools
