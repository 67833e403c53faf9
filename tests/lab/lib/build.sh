# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh: build what is in the tree, in the tools root, out of a copy: the checkout is only ever read.
# $BUILD, one for each checkout and kind of kernel, is /build in the root: src (the copy), obj (VPATH build), install (what goes into the nested host).

BUILD=$CACHE/build-$(printf %s "$TOP$DEBUG_KERNEL" | sha256sum | cut -c1-16)

# source_files: every file of the checkout that git knows or would add, NUL-separated; all files where there is no git.
source_files()
{
	if [ -e "$TOP/.git" ] && command -v git >/dev/null; then
		git -c safe.directory='*' -C "$TOP" ls-files -z -co --exclude-standard
	else
		(cd "$TOP" && find . -path ./tests/lab/out -prune -o \( -type f -o -type l \) -printf '%P\0')
	fi
}

# copy_source: make $BUILD/src equal to the checkout, and let only files whose content changed look new to make.
copy_source()
{
	local src=$BUILD/src stamp file
	stamp="$(basename "$TOOLS") ${DEBUG_KERNEL:+$(basename "$KERNEL_DIR")}"
	if [ "$(cat "$BUILD/tools" 2>/dev/null)" != "$stamp" ]; then
		rm -rf --one-file-system "$BUILD"       # other compilers, another kernel: start clean
		mkdir -p "$src"
		echo "$TOP" >"$BUILD/checkout"
		echo "$stamp" >"$BUILD/tools"
	fi
	local -A now=()
	while IFS= read -r -d '' file; do
		[ -f "$TOP/$file" ] || [ -L "$TOP/$file" ] || continue
		now[$file]=1
		if [ ! -L "$TOP/$file" ] && [ -f "$src/$file" ] && cmp -s "$TOP/$file" "$src/$file"; then
			if [ -x "$TOP/$file" ]; then [ -x "$src/$file" ] && continue
			else [ ! -x "$src/$file" ] && continue; fi
		fi
		mkdir -p "$src/$(dirname "$file")"
		cp -P --remove-destination --preserve=mode "$TOP/$file" "$src/$file"
	done < <(source_files)
	if [ -e "$BUILD/files" ]; then
		while IFS= read -r -d '' file; do
			[ -n "${now[$file]:-}" ] || rm -f "$src/$file"
		done <"$BUILD/files"
	fi
	[ ${#now[@]} -eq 0 ] || printf '%s\0' "${!now[@]}" >"$BUILD/files"
}

# in_tools CMD...: in the tools root, in the copy.
in_tools()
{
	in_root "$TOOLS" "$BUILD:/build" "${KERNEL_MOUNTS[@]}" -- "${CLEAN_ENV[@]}" "HMMD_LAB_KERNEL=$HOST_KERNEL" "HMMD_LAB_KERNEL_OLD=$KERNEL_OLD" \
		bash -c 'cd /build/src && exec "$@"' in_tools "$@"
}

# ensure_built: $BUILD/install holds what the tree makes; once in a run of the lab. Takes and keeps the build lock.
BUILT=
ensure_built()
{
	[ -z "$BUILT" ] || return 0
	lock_build
	ensure_tools
	ensure_kernel
	copy_source
	step "Building the project" "$OUT/build.log" in_tools bash /build/src/tests/lab/lib/build-in-root
	if grep -q 'warning:' "$OUT/build.log"; then
		say "    with $(grep -c 'warning:' "$OUT/build.log") compiler warnings, see $OUT/build.log"
	fi
	BUILT=1
}
