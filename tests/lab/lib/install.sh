# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# install.sh: from the tree to a nested host that runs it.

install_tree()
{
	tar -C "$BUILD/install" --owner=0 --group=0 -c . | vm_shell '
		set -e
		new=$(mktemp -d /run/hmmd-lab-new.XXXXXX)
		tar -x -C "$new"
		exec timeout 120 bash "$new/usr/lib/hmmd-lab/install-tree" "$new"'
}

# lab_up: whatever is there now, afterwards the nested host runs what is in the tree.
lab_up()
{
	lock_lab
	ensure_built
	ensure_image
	prune_cache
	if vm_alive; then
		[ "$(cat "$RUN/kernel")" = "$HOST_KERNEL" ] || die "the nested host runs kernel $(cat "$RUN/kernel"): 'lab down' first"
		[ "$(cat "$RUN/image" 2>/dev/null)" = "$IMAGE" ] || die "the nested host runs another image than this tree makes: 'lab down' first"
		say "The nested host is up"
	else
		vm_start
	fi
	step "Installing the project in the nested host" "$OUT/install.log" install_tree
	unlock build
}
