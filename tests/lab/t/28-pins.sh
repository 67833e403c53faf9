#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Direct I/O, vmsplice and fixed buffers of io_uring bring pages home, and those that hold on to them keep them there.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test pins
