#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What cannot move says why, and is not touched.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test reasons
