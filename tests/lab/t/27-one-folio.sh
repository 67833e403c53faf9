#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Many threads fault on one and the same folio while it is recalled and sent out again; what RECALL says is home is home.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test one-folio
vmirror-test recall-race
