#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Memory is unmapped, moved, protected, discarded, forked and copied on write while it goes out and comes back; its process exits.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test change
