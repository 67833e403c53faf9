#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 900
#
# Each allocation of each call fails once: nothing is lost, nothing is left behind.

. "$(dirname "$0")/lib.sh"

[ -e /proc/self/fail-nth ] || skip "this kernel injects no faults ('lab --debug-kernel' has one that does)"

# For tasks that ask for it: allocations that may wait fail too, and single pages. A word about each tells kernel-log that it was meant.
inject=/sys/kernel/debug
echo N | tee $inject/{failslab,fail_page_alloc}/ignore-gfp-wait $inject/fail_page_alloc/ignore-gfp-highmem >/dev/null
echo 0 >$inject/fail_page_alloc/min-order
echo 1 | tee $inject/{failslab,fail_page_alloc}/verbose >/dev/null

# vmirror-test puts it back itself, unless it is killed.
at_exit "echo Y >/sys/module/vmirror/parameters/huge_home"
PATIENCE=$(patience)
export PATIENCE		# vmirror-test's time limits
without_hmmd
vmirror-test failnth
