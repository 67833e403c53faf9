# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# guest.sh: the guests' verbs and the file transfers, forwarded to the nested host, where labguest does the work.

# pack FILE...: a tar of these, each by its last name.
pack()
{
	local args=() file
	for file in "$@"; do
		[ -e "$file" ] || die "no such file: $file"
		file=$(realpath -s "$file")
		args+=(-C "$(dirname "$file")" "$(basename "$file")")
	done
	tar --owner=0 --group=0 -c "${args[@]}"
}

lab_push()
{
	[ $# -ge 2 ] || misuse "push needs FILE... and DIR"
	need_vm
	local dir=${*: -1}
	pack "${@:1:$#-1}" | vm_exec sh -c 'mkdir -p "$1" && exec tar -x -C "$1"' sh "$dir"
}

lab_pull()
{
	[ $# -ge 2 ] || misuse "pull needs FILE... and DIR"
	need_vm
	local dir=${*: -1} file args=()
	for file in "${@:1:$#-1}"; do args+=(-C "$(dirname "/$file")" "$(basename "$file")"); done
	mkdir -p "$dir"
	vm_exec tar -c "${args[@]}" | tar --no-same-owner -x -C "$dir"
}

lab_guest_push()
{
	[ $# -ge 3 ] || misuse "guest-push needs NAME, FILE... and DIR"
	need_vm
	local name=$1 dir=${*: -1}
	pack "${@:2:$#-2}" | vm_exec labguest exec "$name" -- sh -c 'mkdir -p "$1" && exec tar -x -C "$1"' sh "$dir"
}
