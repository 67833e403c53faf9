#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hmmd is held up until a VM's ring has overflowed: afterwards it knows again where the memory is.

. "$(dirname "$0")/lib.sh"

# Single pages, one by one: that makes many records.
at_exit "echo Y >/sys/module/vmirror/parameters/huge_home; echo 16 >/sys/module/vmirror/parameters/fault_around"
echo N >/sys/module/vmirror/parameters/huge_home
echo 1 >/sys/module/vmirror/parameters/fault_around

guest_start one --mem 256
guest one memfill start data --mib 16 --seed 12
pool_and_vm p 512MiB one
hmmctl migrate one --all

hmmd=$(systemctl show -p MainPID --value hmmd)
at_exit "kill -CONT $hmmd"
kill -STOP "$hmmd"
guest one memfill verify data
kill -CONT "$hmmd"

[ "$(vm_number one lost-records)" -gt 0 ] || fail "the ring did not overflow"
[ "$(vm_number one out-pages)" -gt 0 ] || fail "nothing is out any more"
knows_again()
{
	json status one | jq -e '.pools != null and ([.pools[]] | add // 0) == .stat["out-pages"] * 4096' >/dev/null
}
wait_for 20 knows_again
