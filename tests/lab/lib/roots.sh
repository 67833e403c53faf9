# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# roots.sh: the Debian roots that everything runs in, made once and kept in the cache, keyed by all that they are made of.
#
#   base ──┬── tools   compilers, checkers, the outer QEMU
#          │     └──── kernel, boot   the debug kernel (kernel.sh)
#          └── image   the nested host: root file system, kernel, initramfs (image.sh)

# in_root ROOT [SRC:DST[:ro]]... -- CMD...: run CMD in ROOT with nothing of the caller's environment.
# Every process it starts ends with it.
in_root() { unshare --mount --propagation private --pid --fork --kill-child "$LAB_DIR/lib/enter-root" "$@"; }

# clean_env CMD...: the environment of a command in a root.
CLEAN_ENV=(/usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" USER=root)
for var in http_proxy https_proxy no_proxy; do
	[ -z "${!var:-}" ] || CLEAN_ENV+=("$var=${!var}")
done

# key FILE... [-- TEXT...]: a short name for this content.
key()
{
	local files=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$1"); shift; done
	{ cat -- "${files[@]}"; printf '%s\n' "$@"; } | sha256sum | cut -c1-16
}

# artefact NAME KEY TEXT CMD...: $CACHE/NAME-KEY, made by "CMD... DIR" where it is missing. It appears whole or not at all.
artefact()
{
	local dir=$CACHE/$1-$2 name=$1 text=$3; shift 3
	[ ! -d "$dir" ] || return 0
	rm -rf --one-file-system "$CACHE/new-$name"
	step "$text" "$CACHE/$name.log" "$@" "$CACHE/new-$name"
	mv "$CACHE/new-$name" "$dir"
}

# debian_mirror: the Debian mirror this machine itself uses, if any; mmdebstrap has a default.
debian_mirror()
{
	apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's|^Debian Debian main \(https\?://.*[^/]\)/*$|\1|p' | head -n 1
}

need_mmdebstrap()
{
	local want=()
	command -v mmdebstrap >/dev/null || want+=(mmdebstrap)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || want+=(debian-archive-keyring)
	[ ${#want[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "needs ${want[*]}, and there is no apt-get here to install it with"
	step "Installing ${want[*]}" "$CACHE/apt.log" apt_install "${want[@]}"
}

apt_install()
{
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

make_base() { "$LAB_DIR/image/mkbase" "$1" "${HMMD_LAB_MIRROR:-$(debian_mirror)}"; }

# make_root LIST ROOT: a copy of the base with the packages of LIST.
make_root()
{
	cp -a "$BASE" "$2"
	cat /etc/resolv.conf >"$2/etc/resolv.conf" 2>/dev/null || true
	in_root "$2" "$LAB_DIR/image:/lab/image:ro" -- "${CLEAN_ENV[@]}" /lab/image/mkroot "/lab/image/$1"
}

# ensure_tools: sets BASE, TOOLS, KERNEL, KERNEL_OLD.
ensure_tools()
{
	local k
	mkdir -p "$CACHE"
	need_mmdebstrap
	k=$(key "$LAB_DIR/image/mkbase")
	BASE=$CACHE/base-$k
	artefact base "$k" "Bootstrapping Debian" make_base
	KERNEL=$(cat "$BASE/etc/hmmd-lab/kernel")
	KERNEL_OLD=$(cat "$BASE/etc/hmmd-lab/kernel-old")
	k=$(key "$LAB_DIR/image/mkroot" "$LAB_DIR/image/tools.packages" -- "$k" "$KERNEL")
	TOOLS=$CACHE/tools-$k
	artefact tools "$k" "Making the tools root (2 GB, once)" make_root tools.packages
}

# prune_cache: drop what no current key leads to, and the builds of checkouts that are gone. A running nested host has its root
# and its image locked (vm.sh): they stay until it ends.
prune_cache()
{
	local dir
	for dir in "$CACHE"/base-* "$CACHE"/tools-* "$CACHE"/image-* "$CACHE"/kernel-* "$CACHE"/boot-* "$CACHE"/new-*; do
		case $dir in
		"$BASE" | "$TOOLS" | "$IMAGE" | "$KERNEL_DIR" | "$KERNEL_BOOT" | *'*') ;;
		*) flock -n "$dir" rm -rf --one-file-system "$dir" || true ;;
		esac
	done
	for dir in "$CACHE"/build-*/; do
		[ -d "$(cat "$dir/checkout" 2>/dev/null)" ] || rm -rf --one-file-system "$dir"
	done
}
