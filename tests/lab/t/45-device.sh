#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A software device works in a guest's memory through the mirror: RAM, pools, what is not there, exclusively, while all moves.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test device
