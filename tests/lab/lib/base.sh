# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# base.sh: where things are, how the lab speaks, how it waits, and who may use it at a time.

TOP=$(cd "$LAB_DIR/../.." && pwd -P)            # the checkout
CACHE=${HMMD_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}}/hmmd-lab
OUT=$LAB_DIR/out                                # what a run leaves to read: logs, consoles
RUN=${HMMD_LAB_RUN:-/run/hmmd-lab}              # what a running nested host needs; short, for its sockets

# say TEXT: a line about what happens. On stderr: stdout belongs to the commands that the lab runs.
say() { printf '%s\n' "$*" >&2; }
die() { say "lab: $*"; exit 1; }
misuse() { say "lab: $* (see 'lab --help')"; exit 2; }

# step TEXT LOG CMD...: run one long action (a command or a function of ours) into LOG, showing that it lives; where it
# fails, name the step, show the log and end the lab.
step()
{
	local text=$1 log=$2 start=$SECONDS rc=0 pid beat=0 line; shift 2
	mkdir -p "$(dirname "$log")"
	if [ -t 2 ]; then printf '%s ...' "$text" >&2; else say "$text ..."; fi
	set -m                  # a process group of its own, so that all of it can be ended
	( set -euo pipefail; "$@" ) >"$log" 2>&1 </dev/null & pid=$!
	set +m
	STEP_PID=$pid
	while kill -0 $pid 2>/dev/null; do
		sleep 0.2
		[ $((SECONDS - start)) -gt $beat ] || continue
		beat=$((SECONDS - start))
		if [ -t 2 ]; then
			line="$text ... $beat s"
			[ $beat -lt 20 ] || line+=": $(tail -n 1 "$log" | tr -d '\r')"
			printf '\r\033[K%s' "${line:0:79}" >&2
		elif [ $((beat % 20)) -eq 0 ]; then
			say "    $beat s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
		fi
	done
	wait $pid || rc=$?
	STEP_PID=
	if [ $rc -eq 0 ]; then
		if [ -t 2 ]; then printf '\r\033[K%s ... done in %d s\n' "$text" $((SECONDS - start)) >&2
		elif [ $((SECONDS - start)) -ge 5 ]; then say "    done in $((SECONDS - start)) s"; fi
		return 0
	fi
	[ ! -t 2 ] || printf '\n' >&2
	tail -n 40 "$log" | sed 's/^/    /' >&2
	say "lab: failed at: $text (exit status $rc; whole log: $log)"
	exit 1
}

# An interrupted lab does not leave behind its back what it was busy with: the step, or a half-booted nested host.
STEP_PID=
declare -A ON_EXIT=()
on_exit()
{
	local what
	[ -z "$STEP_PID" ] || kill -- "-$STEP_PID" 2>/dev/null || true
	for what in vm check; do
		[ -z "${ON_EXIT[$what]:-}" ] || ${ON_EXIT[$what]} || true
	done
}
trap on_exit EXIT
trap 'exit 130' INT TERM HUP

# wait_for SECONDS CMD...: until CMD succeeds; fails when the time is over, which a debug kernel gets more of.
wait_for()
{
	local end=$((SECONDS + $1 * PATIENCE)); shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# lock NAME WAIT: one holder at a time, machine-wide for "lab" (one nested host), per cache for "build". Says who holds it,
# then waits up to WAIT seconds. Held until this process ends or unlocks; children that outlive us must close it (no_locks).
declare -A LOCKS=()
lock()
{
	local name=$1 wait=$2 file fd
	[ -z "${LOCKS[$name]:-}" ] || return 0
	case $name in lab) file=$RUN.lock ;; *) file=$CACHE/$name.lock ;; esac
	mkdir -p "$(dirname "$file")"
	exec {fd}>>"$file"
	if ! flock -n "$fd"; then
		say "lab: the $name is in use by $(cat "$file")"
		[ "$wait" -gt 0 ] || die "try again when it has ended, or set HMMD_LAB_WAIT=SECONDS to wait"
		say "lab: waiting for it, up to $wait s"
		flock -w "$wait" "$fd" || die "gave up waiting"
	fi
	printf 'process %d: lab %s (%s)\n' $$ "$VERB" "$TOP" >"$file"
	LOCKS[$name]=$fd
}

unlock()
{
	local fd=${LOCKS[$1]:-}
	[ -z "$fd" ] || exec {fd}>&-
	unset "LOCKS[$1]"
}

# no_locks CMD...: exec CMD without our locks, for what outlives us.
no_locks()
{
	local fd
	for fd in "${LOCKS[@]}"; do exec {fd}>&-; done
	exec "$@"
}

lock_lab() { lock lab "${HMMD_LAB_WAIT:-0}"; }
lock_build() { lock build "${HMMD_LAB_WAIT:-900}"; }
