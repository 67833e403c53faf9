#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Discard, unmap, remap, protect, fork and changing slots while pages are out; events tell it.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test memory
