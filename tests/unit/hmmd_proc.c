// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include "check.h"
#include "fake_proc.h"
#include "proc.h"

/* ---- the command line --------------------------------------------------- */

static ProcVmm *parse(const char *cmdline, size_t length)
{
	ProcVmm *vmm = g_new0(ProcVmm, 1);

	proc_parse_cmdline(cmdline, length, vmm);
	return vmm;
}

#define PARSE(text) parse(text, sizeof(text) - 1)

static void check_cmdline(ProcVmm *vmm, const char *name, const char *uuid, uint64_t ram)
{
	CHECK_TEXT(vmm->name, name);
	CHECK_TEXT(vmm->uuid, uuid);
	CHECK_NUMBER(vmm->ram_bytes, ram);
	proc_vmm_free(vmm);
}

#define UUID	 "6F1D2A34-0000-4000-8000-0123456789AB"
#define UUID_LOW "6f1d2a34-0000-4000-8000-0123456789ab"

static void cmdline(void)
{
	check_cmdline(PARSE("qemu-system-x86_64\0-name\0web\0-m\0"
			    "512\0"),
		      "web", NULL, 512ull << 20);
	check_cmdline(
		PARSE("/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-uuid\0" UUID
		      "\0"
		      "-m\0size=4194304k,slots=4\0"),
		"web", UUID_LOW, 4ull << 30);
	check_cmdline(PARSE("qemu\0--name\0debug-threads=on,guest=a b\0"), "a b", NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0a,,b,process=x\0"), "a,b", NULL, 0);
	check_cmdline(PARSE("/usr/libexec/qemu-kvm\0-name\0k\0-m\0"
			    "2G\0"),
		      "k", NULL, 2ull << 30);
	/* the last one wins, as in QEMU */
	check_cmdline(PARSE("qemu\0-name\0a\0-name\0b\0"), "b", NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0a,guest=b,process=x\0"), "b", NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0a,guest=b,,,guest=c=,,\0"), "c=,", NULL, 0);
}

static void odd_cmdlines(void)
{
	check_cmdline(PARSE(""), NULL, NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0"), NULL, NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0\0"), NULL, NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0cut"), NULL, NULL, 0);
	check_cmdline(PARSE("qemu\0-name\0process=x\0"), NULL, NULL, 0);
	check_cmdline(PARSE("qemu\0-uuid\0no-uuid\0-m\0lots\0"), NULL, NULL, 0);
	check_cmdline(PARSE("qemu\0-m\0"
			    "99999999999999999T\0-m\0-1\0"),
		      NULL, NULL, 0);
	check_cmdline(PARSE("firecracker\0-name\0a\0"), NULL, NULL, 0);
}

/* ---- a /proc of our own ------------------------------------------------- */

static void make_root(void)
{
	static const char qemu[] = "qemu-system-x86_64\0-name\0guest=web\0-uuid\0" UUID "\0";

	fake_proc_make();
	fake_proc_file("4711", "cmdline", qemu, sizeof(qemu) - 1);
	fake_proc_file("4711", "status", "Name:\tqemu\nVmPin:\t       0 kB\nVmLck:\t    2048 kB\n",
		       -1);
	fake_proc_link("4711", "fd/0", "/dev/null");
	fake_proc_link("4711", "fd/13", "anon_inode:kvm-vm");
	fake_proc_link("4711", "fd/14", "anon_inode:kvm-vcpu:0");
	fake_proc_link("4711", "fd/20", "/dev/vfio/vfio");
	fake_proc_link("4711", "fd/21", "/dev/vfio/42");
	fake_proc_file("99", "cmdline", "crosvm\0run\0", 11);
	fake_proc_link("99", "fd/5", "anon_inode:kvm-vm");
	fake_proc_file("100", "cmdline", "bash\0", 5);
	fake_proc_link("100", "fd/3", "anon_inode:kvm-vm-not");
	fake_proc_file("self", "cmdline", "x\0", 2);
	fake_proc_link("self", "fd/3", "anon_inode:kvm-vm");
}

static void scan(void)
{
	g_autoptr(GPtrArray) vmms = proc_vmm_scan(fake_proc);
	const ProcVmm *vmm;

	CHECK_NUMBER(vmms->len, 2);
	vmm = g_ptr_array_index(vmms, 0);
	CHECK_NUMBER((unsigned int)vmm->pid, 99);
	CHECK_NUMBER((unsigned int)vmm->kvm_fd, 5);
	CHECK_TEXT(vmm->name, "pid-99");
	CHECK_TEXT(vmm->uuid, NULL);
	vmm = g_ptr_array_index(vmms, 1);
	CHECK_NUMBER((unsigned int)vmm->pid, 4711);
	CHECK_NUMBER((unsigned int)vmm->kvm_fd, 13);
	CHECK_TEXT(vmm->name, "web");
	CHECK_TEXT(vmm->uuid, UUID_LOW);
}

static void read_one(void)
{
	g_autoptr(ProcVmm) vmm = proc_vmm_read(fake_proc, 4711);
	g_autoptr(ProcVmm) copy = proc_vmm_copy(vmm);

	CHECK_TEXT(copy->name, "web");
	CU_ASSERT_PTR_NULL(proc_vmm_read(fake_proc, 100));
	CU_ASSERT_PTR_NULL(proc_vmm_read(fake_proc, 1));
	CU_ASSERT_PTR_NULL(proc_vmm_read("/nowhere", 1));
}

static void nothing_there(void)
{
	g_autoptr(GPtrArray) vmms = proc_vmm_scan("/nowhere");

	CHECK_NUMBER(vmms->len, 0);
}

static void status(void)
{
	CHECK_NUMBER(proc_status_bytes(fake_proc, 4711, "VmLck"), 2 << 20);
	CHECK_NUMBER(proc_status_bytes(fake_proc, 4711, "VmPin"), 0);
	CHECK_NUMBER(proc_status_bytes(fake_proc, 4711, "Vm"), 0);
	CHECK_NUMBER(proc_status_bytes(fake_proc, 99, "VmLck"), 0);
	CHECK_NUMBER(proc_count_fds(fake_proc, 4711, "/dev/vfio/"), 2);
	CHECK_NUMBER(proc_count_fds(fake_proc, 99, "/dev/vfio/"), 0);
}

static void matches(void)
{
	CU_ASSERT(proc_vmm_matches("web", NULL, 12, "web"));
	CU_ASSERT(proc_vmm_matches("web", NULL, 12, "12"));
	CU_ASSERT(proc_vmm_matches("web", NULL, 12, "pid-12"));
	CU_ASSERT(proc_vmm_matches("web", UUID_LOW, 12, UUID));
	CU_ASSERT_FALSE(proc_vmm_matches("web", NULL, 12, "Web"));
	CU_ASSERT_FALSE(proc_vmm_matches("web", NULL, 12, "1"));
	CU_ASSERT_FALSE(proc_vmm_matches("web", NULL, 12, "012"));
	CU_ASSERT_FALSE(proc_vmm_matches("web", NULL, 12, ""));
}

int main(void)
{
	static const struct check checks[] = {
		{ "command line", cmdline },
		{ "odd command lines", odd_cmdlines },
		{ "scan", scan },
		{ "read one", read_one },
		{ "nothing there", nothing_there },
		{ "status", status },
		{ "matches", matches },
	};
	int failed;

	make_root();
	failed = run_checks("proc", checks, G_N_ELEMENTS(checks));
	fake_proc_remove();
	return failed;
}
