#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh DIR/NAME.fuzz: the seed corpus of that name through that fuzz target.
set -eu
: "${srcdir:=.}"

target=$1
# libFuzzer would write what it finds; only run what is there.
exec "$target" ${FUZZ_FLAGS:+-runs=0} "$srcdir/tests/fuzz/corpus/$(basename "$target" .fuzz)"
