#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every header of proto/ (or those of $PROTO_HEADERS), and of the library for guests, compiles alone, as C99, as C11 and as C++.
# Those that are installed also without any extension of the compiler.
set -u
: "${srcdir:=.}" "${CC:=cc}" "${CXX:=c++}" "${HEADER_CFLAGS:=}" "${PROTO_HEADERS:=}"

failed=0
# Inline functions are there for those that include the header; clang asks who calls them.
try() {
	if "$@" -fsyntax-only -Wall -Wextra -Werror -Wno-unused-function $HEADER_CFLAGS -I"$srcdir/proto"; then
		echo "ok: $*"
	else
		echo "FAILED: $*"
		failed=1
	fi
}

cxx=yes
echo 'int main() { return 0; }' | $CXX -x c++ -fsyntax-only - 2>/dev/null || cxx=no
if test -n "$PROTO_HEADERS"; then
	set --
	for header in $PROTO_HEADERS; do set -- "$@" "$srcdir/proto/$header"; done
else
	set -- "$srcdir"/proto/*.h
fi
for header in "$@" "$srcdir/guest-agent/lib/hmmhint.h"; do
	try $CC -std=c99 -x c "$header"
	try $CC -std=gnu11 -x c "$header"
	if test $cxx = yes; then
		try $CXX -std=c++98 -x c++ "$header"
		try $CXX -std=c++17 -x c++ "$header"
	fi
done
for header in proto/vmirror.h guest-agent/lib/hmmhint.h; do
	try $CC -std=c99 -pedantic-errors -x c "$srcdir/$header"
done
test $cxx = no || try $CXX -std=c++98 -pedantic-errors -x c++ "$srcdir/guest-agent/lib/hmmhint.h"
test $cxx = yes || echo "no C++ compiler: only C was tried"
exit $failed
