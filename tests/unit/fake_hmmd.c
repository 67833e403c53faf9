// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "fake_hmmd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS (60 * 1000) /* under valgrind, on a busy machine */
#define GREETING                                               \
	"{\"hmmd\": {\"version\": \"0.1.0\", \"protocol\": 1," \
	" \"capabilities\": [\"events\", \"progress\"]}}\n"

/* One run: files and ends that belong to it. */
struct run {
	const struct fake_case *test;
	struct fake_result *result;
	char *dir, *socket, *out, *err;
	int listener, connection, terminal;
	GPid pid;
	GString *unread; /* what hmmctl sent and is not yet looked at */
};

G_GNUC_PRINTF(2, 3)
static void wrong(struct run *run, const char *format, ...)
{
	va_list args;

	if (run->result->script)
		return;
	va_start(args, format);
	run->result->script = g_strdup_vprintf(format, args);
	va_end(args);
}

static void listen_on(struct run *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	g_strlcpy(address.sun_path, run->socket, sizeof(address.sun_path));
	run->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(run->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(run->listener, 4) != 0)
		g_error("%s: %s", run->socket, g_strerror(errno));
}

static void use_files(gpointer data)
{
	const struct run *run = data;
	int out = open(run->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = run->terminal >= 0 ? open(run->err, O_RDWR | O_NOCTTY)
				     : open(run->err, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
}

/* A pseudo-terminal of 80 columns; its name takes the place of stderr's file. */
static void open_terminal(struct run *run)
{
	struct winsize size = { .ws_row = 25, .ws_col = 80 };

	run->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (run->terminal < 0 || grantpt(run->terminal) != 0 || unlockpt(run->terminal) != 0)
		g_error("no pseudo-terminal: %s", g_strerror(errno));
	ioctl(run->terminal, TIOCSWINSZ, &size);
	g_free(run->err);
	run->err = g_strdup(ptsname(run->terminal));
}

static void start_hmmctl(struct run *run)
{
	const char *command = g_getenv("HMMCTL");
	g_autofree char *line =
		g_strdup_printf("%s %s", command ? command : "./hmmctl", run->test->line);
	g_auto(GStrv) argv = NULL, env = g_get_environ();
	g_autoptr(GError) error = NULL;

	env = g_environ_setenv(env, "HMMD_SOCKET", run->socket, TRUE);
	env = g_environ_setenv(env, "LC_ALL", "C.UTF-8", TRUE);
	env = g_environ_setenv(env, "TZ", "UTC", TRUE);
	env = g_environ_setenv(env, "TERM", "xterm", TRUE);
	env = g_environ_setenv(env, "COLUMNS", "80", TRUE);
	env = g_environ_unsetenv(env, "NO_COLOR");
	if (!g_shell_parse_argv(line, NULL, &argv, &error) ||
	    !g_spawn_async(NULL, argv, env,
			   G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
				   G_SPAWN_CHILD_INHERITS_STDIN,
			   use_files, run, &run->pid, &error))
		g_error("%s: %s", line, error->message);
}

static gboolean exited(struct run *run)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == run->pid;
}

/* Wait until there is something to read; FALSE if hmmctl ends first, or hangs. */
static gboolean wait_for(struct run *run, int fd)
{
	gint64 end = g_get_monotonic_time() + (gint64)PATIENCE_MS * 1000;

	while (g_get_monotonic_time() < end) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (poll(&pfd, 1, 20) > 0)
			return TRUE;
		if (exited(run))
			return poll(&pfd, 1, 0) > 0;
	}
	return FALSE;
}

/* The next request without its id, as plain JSON; NULL if none comes. */
static char *next_request(struct run *run, gint64 *id)
{
	char *newline, *text;
	json_object *request;

	while (!(newline = strchr(run->unread->str, '\n'))) {
		char bytes[4096];
		ssize_t got;

		if (!wait_for(run, run->connection))
			return NULL;
		got = read(run->connection, bytes, sizeof(bytes));
		if (got <= 0)
			return NULL;
		g_string_append_len(run->unread, bytes, got);
	}
	*newline = '\0';
	request = json_tokener_parse(run->unread->str);
	g_string_erase(run->unread, 0, newline + 1 - run->unread->str);
	*id = json_object_get_int64(json_object_object_get(request, "id"));
	json_object_object_del(request, "id");
	text = g_strdup(json_object_to_json_string_ext(
		request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(request);
	return text;
}

static void send_text(struct run *run, const char *text, size_t length)
{
	/* hmmctl may be gone already: the script or its exit status will tell. */
	if (send(run->connection, text, length, MSG_NOSIGNAL) < 0)
		return;
}

/* FALSE when the connection is over. */
static gboolean send_answer(struct run *run, const char *answer, gint64 id)
{
	size_t length = strcspn(answer, FAKE_CLOSE FAKE_SIGINT);
	g_autofree char *text = g_strndup(answer, length);

	if (length && text[length - 1] != '\n') {
		/* Put the id in place of the last brace. */
		g_autofree char *whole = g_strdup_printf("%.*s,\"id\":%" G_GINT64_FORMAT "}\n",
							 (int)length - 1, text, id);

		send_text(run, whole, strlen(whole));
	} else {
		send_text(run, text, length);
	}
	if (answer[length] == FAKE_SIGINT[0])
		kill(run->pid, SIGINT);
	return answer[length] != FAKE_CLOSE[0];
}

static void play_steps(struct run *run)
{
	for (size_t i = 0; i < FAKE_STEPS_MAX && run->test->steps[i].request; i++) {
		const struct fake_step *step = &run->test->steps[i];
		g_autofree char *request = NULL;
		gint64 id = 0;

		request = next_request(run, &id);
		if (g_strcmp0(request, step->request) != 0) {
			wrong(run, "request %zu is\n%s\nexpected\n%s", i,
			      request ? request : "none", step->request);
			return;
		}
		if (!send_answer(run, step->answer, id)) {
			close(run->connection);
			run->connection = -1;
			return;
		}
	}
}

/* After the script there must be nothing more; then hmmctl ends by itself. */
static void expect_silence(struct run *run)
{
	g_autofree char *request = NULL;
	gint64 id;

	if (run->connection < 0)
		return;
	request = next_request(run, &id);
	if (request)
		wrong(run, "a request too many: %s", request);
}

static void serve(struct run *run)
{
	const char *greeting = run->test->greeting ? run->test->greeting : GREETING;

	if (!wait_for(run, run->listener)) {
		if (run->test->steps[0].request || run->test->greeting)
			wrong(run, "hmmctl did not connect");
		return;
	}
	run->connection = accept(run->listener, NULL, NULL);
	if (greeting[0] == FAKE_CLOSE[0])
		return;
	send_text(run, greeting, strlen(greeting));
	play_steps(run);
	expect_silence(run);
}

static int wait_for_end(struct run *run)
{
	gint64 end = g_get_monotonic_time() + (gint64)PATIENCE_MS * 1000;
	int status, result;

	while (!exited(run) && g_get_monotonic_time() < end)
		g_usleep(1000);
	result = exited(run) ? 0 : 1000;
	if (result)
		kill(run->pid, SIGKILL);
	waitpid(run->pid, &status, 0);
	g_spawn_close_pid(run->pid);
	if (result)
		return result;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static char *read_terminal(int terminal)
{
	GString *text = g_string_new(NULL);
	struct pollfd pfd = { .fd = terminal, .events = POLLIN };
	char bytes[4096];
	ssize_t got;

	while (poll(&pfd, 1, 0) > 0 && (got = read(terminal, bytes, sizeof(bytes))) > 0)
		g_string_append_len(text, bytes, got);
	return g_string_free(text, FALSE);
}

void fake_run(const struct fake_case *test, struct fake_result *result)
{
	struct run run = { .test = test, .result = result, .connection = -1, .terminal = -1 };

	memset(result, 0, sizeof(*result));
	run.dir = g_dir_make_tmp("hmmctl-XXXXXX", NULL);
	run.socket = g_build_filename(run.dir, "sock", NULL);
	run.out = g_build_filename(run.dir, "out", NULL);
	run.err = g_build_filename(run.dir, "err", NULL);
	run.unread = g_string_new(NULL);
	listen_on(&run);
	if (test->terminal)
		open_terminal(&run);
	start_hmmctl(&run);
	serve(&run);
	if (run.connection >= 0)
		close(run.connection);
	result->status = wait_for_end(&run);
	g_file_get_contents(run.out, &result->out, NULL, NULL);
	if (test->terminal) {
		result->err = read_terminal(run.terminal);
		close(run.terminal);
	} else {
		g_file_get_contents(run.err, &result->err, NULL, NULL);
		g_unlink(run.err);
	}
	close(run.listener);
	g_unlink(run.out);
	g_unlink(run.socket);
	g_rmdir(run.dir);
	g_string_free(run.unread, TRUE);
	g_free(run.dir);
	g_free(run.socket);
	g_free(run.out);
	g_free(run.err);
}

void fake_result_clear(struct fake_result *result)
{
	g_free(result->out);
	g_free(result->err);
	g_free(result->script);
}
