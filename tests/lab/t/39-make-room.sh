#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A full pool: its coldest pages make room for what is asked for, whichever VM's they are; no byte is lost.

. "$(dirname "$0")/lib.sh"

systemctl stop hmmd
vmirror-test evict
systemctl start hmmd

bytes() { jq ".[\"$1\"]"; }
out() { vm_number "$1" out-pages; }
# A VMM may touch a page or two of a halted VM, and each brings its neighbours home.
nearly() { [ "$3" -le "$2" ] && [ "$3" -ge $(($2 - 128)) ] || fail "$1: $3 pages, not $2"; }

guests_start "--mem 192" old new
pool_and_vm small 32MiB old
hmmctl attach new
at_exit "hmmctl recall new --all >/dev/null; hmmctl detach new"
guest old memfill start data --mib 96 --seed 1
guest new memfill start data --mib 96 --seed 2
# Halted, so that what goes out stays out until we say otherwise.
guest_qmp old '{"execute":"stop"}' >/dev/null
guest_qmp new '{"execute":"stop"}' >/dev/null

json migrate old --pool small --bytes 32MiB >$TMP/full
before=$(out old)
nearly "the pool is full" 8192 "$before"

log "full is full without --evict, and where nothing is that cold"
expect_status 1 hmmctl migrate new --pool small --bytes 8MiB 2>$TMP/refused
expect_match "what to do" 'free.*--evict' "$(cat $TMP/refused)"
expect_status 1 hmmctl migrate new --pool small --bytes 8MiB --evict 3600
expect_status 1 hmmctl migrate new --pool small --bytes 8MiB --evict -1
expect_status 2 hmmctl migrate new --pool small --bytes 8MiB --evict soon
nearly "nothing came home" "$before" "$(out old)"

log "the coldest make room"
hmmctl events old --timeout 600 --json >$TMP/events & events=$!
listening() { hmmctl recall old --bytes 4KiB >/dev/null; [ -s $TMP/events ]; }
wait_for 60 listening
before=$(out old)
json migrate new --pool small --bytes 8MiB --evict 0 >$TMP/moved
cat $TMP/moved
nearly "moved" 2048 $(($(bytes moved-bytes <$TMP/moved) / 4096))
evicted=$(bytes evicted-bytes <$TMP/moved)
[ "$evicted" -ge $((6 * 1048576)) ] && [ "$evicted" -le $((12 * 1048576)) ] || fail "$evicted bytes came home for 8 MiB"
nearly "the other VM" $((before - evicted / 4096)) "$(out old)"
told() { jq -s 'map(select(.event == "back" and .data.reason == "evict").data.bytes) | add // 0' $TMP/events; }
all_told() { [ "$(told)" = "$evicted" ]; }
wait_for 30 all_told || fail "its events tell of $(told) bytes, not $evicted"
kill $events

log "what an order is about does not make room for itself"
now=$(out new)
json migrate new --pool small --all --evict 0 >$TMP/all
# Only where blocks of the pool hold both VMs' pages something of the other's has stayed.
blocks()
{
	json map "$1" | jq '[.extents[] | select(.state == "pool") |
		range(.offset / 2097152 | floor; (.offset + .bytes - 1) / 2097152 | floor + 1)] | unique'
}
expect "blocks that the other has alone" '[]' "$(jq -cn --argjson a "$(blocks old)" --argjson b "$(blocks new)" '$a - $b')"
[ "$(out old)" -lt 1536 ] || fail "$(out old) pages of the other VM are still out"
[ "$(out new)" -gt "$now" ] || fail "no more went out than before"
[ "$(bytes moved-bytes <$TMP/all)" -ge $((16 * 1048576)) ] || fail "only $(cat $TMP/all)"

guest_qmp old '{"execute":"cont"}' >/dev/null
guest_qmp new '{"execute":"cont"}' >/dev/null
guest old memfill verify data
guest new memfill verify data
