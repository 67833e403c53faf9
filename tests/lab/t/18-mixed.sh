#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 300
#
# 4 KiB and 2 MiB pages over the same pool memory; khugepaged makes huge pages of what has just come home, and of what is out in part.

. "$(dirname "$0")/lib.sh"

PATIENCE=$(patience)
export PATIENCE		# vmirror-test's time limits
without_hmmd
vmirror-test mixed
vmirror-test khugepaged
