# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# demo.sh: the main job, end to end, a step at a time. Each step says what it does and leaves its log in out/.

DEMO_MIB=64             # what the tenant holds; at least so much moves

# demo_step TEXT LOG CMD...: a step in the nested host.
demo_step() { VM_LIMIT=120 step "$1" "$OUT/demo-$2.log" vm_exec "${@:3}"; }

lab_demo()
{
	[ $# -eq 0 ] || misuse "demo takes no arguments"
	local start=$SECONDS
	rm -f "$OUT"/demo-*.log
	lab_up
	demo_step "Clearing what an earlier demo left" clean labdemo clean
	demo_step "Starting a tenant's VM" guest labguest start demo --mem 256
	demo_step "The tenant fills $DEMO_MIB MiB with known content" fill \
		labguest exec demo -- memfill start data --mib "$DEMO_MIB" --huge
	demo_step "Making a pool of device memory" pool hmmctl pool-create demo --size $((DEMO_MIB * 6))MiB
	demo_step "Attaching the VM while it runs" attach hmmctl attach demo
	demo_step "Moving its RAM into the pool" move labdemo move "$DEMO_MIB"
	demo_step "Looking at where its memory is now" map hmmctl map demo
	cat "$OUT/demo-map.log"
	demo_step "The tenant reads its $DEMO_MIB MiB: pages come back as it touches them" verify labdemo verify
	demo_step "Recalling the rest; the tenant reads all once more" recall labdemo recall
	demo_step "Adding up" table labdemo table
	cat "$OUT/demo-table.log"
	demo_step "Ending the tenant's VM" end labdemo end
	say "All steps done in $((SECONDS - start)) s. The nested host is still up: 'lab shell' to look around, 'lab down' to end it."
}
