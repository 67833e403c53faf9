# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# lib.sh: what every lab test starts with:
#
#   . "$(dirname "$0")/lib.sh"
#
# A test runs in the nested host, as root, under a time limit ("# limit: SECONDS" in its first lines; 240 where it says
# nothing). It passes by reaching its end, fails by any command that fails, skips by saying why. Guests that it starts end with it.

set -euo pipefail

T=$(basename "$0" .sh)
TMP=$(mktemp -d "/tmp/$T.XXXXXX")

log() { echo "[$SECONDS s] $*"; }
fail() { echo "FAIL: $* (${BASH_SOURCE[1]##*/}, line ${BASH_LINENO[0]})" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }
need() { command -v "$1" >/dev/null || skip "no $1 here"; }

# expect WHAT WANTED GOT: two strings that should be equal.
expect()
{
	[ "$2" = "$3" ] || { echo "FAIL: $1: wanted '$2', got '$3' (${BASH_SOURCE[1]##*/}, line ${BASH_LINENO[0]})" >&2; exit 1; }
}

# expect_status N CMD...: CMD ends with exit status N. Its output goes where ours goes.
expect_status()
{
	local wanted=$1 got=0; shift
	"$@" || got=$?
	[ "$got" -eq "$wanted" ] || { echo "FAIL: exit status $got, wanted $wanted: $* (line ${BASH_LINENO[0]})" >&2; exit 1; }
}

# expect_match WHAT REGEX TEXT
expect_match()
{
	[[ $3 =~ $2 ]] || { echo "FAIL: $1: '$3' does not match '$2' (${BASH_SOURCE[1]##*/}, line ${BASH_LINENO[0]})" >&2; exit 1; }
}

# wait_for SECONDS CMD...: until CMD succeeds; fails when the time, and patience, is over.
wait_for()
{
	local limit=$(($1 * $(patience)))
	local end=$((SECONDS + limit)); shift
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "waited $limit s in vain for: $*" >&2; return 1; }
		sleep 0.1
	done
}

# Guests. guest_start NAME [OPTION]... as 'labguest start'; several at once: guests_start "OPTION..." NAME...
GUESTS=()
guest_start() { GUESTS+=("$1"); labguest start "$@"; }
guests_start()
{
	local options name pids=()
	read -ra options <<<"$1"; shift
	for name in "$@"; do
		GUESTS+=("$name")
		labguest start "$name" "${options[@]}" & pids+=($!)
	done
	for name in "${pids[@]}"; do wait "$name" || fail "a guest did not start"; done
}
guest() { local name=$1; shift; labguest exec "$name" -- "$@" </dev/null; }        # guest NAME CMD...
guest_in() { local name=$1; shift; labguest exec "$name" -- "$@"; }                # the same, with our stdin
guest_pid() { labguest pid "$1"; }
guest_qmp() { labguest qmp "$@"; }
guest_stop() { labguest stop "$@"; }

# Its hmm-agentd, for which it needs --agent: guest_agent_start NAME [OPTION]... What it says is in /run/hmm-agentd.log there.
guest_agent_start()
{
	local name=$1; shift
	guest "$name" sh -c 'setsid hmm-agentd "$@" </dev/null >>/run/hmm-agentd.log 2>&1 & echo $! >/run/hmm-agentd.pid' sh "$@"
	wait_for 10 guest_agent_answers "$name" || fail "hmm-agentd does not answer: $(guest "$name" cat /run/hmm-agentd.log)"
}
guest_agent_answers() { guest "$1" hmm-hint status >/dev/null 2>&1; }
guest_agent_gone() { guest "$1" sh -c '! kill -0 "$(cat /run/hmm-agentd.pid)" 2>/dev/null'; }
guest_agent_kill()
{
	guest "$1" sh -c 'kill -KILL "$(cat /run/hmm-agentd.pid)"'
	wait_for 10 guest_agent_gone "$1"
}

# at_exit COMMAND: run at the test's end, however it ends; the last one first.
AT_EXIT=()
at_exit() { AT_EXIT=("$1" "${AT_EXIT[@]}"); }

cleanup()
{
	local rc=$? command
	set +e
	for command in "${AT_EXIT[@]}"; do
		( eval "$command" ) || { echo "FAIL: at the end: $command" >&2; rc=1; }
	done
	[ ${#GUESTS[@]} -eq 0 ] || labguest stop "${GUESTS[@]}" || rc=1
	rm -rf "$TMP"
	exit $rc
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP
trap 'echo "FAIL: ${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND" >&2' ERR

# hmmd and vmirror.

# without_hmmd: for tests that hold pools and VMs themselves and then expect that none is left.
without_hmmd()
{
	systemctl stop hmmd
	at_exit "systemctl start hmmd"
}

# hmmd_conf LINE...: hmmd runs with these lines behind its hmmd.conf, until the test ends.
hmmd_conf()
{
	if [ ! -e "$TMP/hmmd.conf" ]; then
		cp /etc/hmmd/hmmd.conf "$TMP/hmmd.conf"
		at_exit "cp $TMP/hmmd.conf /etc/hmmd/hmmd.conf; systemctl restart hmmd"
	fi
	{ cat "$TMP/hmmd.conf"; printf '%s\n' "$@"; } >/etc/hmmd/hmmd.conf
	systemctl restart hmmd
}

# swap_on_zram SIZE: swap, in compressed memory, until the test ends. udev may look at the device for a moment after that.
reset_zram() { echo 1 2>/dev/null >/sys/block/zram0/reset; }
swap_on_zram()
{
	modprobe zram num_devices=1
	at_exit "wait_for 10 reset_zram"
	echo "$1" >/sys/block/zram0/disksize
	mkswap --quiet /dev/zram0
	at_exit "swapoff /dev/zram0 2>/dev/null || true"
	swapon /dev/zram0
}

json() { hmmctl "$@" --json; }
vm_number() { json status "$1" | jq ".stat[\"$2\"]"; }                  # vm_number VM NAME: a number of VM_STAT
pool_number() { json pools | jq ".pools[] | select(.name == \"$1\")[\"$2\"]"; }
moved_bytes() { jq '.["moved-bytes"]'; }                                # of what migrate or recall answered

# pool_and_vm POOL SIZE VM: a pool, and the VM attached; both end with the test.
pool_and_vm()
{
	hmmctl pool-create "$1" --size "$2"
	at_exit "hmmctl pool-destroy $1"
	hmmctl attach "$3"
	at_exit "nothing_left $3 $1"
}

# Hints.

need_hints() { hmmctl --help 2>&1 | grep -q -w hints || skip "this hmmctl has no hints"; }
hints_of() { json hints "$1"; }

# hinted NAME JQ: of the hints of this VM there is one for which that is so.
hinted() { hints_of "$1" | jq -e "[.[\"hint-list\"][] | select($2)] | length > 0" >/dev/null; }
not_hinted() { ! hinted "$@"; }

# agent_connected NAME: its agent has a conversation with hmmd.
agent_connected() { guest "$1" grep -q 'the host takes' /run/hmm-agentd.log; }

# with_hints POOL SIZE VM: pool_and_vm, and the agent; at the end no hint is left that would have pages out.
with_hints()
{
	pool_and_vm "$@"
	guest_agent_start "$3"
	at_exit "guest $3 hmm-hint forget --all >/dev/null || true"
	wait_for 20 agent_connected "$3" || fail "hmmd does not talk to the agent: $(guest "$3" cat /run/hmm-agentd.log)"
}

# out_of NAME MEMORY: of what memfill holds there as MEMORY, how many bytes are out, as the host's map has it.
out_of()
{
	local lies=$TMP/lies.$BASHPID extents
	mapfile -t extents < <(guest "$1" memfill extents "$2" | tr '+' '\n')
	printf '%d %d\n' "${extents[@]}" | sort -n >"$lies"
	json map "$1" | jq -r '.extents[] | select(.state == "pool") | "\(.gpa) \(.bytes)"' | sort -n | awk '
		NR == FNR { from[NR] = $1; to[NR] = $1 + $2; n = NR; next }
		{
			while (i < n && to[i + 1] <= $1) i++
			for (j = i + 1; j <= n && from[j] < $1 + $2; j++) {
				low = from[j] > $1 ? from[j] : $1
				high = to[j] < $1 + $2 ? to[j] : $1 + $2
				sum += high - low
			}
		}
		END { printf "%d\n", sum }' - "$lies"
	rm -f "$lies"
}

# all_out NAME MEMORY BYTES, none_of_it_out NAME MEMORY: 99 of a hundred bytes are out; none is.
all_out() { [ "$(out_of "$1" "$2")" -ge $(($3 / 100 * 99)) ]; }
none_of_it_out() { [ "$(out_of "$1" "$2")" = 0 ]; }

none_out() { [ "$(vm_number "$1" out-pages)" = 0 ]; }

# nothing_left VM POOL: everything home: pages out = pages back, pool empty.
nothing_left()
{
	local out back dropped
	hmmctl recall "$1" --all >/dev/null
	# A page that a vCPU brings home this moment is counted until that vCPU lets go of its old place.
	wait_for 5 none_out "$1"
	out=$(vm_number "$1" moved-out)
	back=$(($(vm_number "$1" back-fault) + $(vm_number "$1" back-recall)))
	dropped=$(vm_number "$1" dropped)
	expect "pages out = pages back" "$out" $((back + dropped))
	expect "bytes in the pool" 0 "$(pool_number "$2" used-bytes)"
	hmmctl detach "$1"
}
