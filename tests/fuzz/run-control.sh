#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The seed corpus through the control protocol's fuzz target.
set -eu
: "${srcdir:=.}"

corpus=$srcdir/tests/fuzz/corpus/control
# libFuzzer would write what it finds; only run what is there.
if test -n "${FUZZ_FLAGS:-}"; then
	exec ./tests/fuzz/control_fuzz -runs=0 "$corpus"
fi
exec ./tests/fuzz/control_fuzz "$corpus"
