#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Pages in two pools; the one that closes sends home its own.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test two-pools
