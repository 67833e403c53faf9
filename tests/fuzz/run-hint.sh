#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The seed corpus through the hint channel's fuzz target.
set -eu
: "${srcdir:=.}"

corpus=$srcdir/tests/fuzz/corpus/hint
# libFuzzer would write what it finds; only run what is there.
if test -n "${FUZZ_FLAGS:-}"; then
	exec ./tests/fuzz/hint_fuzz -runs=0 "$corpus"
fi
exec ./tests/fuzz/hint_fuzz "$corpus"
