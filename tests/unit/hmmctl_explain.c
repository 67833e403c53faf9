// SPDX-License-Identifier: LGPL-2.1-or-later
/* explain.c and local-findings.c of hmmctl: every refusal names the next step */
#include "hmmctl_check.h"

#include <glib/gstdio.h>

static char *explain(const char *json, const struct explain_context *context)
{
	g_autoptr(hmmctl_json) refusal = parse_json(json);
	static const struct explain_context nothing;

	return explain_refusal(refusal, context ? context : &nothing);
}

static const char *const vms[] = { "tenant1", "tenant2", NULL };
static const char *const pools[] = { "p0", "gpu-pool", NULL };
static const char *const none[] = { NULL };

static void virtual_machines(void)
{
	struct explain_context context = { .vm = "tennant1", .vms = vms };

	CHECK_TAKEN_TEXT(explain("{\"class\": \"VmNotFound\", \"desc\": \"no VM tennant1\"}",
				 &context),
			 "no VM tennant1: did you mean 'tenant1'? 'hmmctl list' shows all VMs");
	context.vm = "database";
	CHECK_TAKEN_TEXT(explain("{\"class\": \"VmNotFound\", \"desc\": \"no VM database.\"}",
				 &context),
			 "no VM database: 'hmmctl list' shows the VMs that run");
	context.vms = NULL;
	CHECK_TAKEN_TEXT(explain("{\"class\": \"VmNotFound\", \"desc\": \"no VM database\"}",
				 &context),
			 "no VM database: 'hmmctl list' shows the VMs that run");
	context.vms = none;
	CHECK_TAKEN_TEXT(explain("{\"class\": \"VmNotFound\", \"desc\": \"no VM database\"}",
				 &context),
			 "no VM database: no VM runs under KVM here");
	context.vm = "tennant1";
	context.vms = vms;
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"VmNotFound\", \"desc\": \"none; see 'hmmctl list'\"}",
			&context),
		"none; see 'hmmctl list': did you mean 'tenant1'?");
	context.vm = "database";
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"VmNotFound\", \"desc\": \"none; see 'hmmctl list'\"}",
			&context),
		"none; see 'hmmctl list'");
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"NotAttached\", \"desc\": \"database is not attached\"}",
			&context),
		"database is not attached: attach it with 'hmmctl attach database'");
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"NotAttached\", \"desc\": \"run 'hmmctl attach x'\"}",
			&context),
		"run 'hmmctl attach x'");
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"VmAmbiguous\", \"desc\": \"two VMs have that name\"}",
			&context),
		"two VMs have that name: use its UUID or process id instead; "
		"'hmmctl list' shows both");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"OutOfRange\", \"desc\": \"no memory there\"}",
				 &context),
			 "no memory there: 'hmmctl status database' lists where its memory is");
}

static void memory_pools(void)
{
	struct explain_context context = { .pool = "gpupool", .pools = pools };

	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"PoolNotFound\", \"desc\": \"no pool gpupool\"}", &context),
		"no pool gpupool: did you mean 'gpu-pool'? 'hmmctl pools' shows all pools");
	context.pool = "zzzzzzz";
	CHECK_TAKEN_TEXT(explain("{\"class\": \"PoolNotFound\", \"desc\": \"no pool zzzzzzz\"}",
				 &context),
			 "no pool zzzzzzz: 'hmmctl pools' shows the pools");
	context.pool = NULL;
	CHECK_TAKEN_TEXT(explain("{\"class\": \"PoolNotFound\", \"desc\": \"which pool\"}",
				 &context),
			 "which pool: name one of them with --pool: p0, gpu-pool");
	context.pools = none;
	CHECK_TAKEN_TEXT(explain("{\"class\": \"PoolNotFound\", \"desc\": \"there is no pool\"}",
				 &context),
			 "there is no pool: make one with 'hmmctl pool-create NAME --size 256MiB'");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"PoolFull\", \"desc\": \"p0 has 4 MiB free\","
				 " \"data\": {\"free-bytes\": 4194304}}",
				 &context),
			 "p0 has 4 MiB free: 4 MiB would fit: ask for that much (--bytes), bring "
			 "memory back with 'hmmctl recall', let what is coldest make room with "
			 "--evict SECONDS, or make a larger pool with 'hmmctl pool-create'");
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"PoolFull\", \"desc\": \"p0 is full\","
			" \"data\": {\"free-bytes\": 0}}",
			&context),
		"p0 is full: nothing more fits: bring memory back with 'hmmctl recall', let "
		"what is coldest make room with --evict SECONDS, or make a larger pool with "
		"'hmmctl pool-create'");
	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"PoolFull\", \"desc\": \"p0 is full\", \"data\": []}",
			&context),
		"p0 is full: bring memory back with 'hmmctl recall', let what is coldest make "
		"room with --evict SECONDS, or make a larger pool with 'hmmctl pool-create'");
}

static void nothing_movable(void)
{
	struct explain_context context = { .vm = "tenant1" };

	CHECK_TAKEN_TEXT(
		explain("{\"class\": \"NothingMovable\", \"desc\": \"nothing can move\", \"data\":"
			" {\"skipped\": {\"hugetlb\": 4096, \"pinned\": 8192}}}",
			&context),
		"nothing can move: 8 KiB pinned (pinned, by VFIO or another user of DMA), "
		"4 KiB hugetlb (hugetlbfs memory cannot move); 'hmmctl doctor tenant1' says "
		"what to change");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"NothingMovable\", \"desc\": \"nothing can move\"}",
				 NULL),
			 "nothing can move: 'hmmctl doctor' says what to change");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"NothingMovable\","
				 " \"desc\": \"nothing; see 'hmmctl doctor x'\"}",
				 NULL),
			 "nothing; see 'hmmctl doctor x'");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"NothingMovable\", \"desc\": \"nothing\", \"data\":"
				 " {\"skipped\": {\"pinned\": \"all\"}}}",
				 &context),
			 "nothing: 'hmmctl doctor tenant1' says what to change");
}

static void other_classes(void)
{
	CHECK_TAKEN_TEXT(explain("{\"class\": \"NoModule\", \"desc\": \"vmirror is not loaded\"}",
				 NULL),
			 "vmirror is not loaded: load it with 'modprobe vmirror'");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"NoModule\", \"desc\": \"run modprobe vmirror\"}",
				 NULL),
			 "run modprobe vmirror");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"PermissionDenied\", \"desc\": \"you may not\"}",
				 NULL),
			 "you may not: run hmmctl as root, or join the group that hmmd.conf names "
			 "([control] group=)");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"Busy\", \"desc\": \"busy\"}", NULL),
			 "busy: try again in a moment");
	CHECK_TAKEN_TEXT(explain("{\"class\": \"Invented\", \"desc\": \"new \\u001b trouble.\"}",
				 NULL),
			 "new ? trouble");
	CHECK_TAKEN_TEXT(explain("{\"class\": 1}", NULL),
			 "hmmd gave no reason: 'journalctl -u hmmd' has the details");
}

static void expect_finding(json_object *findings, size_t index, enum finding_level level,
			   const char *topic, const char *text)
{
	struct finding finding;

	CU_ASSERT_TRUE_FATAL(
		finding_from_json(json_object_array_get_idx(findings, index), &finding, NULL));
	CU_ASSERT_EQUAL(finding.level, level);
	CHECK_TEXT(finding.topic, topic);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding.text, text));
}

static void findings_without_hmmd(void)
{
	g_autofree char *dir = g_dir_make_tmp("hmmctl-XXXXXX", NULL);
	g_autofree char *modules = g_build_filename(dir, "modules", NULL);
	struct local_paths paths = { .modules = modules,
				     .module = "/nonexistent/vmirror",
				     .device = "/dev/null" };
	static const char *const contents[] = {
		"vmirror 16384 0 - Live 0x0 (OE)\n",
		"kvm 1 0 - Live 0x0\nvmirror 16384 0 - Live 0x0 (OE)\n",
		"kvm 1 0 - Live 0x0\nnotvmirror 1 0\nvmirror_test 1 0\n",
		"",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
		g_autoptr(hmmctl_json) findings = NULL;
		gboolean loaded = i < 2;

		CU_ASSERT_TRUE(g_file_set_contents(modules, contents[i], -1, NULL));
		paths.device = loaded ? "/dev/null" : modules; /* there, but no device */
		findings = local_findings(&paths, "hmmd is not running");
		CU_ASSERT_EQUAL_FATAL(json_object_array_length(findings), 3);
		expect_finding(findings, 0, loaded ? FINDING_OK : FINDING_FAIL, "module",
			       loaded ? "is loaded" : "is not loaded");
		expect_finding(findings, 1, loaded ? FINDING_OK : FINDING_FAIL, "device",
			       loaded ? "/dev/null" : "there is no device");
		expect_finding(findings, 2, FINDING_FAIL, "hmmd", "not running");
	}
	g_remove(modules);
	g_rmdir(dir);
}

int main(void)
{
	static const struct check checks[] = {
		{ "VMs", virtual_machines },
		{ "pools", memory_pools },
		{ "nothing movable", nothing_movable },
		{ "other classes", other_classes },
		{ "findings without hmmd", findings_without_hmmd },
	};

	return run_checks("hmmctl explanations", checks, G_N_ELEMENTS(checks));
}
