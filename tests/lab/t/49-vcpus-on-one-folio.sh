#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Four vCPUs write to one and the same folio of a guest, 4 KiB and 2 MiB, which goes out from under them again and again.

. "$(dirname "$0")/lib.sh"

# With less memory a guest's kernel has no huge pages.
guest_start one --mem 640 --vcpus 4
guest one memfill start large --mib 2 --huge
guest one memfill start small --mib 2 --seed 2
pool_and_vm one-folio 16MiB one

# crowded WHAT MEMORY PAGES: the first so many pages, which lie in one piece.
crowded()
{
	local lies
	lies=$(guest one memfill extents "$2" --count "$3")
	expect_match "where $1 lie" "^0x[0-9a-f]+\\+$(($3 * 4096))\$" "$lies"
	local crowd faults huge=0 out=0 rounds=0
	faults=$(vm_number one back-fault)
	guest one memfill crowd "$2" --count "$3" --seconds 10 >"$TMP/crowd" & crowd=$!
	while kill -0 $crowd 2>/dev/null; do
		if json migrate one --gpa "$lies" >"$TMP/moved" 2>"$TMP/said"; then
			out=$((out + $(moved_bytes <"$TMP/moved") / 4096)) huge=$((huge + $(jq '.["moved-huge"]' "$TMP/moved")))
		else
			grep -q 'already-out\|absent\|busy' "$TMP/said" || fail "$(cat "$TMP/said")"
		fi
		[ $((rounds % 4)) -ne 3 ] || hmmctl recall one --gpa "$lies" >/dev/null
		rounds=$((rounds + 1))
	done
	wait $crowd || fail "guest: $(cat "$TMP/crowd")"
	faults=$(($(vm_number one back-fault) - faults))
	log "$1: $rounds times, $out pages out, $huge folios of 2 MiB, $faults pages back by fault; guest: $(cat "$TMP/crowd")"
	expect_match "the crowd" '^OK 4 CPUs' "$(cat "$TMP/crowd")"
	[ $faults -ge $(($3 * 2)) ] || fail "$1: vCPUs did not bring it home twice"
	[ "$3" = 1 ] || [ $huge -ge 2 ] || fail "$1 did not go out whole twice"
	guest one memfill verify "$2"
}

crowded "one page" small 1
crowded "2 MiB" large 512
