#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The seed corpus through the fuzz target of the messages between library and agent.
set -eu
: "${srcdir:=.}"

corpus=$srcdir/tests/fuzz/corpus/local
# libFuzzer would write what it finds; only run what is there.
if test -n "${FUZZ_FLAGS:-}"; then
	exec ./tests/fuzz/local_fuzz -runs=0 "$corpus"
fi
exec ./tests/fuzz/local_fuzz "$corpus"
