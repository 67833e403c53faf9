# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# kernel.sh: which kernel the nested host runs: Debian's, or with --debug-kernel one that checks itself (image/debug-kernel.config).
# The guests run Debian's either way.

PATIENCE=1              # all time limits are multiplied with this, here and in the nested host ('patience' there)
DEFAULT_MEM=4096        # the nested host's, in MiB
KERNEL_CMDLINE=
if [ "$DEBUG_KERNEL" ]; then
	PATIENCE=5
	DEFAULT_MEM=6144
	KERNEL_CMDLINE="hmmd_lab.patience=$PATIENCE kasan_multi_shot"
fi

make_debug_kernel()
{
	mkdir -p "$1"
	in_root "$TOOLS" "$1:/lab/out" "$LAB_DIR/image:/lab/image:ro" -- "${CLEAN_ENV[@]}" \
		nice /lab/image/mkdebugkernel /lab/out "$KERNEL"
}

# Its modules come in the initramfs: the root file system is the same for both kernels.
make_debug_boot()
{
	mkdir -p "$1"
	cp "$KERNEL_DIR/vmlinux" "$1"
	in_root "$TOOLS" "$1:/lab/out" "$KERNEL_DIR:/lab/kernel:ro" "$LAB_DIR/image:/lab/image:ro" -- "${CLEAN_ENV[@]}" \
		/lab/image/mkinitramfs /lab/out/host.initramfs / none '' /lab/image/host-init /lab/kernel/lib/modules
}

# What the debug kernel is built from and with.
debug_kernel_packages()
{
	in_root "$TOOLS" -- "${CLEAN_ENV[@]}" dpkg-query -W 'linux-source-*' 'gcc-[0-9]*' 'binutils'
}

# ensure_kernel: sets HOST_KERNEL, the release of the kernel that the nested host runs, and KERNEL_MOUNTS, how the tools root gets to
# see what modules are built against. Needs ensure_tools. Of the debug kernel, whether there is one or not, KERNEL_DIR is what was built
# and KERNEL_BOOT what the nested host boots from.
ensure_kernel()
{
	local k
	k=$(cd "$LAB_DIR/image" && key mkdebugkernel debug-kernel.config -- "$KERNEL" "$(debug_kernel_packages)")
	KERNEL_DIR=$CACHE/kernel-$k
	k=$(cd "$LAB_DIR/image" && key mkinitramfs host-init -- "$k" "$(declare -f make_debug_boot)")
	KERNEL_BOOT=$CACHE/boot-$k
	HOST_KERNEL=$KERNEL
	KERNEL_MOUNTS=()
	[ "$DEBUG_KERNEL" ] || return 0
	[ -d "$KERNEL_DIR" ] || say "The debug kernel is built from source, once: that takes about a quarter of an hour on two idle CPUs, more on busy ones"
	artefact kernel "${KERNEL_DIR##*-}" "Building the debug kernel" make_debug_kernel
	artefact boot "${KERNEL_BOOT##*-}" "Making the debug kernel's initramfs" make_debug_boot
	HOST_KERNEL=$(cat "$KERNEL_DIR/release")
	KERNEL_MOUNTS=("$KERNEL_DIR/build:/usr/lib/modules/$HOST_KERNEL/build:ro")
}
