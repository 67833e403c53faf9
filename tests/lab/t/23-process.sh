#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A process without KVM is mirrored: out and back, in cycles, through fork and copy on write, and killed;
# a sequential reader pays for one fault in many.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test process
vmirror-test fault-around
