# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# check.sh: all tests: automake's unit tests in the tools root, then each t/NN-name.sh in the nested host.

PASSED=0
FAILED=0
SKIPPED=0
# A test is a unit of its own in the nested host: whatever it started, guests too, ends with it.
TEST_UNIT=(systemd-run --quiet --unit=lab-test --collect --pipe --wait --setenv=HOME=/root --setenv=LANG=C.UTF-8
	--setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --property=TimeoutStopSec=10)
STOP_TEST=(sh -c 'systemctl stop lab-test.service; systemctl reset-failed lab-test.service')
DEFAULT_LIMIT=240       # seconds, for a lab test that names no "# limit:"

lab_check()
{
	local tests test usual=() two_nodes=()
	mapfile -t tests < <(choose_tests "$@")
	[ ${#tests[@]} -gt 0 ] || misuse "no test is called '$*'"
	lock_lab
	rm -f "$OUT"/*.test.log "$OUT"/*.kernel.log
	ON_EXIT[check]=check_aborted
	[ $# -gt 0 ] || check_units
	for test in "${tests[@]}"; do
		if [ "$(header nodes "$test")" = 2 ]; then two_nodes+=("$test"); else usual+=("$test"); fi
	done
	RAN=0
	[ "${HMMD_LAB_NODES:-1}" != 2 ] || usual=("${tests[@]}") two_nodes=()
	[ ${#usual[@]} -eq 0 ] || { lab_up; run_tests "${usual[@]}"; }
	[ ${#two_nodes[@]} -eq 0 ] || on_two_nodes "${two_nodes[@]}"
	if [ $RAN -eq 0 ]; then
		say "lab: every lab test was skipped: that is a failure"
		FAILED=$((FAILED + 1))
	fi
	unset 'ON_EXIT[check]'
	summary
	[ $FAILED -eq 0 ]
}

# header NAME TEST: what is said behind "# NAME:" in a test's first lines.
header() { sed -n "s/^# $1: *\([0-9]*\).*/\1/p" "$LAB_DIR/t/$2.sh" | head -n 1; }

run_tests()
{
	local test
	say "Lab tests:"
	for test in "$@"; do
		run_test "$test"
		[ "$RESULT" = skipped ] || RAN=1
	done
}

# on_two_nodes TEST...: in a nested host that has two nodes; the next 'lab up' boots the usual one.
on_two_nodes()
{
	local HMMD_LAB_NODES=2
	vm_stop
	lab_up
	run_tests "$@"
	vm_stop
}

summary() { echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"; }

# Where the lab itself fails or is interrupted, that counts, and the last line is there all the same.
check_aborted()
{
	! vm_alive || VM_LIMIT=20 vm_exec "${STOP_TEST[@]}" </dev/null 2>/dev/null || true
	FAILED=$((FAILED + 1))
	summary
}

choose_tests()
{
	local file name pattern
	for file in "$LAB_DIR"/t/[0-9]*.sh; do
		name=$(basename "$file" .sh)
		[ $# -gt 0 ] || { echo "$name"; continue; }
		for pattern in "$@"; do
			case $name in *"${pattern%.sh}"*) echo "$name"; break ;; esac
		done
	done
}

# check_units: 'make check'; automake's own totals go into ours.
check_units()
{
	local log=$OUT/unit.test.log rc=0 start=$SECONDS p f s
	ensure_built
	say "Unit tests:"
	in_tools make -C /build/obj check >"$log" 2>&1 </dev/null || rc=$?
	read -r p f s < <(awk '
		/^# (PASS|XFAIL): / { p += $3 }
		/^# (FAIL|XPASS|ERROR): / { f += $3 }
		/^# SKIP: / { s += $3 }
		END { print p + 0, f + 0, s + 0 }' "$log")
	if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) SKIPPED=$((SKIPPED + s))
	say "  $p passed, $f failed, $s skipped, $((SECONDS - start)) s"
	if [ "$rc" -ne 0 ]; then
		grep -E '^(FAIL|ERROR|XPASS):' "$log" | sed 's/^/    /' >&2 || tail -n 30 "$log" | sed 's/^/    /' >&2
		in_tools sh -c 'cat /build/obj/test-suite.log 2>/dev/null' >"$OUT/test-suite.log" || true
		[ ! -s "$OUT/test-suite.log" ] || tail -n 40 "$OUT/test-suite.log" | sed 's/^/    /' >&2
		say "    (whole log: $log)"
	fi
}

# run_test NAME: sets RESULT to passed, failed or skipped, and counts it.
run_test()
{
	local name=$1 start=$SECONDS limit why=''
	local log=$OUT/$name.test.log klog=$OUT/$name.kernel.log
	if [ -t 2 ]; then printf '  %s ...' "$name" >&2; else say "  $name ..."; fi
	limit=$(header limit "$name")
	RESULT=passed
	: >"$log"
	run_test_in_host "$name" "${limit:-$DEFAULT_LIMIT}"
	case $RESULT in
	passed) PASSED=$((PASSED + 1)) ;;
	failed) FAILED=$((FAILED + 1)) ;;
	skipped) SKIPPED=$((SKIPPED + 1)) ;;
	esac
	[ ! -t 2 ] || printf '\r' >&2
	say "  $name: $RESULT, $((SECONDS - start)) s${why:+: $why}"
	[ $RESULT != failed ] || show_failure
}

run_test_in_host()
{
	local name=$1 limit=$2 rc=0
	! vm_alive || VM_LIMIT=60 vm_exec "${STOP_TEST[@]}" </dev/null 2>/dev/null || true
	if ! vm_alive || ! VM_LIMIT=60 vm_exec true </dev/null; then
		RESULT=failed why="the nested host is gone"
		return 0
	fi
	set -m                  # see step
	VM_LIMIT=$((limit + 150)) vm_exec "${TEST_UNIT[@]}" run-test "$name" "$limit" >"$log" 2>&1 </dev/null & STEP_PID=$!
	set +m
	wait "$STEP_PID" || rc=$?
	STEP_PID=
	case $rc in
	0) ;;
	77) RESULT=skipped why=$(sed -n 's/^SKIP: //p' "$log" | tail -n 1) ;;
	124) RESULT=failed why="not done after $((limit * PATIENCE)) s" ;;
	*) RESULT=failed why="exit status $rc" ;;
	esac
	if ! vm_alive; then
		RESULT=failed why="the nested host died"
		tail -n 80 "$CONSOLE" >"$klog"
		return 0
	fi
	VM_LIMIT=60 vm_exec labguest stop --all </dev/null >>"$log" 2>&1 || true
	# Since the end of the test before, or since before the module was loaded.
	VM_LIMIT=60 vm_exec kernel-log show lab </dev/null >"$klog" 2>&1 || true
	: >"$klog.bad"
	kernel_check "the kernel complained" kernel-log check lab
	kernel_check "vmirror leaks memory" kernel-leaks
	[ -s "$klog.bad" ] || rm "$klog.bad"
}

# kernel_check WHY CMD...: CMD says something where the test has failed because of WHY.
kernel_check()
{
	VM_LIMIT=60 vm_exec "${@:2}" </dev/null >>"$klog.bad" 2>&1 && return
	RESULT=failed why="${why:+$why; }$1"
}

show_failure()
{
	{
		tail -n 300 "$log"
		if [ -s "$klog.bad" ]; then
			echo "kernel:"
			head -n 40 "$klog.bad"
		elif ! vm_alive && [ -s "$CONSOLE" ]; then
			echo "console:"
			tail -n 40 "$CONSOLE"
		fi
	} | tr -d '\r' | sed 's/^/    /' >&2
	say "    (whole logs: $log, $klog)"
}
