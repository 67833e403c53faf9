// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "fake_proc.h"
#include "hint.h"
#include "proc.h"

#define PID    "4711"
#define OTHER  "org.qemu.guest_agent.0"
#define DEVICE "-device\0virtserialport,chardev=c0,name=" HINT_PORT "\0"
#define JSON \
	"-device\0{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"}\0"
#define SERVER "-chardev\0socket,id=c0,path=/run/c0,server=on,wait=off\0"

/* Where a QEMU with these arguments listens. */
static void check_listens(const char *arguments, size_t length, const char *expected, int line)
{
	GString *cmdline = g_string_new_len("/usr/bin/qemu-system-x86_64\0-nodefaults\0", 40);
	g_autofree char *path = NULL;

	g_string_append_len(cmdline, arguments, (gssize)length);
	fake_proc_file(PID, "cmdline", cmdline->str, (gssize)cmdline->len);
	g_string_free(cmdline, TRUE);
	path = proc_channel_path(fake_proc, 4711, HINT_PORT);
	check_text(path, expected, __FILE__, line);
}

#define LISTENS(arguments, path) check_listens(arguments, sizeof(arguments) - 1, path, __LINE__)

static void options(void)
{
	LISTENS(SERVER DEVICE, "/run/c0");
	LISTENS(DEVICE SERVER, "/run/c0");
	LISTENS("--chardev\0socket,id=c0,path=/run/c0,server=on\0"
		"--device\0virtserialport,name=" HINT_PORT ",bus=b.0,nr=1,chardev=c0,id=x\0",
		"/run/c0");
	LISTENS(DEVICE "-chardev\0socket,server,path=/run/c0,nowait,id=c0\0", "/run/c0");
	LISTENS(DEVICE "-chardev\0wait=off,server=yes,id=c0,path=/run/c0,backend=socket\0",
		"/run/c0");
	LISTENS("-device\0driver=virtserialport,chardev=c0,name=" HINT_PORT "\0" SERVER, "/run/c0");
	/* doubled commas */
	LISTENS("-device\0virtserialport,chardev=c,,0,,,name=" HINT_PORT "\0"
		"-chardev\0socket,id=c,,0,,,path=/run/a,,b,,,server=on\0",
		"/run/a,b,");
	LISTENS("-device\0virtserialport,chardev=c0,name=x,,name=" HINT_PORT "\0" SERVER, NULL);
	/* the last one counts, as in QEMU */
	LISTENS("-device\0virtserialport,chardev=c1,chardev=c0,name=x,name=" HINT_PORT "\0" SERVER,
		"/run/c0");
}

static void json(void)
{
	LISTENS(JSON SERVER, "/run/c0");
	LISTENS(SERVER JSON, "/run/c0");
	/* as libvirt writes it */
	LISTENS("-chardev\0socket,id=charchannel0,path=/run/agent,server=on,wait=off\0"
		"-device\0{\"driver\":\"virtserialport\",\"bus\":\"virtio-serial0.0\",\"nr\":1,"
		"\"chardev\":\"charchannel0\",\"id\":\"channel0\",\"name\":\"" HINT_PORT "\"}\0",
		"/run/agent");
	LISTENS("-device\0{ \"name\" : \"org.hmmd.agen\\u0074.0\", \"nr\": {\"a\": [1, 2.5]},\n"
		" \"driver\": \"virtserialport\", \"chardev\": \"c,0\" }\0"
		"-chardev\0socket,id=c,,0,path=/run/c0,server=on\0",
		"/run/c0");
}

#define BAD(text) LISTENS("-device\0" text "\0" SERVER, NULL)

static void bad_json(void)
{
	BAD("{");
	BAD("{}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"}x");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"}{}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\\u0000\"}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":[\"" HINT_PORT "\"]}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":0,\"name\":\"" HINT_PORT "\"}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":null,\"name\":\"" HINT_PORT "\"}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\",}");
	BAD("{\"driver\":\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT
	    "\",\"x\":\"\xff\"}");
	BAD("{driver:\"virtserialport\",\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"}");
	BAD("{\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"}");
	BAD("{\"driver\":\"virtserialport\",\"name\":\"" HINT_PORT "\"}");
	BAD("[\"virtserialport\"]");
	BAD("{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]],\"driver\":\"virtserialport\","
	    "\"chardev\":\"c0\",\"name\":\"" HINT_PORT "\"}");
	/* one that is broken does not hide one that is not */
	LISTENS("-device\0{\"driver\":\0" SERVER JSON, "/run/c0");
}

static void other_devices(void)
{
	LISTENS(SERVER, NULL);
	LISTENS("", NULL);
	BAD("virtserialport,chardev=c0,name=" OTHER);
	BAD("virtserialport,chardev=c0,name=" HINT_PORT "x");
	BAD("virtserialport,chardev=c0");
	BAD("virtserialport,name=" HINT_PORT);
	BAD("virtconsole,chardev=c0,name=" HINT_PORT);
	BAD("isa-serial,chardev=c0,id=" HINT_PORT);
	BAD("");
	BAD(",,,=,");
	LISTENS("-dev\0virtserialport,chardev=c0,name=" HINT_PORT "\0" SERVER, NULL);
	LISTENS(DEVICE "-char\0socket,id=c0,path=/run/c0,server=on\0", NULL);
	/* several ports */
	LISTENS("-chardev\0socket,id=c1,path=/run/c1,server=on\0"
		"-chardev\0socket,id=c2,path=/run/c2,server=on\0" SERVER
		"-device\0virtserialport,chardev=c1,name=" OTHER "\0"
		"-device\0virtio-net-pci,netdev=n\0"
		"-device\0{\"driver\":\"virtserialport\",\"chardev\":\"c2\",\"name\":\"x\"}\0" JSON,
		"/run/c0");
}

#define CHARDEV(text) DEVICE "-chardev\0" text "\0"

static void chardevs(void)
{
	LISTENS(DEVICE, NULL);
	LISTENS(CHARDEV(""), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,server=off"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,server=maybe"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,noserver"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,server,server=off"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,server=off,server"), "/run/c0");
	LISTENS(CHARDEV("socket,id=c0,path=server,reconnect=1"), NULL);
	LISTENS(CHARDEV("socket,id=c0,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,fd=3,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,abstract=on,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,path=/run/c0,abstract=off,server=on"), "/run/c0");
	LISTENS(CHARDEV("socket,id=c0,host=localhost,port=1,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c00,path=/run/c0,server=on"), NULL);
	LISTENS(CHARDEV("pipe,id=c0,path=/run/c0,server=on"), NULL);
	LISTENS(CHARDEV("pty,id=c0"), NULL);
	LISTENS(CHARDEV("path=/run/c0,id=c0,server=on"), NULL);
}

static void relative(void)
{
	char long_name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	g_autofree char *cwd = NULL;

	fake_proc_link(PID, "cwd", "/var/lib/vm");
	LISTENS(CHARDEV("socket,id=c0,path=sock/c0,server=on"), "/var/lib/vm/sock/c0");
	LISTENS(CHARDEV("socket,id=c0,path=@c0,server=on"), "/var/lib/vm/@c0");
	fake_proc_link(PID, "cwd", "/");
	LISTENS(CHARDEV("socket,id=c0,path=c0,server=on"), "/c0");
	fake_proc_link(PID, "cwd", "(unreachable)/vm");
	LISTENS(CHARDEV("socket,id=c0,path=c0,server=on"), NULL);
	/* what a sockaddr_un holds, with its NUL, and one byte more */
	memset(long_name, 'x', sizeof(long_name));
	long_name[0] = '/';
	long_name[sizeof(long_name) - 5] = '\0';
	fake_proc_link(PID, "cwd", long_name);
	cwd = g_strconcat(long_name, "/c0", NULL);
	CHECK_NUMBER(strlen(cwd), sizeof(long_name) - 2);
	LISTENS(CHARDEV("socket,id=c0,path=c0,server=on"), cwd);
	LISTENS(CHARDEV("socket,id=c0,path=c00,server=on"), NULL);
}

#define TITLE "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define ROW(flags, type, inode, path) \
	"0000000012345678: 00000002 00000000 " flags " " type " 01 " inode path "\n"
#define LISTENING(inode, path) ROW("00010000", "0001", inode, path)

static void by_fd(const char *table, const char *expected, int line)
{
	static const char arguments[] = CHARDEV("socket,id=c0,fd=35,server=on,wait=off");

	fake_proc_file(PID, "net/unix", table, -1);
	check_listens(arguments, sizeof(arguments) - 1, expected, line);
}

#define BY_FD(table, path) by_fd(TITLE table, path, __LINE__)

static void fds(void)
{
	fake_proc_link(PID, "fd/35", "socket:[91234]");
	BY_FD(LISTENING("91233", " /run/a") LISTENING("91234", " /run/b")
		      ROW("00000000", "0001", "91234", " /run/c") LISTENING("912345", " /run/d"),
	      "/run/b");
	BY_FD("ffff8881: 00000002 00000000 00010000 0001 01 91234 /run/a b\n", "/run/a b");
	BY_FD(LISTENING("   91234", " /run/padded"), "/run/padded");
	BY_FD("", NULL);
	BY_FD(LISTENING("9123", " /run/a"), NULL);
	BY_FD(LISTENING("91234", ""), NULL);
	BY_FD(LISTENING("91234", " "), NULL);
	BY_FD(LISTENING("91234", " @abstract"), NULL);
	BY_FD(LISTENING("91234", " relative"), NULL);
	BY_FD(LISTENING("91234", "/run/a"), NULL);
	BY_FD(ROW("00000000", "0001", "91234", " /run/a"), NULL);
	BY_FD(ROW("00010000", "0002", "91234", " /run/a"), NULL);
	/* cut short */
	BY_FD("0000000012345678: 00000002 00000000 00010000 0001 01 91234 /run/a", NULL);
	BY_FD("0000000012345678: 00000002 00000000 00010000 0001 01\n", NULL);
	/* a name with a newline in it */
	BY_FD(LISTENING("5", " @x\n0: 2 0 00010000 0001 01 91234 /run/evil")
		      LISTENING("91234", " /run/b"),
	      NULL);
}

static void odd_fds(void)
{
	static const char table[] = TITLE LISTENING("91234", " /run/b");

	fake_proc_link(PID, "fd/35", "socket:[91234]");
	fake_proc_file(PID, "net/unix", table, -1);
	LISTENS(CHARDEV("socket,id=c0,fd=35,server=on"), "/run/b");
	LISTENS(CHARDEV("socket,id=c0,fd=35"), NULL);
	LISTENS(CHARDEV("socket,id=c0,fd=36,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,fd=+35,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,fd=35x,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,fd=,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,fd=../fd/35,server=on"), NULL);
	LISTENS(CHARDEV("socket,id=c0,fd=99999999999999999999,server=on"), NULL);
	fake_proc_link(PID, "fd/35", "/run/b");
	LISTENS(CHARDEV("socket,id=c0,fd=35,server=on"), NULL);
	fake_proc_link(PID, "fd/35", "socket:[]");
	LISTENS(CHARDEV("socket,id=c0,fd=35,server=on"), NULL);
	fake_proc_link(PID, "fd/35", "socket:[91234");
	LISTENS(CHARDEV("socket,id=c0,fd=35,server=on"), NULL);
}

static void by_name(const char *table, const char *expected, int line)
{
	fake_proc_file(PID, "net/unix", table, -1);
	check_listens("-nodefaults\0", 12, expected, line);
}

#define BY_NAME(table, path) by_name(TITLE table, path, __LINE__)
#define PORT		     "/channel/target/domain-1-web/" HINT_PORT

/* It is on no command line. */
static void plugged_in(void)
{
	fake_proc_link(PID, "fd/35", "socket:[91234]");
	fake_proc_link(PID, "fd/36", "socket:[91235]");
	fake_proc_link(PID, "fd/37", "/dev/kvm");
	BY_NAME(LISTENING("1", " /a" PORT) LISTENING("91233", " /run/monitor")
			LISTENING("91235", " /b" PORT),
		"/b" PORT);
	BY_NAME("", NULL);
	BY_NAME(LISTENING("1", " /a" PORT), NULL);
	BY_NAME(LISTENING("91235", " /a" PORT "x"), NULL);
	BY_NAME(LISTENING("91235", " /a/x" HINT_PORT), NULL);
	BY_NAME(LISTENING("91235", " @/a" PORT), NULL);
	BY_NAME(ROW("00000000", "0001", "91235", " /a" PORT), NULL);
	/* two, or one that somebody may have made up */
	BY_NAME(LISTENING("91234", " /a" PORT) LISTENING("91235", " /b" PORT), NULL);
	BY_NAME(LISTENING("91235", " /a" PORT) LISTENING("91235", " /b" PORT), NULL);
	/* the command line counts more, wherever it says that QEMU listens */
	fake_proc_file(PID, "net/unix", TITLE LISTENING("91235", " /b" PORT), -1);
	LISTENS(DEVICE SERVER, "/run/c0");
	LISTENS(DEVICE, NULL);
	fake_proc_link(PID, "fd/36", "socket:[1]");
}

static void check_raw(const char *cmdline, size_t length, const char *expected)
{
	g_autofree char *path = NULL;

	fake_proc_file(PID, "cmdline", cmdline, (gssize)length);
	path = proc_channel_path(fake_proc, 4711, HINT_PORT);
	CHECK_TEXT(path, expected);
}

static void cut_short(void)
{
	static const char whole[] = "qemu\0" DEVICE SERVER;
	static const char other[] = "crosvm\0" DEVICE SERVER;

	check_raw(whole, sizeof(whole) - 1, "/run/c0");
	check_raw(other, sizeof(other) - 1, NULL);
	/* no prefix of it says anything else */
	for (size_t n = 0; n < sizeof(whole) - 1; n++)
		check_raw(whole, n, NULL);
	CU_ASSERT_PTR_NULL(proc_channel_path(fake_proc, 1, HINT_PORT));
	CU_ASSERT_PTR_NULL(proc_channel_path("/nowhere", 4711, HINT_PORT));
}

/* A megabyte is looked at, and of one argument much less. */
static void too_long(void)
{
	static const char device[] = DEVICE, server[] = SERVER;
	GString *cmdline = g_string_new_len("qemu\0", 5);
	char *big = g_strnfill(20000, 'x');
	gsize n;

	g_string_append_len(cmdline, device, sizeof(device) - 1);
	g_string_append_printf(cmdline, "-chardev%csocket,id=c0,path=/run/c0,server=on,%s", 0, big);
	g_string_append_c(cmdline, '\0');
	check_raw(cmdline->str, cmdline->len, NULL);
	n = cmdline->len;
	g_string_append_len(cmdline, server, sizeof(server) - 1);
	check_raw(cmdline->str, cmdline->len, "/run/c0");
	g_string_truncate(cmdline, n);
	while (cmdline->len <= 1 << 20)
		g_string_append_len(cmdline, "-device\0{\"a\":[]}\0", 17);
	g_string_append_len(cmdline, server, sizeof(server) - 1);
	check_raw(cmdline->str, cmdline->len, NULL);
	g_string_free(cmdline, TRUE);
	g_free(big);
}

int main(void)
{
	static const struct check checks[] = {
		{ "options", options },
		{ "JSON", json },
		{ "bad JSON", bad_json },
		{ "other devices", other_devices },
		{ "chardevs", chardevs },
		{ "relative paths", relative },
		{ "by fd", fds },
		{ "odd fds", odd_fds },
		{ "plugged in", plugged_in },
		{ "cut short", cut_short },
		{ "too long", too_long },
	};
	int failed;

	fake_proc_make();
	failed = run_checks("proc-channel", checks, G_N_ELEMENTS(checks));
	fake_proc_remove();
	return failed;
}
