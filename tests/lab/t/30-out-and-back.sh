#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An operator's morning: out by range, by amount and whole, in 2 MiB and in 4 KiB pages; the guest reads all the while.

. "$(dirname "$0")/lib.sh"

thp=/sys/kernel/mm/transparent_hugepage/enabled
was=$(grep -o '\[.*\]' $thp | tr -d '[]')
at_exit "echo $was >$thp"

try()
{
	local name=$1 kind=$2 gpas=() line want moved
	log "$kind pages"
	guest_start "$name" --mem 256 --vcpus 2
	guest "$name" memfill start data --mib 64 --huge --seed 7
	pool_and_vm "p-$name" 256MiB "$name"

	while read -r line; do gpas+=(--gpa "$line"); done < <(guest "$name" memfill extents data)
	want=$((64 << 20))
	moved=$(json migrate "$name" --pool "p-$name" "${gpas[@]}" | moved_bytes)
	[ "$moved" -ge $((want / 100 * 99)) ] || fail "only $moved of $want bytes moved"
	json map "$name" | jq -e '[.extents[] | select(.state == "pool") | .bytes] | add >= '$((want / 2)) >/dev/null
	guest "$name" memfill verify data & guest "$name" memfill verify data
	wait %1
	[ "$(vm_number "$name" back-fault)" -gt 0 ] || fail "nothing came back by fault"

	json migrate "$name" --pool "p-$name" --bytes 16MiB | jq -e '.["moved-bytes"] >= 16777216' >/dev/null
	json migrate "$name" --pool "p-$name" --all >$TMP/all
	json recall "$name" --bytes 8MiB >/dev/null
	guest "$name" memfill rewrite data --seed 8
	json migrate "$name" --pool "p-$name" --all >/dev/null
	hmmctl recall "$name" --all
	guest "$name" memfill verify data
	if [ "$kind" = "2 MiB" ]; then jq -e '.["moved-huge"] > 0' $TMP/all >/dev/null; fi
	if [ "$kind" = "4 KiB" ]; then jq -e '.["moved-huge"] == 0' $TMP/all >/dev/null; fi
}

echo madvise >$thp
try big "2 MiB"
echo never >$thp
try small "4 KiB"
