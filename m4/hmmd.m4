# SPDX-License-Identifier: LGPL-2.1-or-later

# HMMD_CHECK_OPTIONAL(PREFIX, MODULES, yes|no|auto, OPTION)
# Sets have_PREFIX to yes or no, and PREFIX_CFLAGS and PREFIX_LIBS.
AC_DEFUN([HMMD_CHECK_OPTIONAL], [
  have_$1=no
  AS_IF([test "$3" != no], [
    PKG_CHECK_MODULES([$1], [$2], [have_$1=yes],
      [AS_IF([test "$3" = yes], [AC_MSG_ERROR([$4 was given, but $2 was not found])])])
  ])
  AS_IF([test "$have_$1" = no], [
    AS_CASE([$1],
      [SYSTEMD], [no_systemd_note=" (no readiness, journal, fd store: pages come home when hmmd stops)"],
      [CUNIT], [no_cunit_note=" (CUnit was not found; install libcunit1-dev to run them)"])
  ])
])

# HMMD_CHECK_HOST(PREFIX, MODULES)
# What the host's side cannot do without, and the guest's has use for in its unit tests only. Sets have_PREFIX.
AC_DEFUN([HMMD_CHECK_HOST], [
  have_$1=no
  PKG_CHECK_MODULES([$1], [$2], [have_$1=yes],
    [AS_IF([test "$enable_host" = yes],
      [AC_MSG_ERROR([$2 was not found; what runs in a guest can be built without it: --disable-host])])])
])

# HMMD_WARNINGS(FLAGS): those that the compiler knows go into WARN_CFLAGS.
AC_DEFUN([HMMD_WARNINGS], [
  WARN_CFLAGS=
  hmmd_save_CFLAGS=$CFLAGS
  for flag in m4_normalize([$1]); do
    AC_MSG_CHECKING([whether $CC takes $flag])
    # gcc is silent about an unknown -Wno-*, so ask about its positive form.
    CFLAGS="$hmmd_save_CFLAGS -Werror `AS_ECHO(["$flag"]) | sed 's/^-Wno-/-W/'`"
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([int nothing;])],
      [AC_MSG_RESULT([yes]); WARN_CFLAGS="$WARN_CFLAGS $flag"],
      [AC_MSG_RESULT([no])])
  done
  CFLAGS=$hmmd_save_CFLAGS
  AC_SUBST([WARN_CFLAGS])
])

# HMMD_CHECK_LIBFUZZER(IF-YES, IF-NO)
AC_DEFUN([HMMD_CHECK_LIBFUZZER], [
  AC_MSG_CHECKING([for libFuzzer])
  hmmd_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -fsanitize=fuzzer"
  AC_LINK_IFELSE([AC_LANG_SOURCE([
#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return data && size > 9999; }
])], [hmmd_ok=yes], [hmmd_ok=no])
  CFLAGS=$hmmd_save_CFLAGS
  AC_MSG_RESULT([$hmmd_ok])
  AS_IF([test "$hmmd_ok" = yes], [$1], [$2])
])

# HMMD_DIR(VARIABLE, PKG, PKG-VARIABLE, FALLBACK, DESCRIPTION, [SUFFIX])
# A directory that belongs to another package: what --with-VARIABLE says, else what its
# pkg-config file says, else FALLBACK where that exists, else no.
AC_DEFUN([HMMD_DIR], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1=DIR], [where $5 go, or no])],
    [AS_IF([test "$withval" = yes], [AC_MSG_ERROR([--with-$1 needs a directory])])
     $1=$withval],
    [PKG_CHECK_VAR([hmmd_$1], [$2], [$3])
     AS_IF([test -n "$hmmd_$1"], [$1=$hmmd_$1$6],
           [test -d "$4"], [$1=$4$6],
           [$1=no])])
  # automake installs nothing into a directory without a name.
  AS_IF([test "$$1" = no], [$1=])
  AC_SUBST([$1])
])

# HMMD_KERNEL: find a kernel build directory and what it can do.
AC_DEFUN([HMMD_KERNEL], [
  AC_ARG_WITH([kernel],
    [AS_HELP_STRING([--with-kernel=DIR],
      [kernel build directory for vmirror.ko @<:@/lib/modules/RUNNING/build, if there@:>@])],
    [], [: ${with_kernel=auto}])
  kernel_dir=
  kernel_release=
  AC_MSG_CHECKING([for a kernel build directory])
  AS_CASE([$with_kernel],
    [no], [kernel_summary="no (--without-kernel)"],
    [auto|yes], [
      kernel_dir=/lib/modules/`uname -r`/build
      AS_IF([test ! -f "$kernel_dir/Makefile"], [
        AS_IF([test "$with_kernel" = yes],
          [AC_MSG_ERROR([$kernel_dir is no kernel build directory; use --with-kernel=DIR])])
        kernel_summary="no (no headers of the running kernel; --with-kernel=DIR names others)"
        kernel_dir=
      ])],
    [
      kernel_dir=$with_kernel
      AS_IF([test ! -f "$kernel_dir/Makefile"],
        [AC_MSG_ERROR([$kernel_dir is no kernel build directory])])
    ])
  AS_IF([test -n "$kernel_dir" && test ! -f "$srcdir/host-kernel/Kbuild"], [
    kernel_summary="no (host-kernel/Kbuild is missing)"
    kernel_dir=
  ])
  AS_IF([test -n "$kernel_dir"], [
    kernel_release=`cat "$kernel_dir/include/config/kernel.release" 2>/dev/null`
    AS_IF([test -z "$kernel_release"],
      [AC_MSG_ERROR([$kernel_dir is not prepared: it has no include/config/kernel.release])])
    kernel_summary="yes, for $kernel_release in $kernel_dir"
    AS_IF([grep -qs '^CONFIG_DEVICE_PRIVATE=y' "$kernel_dir/include/config/auto.conf" "$kernel_dir/.config"],
      [], [kernel_summary="$kernel_summary (WARNING: CONFIG_DEVICE_PRIVATE is off there: it will not load)"])
  ])
  AC_MSG_RESULT([${kernel_dir:-no}])
  AC_SUBST([kernel_dir])
  AC_SUBST([kernel_release])
  AM_CONDITIONAL([BUILD_KERNEL], [test -n "$kernel_dir"])
])
