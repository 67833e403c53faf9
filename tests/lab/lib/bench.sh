# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# bench.sh: the benchmarks, a part at a time in the nested host; a table at the end, and the same as JSON beside it.
# docs/benchmarks.md tells how to read them.

# bench_step TEXT LOG CMD...: a step in the nested host.
bench_step() { VM_LIMIT=$BENCH_LIMIT step "$1" "$OUT/bench-$2.log" vm_exec labbench "${@:3}"; }

# bench_meta: what the run was made with, as JSON.
bench_meta()
{
	local commit=unknown
	commit=$(git -c safe.directory='*' -C "$TOP" describe --always --dirty 2>/dev/null) || commit=unknown
	printf '{"date":"%s","commit":"%s","accel":"%s","cpus":%d,"mem_mib":%d,"host_cpus":%d,"load_before":%s,"load_after":%s,"quick":%s}' \
		"$(date -u +%FT%TZ)" "$commit" "$(bench_accel)" "${HMMD_LAB_CPUS:-2}" "${HMMD_LAB_MEM:-$DEFAULT_MEM}" "$(nproc)" \
		"$1" "$(load)" "$2"
}

bench_accel() { vm_accel; echo "$ACCEL_NAME"; }
load() { cut -d' ' -f1 /proc/loadavg; }

lab_bench()
{
	local quick=false reps=21 rounds=1500 vms=10 attach=() start=$SECONDS before meta
	BENCH_LIMIT=900
	while [ $# -gt 0 ]; do
		case $1 in
		--quick) quick=true reps=2 rounds=50 vms=0 attach=(--untouched) BENCH_LIMIT=300 ;;
		*) misuse "bench knows only --quick, not '$1'" ;;
		esac
		shift
	done
	rm -f "$OUT"/bench-*.log "$OUT"/bench.json "$OUT"/bench.txt
	before=$(load)
	lab_up
	if awk -v load="$before" -v cpus="$(nproc)" 'BEGIN { exit !(load > cpus / 2) }'; then
		say "This machine is busy (load $before): the ratios will scatter, and times will be long"
	fi
	VM_LIMIT=60 vm_exec kernel-log mark bench </dev/null
	bench_step "Clearing what an earlier run left" clean clean
	bench_step "Timing pages out and back, and what competes with it ($reps rounds)" pages pages "$reps"
	bench_step "Timing attach" attach attach "$reps" "${attach[@]}"
	bench_step "Measuring kernel memory for each VM" memory memory "$reps"
	bench_step "Timing a guest detached, attached, beside another one that moves ($rounds rounds)" guest guest "$rounds"
	[ $vms -eq 0 ] || bench_step "Measuring hmmd with $vms VMs" daemon daemon $vms
	BENCH_LIMIT=$((2 * BENCH_LIMIT)) bench_step "Timing a guest's hints, and measuring what many of them take" hints hints "$reps"
	meta=$(bench_meta "$before" $quick)
	VM_LIMIT=60 vm_exec labbench report "$meta" </dev/null >"$OUT/bench.json"
	VM_LIMIT=60 vm_exec labbench table /dev/stdin <"$OUT/bench.json" >"$OUT/bench.txt"
	step "Looking into the kernel log" "$OUT/bench-kernel.log" bench_kernel_log
	cat "$OUT/bench.txt"
	say "Done in $((SECONDS - start)) s. All samples: $OUT/bench.json; how to read the table: docs/benchmarks.md"
}

bench_kernel_log() { VM_LIMIT=60 vm_exec kernel-log check bench </dev/null; }
