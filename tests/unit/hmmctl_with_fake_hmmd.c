// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real hmmctl against a scripted server (fake_hmmd.h): for every verb what it asks, what it
 * prints and how it exits, when all goes well and when it does not.
 */
#include "config.h"

#include "fake_cases.h"

#define VM1                                                                              \
	"{\"name\":\"tenant1\",\"uuid\":\"6f0a1b2c-0000-4000-8000-000000000001\","       \
	"\"pid\":4711,\"attached\":true,\"ram-bytes\":268435456,\"out-bytes\":67108864," \
	"\"id\":3,\"state\":\"attached\"}"
#define VM2                                                               \
	"{\"name\":\"web\",\"uuid\":null,\"pid\":812,\"attached\":false," \
	"\"ram-bytes\":1073741824,\"out-bytes\":0,\"id\":0}"
#define POOL                                                                \
	"{\"name\":\"p0\",\"id\":1,\"engine\":\"ram\",\"bytes\":268435456," \
	"\"used-bytes\":67108864,\"free-huge\":96,\"overhead-bytes\":4096}"
#define MOVED                                                                                       \
	"{\"asked-bytes\":67108864,\"moved-bytes\":67108864,\"moved-huge\":32,\"evicted-bytes\":0," \
	"\"seconds\":0.08,\"skipped\":{}}"

#define ASK_LIST    "{\"execute\":\"list-vms\"}"
#define LIST_ANSWER "{\"return\":{\"vms\":[" VM1 "," VM2 "]}}"

static void list(void)
{
	static const struct fake_case cases[] = {
		{ .line = "list",
		  .steps = { { ASK_LIST, LIST_ANSWER } },
		  .out = "NAME     UUID                                   PID      RAM     OUT  STATE\n"
			 "tenant1  6f0a1b2c-0000-4000-8000-000000000001  4711  256 MiB  64 MiB  attached\n"
			 "web      -                                      812    1 GiB       -  -\n" },
		{ .line = "list --json",
		  .steps = { { ASK_LIST, LIST_ANSWER } },
		  .out = "{\"vms\":[" VM1 "," VM2 "]}\n" },
		{ .line = "list",
		  .steps = { { ASK_LIST, "{\"return\":{\"vms\":[]}}" } },
		  .out = "no VM runs under KVM here\n" },
		{ .line = "-q list", .steps = { { ASK_LIST, "{\"return\":{\"vms\":[]}}" } } },
		{ .line = "list",
		  .steps = { { ASK_LIST, "{\"return\":{\"vms\":[7]}}" } },
		  .status = 3,
		  .err_part = "'name' is missing or is no string" },
		{ .line = "list",
		  .steps = { { ASK_LIST, "{\"return\":{}}" } },
		  .status = 3,
		  .err_part = "'vms' is missing" },
	};

	RUN(cases);
}

static void status(void)
{
	static const struct fake_case cases[] = {
		{ .line = "status",
		  .steps = { { "{\"execute\":\"query-status\"}",
			       "{\"return\":{\"version\":\"0.1.0\",\"pid\":99,\"uptime-seconds\":11531,"
			       "\"fdstore\":true,\"kernel\":{\"loaded\":true,\"abi\":1,"
			       "\"engines\":[\"ram\"],\"huge\":true,\"reserve-bytes\":4194304,"
			       "\"reserve-target-bytes\":8388608},\"pools\":1,\"vms\":2}}" } },
		  .out = "hmmd     0.1.0, process 99, up 3 h 12 min\n"
			 "restart  moved pages stay out when hmmd restarts\n"
			 "kernel   vmirror, ABI 1, engines: ram; 2 MiB pages move whole\n"
			 "reserve  4 MiB of 8 MiB kept ready for pages that come back\n"
			 "pools    1\n"
			 "VMs      2 attached\n" },
		{ .line = "status",
		  .steps = { { "{\"execute\":\"query-status\"}",
			       "{\"return\":{\"version\":\"0.1.0\",\"pid\":99,\"uptime-seconds\":1,"
			       "\"fdstore\":false,\"kernel\":{\"loaded\":false},"
			       "\"pools\":0,\"vms\":0}}" } },
		  .out = "hmmd     0.1.0, process 99, up 1 s\n"
			 "restart  moved pages come back to RAM when hmmd ends (no systemd fd store)\n"
			 "kernel   vmirror is not loaded: load it with 'modprobe vmirror'\n"
			 "pools    0\n"
			 "VMs      0 attached\n" },
		{ .line = "status web",
		  .steps = { { ASK_VM("query-vm", "web"), "{\"return\":{\"vm\":" VM2 "}}" } },
		  .out = "name     web\n"
			 "uuid     -\n"
			 "process  812\n"
			 "state    not attached: 'hmmctl attach web'\n"
			 "RAM      1 GiB\n" },
		{ .line = "status tenant1",
		  .steps = { { ASK_VM("query-vm", "tenant1"),
			       "{\"return\":{\"vm\":" VM1 ",\"stat\":{\"out-pages\":16384,"
			       "\"moved-out\":32768,\"back-fault\":16383,\"back-recall\":1,"
			       "\"dropped\":0,\"faults\":77,\"reserve-used\":2,\"invalidations\":5,"
			       "\"lost-records\":0,\"overhead-bytes\":12288},\"slots\":["
			       "{\"gpa\":0,\"bytes\":655360,\"hva\":139637976727552,"
			       "\"blocker\":null},{\"gpa\":4294705152,\"bytes\":262144,"
			       "\"hva\":139639050469376,\"blocker\":\"shared\"}],"
			       "\"pools\":{\"p0\":67108864}}}" } },
		  .out = "name                tenant1\n"
			 "uuid                6f0a1b2c-0000-4000-8000-000000000001\n"
			 "process             4711\n"
			 "state               attached, id 3\n"
			 "RAM                 256 MiB\n"
			 "out now             64 MiB\n"
			 "ever moved out      128 MiB\n"
			 "back by CPU faults  63.99 MiB\n"
			 "back by request     4 KiB\n"
			 "gone while out      0\n"
			 "CPU faults served   77\n"
			 "taken from reserve  8 KiB\n"
			 "notifier calls      5\n"
			 "ring records lost   0\n"
			 "kernel memory used  12 KiB\n"
			 "in pool p0          64 MiB\n"
			 "\n"
			 "       GPA     SIZE             HVA  CAN MOVE\n"
			 "       0x0  640 KiB  0x7f0000000000  yes\n"
			 "0xfffc0000  256 KiB  0x7f0040000000  no: shared memory cannot move\n" },
		{ .line = "status tenant1",
		  .steps = { { ASK_VM("query-vm", "tenant1"),
			       "{\"return\":{\"vm\":" VM1
			       ",\"stat\":{\"out-pages\":\"many\"}}}" } },
		  .status = 3,
		  .err_part = "'out-pages'" },
	};

	RUN(cases);
}

static void pools(void)
{
	static const struct fake_case cases[] = {
		{ .line = "pools",
		  .steps = { { "{\"execute\":\"list-pools\"}",
			       "{\"return\":{\"pools\":[" POOL "]}}" } },
		  .out = "NAME  ENGINE     SIZE    USED     FREE  FREE 2M BLOCKS\n"
			 "p0    ram     256 MiB  64 MiB  192 MiB              96\n" },
		{ .line = "pools",
		  .steps = { { "{\"execute\":\"list-pools\"}", "{\"return\":{\"pools\":[]}}" } },
		  .out = "no pools; make one with 'hmmctl pool-create NAME --size 256MiB'\n" },
		{ .line = "pool-create p0 --size 256MiB",
		  .steps = { { "{\"execute\":\"create-pool\",\"arguments\":{\"name\":\"p0\","
			       "\"bytes\":268435456}}",
			       "{\"return\":{\"pool\":" POOL "}}" } },
		  .out = "pool p0: 256 MiB, engine ram\n" },
		{ .line = "pool-create p0 --size=0.25GiB --engine ram --json",
		  .steps = { { "{\"execute\":\"create-pool\",\"arguments\":{\"name\":\"p0\","
			       "\"engine\":\"ram\",\"bytes\":268435456}}",
			       "{\"return\":{\"pool\":" POOL "}}" } },
		  .out = "{\"pool\":" POOL "}\n" },
		{ .line = "pool-create p0 --size 256MiB",
		  .steps = { { "{\"execute\":\"create-pool\",\"arguments\":{\"name\":\"p0\","
			       "\"bytes\":268435456}}",
			       ERROR("AlreadyExists", "p0 is there already") } },
		  .status = 1,
		  .err = "hmmctl: p0 is there already\n" },
		{ .line = "pool-destroy p0",
		  .steps = { { "{\"execute\":\"destroy-pool\",\"arguments\":{\"name\":\"p0\"}}",
			       "{\"return\":{\"returned-bytes\":67108864}}" } },
		  .out = "pool p0 is gone; 64 MiB came back to RAM\n" },
		{ .line = "pool-destroy q0",
		  .steps = { { "{\"execute\":\"destroy-pool\",\"arguments\":{\"name\":\"q0\"}}",
			       ERROR("PoolNotFound", "there is no pool 'q0'") },
			     { "{\"execute\":\"list-pools\"}",
			       "{\"return\":{\"pools\":[" POOL "]}}" } },
		  .status = 1,
		  .err = "hmmctl: there is no pool 'q0': did you mean 'p0'? 'hmmctl pools' shows all "
			 "pools\n" },
	};

	RUN(cases);
}

static void attach_and_detach(void)
{
	static const struct fake_case cases[] = {
		{ .line = "attach tenant1",
		  .steps = { { ASK_VM("attach", "tenant1"), "{\"return\":{\"vm\":" VM1 "}}" } },
		  .out = "tenant1 is attached: process 4711, 256 MiB of RAM\n" },
		{ .line = "attach tenant1 --quiet",
		  .steps = { { ASK_VM("attach", "tenant1"), "{\"return\":{\"vm\":" VM1 "}}" } } },
		{ .line = "attach tennant1",
		  .steps = { { ASK_VM("attach", "tennant1"),
			       ERROR("VmNotFound", "no VM 'tennant1'") },
			     { ASK_LIST, LIST_ANSWER } },
		  .status = 1,
		  .err = "hmmctl: no VM 'tennant1': did you mean 'tenant1'? 'hmmctl list' shows all VMs\n" },
		{ .line = "attach zzzzzzzz",
		  .steps = { { ASK_VM("attach", "zzzzzzzz"),
			       ERROR("VmNotFound", "no VM 'zzzzzzzz'") },
			     { ASK_LIST, FAKE_CLOSE } },
		  .status = 1,
		  .err = "hmmctl: no VM 'zzzzzzzz': 'hmmctl list' shows the VMs that run\n" },
		{ .line = "attach --json tenant1",
		  .steps = { { ASK_VM("attach", "tenant1"),
			       ERROR("AlreadyAttached", "tenant1 is attached already") } },
		  .status = 1,
		  .out = "{\"error\":{\"class\":\"AlreadyAttached\",\"desc\":"
			 "\"tenant1 is attached already\"}}\n",
		  .err = "hmmctl: tenant1 is attached already\n" },
		{ .line = "attach tenant1",
		  .steps = { { ASK_VM("attach", "tenant1"),
			       ERROR("NoModule", "the kernel module vmirror is not loaded") } },
		  .status = 1,
		  .err = "hmmctl: the kernel module vmirror is not loaded: load it with 'modprobe "
			 "vmirror'\n" },
		{ .line = "attach tenant1",
		  .steps = { { ASK_VM("attach", "tenant1"),
			       ERROR("PermissionDenied", "only an operator may do that") } },
		  .status = 1,
		  .err = "hmmctl: only an operator may do that: run hmmctl as root, or join the group "
			 "that hmmd.conf names ([control] group=)\n" },
		{ .line = "detach tenant1",
		  .steps = { { ASK_VM("detach", "tenant1"),
			       "{\"return\":{\"returned-bytes\":67108864}}" } },
		  .out = "tenant1 is detached; 64 MiB came back to RAM\n" },
		{ .line = "detach tenant1",
		  .steps = { { ASK_VM("detach", "tenant1"),
			       ERROR("NotAttached", "it is not attached") } },
		  .status = 1,
		  .err = "hmmctl: it is not attached: attach it with 'hmmctl attach tenant1'\n" },
	};

	RUN(cases);
}

#define ASK_MIGRATE(what) "{\"execute\":\"migrate\",\"arguments\":{" what ",\"vm\":\"tenant1\"}}"
#define PROGRESS                                                              \
	"{\"event\":\"progress\",\"data\":{\"id\":1,\"done-bytes\":33554432," \
	"\"total-bytes\":67108864,\"moved-bytes\":33550336},"                 \
	"\"timestamp\":{\"seconds\":1,\"microseconds\":2}}\n"

static void migrate(void)
{
	static const struct fake_case cases[] = {
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = { { ASK_MIGRATE("\"bytes\":67108864"), "{\"return\":" MOVED "}" } },
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n" },
		{ .line = "migrate tenant1 --all --json",
		  .steps = { { ASK_MIGRATE("\"all\":true"), "{\"return\":" MOVED "}" } },
		  .out = MOVED "\n" },
		{ .line = "migrate --gpa 0x40000000+64MiB --gpa 0x100000000+1GiB --pool p0 tenant1",
		  .steps = { { "{\"execute\":\"migrate\",\"arguments\":{\"ranges\":["
			       "{\"gpa\":1073741824,\"bytes\":67108864},"
			       "{\"gpa\":4294967296,\"bytes\":1073741824}],"
			       "\"vm\":\"tenant1\",\"pool\":\"p0\"}}",
			       "{\"return\":" MOVED "}" } },
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n" },
		/* Less than asked, more than nothing: that is success. */
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = { { ASK_MIGRATE("\"bytes\":67108864"),
			       "{\"return\":{\"asked-bytes\":67108864,\"moved-bytes\":63963136,"
			       "\"moved-huge\":0,\"evicted-bytes\":0,\"seconds\":1,\"skipped\":{\"pinned\":3145728}}}" } },
		  .out = "moved 61 MiB of 64 MiB in 1.00 s, 61 MiB/s\n"
			 "did not move: 3 MiB pinned (pinned, by VFIO or another user of DMA)\n" },
		{ .line = "migrate tenant1 --all",
		  .steps = { { ASK_MIGRATE("\"all\":true"),
			       "{\"error\":{\"class\":\"NothingMovable\",\"desc\":\"nothing of tenant1 "
			       "can move\",\"data\":{\"skipped\":{\"pinned\":268435456}}}}" } },
		  .status = 1,
		  .err = "hmmctl: nothing of tenant1 can move: 256 MiB pinned (pinned, by VFIO or "
			 "another user of DMA); 'hmmctl doctor tenant1' says what to change\n" },
		{ .line = "migrate tenant1 --all",
		  .steps = { { ASK_MIGRATE("\"all\":true"),
			       "{\"error\":{\"class\":\"PoolFull\",\"desc\":\"pool p0 has 4 MiB free, "
			       "256 MiB were asked for\",\"data\":{\"free-bytes\":4194304}}}" } },
		  .status = 1,
		  .err = "hmmctl: pool p0 has 4 MiB free, 256 MiB were asked for: 4 MiB would fit: "
			 "ask for that much (--bytes), bring memory back with 'hmmctl recall', let what "
			 "is coldest make room with --evict SECONDS, or make a larger pool with "
			 "'hmmctl pool-create'\n" },
		{ .line = "migrate tenant1 --bytes 64MiB --evict 60",
		  .steps = { { "{\"execute\":\"migrate\",\"arguments\":{\"bytes\":67108864,"
			       "\"vm\":\"tenant1\",\"evict-idle-seconds\":60}}",
			       "{\"return\":" MOVED "}" } },
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n" },
		{ .line = "migrate tenant1 --all",
		  .steps = { { ASK_MIGRATE("\"all\":true"), ERROR("PoolNotFound", "which pool?") },
			     { "{\"execute\":\"list-pools\"}", "{\"return\":{\"pools\":[]}}" } },
		  .status = 1,
		  .err = "hmmctl: which pool?: make one with 'hmmctl pool-create NAME --size 256MiB'\n" },
		{ .line = "migrate tenant1", .status = 2, .err_part = "exactly one of --gpa" },
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = { { ASK_MIGRATE("\"bytes\":67108864"),
			       "{\"return\":{\"asked-bytes\":-1}}" } },
		  .status = 3,
		  .err_part = "'asked-bytes' is negative" },
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = { { ASK_MIGRATE("\"bytes\":67108864"), PROGRESS FAKE_CLOSE } },
		  .status = 3,
		  .err_part = "hmmd closed the connection" },
	};

	RUN(cases);
}

static void recall(void)
{
	static const struct fake_case cases[] = {
		{ .line = "recall tenant1 --all",
		  .steps = { { "{\"execute\":\"recall\",\"arguments\":{\"all\":true,\"vm\":\"tenant1\"}}",
			       "{\"return\":" MOVED "}" } },
		  .out = "brought back 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n" },
		{ .line = "recall tenant1 --gpa 0x0+2MiB",
		  .steps = { { "{\"execute\":\"recall\",\"arguments\":{\"ranges\":[{\"gpa\":0,"
			       "\"bytes\":2097152}],\"vm\":\"tenant1\"}}",
			       ERROR("OutOfRange", "tenant1 has no memory there") } },
		  .status = 1,
		  .err = "hmmctl: tenant1 has no memory there: 'hmmctl status tenant1' lists where its "
			 "memory is\n" },
	};

	RUN(cases);
}

#define MIGRATE_WITH_PROGRESS \
	{ { ASK_MIGRATE("\"bytes\":67108864"), PROGRESS "{\"return\":" MOVED ",\"id\":1}\n" } }

static void progress(void)
{
	static const struct fake_case cases[] = {
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = MIGRATE_WITH_PROGRESS,
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n" },
		{ .line = "migrate tenant1 --bytes 64MiB --verbose",
		  .steps = MIGRATE_WITH_PROGRESS,
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n",
		  .err_part = "moving out: 50 %  32 MiB of 64 MiB, " },
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = MIGRATE_WITH_PROGRESS,
		  .terminal = TRUE,
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n",
		  .err_part = "\rmoving out  [█" },
		{ .line = "migrate tenant1 --bytes 64MiB --quiet",
		  .steps = MIGRATE_WITH_PROGRESS,
		  .terminal = TRUE },
		{ .line = "migrate tenant1 --bytes 64MiB --json",
		  .steps = MIGRATE_WITH_PROGRESS,
		  .terminal = TRUE,
		  .out = MOVED "\n" },
		{ .line = "migrate tenant1 --bytes 64MiB --verbose",
		  .steps = { { ASK_MIGRATE("\"bytes\":67108864"),
			       "{\"event\":\"progress\",\"data\":{\"done-bytes\":\"half\"}}\n"
			       "{\"return\":" MOVED ",\"id\":1}\n" } },
		  .out = "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s\n" },
		{ .line = "migrate tenant1 --bytes 64MiB",
		  .steps = { { ASK_MIGRATE("\"bytes\":67108864"), PROGRESS FAKE_SIGINT } },
		  .status = 130,
		  .err = "hmmctl: migrate stopped half-way (what is done stays done): interrupted\n" },
	};

	RUN(cases);
}

#define EXTENT(gpa, bytes, state, huge, pool)                                           \
	"{\"gpa\":" #gpa ",\"bytes\":" #bytes ",\"state\":\"" state "\",\"huge\":" huge \
	",\"writable\":true,\"pool\":" pool ",\"offset\":0}"

static void map(void)
{
	static const struct fake_case cases[] = {
		{ .line = "map tenant1 --width 40",
		  .steps = { { ASK_VM("map", "tenant1"),
			       "{\"return\":{\"extents\":[" EXTENT(
				       0, 8192, "ram", "false", "null") "],\"next-gpa\":8192}}" },
			     { "{\"execute\":\"map\",\"arguments\":{\"vm\":\"tenant1\",\"gpa\":8192}}",
			       "{\"return\":{\"extents\":[" EXTENT(
				       8192, 4096, "pool", "false",
				       "\"p0\"") "],\"next-gpa\":null}}" } },
		  .out = "0x0    ▓▓a\n"
			 "\n"
			 "  ▓  RAM, 4 KiB pages                      8 KiB\n"
			 "  a  pool p0, 4 KiB pages                  4 KiB\n"
			 "one cell is 4 KiB, a row 128 KiB; 12 KiB in all, 4 KiB of it in pools\n" },
		{ .line = "map tenant1 --json --gpa 0x1000+8KiB",
		  .steps = { { "{\"execute\":\"map\",\"arguments\":{\"vm\":\"tenant1\",\"gpa\":4096,"
			       "\"bytes\":8192}}",
			       "{\"return\":{\"extents\":[" EXTENT(
				       4096, 4096, "ram", "false",
				       "null") "],\"next-gpa\":8192}}" },
			     { "{\"execute\":\"map\",\"arguments\":{\"vm\":\"tenant1\",\"gpa\":8192,"
			       "\"bytes\":4096}}",
			       "{\"return\":{\"extents\":[" EXTENT(
				       8192, 4096, "absent", "false",
				       "null") "],\"next-gpa\":null}}" } },
		  .out = "{\"extents\":[" EXTENT(4096, 4096, "ram", "false", "null") "," EXTENT(
			  8192, 4096, "absent", "false", "null") "],\"next-gpa\":null}\n" },
		{ .line = "map tenant1",
		  .steps = { { ASK_VM("map", "tenant1"),
			       "{\"return\":{\"extents\":[],\"next-gpa\":4096}}" },
			     { "{\"execute\":\"map\",\"arguments\":{\"vm\":\"tenant1\",\"gpa\":4096}}",
			       "{\"return\":{\"extents\":[],\"next-gpa\":4096}}" } },
		  .status = 3,
		  .err_part = "'next-gpa' does not go on" },
		{ .line = "map tenant1",
		  .steps = { { ASK_VM("map", "tenant1"), "{\"return\":{\"extents\":[{}]}}" } },
		  .status = 3,
		  .err_part = "'gpa' is missing" },
		{ .line = "map web",
		  .steps = { { ASK_VM("map", "web"),
			       ERROR("NotAttached", "web is not attached") } },
		  .status = 1,
		  .err = "hmmctl: web is not attached: attach it with 'hmmctl attach web'\n" },
	};

	RUN(cases);
}

#define SUBSCRIBE "{\"execute\":\"subscribe\",\"arguments\":{}}"
#define EVENT                                                                                   \
	"{\"event\":\"out\",\"data\":{\"vm\":\"tenant1\",\"gpa\":1073741824,\"bytes\":2097152," \
	"\"reason\":\"request\",\"pool\":\"p0\",\"offset\":0,\"huge\":true},"                   \
	"\"timestamp\":{\"seconds\":1700000000,\"microseconds\":42}}"
#define EVENT_LINE \
	"22:13:20.000042  out            tenant1  0x40000000+2 MiB  huge  pool p0  request\n"

static void events(void)
{
	static const struct fake_case cases[] = {
		{ .line = "events --count 2",
		  .steps = { { SUBSCRIBE,
			       "{\"return\":{},\"id\":1}\n" EVENT "\n" EVENT "\n" EVENT "\n" } },
		  .out = EVENT_LINE EVENT_LINE },
		{ .line = "events --json --count 1",
		  .steps = { { SUBSCRIBE, EVENT "\n{\"return\":{},\"id\":1}\n" } },
		  .out = EVENT "\n" },
		{ .line = "events tenant1 --timeout 0.1",
		  .steps = { { ASK_VM("subscribe", "tenant1"),
			       "{\"return\":{},\"id\":1}\n" EVENT "\n" } },
		  .out = EVENT_LINE },
		{ .line = "events --timeout 0.1 --count 2",
		  .steps = { { SUBSCRIBE, "{\"return\":{},\"id\":1}\n" EVENT "\n" } },
		  .status = 1,
		  .out = EVENT_LINE,
		  .err = "hmmctl: only 1 of 2 events came within 0.1 s\n" },
		{ .line = "events -v",
		  .steps = { { SUBSCRIBE, "{\"return\":{},\"id\":1}\n" FAKE_SIGINT } },
		  .err_part = "" },
		{ .line = "events",
		  .steps = { { SUBSCRIBE, "{\"return\":{},\"id\":1}\n" FAKE_CLOSE } },
		  .status = 3,
		  .err_part = "hmmd closed the connection" },
		{ .line = "events",
		  .steps = { { SUBSCRIBE, ERROR("PermissionDenied", "only root may") } },
		  .status = 1,
		  .err = "hmmctl: only root may\n" },
	};

	RUN(cases);
}

static void doctor(void)
{
	static const struct fake_case cases[] = {
		{ .line = "doctor",
		  .steps = { { "{\"execute\":\"doctor\",\"arguments\":{}}",
			       "{\"return\":{\"findings\":[{\"level\":\"ok\",\"topic\":\"kernel\","
			       "\"text\":\"vmirror is loaded\",\"fix\":null}]}}" } },
		  .out = "ok    hmmd: hmmd 0.1.0 answers\n"
			 "ok    kernel: vmirror is loaded\n"
			 "all is well\n" },
		{ .line = "doctor tenant1",
		  .steps = { { ASK_VM("doctor", "tenant1"),
			       "{\"return\":{\"findings\":[{\"level\":\"warn\",\"topic\":\"thp\","
			       "\"text\":\"off\",\"fix\":\"switch it on\"},{\"level\":\"fail\","
			       "\"topic\":\"slot\",\"text\":\"all is pinned\",\"fix\":\"add a vIOMMU\"}"
			       "]}}" } },
		  .status = 1,
		  .out = "ok    hmmd: hmmd 0.1.0 answers\n"
			 "warn  thp: off\n"
			 "      fix: switch it on\n"
			 "fail  slot: all is pinned\n"
			 "      fix: add a vIOMMU\n" },
		{ .line = "doctor --json",
		  .steps = { { "{\"execute\":\"doctor\",\"arguments\":{}}",
			       "{\"return\":{\"findings\":[]}}" } },
		  .out = "{\"findings\":[{\"level\":\"ok\",\"topic\":\"hmmd\","
			 "\"text\":\"hmmd 0.1.0 answers\",\"fix\":null}]}\n" },
		{ .line = "doctor",
		  .steps = { { "{\"execute\":\"doctor\",\"arguments\":{}}",
			       "{\"return\":{\"findings\":[{\"level\":\"dire\"}]}}" } },
		  .status = 3,
		  .out = "ok    hmmd: hmmd 0.1.0 answers\n",
		  .err_part = "neither ok nor warn nor fail" },
	};

	RUN(cases);
}

static void no_hmmd(void)
{
	static const struct fake_case cases[] = {
		{ .line = "--socket /nonexistent/sock list",
		  .status = 3,
		  .err = "hmmctl: hmmd is not running (there is no /nonexistent/sock): start it with "
			 "'systemctl start hmmd'\n" },
		{ .line = "--socket /nonexistent/sock list --json",
		  .status = 3,
		  .out = "{\"error\":{\"class\":\"Unreachable\",\"desc\":\"hmmd is not running (there is "
			 "no /nonexistent/sock): start it with 'systemctl start hmmd'\"}}\n",
		  .err_part = "hmmctl: hmmd is not running" },
		{ .line = "list",
		  .greeting = FAKE_CLOSE,
		  .status = 3,
		  .err_part = "no greeting from hmmd: hmmd closed the connection" },
		{ .line = "list",
		  .greeting = "220 mail.example.org ESMTP\n",
		  .status = 3,
		  .err_part = "no greeting from hmmd" },
		{ .line = "list",
		  .greeting = "{\"hmmd\":{\"version\":\"7\",\"protocol\":7,\"capabilities\":[]}}\n",
		  .status = 3,
		  .err_part = "hmmd speaks protocol 7, this hmmctl speaks 1" },
		{ .line = "list",
		  .steps = { { ASK_LIST, ERROR("CommandNotFound", "no command") } },
		  .status = 1,
		  .err = "hmmctl: no command: hmmd is older than this hmmctl: upgrade hmmd\n" },
	};

	RUN(cases);
}

static void usage(void)
{
	static const struct fake_case cases[] = {
		{ .line = "",
		  .status = 2,
		  .err = "hmmctl: no verb given; 'hmmctl --help' lists them\n" },
		{ .line = "lst",
		  .status = 2,
		  .err = "hmmctl: there is no verb 'lst'; did you mean 'list'?\n" },
		{ .line = "list --json --frobnicate",
		  .status = 2,
		  .err = "hmmctl: Unknown option --frobnicate; see 'hmmctl list --help'\n" },
		{ .line = "--version", .out = "hmmctl (hmmd) " PACKAGE_VERSION "\n" },
		{ .line = "list --version", .out = "hmmctl (hmmd) " PACKAGE_VERSION "\n" },
	};

	RUN(cases);
}

static void expect_help(const char *line, const char *part)
{
	struct fake_case test = { .line = line };
	struct fake_result result;

	fake_run(&test, &result);
	CU_ASSERT_EQUAL(result.status, 0);
	CHECK_TEXT(result.err, "");
	if (!strstr(result.out, part))
		CHECK_TEXT(result.out, part);
	fake_result_clear(&result);
}

static void help(void)
{
	static const char *const verbs[] = { "list",	     "status", "pools",	 "pool-create",
					     "pool-destroy", "attach", "detach", "migrate",
					     "recall",	     "map",    "hints",	 "events",
					     "doctor" };

	expect_help("--help", "Verbs:");
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
		g_autofree char *line = g_strdup_printf("%s --help", verbs[i]);
		g_autofree char *example = g_strdup_printf("\n  hmmctl %s", verbs[i]);

		expect_help(line, example);
	}
}

/* A full disk shall not look like success. */
static void output_that_cannot_be_written(void)
{
	const char *command = g_getenv("HMMCTL");
	g_autofree char *line =
		g_strdup_printf("sh -c \"%s --help >/dev/full\"", command ? command : "./hmmctl");
	g_autofree char *err = NULL;
	int wait_status = 0;

	CU_ASSERT_TRUE(g_spawn_command_line_sync(line, NULL, &err, &wait_status, NULL));
	CU_ASSERT_EQUAL(wait_status, 1 << 8);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "cannot write the output"));
}

int main(void)
{
	static const struct check checks[] = {
		{ "list", list },
		{ "status", status },
		{ "pools", pools },
		{ "attach, detach", attach_and_detach },
		{ "migrate", migrate },
		{ "recall", recall },
		{ "progress", progress },
		{ "map", map },
		{ "events", events },
		{ "doctor", doctor },
		{ "no hmmd", no_hmmd },
		{ "usage", usage },
		{ "help", help },
		{ "output that cannot be written", output_that_cannot_be_written },
	};

	return run_checks("hmmctl with a fake hmmd", checks, G_N_ELEMENTS(checks));
}
