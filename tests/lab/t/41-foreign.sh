#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shared, file-backed, hugetlb and special memory stays where it is and says why; what lies beside it moves.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test foreign
