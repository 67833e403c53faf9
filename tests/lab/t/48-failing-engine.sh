#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The engine fails a copy, at each call of each operation: nothing is lost, and a CPU gets an error only for what cannot be read.

. "$(dirname "$0")/lib.sh"

without_hmmd
insmod /usr/lib/hmmd-lab/kernel/failing_engine.ko
at_exit "rmmod failing_engine"
vmirror-test failing-engine
