# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hints.sh: a part of labbench: hints from a program in a guest, through its hmm-agentd, to hmmd and back.

HINTS_VM=bench-hints
HINTS_POOL=bench-hints
HINTS_MANY=10000
HINTS_LIMIT=240         # seconds that a program in the guest may wait for the host

TRACE=/sys/kernel/tracing/instances/labbench

in_guest() { labguest exec $HINTS_VM -- "$@" </dev/null; }

# await SECONDS CMD...
await()
{
	local end=$((SECONDS + $1 * $(patience))); shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "waited in vain for: $*"
		sleep 0.2
	done
}

# ---- the agent, and hmmd: as they come, or with the limits on how fast hints may come out of the way

agent_talks() { in_guest grep -q 'the host takes' /run/hmm-agentd.log; }
agent_gone() { in_guest sh -c '! kill -0 "$(cat /run/hmm-agentd.pid)" 2>/dev/null'; }

agent_start()
{
	in_guest sh -c 'setsid hmm-agentd "$@" </dev/null >/run/hmm-agentd.log 2>&1 & echo $! >/run/hmm-agentd.pid' sh "$@"
	await 60 agent_talks
}

agent_end()
{
	in_guest sh -c 'kill "$(cat /run/hmm-agentd.pid)"'
	await 20 agent_gone
}

# both_anew [OPTION]...: hmmd and the agent begin anew, so that neither has any memory left from what was before.
both_anew()
{
	agent_end
	systemctl restart hmmd.service
	agent_start "$@"
	sleep 2
}

# As an operator would, in hmmd.conf and on the agent's command line: as high as they go.
limits_lift()
{
	cp -p /etc/hmmd/hmmd.conf $KEEP/hmmd.conf
	at_exit limits_restore
	printf '[hints]\nframes-per-second = 100000\n' >>/etc/hmmd/hmmd.conf
}
AGENT_LIFTED=(--requests-per-second=1073741824 --pages-per-second=1073741824)

limits_restore()
{
	[ -e $KEEP/hmmd.conf ] || return 0
	mv $KEEP/hmmd.conf /etc/hmmd/hmmd.conf
	systemctl restart hmmd.service
}

# ---- how long until pages are in the pool

# The guest's program marks its moments by CPUID (timed.c of memfill), so they are on the same clock as the moves.
trace_begin()
{
	local event
	[ -e /sys/kernel/tracing/trace ] || mount -t tracefs tracefs /sys/kernel/tracing
	mkdir -p $TRACE
	at_exit trace_end
	echo mono >$TRACE/trace_clock
	echo 16384 >$TRACE/buffer_size_kb
	echo 'function >= 0x4d4d4800 && function <= 0x4d4d4803' >$TRACE/events/kvm/kvm_cpuid/filter
	for event in kvm/kvm_cpuid vmirror/vmirror_out vmirror/vmirror_back; do echo 1 >$TRACE/events/$event/enable; done
}

trace_end()
{
	[ -e $TRACE ] || return 0
	echo 0 >$TRACE/events/enable
	rmdir $TRACE
}

# latency_samples BYTES TRACE: from the trace, and from what memfill says (stdin). Round 0 warms up. ns is null where the trace lacks it.
latency_samples()
{
	awk -v bytes="$1" '
		BEGIN {
			begins["4d4d4800"] = ends["4d4d4801"] = "out"
			begins["4d4d4802"] = ends["4d4d4803"] = "home"
			moves["vmirror_out:"] = "out"
			moves["vmirror_back:"] = "home"
		}
		# The name of a thread in front of it may have spaces.
		FNR == NR {
			if (!match($0, / [0-9]+\.[0-9]+: (kvm_cpuid|vmirror_out|vmirror_back): /)) next
			split(substr($0, RSTART + 1), word, " ")
			if (word[2] in moves) {
				if (way != moves[word[2]] || !match($0, / pages=[0-9]+/)) next
				pages += substr($0, RSTART + 7, RLENGTH - 7)
				last = word[1] + 0
			} else if (word[4] in begins) {
				way = begins[word[4]]; round = word[6]; from = word[1] + 0; pages = 0
			} else if (word[4] in ends) {
				if (way == ends[word[4]] && round == word[6] && pages) {
					ns[way, round] = sprintf("%.0f", (last - from) * 1e9)
					moved[way, round] = pages * 4096
				}
				way = ""
			}
			next
		}
		$2 > 0 {
			round = sprintf("%x", $2)
			printf "{\"part\":\"hint-latency\",\"way\":\"%s\",\"bytes\":%d,\"rep\":%d,\"ns\":%s,\"moved\":%d,\"said_ns\":%.0f,\"told\":%d,\"done\":%d}\n",
				$1, bytes, $2 - 1, ($1, round) in ns ? ns[$1, round] : "null", moved[$1, round], $3 * 1e6, $4, $5
		}' "$2" -
}

# latency NAME BYTES ROUNDS [OPTION]...: of the first BYTES of what memfill has as NAME.
latency()
{
	local name=$1 bytes=$2 rounds=$(($3 + 1)) said; shift 3
	echo "hints: $((bytes >> 10)) KiB out and home, $rounds times" >&2
	echo >$TRACE/trace
	said=$(in_guest memfill latency "$name" --rounds $rounds --count $((bytes >> 12)) "$@") || fail "memfill: $said"
	cat $TRACE/trace >$KEEP/hints.trace
	latency_samples "$bytes" $KEEP/hints.trace <<<"$said" >$KEEP/hints.latency
	grep -c . $KEEP/hints.latency | grep -q -x $((2 * (rounds - 1))) || fail "memfill says too little: $said"
	cat $KEEP/hints.latency >>$KEEP/hints.jsonl
	jq -r -s 'map(select(.ns == null or .moved < .told * 0.99)) | length | select(. > 0) | "hints: \(.) moves were not seen whole"' $KEEP/hints.latency >&2
	rm $KEEP/hints.trace $KEEP/hints.latency
}

# ---- ten thousand hints

# memory_of WHO HINTS ADVICE: from its smaps_rollup (stdin).
memory_of()
{
	awk -v who="$1" -v hints="$2" -v advice="$3" '
		/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } /^Anonymous:/ { anon = $2 }
		END {
			if (!rss) exit 1
			printf "{\"part\":\"hint-memory\",\"who\":\"%s\",\"hints\":%d,\"advice\":\"%s\",\"rss_kib\":%d,\"pss_kib\":%d,\"anon_kib\":%d}\n",
				who, hints, advice, rss, pss, anon
		}' >>$KEEP/hints.jsonl || fail "$1 has no memory"
}

# Nothing may ask hmmd for its hints before that: an answer of so many takes memory, too.
memory_of_both()
{
	memory_of agent "$@" < <(in_guest sh -c 'cat "/proc/$(cat /run/hmm-agentd.pid)/smaps_rollup"')
	memory_of hmmd "$@" <"/proc/$(systemctl show -p MainPID --value hmmd.service)/smaps_rollup"
}

hints_stand() { [ "$(hmmctl hints $HINTS_VM --json | jq .hints)" = "$1" ]; }

# Pages come home by a hint: what an operator recalls the hints leave alone for a while.
many_home()
{
	in_guest memfill hint many --advice host --seconds $HINTS_LIMIT >/dev/null
	in_guest memfill forget many >/dev/null
	await $HINTS_LIMIT hints_stand 0
}

# many LIMITS ADVICE REPS [memory]: so many hints for a page each, REPS times; with "memory" what they take, the first time.
many()
{
	local limits=$1 advice=$2 reps=$3 memory=${4:-} rep said
	[ -z "$memory" ] || memory_of_both 0 "$advice"
	for ((rep = 0; rep < reps; rep++)); do
		echo "hints: $HINTS_MANY, $advice, limits: $limits ($((rep + 1)) of $reps)" >&2
		said=$(in_guest memfill hint many --advice "$advice" --each 1 --count $HINTS_MANY --seconds $HINTS_LIMIT) || fail "memfill: $said"
		jq -e --argjson n $HINTS_MANY '.hints == $n and .refused == 0 and .told == $n * 4096 and .done >= .told * 0.99' <<<"$said" >/dev/null ||
			fail "not all of the hints were taken and done: $said"
		jq -c --arg limits "$limits" --arg advice "$advice" --argjson rep $rep \
			'{part: "hint-rate", limits: $limits, advice: $advice, rep: $rep} + .' <<<"$said" >>$KEEP/hints.jsonl
		if [ -n "$memory" ] && [ $rep -eq 0 ]; then sleep 1; memory_of_both $HINTS_MANY "$advice"; fi
		hints_stand $HINTS_MANY || fail "hmmd has not all of the hints"
		in_guest memfill forget many >/dev/null
		await $HINTS_LIMIT hints_stand 0
		[ "$advice" = host ] || many_home
	done
}

# channel REPS: as many in one go, from a program that is the agent itself: no library, no translation of addresses.
channel()
{
	local rep said
	for ((rep = 0; rep < $1; rep++)); do
		echo "hints: $HINTS_MANY through the channel alone ($((rep + 1)) of $1)" >&2
		said=$(in_guest hint-garbage many-hints --answer $HINTS_LIMIT --quiet) || fail "hint-garbage: $said"
		jq -e --argjson n $HINTS_MANY '.done == $n' <<<"$said" >/dev/null || fail "not all of the hints were taken and done: $said"
		jq -c --argjson rep $rep --argjson n $HINTS_MANY '{part: "hint-channel", rep: $rep, hints: $n, ms: (.seconds * 1000)}' <<<"$said" >>$KEEP/hints.jsonl
		await $HINTS_LIMIT hints_stand 0
	done
}

# ---- all of it

hints_leave()
{
	hmmctl detach $HINTS_VM --quiet
	hmmctl pool-destroy $HINTS_POOL --quiet
	labguest stop $HINTS_VM
}

# What a run that was cut off has left.
hints_clean()
{
	trace_end
	limits_restore
	if labguest list | grep -q "^$HINTS_VM "; then labguest stop $HINTS_VM; fi
	hmmctl pool-destroy $HINTS_POOL --quiet 2>/dev/null || true
}

pool_is_empty() { [ "$(hmmctl pools --json | jq --arg pool $HINTS_POOL '.pools[] | select(.name == $pool)["used-bytes"]')" = 0 ]; }

# hints REPS: ten times as many samples of 4 KiB, five times of 2 MiB, twice of 64 MiB; the rest takes seconds each, and is done less often.
hints()
{
	local reps=$1
	: >$KEEP/hints.jsonl
	hmmctl pool-create $HINTS_POOL --size 256MiB
	at_exit "hints_leave 2>/dev/null"
	labguest start $HINTS_VM --mem 512 --vcpus 2 --agent
	hmmctl attach $HINTS_VM
	agent_start
	in_guest memfill start big --mib 64 --huge --seed 3
	in_guest memfill start many --mib 40 --seed 4

	trace_begin
	latency many 4096 $((reps * 10))
	latency big $((2 << 20)) $((reps * 5))
	latency big $((64 << 20)) $((reps * 2)) --rest
	trace_end

	many default host $(((reps + 6) / 7))
	limits_lift
	both_anew "${AGENT_LIFTED[@]}"
	many lifted host $(((reps + 2) / 3)) memory
	both_anew "${AGENT_LIFTED[@]}"
	many lifted device $(((reps + 6) / 7)) memory
	agent_end
	channel $(((reps + 2) / 3))

	in_guest memfill verify big
	in_guest memfill verify many
	hmmctl recall $HINTS_VM --all --quiet
	await 10 pool_is_empty
	in_guest memfill verify big
	in_guest memfill verify many
}
