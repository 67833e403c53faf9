#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 300
#
# The kernel's own HMM suite, unmodified, on vmirror's mirror, pools and migrations.

. "$(dirname "$0")/lib.sh"

labhmm vmirror >"$TMP/log" || { grep -a -B 20 '^not ok' "$TMP/log"; tail -n 3 "$TMP/log"; fail "the suite fails"; }
grep -a '^# Totals:' "$TMP/log"
expect "skipped" "" "$(grep -a '# SKIP' "$TMP/log")"
