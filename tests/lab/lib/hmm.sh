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
		VM_LIMIT=$((HMM_LIMIT * compare)) step "Timing the suite's benchmark on vmirror and on the kernel's module, $compare times" \
			"$OUT/hmm-compare.txt" vm_exec labhmm compare "$compare"
		cat "$OUT/hmm-compare.txt"
		return
	fi
	hmm_runs "$who" "$times"
}

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
