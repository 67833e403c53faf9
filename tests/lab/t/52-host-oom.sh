#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 480
#
# The host runs out of memory with a guest's RAM out: it comes home all the same, touched or asked for. The reserve carries it, and where
# that is used up, the OOM killer makes room; it never takes the guest for it.

. "$(dirname "$0")/lib.sh"

VICTIMS=0 MIB=4

reserve_is_full() { json status | jq -e '.kernel | .["reserve-target-bytes"] > 0 and .["reserve-bytes"] == .["reserve-target-bytes"]' >/dev/null; }
is_full() { grep -q '^full' $TMP/hog; }

# Victims have room for all that is out, even if none of it had any otherwise, and as much as half of that for what else is needed.
count_victims() { VICTIMS=$(($(vm_number one out-pages) * 3 / 2 / (MIB * 256) + 16)); }

# The hog is a unit of its own: systemd stops one where the OOM killer was, unless told otherwise.
starve()
{
	local programs
	count_victims
	mapfile -t programs < <(type -P bash grep hmmctl jq labexec sed sleep sort systemctl tail)
	systemd-run --quiet --collect --unit=lab-hog --property=OOMPolicy=continue --property=KillMode=mixed \
		--property=StandardOutput=append:$TMP/hog hog-test $VICTIMS $MIB \
		"${programs[@]}"
	wait_for 120 is_full
	log "the host is full, with $VICTIMS victims: $(tail -n 1 $TMP/hog)"
}

# Some victims are left: it never came so far that the OOM killer had to take someone else.
feed()
{
	systemctl stop lab-hog
	log "$(tail -n 1 $TMP/hog)"
	[[ $(tail -n 1 $TMP/hog) =~ ^killed:\ ([0-9]+) ]] || fail "the hog: $(cat $TMP/hog)"
	[ "${BASH_REMATCH[1]}" -lt $VICTIMS ] || fail "all victims were killed"
	: >$TMP/hog
	wait_for 30 reserve_is_full
}

# out NUMBER: all of it, and at least so many pages are
out()
{
	hmmctl migrate one --all >/dev/null
	[ "$(vm_number one out-pages)" -ge "$1" ] || fail "only $(vm_number one out-pages) pages are out"
}

guest_start one --mem 256 --vcpus 2
guest one memfill start data --mib 64 --huge --seed 52
pool_and_vm starved 512MiB one
qemu=$(guest_pid one) hmmd=$(systemctl show -p MainPID --value hmmd)
kernel-log expect-oom
at_exit "systemctl stop lab-hog 2>/dev/null || true"
wait_for 10 reserve_is_full

log "touched"
out 16384
starve
guest one memfill verify data
used=$(vm_number one reserve-used) back=$(vm_number one back-fault)
feed
log "$back pages came back by fault, $used from the reserve"
[ "$used" -gt 0 ] || fail "the reserve was not used"
[ "$back" -ge 16384 ] || fail "only $back pages came back by fault"

log "asked for"
out 16384
starve
hmmctl recall one --all >/dev/null
now=$(vm_number one reserve-used)
feed
log "$((now - used)) pages from the reserve"
[ "$now" -gt "$used" ] || fail "the reserve was not used"
guest one memfill verify data

expect "QEMU" "$qemu" "$(guest_pid one)"
kill -0 "$qemu"
expect "hmmd" "$hmmd" "$(systemctl show -p MainPID --value hmmd)"
killed=$(kernel-log show lab | sed -n 's/.*Out of memory: Killed process [0-9]* (\([^)]*\)).*/\1/p' | sort | uniq -c)
expect_match "who was killed" '^ *[0-9]+ hog-victim$' "$killed"
