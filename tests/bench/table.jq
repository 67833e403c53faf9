# SPDX-License-Identifier: LGPL-2.1-or-later
#
# table.jq: the report as a table for people.

def pad($n): . + " " * ([$n - length, 0] | max);
def lpad($n): " " * ([$n - length, 0] | max) + .;
# A number with $d decimals.
def fixed($d): if . == null then "-" else
	pow(10; $d) as $p | (. * $p | round) as $n | (if $n < 0 then "-" else "" end) as $sign | ($n | fabs) as $n |
	$sign + ($n / $p | floor | tostring) +
	(if $d > 0 then "." + ($n % $p | tostring | "0" * ($d - length) + .) else "" end) end;
# Three digits or so, whatever the size.
def brief: if . == null then "-" elif fabs >= 100 then fixed(0) elif fabs >= 10 then fixed(1) elif fabs >= 0.8 and fabs < 1.25 then fixed(3) elif fabs >= 0.1 then fixed(2) else fixed(4) end;
def kib: if . == null then "-" else . / 1024 | fixed(1) + " KiB" end;
# Half the distance of the quartiles, in per cent of the median.
def scatter: "±" + ((.high - .low) / 2 / .median * 100 | if . >= 9.95 then fixed(0) else fixed(1) end) + " %";

. as $r |
def page($what; $page; $threads): $r.pages | map(select(.what == $what and .page == $page and .threads == $threads))[0];
def speed_row($text; $what; $page):
	page($what; $page; 1) | select(.) |
	"  " + ($text | pad(46)) + (.mb_s | fixed(0) | lpad(10)) + (.us.median | fixed(2) | lpad(12)) + (.us.best | fixed(2) | lpad(8)) + (.us | scatter | lpad(10));
def thread_row($text; $what; $page):
	[1, 2, 4 | page($what; $page; .)] | select(any) |
	"  " + ($text | pad(46)) + (map((.us.median // null) | fixed(2) | lpad(10)) | join("")) + "  " + (.[0].us | scatter | lpad(8));
def head($text; $columns): "", ($text | pad(48)) + $columns;

"hmmd benchmarks, \($r.meta.date), \($r.meta.commit)",
"nested host: \($r.meta.accel), \($r.meta.cpus) CPUs; this machine: \($r.meta.host_cpus) CPUs, load \($r.meta.load_before) before, \($r.meta.load_after) after",
"medians of \($r.pages | map(.us.n) | min) rounds or more, which take turns; ± is half the distance of the quartiles; best is the shortest time",
($r.meta.clocksource | select(IN("tsc", "kvm-clock") | not) |
	"NOTE: the nested host's clock is \(.), a slow one: short times are too long."),
($r.meta.load_before | select(. > $r.meta.host_cpus / 2) | "NOTE: this machine was busy with something else: look at best, or run it again."),
head("Pages, one thread"; "      MB/s  us / 4 KiB    best    spread"),
speed_row("plain copy, 4 KiB pages (ceiling)"; "copy"; "4K"),
speed_row("plain copy, 2 MiB folios (ceiling)"; "copy"; "2M"),
speed_row("out, 4 KiB pages"; "out"; "4K"),
speed_row("out, 2 MiB folios"; "out"; "2M"),
speed_row("zram page-out, 4 KiB pages"; "zram-out"; "4K"),
speed_row("zram page-out, 2 MiB folios"; "zram-out"; "2M"),
speed_row("back by touch, 4 KiB pages"; "fault"; "4K"),
speed_row("back by touch, 2 MiB folios"; "fault"; "2M"),
speed_row("back by RECALL, 4 KiB pages"; "recall"; "4K"),
speed_row("back by RECALL, 2 MiB folios"; "recall"; "2M"),
speed_row("zram swap-in, out as 4 KiB pages"; "zram-in"; "4K"),
speed_row("zram swap-in, out as 2 MiB folios"; "zram-in"; "2M"),
head("Back by touch: us / 4 KiB, all threads together"; "  1 thread 2 threads 4 threads   spread"),
thread_row("vmirror, 4 KiB pages"; "fault"; "4K"),
thread_row("vmirror, 2 MiB folios"; "fault"; "2M"),
thread_row("zram swap-in, out as 4 KiB pages"; "zram-in"; "4K"),
thread_row("zram swap-in, out as 2 MiB folios"; "zram-in"; "2M"),
thread_row("userfaultfd, one handler thread"; "uffd"; "4K"),
thread_row("first touch of fresh memory, 4 KiB (floor)"; "first-touch"; "4K"),
thread_row("first touch of fresh memory, 2 MiB"; "first-touch"; "2M"),
head("Attach"; " attach us   detach us    spread"),
($r.attach[] | "  " + ("VM of \(.mib) MiB" + (if .touched then ", all touched" else ", untouched" end) | pad(46)) +
	(.us.median | fixed(0) | lpad(10)) + (.detach_us.median | fixed(0) | lpad(12)) + (.us | scatter | lpad(10))),
head("Loops in a guest"; "        ms  x detached    spread"),
($r.guest[] | "  " + ("\(.loop), " + {detached: "detached", attached: "attached, nothing moved", churned: "attached, another VM moves"}[.state] | pad(46)) +
	(.ms.median | fixed(1) | lpad(10)) + (.ratio.median? // 1 | fixed(3) | lpad(12)) + ((.ratio // .ms) | scatter | lpad(10))),
($r.churn | select(.) | "  (the other VM, of \(.bytes / 1048576) MiB, went out and back \(.rounds) times meanwhile)"),
head("Memory"; ""),
($r.memory | "  " + ("vmirror, for each VM: as VM_STAT says" | pad(46)) + (.per_vm_stat | kib | lpad(14)),
	"  " + ("vmirror, for each VM: as the kernel counts" | pad(46)) + (.per_vm_measured | kib | lpad(14))),
($r.memory.guests | select(.) | "  " + ("vmirror, a QEMU guest of \(.ram_bytes / 1048576 | round) MiB" | pad(46)) +
	(.overhead_bytes | kib | lpad(14)) + "  " + (.overhead_bytes / .ram_bytes * 100 | fixed(3)) + " % of its RAM"),
($r.memory.pool | select(.) | "  " + ("vmirror, a pool of \(.bytes / 1048576 | round) MiB, beside its own bytes" | pad(46)) +
	(.overhead_bytes | kib | lpad(14)) + "  " + (.overhead_bytes / .bytes * 100 | fixed(2)) + " % of the pool"),
($r.memory.daemon[]? | "  " + ("hmmd with \(.vms) VMs: resident, own" | pad(46)) +
	(.rss_kib * 1024 | kib | lpad(14)) + "  " + (.anon_kib * 1024 | kib)),
($r.hints | select(.) |
	def size: if . >= 1048576 then "\(. / 1048576 | round) MiB" else "\(. / 1024 | round) KiB" end;
	def ms($us): $us / 1000? // null | fixed(2) | lpad(10);
	def row($text; $us; $tried): "  " + ($text | pad(46)) + ms($us.p50) + ms($us.p99) + ms($us.longest) + ("\($us.n) of \($tried)" | lpad(14));
	head("Hints: from hmmhint_advise() on, ms"; "       p50       p99   longest       counted"),
	(.latency[] | "\(.bytes | size), \(.way): " as $what |
		row($what + "the last page has moved"; .moved_us; .tried), row($what + "the program is told"; .said_us; .tried)),
	head("Hints in a second, through one channel"; "  answered    spread     given  done after"),
	(.rate[] | "  " + ("\(.hints), \(.advice), limits: \(.limits)" | pad(46)) + (.answered_per_second.median | fixed(0) | lpad(10)) +
		(.answered_per_second | scatter | lpad(10)) + (.given_per_second.median | fixed(0) | lpad(10)) + (.through_ms.median / 1000 | fixed(1) + " s" | lpad(12))),
	(.channel | select(.) | "  " + ("\(.hints), host, the channel alone, limits: lifted" | pad(46)) + (.done_per_second.median | fixed(0) | lpad(10)) +
		(.done_per_second | scatter | lpad(10))),
	head("Memory of standing hints, KiB: resident/PSS/own"; "         without                with  bytes each"),
	(def all: "\(.rss_kib)/\(.pss_kib)/\(.anon_kib)";
		.memory[] | "  " + ("\({agent: "hmm-agentd", hmmd: "hmmd"}[.who]), \(.hints) hints, \(.advice)" | pad(46)) + (.without | all | lpad(18)) +
		(.with | all | lpad(20)) + (.bytes_each | fixed(0) | lpad(12)))),
head("Ratios, round for round"; "      here   (95 % sure)    best  prototype      aim"),
($r.ratios[] | "  " + (.name | pad(46)) + (.median | brief | lpad(10)) + (if .sure then .sure | map(brief) | join("-") else "-" end | lpad(14)) + (.best | brief | lpad(8)) +
	(.prototype | brief | lpad(11)) + (.aim // "-" | lpad(9)))
