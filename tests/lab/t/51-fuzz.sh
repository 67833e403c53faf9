#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Calls at random on /dev/vmirror, its pools and its VMs: the documented errors, no harm done, nothing left.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test fuzz 20 1
vmirror-test fuzz 10 "$(date +%s)"
