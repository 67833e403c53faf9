#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pages that do not exist yet are made in the pool, with no page in RAM first.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test populate
