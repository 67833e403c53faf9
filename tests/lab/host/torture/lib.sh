# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# lib.sh: what the actors of 'labtorture' share: numbers at random, the record of what is done, and what counts as trouble.
#
# An actor does one deed after the other. Deed number N of an actor is the seed's doing alone, however the deeds before ended;
# what it meets is not.
#
# Given by labtorture: SEED.

# What is there: actions; trouble; go: once all guests are up; until: when no deed begins any more (uptime in seconds).
KEEP=/run/lab-torture
POOLS=(torture-a torture-b)
ASK_LIMIT=180                   # seconds; more is a hang

# What hmmd may refuse because someone else does something at the same time. NothingMovable: it is all out already.
EXPECTED='AlreadyAttached|AlreadyExists|Busy|NotAttached|NothingMovable|OutOfRange|PoolFull|PoolNotFound|Unreachable|VmGone|VmNotFound'

uptime_seconds() { local up _; read -r up _ </proc/uptime; echo "${up%.*}"; }
go_on() { [ ! -e $KEEP/trouble ] && [ "$(uptime_seconds)" -lt "$(<$KEEP/until)" ]; }

# deed N: begin deed number N. WHO, ACTOR: this actor's name and number.
deed()
{
	N=$1
	STATE=$(((SEED + 1) * 0x9E3779B97F4A7C15 + (ACTOR + 1) * 0x2545F4914F6CDD1D + N * 0x5851F42D4C957F2D))
}

# draw LIMIT: sets DRAWN to one of 0 .. LIMIT-1 (splitmix64; the masks are there because >> keeps the sign).
draw()
{
	local x=$((STATE += 0x9E3779B97F4A7C15))
	x=$(((x ^ ((x >> 30) & 0x3ffffffff)) * 0xBF58476D1CE4E5B9))
	x=$(((x ^ ((x >> 27) & 0x1fffffffff)) * 0x94D049BB133111EB))
	DRAWN=$((((x ^ ((x >> 31) & 0x1ffffffff)) & 0x7fffffffffffffff) % $1))
}

# choose WEIGHT NAME...: sets CHOSEN.
choose()
{
	local i sum=0 all=("$@")
	for ((i = 0; i < $#; i += 2)); do sum=$((sum + all[i])); done
	draw $sum
	for ((i = 0; DRAWN >= all[i]; i += 2)); do DRAWN=$((DRAWN - all[i])); done
	CHOSEN=${all[i + 1]}
}

# record TEXT: a line of the actions.
record() { printf '%s %s %s %s\n' "$(date +%T.%3N)" "$WHO" "$N" "$*" >>$KEEP/actions; }

# trouble TEXT: this is a failure; everyone ends.
trouble()
{
	record "TROUBLE: ${*%%$'\n'*}"
	printf '%s, deed %s: %s\n' "$WHO" "$N" "$*" >>$KEEP/trouble
}

# ask VERB [ARG]...: hmmctl. ANSWER is what it said, OUTCOME "done" or why not.
ask()
{
	local rc=0
	ANSWER=$(timeout -k 5 $ASK_LIMIT hmmctl "$@" --json 2>&1) || rc=$?
	OUTCOME='done'
	[ $rc -eq 0 ] || { [[ $ANSWER =~ \"class\":\ *\"([A-Za-z]+)\" ]] && OUTCOME=${BASH_REMATCH[1]} || OUTCOME="status $rc"; }
	# doctor answers also without hmmd, and finds that it is not there, or that it ends just now.
	[ $rc -ne 3 ] && ! [[ $ANSWER =~ \"level\":\ *\"fail\",\ *\"topic\":\ *\"hmmd\" ]] || OUTCOME=Unreachable
	record "hmmctl $*: $OUTCOME"
	case $rc in
	0) return 0 ;;
	124 | 137) trouble "hmmctl $* is not done after $ASK_LIMIT s" ;;
	*) [[ $OUTCOME =~ ^($EXPECTED)$ ]] || trouble "hmmctl $*: $ANSWER" ;;
	esac
	return 1
}

# wait_for SECONDS CMD...: until CMD succeeds; fails when the time is over.
wait_for()
{
	local end=$((SECONDS + $1)); shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# pause MILLISECONDS
pause() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }
