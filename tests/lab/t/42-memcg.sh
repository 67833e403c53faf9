#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A process under a memory limit, partly in swap, partly out: it lives on, and its memory comes back under the limit.

. "$(dirname "$0")/lib.sh"

without_hmmd
swap_on_zram 256M
at_exit "rmdir /sys/fs/cgroup/vmirror-test 2>/dev/null || true"
vmirror-test memcg
