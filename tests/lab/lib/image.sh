# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# image.sh: what the nested host boots from. IMAGE holds
#   vmlinux            the lab kernel, for the nested host and for the guests in it
#   host.initramfs     loads the root disk's driver, sets the network up
#   root.ext4          the nested host's root; attached with snapshot=on, so it never changes
# and, in the root file system, /usr/lib/hmmd-lab/guest/{vmlinux,initramfs} for the guests.

HOST_MODULES="virtio_blk virtio_net"
GUEST_MODULES="vmw_vsock_virtio_transport virtio_balloon virtio_rng"
IMAGE_RECIPE=(mkroot host-setup mkinitramfs mkvmlinux host-init guest-init host.packages)

make_image()
{
	local dir=$1 root=$1/root
	mkdir -p "$dir"
	make_root host.packages "$root"
	in_root "$root" "$LAB_DIR/image:/lab/image:ro" -- "${CLEAN_ENV[@]}" /lab/image/host-setup
	rm -rf "$root/lab"
	mkdir -p "$root/usr/lib/hmmd-lab/guest"
	in_root "$TOOLS" "$dir:/lab/out" "$LAB_DIR/image:/lab/image:ro" -- "${CLEAN_ENV[@]}" bash -euxc '
		kernel=$1 host_modules=$2 guest_modules=$3
		cd /lab/out
		/lab/image/mkvmlinux root/boot/vmlinuz-$kernel vmlinux
		/lab/image/mkinitramfs host.initramfs root $kernel "$host_modules" /lab/image/host-init
		/lab/image/mkinitramfs root/usr/lib/hmmd-lab/guest/initramfs root $kernel "$guest_modules" /lab/image/guest-init
		cp vmlinux root/usr/lib/hmmd-lab/guest/vmlinux
		rm -f root/boot/vmlinuz-* root/usr/lib/modules/$kernel/vmlinuz
		truncate -s 4G root.ext4
		mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 -d root root.ext4
		' make_image "$KERNEL" "$HOST_MODULES" "$GUEST_MODULES"
	rm -rf --one-file-system "$root"
}

# ensure_image: sets IMAGE. Needs ensure_tools.
ensure_image()
{
	local k
	k=$(cd "$LAB_DIR/image" && key "${IMAGE_RECIPE[@]}" -- "$(basename "$BASE")" "$KERNEL" "$(declare -f make_image)" "$HOST_MODULES" "$GUEST_MODULES")
	IMAGE=$CACHE/image-$k
	artefact image "$k" "Making the nested host's image" make_image
}
