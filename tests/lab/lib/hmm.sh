# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hmm.sh: the kernel's own HMM suite, built from Debian's package of its source, unmodified, against vmirror.

HMM_LIMIT=600           # seconds a run may take

lab_hmm_tests()
{
	local times=1 who=vmirror compare=0
	while [ $# -gt 0 ]; do
		case $1 in
		--times | --compare)
			[[ ${2:-} =~ ^[1-9][0-9]?$ ]] || misuse "$1 needs a number up to 99"
			if [ "$1" = --times ]; then times=$2; else compare=$2; fi
			shift 2 ;;
		--kernel) who=kernel; shift ;;
		*) misuse "hmm-tests knows --times N, --kernel and --compare N, not '$1'" ;;
		esac
	done
	lab_up
	VM_LIMIT=60 vm_exec kernel-log mark hmm </dev/null
	if [ "$compare" -gt 0 ]; then
		hmm_compare "$compare"
		return
	fi
	hmm_runs "$who" "$times"
}

# hmm_compare ROUNDS: ends with the line that says how many rows are slower, and fails if any is.
hmm_compare()
{
	VM_LIMIT=$((HMM_LIMIT * $1)) step "Timing the suite's benchmark on vmirror and on the kernel's module, $1 times" \
		"$OUT/hmm-compare.txt" hmm_compare_in_host "$1"
	VM_LIMIT=60 step "Looking into the kernel log" "$OUT/hmm-compare-kernel.log" vm_exec kernel-log check hmm
	cat "$OUT/hmm-compare.txt"
	[[ $(tail -n 1 "$OUT/hmm-compare.txt") == "0 of "* ]]
}
# That a row is slower is no reason not to show the table.
hmm_compare_in_host() { vm_exec labhmm compare "$1" || [ $? -eq 3 ]; }

# hmm_runs WHO TIMES: the last line is the suite's own, of the last run.
hmm_runs()
{
	local run log totals='' failed=0
	for ((run = 1; run <= $2; run++)); do
		log=$OUT/hmm-tests-$run.log
		if ! VM_LIMIT=$HMM_LIMIT vm_exec labhmm "$1" >"$log" 2>&1 </dev/null ||
			! VM_LIMIT=60 vm_exec kernel-log check hmm >>"$log" 2>&1 </dev/null; then
			failed=$((failed + 1))
			grep -a -B 20 '^not ok' "$log" >&2 || tail -n 40 "$log" >&2
		fi
		totals=$(grep -a '^# Totals:' "$log" || echo "# the suite did not come to its end")
		[ "$2" -eq 1 ] || say "run $run of $2: ${totals#\# }"
	done
	say "$failed of $2 runs failed. Logs: $OUT/hmm-tests-*.log"
	echo "$totals"
	[ $failed -eq 0 ]
}
