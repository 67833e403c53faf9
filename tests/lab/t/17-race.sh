#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Threads write the same folios while they go out and come back.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test race
