# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# torture.sh: everything at random, all at once, for some minutes, in the nested host; what was done is kept in out/torture/.

# Runs as the unit of a test, so that whatever it started ends with it, and no test runs beside it.
lab_torture()
{
	local minutes=10 seed='' rc=0
	while [ $# -gt 0 ]; do
		[ $# -ge 2 ] && [[ $2 =~ ^[0-9]{1,18}$ ]] || misuse "$1 needs a number"
		case $1 in
		--minutes) minutes=$2 ;;
		--seed) seed=$2 ;;
		*) misuse "torture does not know $1" ;;
		esac
		shift 2
	done
	[ "$minutes" -ge 1 ] && [ "$minutes" -le 1440 ] || misuse "for 1 to 1440 minutes, not $minutes"
	lab_up
	rm -rf --one-file-system "$OUT/torture"
	! vm_alive || VM_LIMIT=60 vm_exec "${STOP_TEST[@]}" </dev/null 2>/dev/null || true
	ON_EXIT[check]=torture_aborted
	set -m                  # see step
	VM_LIMIT=$((minutes * 60 + 900)) vm_exec "${TEST_UNIT[@]}" labtorture $((minutes * 60)) \
		"${seed:-$(date +%s)}" </dev/null & STEP_PID=$!
	set +m
	wait "$STEP_PID" || rc=$?
	STEP_PID=
	unset 'ON_EXIT[check]'
	torture_keep
	vm_alive || { tail -n 80 "$CONSOLE" >&2; die "the nested host died"; }
	say "What was done: $OUT/torture/"
	return $rc
}

# torture_keep: what it left, here
torture_keep()
{
	mkdir -p "$OUT/torture"
	VM_LIMIT=60 vm_exec tar -C /run/lab-torture -c . </dev/null 2>/dev/null | tar --no-same-owner -x -C "$OUT/torture" || true
	VM_LIMIT=60 vm_exec kernel-log show torture </dev/null >"$OUT/torture/kernel.log" 2>/dev/null || true
}

torture_aborted()
{
	VM_LIMIT=60 vm_exec "${STOP_TEST[@]}" </dev/null 2>/dev/null || true
	torture_keep
}
