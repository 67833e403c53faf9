// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real hmmd, on a host without vmirror: its socket, its limits, how it starts and ends.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "control.h"

#define TIMEOUT_MS 20000

static char *directory;
static char *socket_path;
static pid_t hmmd;

/* ---- the daemon --------------------------------------------------------- */

/* Start it with these arguments as well; its stderr goes into a file. */
static pid_t spawn(const char *const *more)
{
	g_autofree char *log = g_build_filename(directory, "log", NULL);
	const char *argv[16] = {
		"./hmmd", "--socket", socket_path, "--device", "/nonexistent/vmirror",
	};
	unsigned int n = 5;
	pid_t pid;

	while (more && *more)
		argv[n++] = *more++;
	pid = fork();
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(fd, STDERR_FILENO);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(126);
	}
	return pid;
}

static char *log_text(void)
{
	g_autofree char *path = g_build_filename(directory, "log", NULL);
	char *text = NULL;

	g_file_get_contents(path, &text, NULL, NULL);
	return text;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- a client ----------------------------------------------------------- */

static int try_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, socket_path, sizeof(address.sun_path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Connect as soon as it listens. */
static int open_socket(void)
{
	int fd = -1;

	for (int i = 0; i < TIMEOUT_MS / 10 && fd < 0; i++) {
		fd = try_connect();
		if (fd < 0)
			g_usleep(10000);
	}
	g_assert(fd >= 0);
	return fd;
}

/* One line, or what there is before the end or the timeout. */
static char *read_line(int fd)
{
	GString *line = g_string_new(NULL);
	struct pollfd item = { .fd = fd, .events = POLLIN };
	char c;

	while (poll(&item, 1, TIMEOUT_MS) == 1 && read(fd, &c, 1) == 1 && c != '\n')
		g_string_append_c(line, c);
	return g_string_free(line, FALSE);
}

static void expect_line(int fd, const char *part)
{
	g_autofree char *line = read_line(fd);

	if (!strstr(line, part))
		printf("\ngot '%s', expected '%s'\n", line, part);
	CU_ASSERT(strstr(line, part) != NULL);
}

static void expect_end(int fd)
{
	struct pollfd item = { .fd = fd, .events = POLLIN };
	char c;

	CU_ASSERT_EQUAL(poll(&item, 1, TIMEOUT_MS), 1);
	CU_ASSERT_EQUAL(read(fd, &c, 1), 0);
}

static void say(int fd, const char *text)
{
	size_t length = strlen(text), done = 0;

	while (done < length) {
		ssize_t n = send(fd, text + done, length - done, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static int greeted(void)
{
	int fd = open_socket();

	expect_line(fd, "\"protocol\":1");
	return fd;
}

/* ---- the tests ---------------------------------------------------------- */

static void answers(void)
{
	int fd = greeted();

	say(fd, "{\"execute\":\"query-status\",\"id\":1}\n\n\r\n"
		"{\"execute\":\"list-pools\",\"id\":[2]}\n"
		"{\"execute\":\"frob\",\"id\":3}\n{\"execute\":\"query-vm\",");
	expect_line(fd, "\"loaded\":false");
	expect_line(fd, "{\"return\":{\"pools\":[]},\"id\":[2]}");
	expect_line(fd, "CommandNotFound");
	say(fd, "\"arguments\":{\"vm\":\"no such VM\"}}\n");
	expect_line(fd, "\"VmNotFound\"");
	close(fd);
}

static void without_module(void)
{
	int fd = greeted();

	say(fd, "{\"execute\":\"create-pool\",\"arguments\":{\"name\":\"p\",\"bytes\":2097152}}\n");
	expect_line(fd, geteuid() ? "PermissionDenied" : "\"NoModule\"");
	say(fd, "{\"execute\":\"doctor\"}\n");
	expect_line(fd, geteuid() ? "PermissionDenied" : "modprobe vmirror");
	close(fd);
}

static void half_closed(void)
{
	int fd = greeted();

	for (int i = 0; i < 100; i++)
		say(fd, "{\"execute\":\"list-pools\"}\n");
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 100; i++)
		expect_line(fd, "{\"return\":{\"pools\":[]}}");
	expect_end(fd);
	close(fd);
}

static void too_long(void)
{
	g_autofree char *line = g_strnfill(CONTROL_LINE_MAX + 1, 'x');
	int fd = greeted();

	say(fd, line);
	expect_line(fd, "InvalidRequest");
	close(fd);
}

static void just_long_enough(void)
{
	g_autofree char *blanks = g_strnfill(CONTROL_LINE_MAX - 100, ' ');
	int fd = greeted();

	say(fd, "{\"execute\":");
	say(fd, blanks);
	say(fd, "\"list-pools\"}\n");
	expect_line(fd, "{\"return\":{\"pools\":[]}}");
	close(fd);
}

/* It asks and asks and never reads: it is held back, and others are served. */
static void never_reads(void)
{
	g_autoptr(GString) flood = g_string_new(NULL);
	int fd = open_socket(), other;
	ssize_t n, total = 0;

	for (int i = 0; i < 1000; i++)
		g_string_append(flood, "{\"execute\":\"query-status\"}\n");
	do {
		n = send(fd, flood->str, flood->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		total += n > 0 ? n : 0;
		if (n < 0) {
			struct pollfd item = { .fd = fd, .events = POLLOUT };

			n = poll(&item, 1, 500);
		}
	} while (n > 0 && total < 64 << 20);
	CU_ASSERT(total < 64 << 20);
	other = greeted();
	say(other, "{\"execute\":\"list-pools\"}\n");
	expect_line(other, "{\"return\":{\"pools\":[]}}");
	close(other);
	close(fd);
}

static void many_connections(void)
{
	int fds[64], extra;

	for (int i = 0; i < 64; i++)
		fds[i] = greeted();
	extra = open_socket();
	expect_line(extra, "\"Busy\"");
	expect_end(extra);
	close(extra);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	/* They are gone as soon as it has seen it. */
	for (int i = 0; i < 100; i++) {
		g_autofree char *line = NULL;

		extra = open_socket();
		line = read_line(extra);
		close(extra);
		if (strstr(line, "protocol"))
			return;
		g_usleep(20000);
	}
	CU_FAIL("connections are not given back");
}

static void second_one(void)
{
	int fd = greeted();
	g_autofree char *text = NULL;

	CHECK_NUMBER((unsigned int)wait_for(spawn(NULL)), 1);
	text = log_text();
	CU_ASSERT(strstr(text, "another hmmd listens there") != NULL);
	say(fd, "{\"execute\":\"list-pools\"}\n");
	expect_line(fd, "{\"return\":{\"pools\":[]}}");
	close(fd);
}

static void killed(void)
{
	int fd;

	kill(hmmd, SIGKILL);
	wait_for(hmmd);
	CU_ASSERT(g_file_test(socket_path, G_FILE_TEST_EXISTS));
	hmmd = spawn(NULL);
	fd = greeted();
	close(fd);
}

static void wrong_start(void)
{
	static const struct {
		const char *arguments[4];
		const char *says;
	} cases[] = {
		{ { "--config", "/nonexistent/conf" }, "/nonexistent/conf" },
		{ { "--log-level", "loud" }, "must be error, warning, info or debug" },
		{ { "extra" }, "'extra' is not an option" },
		{ { "--frob" }, "--frob" },
		{ { "--socket", "/nonexistent/dir/sock" }, "/nonexistent/dir" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = NULL;

		CHECK_NUMBER((unsigned int)wait_for(spawn(cases[i].arguments)), 1);
		text = log_text();
		if (!strstr(text, cases[i].says))
			printf("\ngot '%s', expected '%s'\n", text, cases[i].says);
		CU_ASSERT(strstr(text, cases[i].says) != NULL);
	}
}

static void terminated(void)
{
	int fd = greeted();

	kill(hmmd, SIGTERM);
	CHECK_NUMBER((unsigned int)wait_for(hmmd), 0);
	expect_end(fd);
	close(fd);
	CU_ASSERT(!g_file_test(socket_path, G_FILE_TEST_EXISTS));
}

int main(void)
{
	static const struct check checks[] = {
		{ "answers", answers },
		{ "without the module", without_module },
		{ "half closed", half_closed },
		{ "a line too long", too_long },
		{ "a line just long enough", just_long_enough },
		{ "a client that never reads", never_reads },
		{ "many connections", many_connections },
		{ "a second hmmd", second_one },
		{ "killed and started again", killed },
		{ "wrong start", wrong_start },
		{ "terminated", terminated },
	};
	g_autofree char *log = NULL;
	int failed;

	/* Under systemd these would be about somebody else. */
	g_unsetenv("NOTIFY_SOCKET");
	g_unsetenv("LISTEN_FDS");
	directory = g_dir_make_tmp("hmmd-run-XXXXXX", NULL);
	socket_path = g_build_filename(directory, "control.sock", NULL);
	log = g_build_filename(directory, "log", NULL);
	hmmd = spawn(NULL);
	failed = run_checks("hmmd", checks, G_N_ELEMENTS(checks));
	g_unlink(log);
	g_rmdir(directory);
	g_free(directory);
	g_free(socket_path);
	return failed;
}
