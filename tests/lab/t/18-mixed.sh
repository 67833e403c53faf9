#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# 4 KiB and 2 MiB pages over the same pool memory, under khugepaged.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test mixed
