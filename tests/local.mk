# SPDX-License-Identifier: LGPL-2.1-or-later

# A test of the second kind is a fuzz target, run by tests/fuzz/run.sh.
TEST_EXTENSIONS = .sh .fuzz

include tests/unit/local.mk
include tests/fuzz/local.mk

# The lab and the benchmarks go into the tarball as they are, but without what they made.
dist_hook += dist-tests
dist-tests:
	@for d in lab bench kernel; do \
		test ! -d $(srcdir)/tests/$$d || \
		(cd $(srcdir) && tar cf - --exclude=tests/$$d/out --exclude='*.o' tests/$$d) | \
		(cd $(distdir) && tar xf -) || exit 1; \
	done
phony += dist-tests

# Every test program (not the scripts) under valgrind.
VALGRIND = valgrind --quiet --error-exitcode=9 --leak-check=full \
	--errors-for-leak-kinds=definite --trace-children=yes
check-valgrind:
	$(MAKE) $(AM_MAKEFLAGS) check LOG_COMPILER='$(VALGRIND)'
phony += check-valgrind
