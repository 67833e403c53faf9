#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make configure and the Makefile templates, in a fresh clone.
set -e
cd "$(dirname "$0")"

for tool in autoreconf automake pkg-config; do
	command -v "$tool" >/dev/null || {
		echo "autogen.sh: $tool was not found; install autoconf, automake and pkg-config" >&2
		exit 1
	}
done
autoreconf --install --force
echo "Now run ./configure (see ./configure --help), then make."
