#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A process and its child are both mirrored and share pages that are out; either may go first.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test two-mirrors
