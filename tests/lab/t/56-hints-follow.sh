#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 300
#
# The guest's memory moves within the guest: its own program takes other pages, its kernel compacts. The hint follows the program's addresses.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
guest_start one --mem 640 --vcpus 2 --agent
with_hints p 512MiB one

# moved TEXT: of "moved N of M pages" the N.
moved() { sed -n 's/^moved \([0-9]*\) of .*/\1/p' <<<"$1"; }

log "other pages, all of them"
guest one memfill start data --mib 32 --huge --seed 3
guest one memfill hint data --advice device --seconds $((30 * $(patience)))
all_out one data $((32 * mib)) || fail "only $(out_of one data) bytes are out"
expect "pages moved" 8192 "$(moved "$(guest one memfill replace data)")"
log "now $(out_of one data) bytes are out"
wait_for 60 all_out one data $((32 * mib)) || fail "the hint does not follow: $(out_of one data) bytes are out, $(hints_of one)"
guest one memfill verify data
guest one memfill stop data

log "pages that the kernel moves"
guest one memfill start holes --mib 64 --holes --seed 4
guest one memfill hint holes --advice device --seconds $((60 * $(patience)))
wait_for 30 all_out one holes $((64 * mib)) || fail "only $(out_of one holes) bytes are out"
n=0
for round in 1 2 3 4 5; do
	n=$(moved "$(guest one memfill compact holes)")
	log "round $round: compaction moved $n pages; $(out_of one holes) bytes are out"
	[ "$n" -eq 0 ] || break
done
[ "$n" -gt 0 ] || fail "compaction moves nothing: this shows nothing"
wait_for 60 all_out one holes $((64 * mib)) || fail "the hint does not follow: $(out_of one holes) bytes are out, $(hints_of one)"
guest one memfill verify holes
guest one memfill stop holes
