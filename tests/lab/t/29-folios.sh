#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Folios that are out lose parts, in every way and again and again; memory of all kinds lies side by side.

. "$(dirname "$0")/lib.sh"

without_hmmd
vmirror-test folios
