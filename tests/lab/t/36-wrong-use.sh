#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Wrong use gets one clear line with what to do, and an exit status that scripts can trust.

. "$(dirname "$0")/lib.sh"

# says STATUS REGEX CMD...: ends with that status, says one line on stderr that matches
says()
{
	local status=$1 regex=$2 got=0; shift 2
	"$@" >$TMP/stdout 2>$TMP/stderr </dev/null || got=$?
	expect "exit status of '$*' ($(cat $TMP/stderr))" "$status" "$got"
	expect_match "what '$*' says" "$regex" "$(cat $TMP/stderr)"
}

guest_start one --mem 128
hmmctl pool-create tiny --size 2MiB
at_exit "hmmctl pool-destroy tiny"
says 1 'onne' hmmctl attach onne
says 1 'attach' hmmctl migrate one --all
hmmctl attach one
at_exit "hmmctl detach one"
says 1 'attached' hmmctl attach one
says 1 'nowhere' hmmctl migrate one --pool nowhere --all
says 2 'unit|size|number' hmmctl migrate one --bytes 64Mib3
says 2 '.' hmmctl migrate one --gpa 0x1000 --all
says 2 '.' hmmctl migrate one
says 2 '.' hmmctl frobnicate
says 1 '.' hmmctl migrate one --gpa 0x4000000000000+4KiB
says 1 'tiny' hmmctl pool-create tiny --size 2MiB
says 2 '2 MiB' hmmctl pool-create odd --size 3MiB
says 3 'hmmd' hmmctl --socket /nowhere status
guest_qmp one '{"execute":"stop"}' >/dev/null		# so that nothing comes home and makes room
hmmctl migrate one --all
says 1 'full|room|free' hmmctl migrate one --all
guest_qmp one '{"execute":"cont"}' >/dev/null
setpriv --reuid=65534 --regid=65534 --clear-groups hmmctl status >$TMP/out 2>&1 && fail "anybody may use the socket"
expect_match "what nobody is told" 'ermission|group|root' "$(cat $TMP/out)"
for verb in list status pools pool-create pool-destroy attach detach migrate recall map events doctor; do
	expect_match "hmmctl $verb --help" "hmmctl.* $verb" "$(hmmctl $verb --help)"
done
hmmctl doctor one >$TMP/doctor || fail "doctor: $(cat $TMP/doctor)"
