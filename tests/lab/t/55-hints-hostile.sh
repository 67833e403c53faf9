#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 900
#
# A guest that sends all that is wrong, and storms of what is right, into its port: each has the outcome that is written down, the host's memory
# stays bounded, and another guest's migrations and hints go on, not much slower.

. "$(dirname "$0")/lib.sh"

need_hints
mib=$((1 << 20))
guests_start "--mem 640 --vcpus 1 --agent" good
guests_start "--mem 192 --vcpus 1 --agent" bad
with_hints p 512MiB good
hmmctl attach bad
at_exit "hmmctl recall bad --all >/dev/null; hmmctl detach bad"

# The hostile guest's vCPU, and what QEMU does for its port, stay on one CPU: any guest may use the CPUs that it has. The others are hmmd's and the good one's.
cpus=$(taskset -c -p $$ | sed 's/.*: //; s/[,-].*//')
taskset -a -c -p "$cpus" "$(guest_pid bad)" >/dev/null

hmmd=$(systemctl show -p MainPID --value hmmd)
began=$(date '+%F %T')
rss() { sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$hmmd/status"; }
same_hmmd() { [ "$(systemctl show -p MainPID --value hmmd)" = "$hmmd" ]; }

# A conversation that was ended begins anew only after a time that doubles; with an attachment it begins at once.
fresh() { hmmctl detach bad >/dev/null; hmmctl attach bad >/dev/null; }

guest good memfill start hinted --mib 16 --huge --seed 3
guest good memfill start timed --mib 16 --huge --seed 4
gpas=()
while read -r line; do gpas+=(--gpa "$line"); done < <(guest good memfill extents timed)
good_hint_works()
{
	local state
	state=$(guest good memfill hint hinted --advice device --seconds $((30 * $(patience))))
	guest good memfill forget hinted >/dev/null
	jq -e '.state == "done" and .done >= .told / 100 * 99' <<<"$state" >/dev/null
}
good_hint_works || fail "hints do not work when all is quiet"
hmmctl recall good --all >/dev/null

guest bad hint-garbage list >"$TMP/kinds"
before=$(rss VmRSS)
echo 5 >"/proc/$hmmd/clear_refs"        # VmHWM is the highest from here on

# counted ERROR: the bad guest's conversations ended with it.
counted() { hints_of bad | jq -e --arg name "$1" '.channel.errors[$name] >= 1' >/dev/null; }

log "what is wrong"
wrong=() n=0
while IFS=$'\t' read -r kind _ answer; do
	[[ $answer != anything* ]] || continue
	fresh
	n=$((n + 1))
	guest bad hint-garbage "$kind" --answer $((20 * $(patience))) >"$TMP/said" 2>&1 || { wrong+=("$kind"); echo "$kind:"; cat "$TMP/said"; }
	same_hmmd || fail "hmmd died of $kind"
	[[ $answer != "ERROR "* ]] || counted "${answer#ERROR }" || { wrong+=("$kind"); echo "$kind is not counted: $(hints_of bad)"; }
done <"$TMP/kinds"
log "$n kinds, ${#wrong[@]} of them with another outcome; hmmd: $before KiB before, at most $(rss VmHWM)"
[ ${#wrong[@]} -eq 0 ] || fail "not as proto/PROTOCOL.md has it: ${wrong[*]}"
fresh
! hinted bad true || fail "hints are left: $(hints_of bad | head -c 2000)"
good_hint_works || fail "the other guest's hints do not work any more"
hmmctl recall good --all >/dev/null

# Out and home once: the seconds that hmmd took.
one_migration()
{
	{ json migrate good --pool p "${gpas[@]}"; json recall good "${gpas[@]}"; } | jq -s 'map(.seconds) | add'
}
median() { sort -n "$@" | awk '{ t[NR] = $1 } END { print NR ? t[int((NR + 1) / 2)] : 0 }'; }

# phase FILE CMD...: what a migration takes while the hostile guest does that, for six seconds.
phase()
{
	local file=$1 end; shift
	"$@" >"$TMP/said" 2>&1 & local pid=$!
	sleep 0.5
	end=$((SECONDS + 5))
	while [ $SECONDS -lt $end ]; do one_migration >>"$file"; done
	wait $pid || true
}
busy() { guest bad timeout 6 sh -c 'while :; do :; done'; }     # as quiet as a guest need be: it uses its CPU

log "storms"
slow=()
while IFS=$'\t' read -r kind _ answer; do
	[[ $answer == anything* ]] || continue
	fresh
	phase "$TMP/quiet.$kind" busy
	phase "$TMP/storm.$kind" guest bad hint-garbage "$kind" --seconds 6 --quiet --seed $SECONDS
	same_hmmd || fail "hmmd died of $kind"
	quiet=$(median "$TMP/quiet.$kind") storm=$(median "$TMP/storm.$kind")
	ratio=$(awk -v q="$quiet" -v s="$storm" 'BEGIN { printf "%.2f", s / q }')
	log "$kind: $(wc -l <"$TMP/storm.$kind") migrations of $storm s, $quiet s when quiet: $ratio times; $(tail -n 1 "$TMP/said" | cut -c1-300)"
	log "counted: $(hints_of bad | jq -c '.channel | .counters, .errors, .refused')"
	# Of so few migrations the median scatters: on a busy machine up to twice either way, whatever the guest does.
	awk -v r="$ratio" 'BEGIN { exit !(r > 5) }' && slow+=("$kind")
	good_hint_works || fail "after $kind the other guest's hints do not work"
	hmmctl recall good --all >/dev/null
done <"$TMP/kinds"
quiet=$(median "$TMP"/quiet.*) storm=$(median "$TMP"/storm.*)
log "all: $storm s, $quiet s when quiet; hmmd: $before KiB before, at most $(rss VmHWM)"
[ ${#slow[@]} -eq 0 ] || fail "more than five times as slow: ${slow[*]}"
awk -v q="$quiet" -v s="$storm" 'BEGIN { exit !(s <= 1.5 * q) }' || fail "migrations take $storm s, and $quiet s when it is quiet"

log "while everything comes at random"
fresh
guest bad hint-garbage mixed --seconds 15 --quiet >"$TMP/said" 2>&1 & mixed=$!
for round in 1 2 3; do good_hint_works || fail "in round $round the other guest's hints do not work"; done
wait $mixed || fail "hint-garbage: $(cat "$TMP/said")"

[ "$(rss VmHWM)" -le $((before + (64 << 10))) ] || fail "hmmd took $(rss VmHWM) KiB, $before KiB before"
journalctl -u hmmd --since "$began" -p 3 -q >"$TMP/errors" 2>&1 || true
[ ! -s "$TMP/errors" ] || fail "hmmd complains: $(head -n 5 "$TMP/errors")"
lines=$(journalctl -u hmmd --since "$began" -q | wc -l)
log "hmmd wrote $lines lines"
[ "$lines" -le 5000 ] || fail "hmmd's log is flooded: $lines lines"

guest good memfill verify timed
guest good memfill verify hinted
guest good memfill stop hinted
guest good memfill stop timed
