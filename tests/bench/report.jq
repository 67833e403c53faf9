# SPDX-License-Identifier: LGPL-2.1-or-later
#
# report.jq: from samples to figures. In: all samples as an array; $meta; $clocksource. Out: {meta, pages, attach, guest, memory, hints, ratios, samples}.

def quantile($q): sort | if length == 0 then null else
	((length - 1) * $q) as $at | ($at | floor) as $low |
	.[$low] + (.[([$low + 1, length - 1] | min)] - .[$low]) * ($at - $low) end;
def median: quantile(0.5);
# What one waits for it as a rule, and what one must be prepared to wait.
def percentiles: {p50: median, p99: quantile(0.99), longest: max, n: length};
# Median, quartiles and number of an array.
def spread: {median: median, low: quantile(0.25), high: quantile(0.75), n: length};
# Where the true median is, in 19 of 20 cases at least: by order statistics, whatever the distribution. null if there are too few.
def sure: sort | length as $n | ([($n / 2 - 0.98 * ($n | sqrt) | floor) - 1, 0] | max) as $low |
	if $n < 6 then null else [.[$low], .[$n - 1 - $low]] end;

map(select(.part == "pages") | . + {us: (.ns / 1000 / (.bytes / 4096))}) as $pages |

# A case is {what, page, threads}; its time in each round, in us per 4 KiB. Where it ran more than once a round: their median.
def rounds($case):
	$pages | map(select(.what == $case[0] and .page == $case[1] and .threads == $case[2])) |
	group_by(.rep) | map({key: (.[0].rep | tostring), value: (map(.us) | median)}) | from_entries;
# How $a relates to $b, both {round: time}: the median over the rounds of the round's own ratio, and the ratio of the shortest times,
# which a busy machine disturbs least. $more.fast: how many times as fast as $b is $a; else how many times as long does it take.
def ratio($name; $a; $b; $more):
	(if $more.fast then [$b, $a] else [$a, $b] end) as [$x, $y] |
	[$x | keys[] | select($y[.]) | $x[.] / $y[.]] | select(length > 0) |
	{name: $name} + spread + {sure: sure, best: (([$x[]] | min) / ([$y[]] | min))} + $more;

# The same for guests' loops: state over detached. One time of each two rounds, between which the states change places.
map(select(.part == "guest")) as $guest |
def loops($loop; $state; $time):
	$guest | map(select(.loop == $loop and .state == $state)) | group_by(.round / 2 | floor) | map(select(length == 2)) |
	map({key: (.[0].round / 2 | floor | tostring), value: (.[0][$time] * .[1][$time] | sqrt)}) | from_entries;
# Beside a VM that moves, what counts is how long the loop takes on the average; else the shortest time says most.
def time($state): if $state == "churned" then "mean_ns" else "ns" end;
def guest_ratio($name; $loop; $state; $more):
	ratio($name; loops($loop; $state; time($state)); loops($loop; "detached"; time($state)); $more);

map(select(.part == "attach")) as $attach |
def attach_ns($mib): $attach | map(select(.mib == $mib) | .ns);
def attach_rounds($mib): attach_ns($mib) | to_entries | map({key: (.key | tostring), value}) | from_entries;
(map(select(.part == "footprint"))) as $footprint |
(map(select(.part == "guest-cost"))) as $costs |

# A hint counts where all of it moved, and the trace has all of that. null: there was no such part.
def latencies: map(select(.part == "hint-latency")) | group_by([.bytes, .way == "home"]) | map(
	{bytes: .[0].bytes, way: .[0].way, tried: length} +
	(map(select(.done >= .told * 0.99)) | {said_us: (map(.said_ns / 1000) | percentiles)} +
		(map(select(.ns and .moved >= .told * 0.99)) | {moved_us: (map(.ns / 1000) | percentiles)})));
def rates: map(select(.part == "hint-rate")) | group_by([.limits, .advice == "device"]) | map(
	{limits: .[0].limits, advice: .[0].advice, hints: .[0].hints,
	 answered_per_second: (map(.hints / .answered_ms * 1000) | spread),
	 given_per_second: (map(.hints / .given_ms * 1000) | spread),
	 through_ms: (map(.through_ms) | spread)});
def channel: map(select(.part == "hint-channel")) | select(length > 0) |
	{hints: .[0].hints, done_per_second: (map(.hints / .ms * 1000) | spread)};
def standing: map(select(.part == "hint-memory")) | group_by([.who, .advice == "device"]) | map(
	(map(select(.hints == 0))[0]) as $none | (map(select(.hints > 0))[0]) as $many | select($none and $many) |
	{who: $many.who, advice: $many.advice, hints: $many.hints,
	 without: ($none | {rss_kib, pss_kib, anon_kib}), with: ($many | {rss_kib, pss_kib, anon_kib}),
	 bytes_each: (($many.rss_kib - $none.rss_kib) * 1024 / $many.hints)});
(if any(.part | startswith("hint-")) then {latency: latencies, rate: rates, channel: (channel // null), memory: standing} else null end) as $hints |

{
	meta: ($meta + {clocksource: $clocksource}),
	pages: ($pages | group_by([.what, .page, .threads]) | map(
		(map(.us) | spread + {best: min}) as $us |
		{what: .[0].what, page: .[0].page, threads: .[0].threads, us: $us, mb_s: (4096 / $us.median)})),
	attach: [256, 2048 | . as $mib | select(attach_ns($mib) | length > 0) |
		{mib: $mib, touched: ($attach | map(select(.mib == $mib))[0].touched),
		 us: (attach_ns($mib) | map(. / 1000) | spread),
		 detach_us: ($attach | map(select(.mib == $mib) | .detach_ns / 1000) | spread)}],
	guest: ["compute", "memory" | . as $loop |
		["detached", "attached", "churned"][] | . as $state | loops($loop; $state; time($state)) | select(length > 0) |
		{loop: $loop, state: $state, ms: ([.[] / 1e6] | spread),
		 ratio: (if $state == "detached" then null else guest_ratio("x"; $loop; $state; {}) | del(.name) end)}],
	churn: (map(select(.part == "churn"))[0] | if . then del(.part) else null end),
	memory: {
		per_vm_stat: ($footprint | map(.stat_bytes) | median),
		per_vm_measured: ($footprint | map(.measured_bytes) | median),
		guests: ($costs | if length == 0 then null else
			{ram_bytes: .[0].ram_bytes, overhead_bytes: (map(.overhead_bytes) | median), n: length} end),
		pool: (map(select(.part == "pool-cost"))[0]),
		daemon: (map(select(.part == "daemon")) | map(del(.part)))
	},
	hints: $hints,
	ratios: [
		ratio("out: 2 MiB, times as fast as zram page-out"; rounds(["out", "2M", 1]); rounds(["zram-out", "4K", 1]); {fast: true, prototype: 24}),
		ratio("out: 2 MiB, times as fast as 4 KiB"; rounds(["out", "2M", 1]); rounds(["out", "4K", 1]); {fast: true, prototype: 5}),
		ratio("back: 2 MiB, times as fast as zram swap-in"; rounds(["fault", "2M", 1]); rounds(["zram-in", "4K", 1]); {fast: true, prototype: 8}),
		ratio("back: 2 MiB time / zram swap-in time"; rounds(["fault", "2M", 1]); rounds(["zram-in", "4K", 1]); {prototype: 0.12}),
		ratio("back: 4 KiB time / zram swap-in time"; rounds(["fault", "4K", 1]); rounds(["zram-in", "4K", 1]); {prototype: 0.86}),
		ratio("back: 4 KiB time / first touch time"; rounds(["fault", "4K", 1]); rounds(["first-touch", "4K", 1]); {prototype: 2.2, aim: "<= 1.2"}),
		ratio("back: 4 KiB time / userfaultfd time"; rounds(["fault", "4K", 1]); rounds(["uffd", "4K", 1]); {prototype: 0.13}),
		ratio("back: 4 KiB, 2 threads, times as fast as 1"; rounds(["fault", "4K", 2]); rounds(["fault", "4K", 1]); {fast: true, prototype: 1.9}),
		ratio("back: 2 MiB, 2 threads, times as fast as 1"; rounds(["fault", "2M", 2]); rounds(["fault", "2M", 1]); {fast: true, prototype: 1.9}),
		ratio("back: 4 KiB, 4 threads, times as fast as 1"; rounds(["fault", "4K", 4]); rounds(["fault", "4K", 1]); {fast: true, aim: ">= 1"}),
		ratio("back: 2 MiB, 4 threads, times as fast as 1"; rounds(["fault", "2M", 4]); rounds(["fault", "2M", 1]); {fast: true, aim: ">= 1"}),
		ratio("first touch, 4 threads, times as fast as 1"; rounds(["first-touch", "4K", 4]); rounds(["first-touch", "4K", 1]); {fast: true}),
		ratio("out: 2 MiB time / plain copy time"; rounds(["out", "2M", 1]); rounds(["copy", "2M", 1]); {}),
		ratio("back: 2 MiB time / plain copy time"; rounds(["fault", "2M", 1]); rounds(["copy", "2M", 1]); {}),
		ratio("attach: 2 GiB time / 256 MiB time"; attach_rounds(2048); attach_rounds(256); {aim: "about 1"}),
		guest_ratio("guest compute: attached / detached"; "compute"; "attached"; {aim: "<= 1.01"}),
		guest_ratio("guest memory: attached / detached"; "memory"; "attached"; {aim: "<= 1.01"}),
		guest_ratio("guest compute: other VM moves / detached"; "compute"; "churned"; {}),
		guest_ratio("guest memory: other VM moves / detached"; "memory"; "churned"; {})
	],
	samples: .
}
