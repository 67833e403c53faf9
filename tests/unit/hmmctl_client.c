// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c, line.c and interrupt.c of hmmctl, over a socket pair.  What the server will say is in
 * the socket before the client asks: ids count from 1, so that no server is needed.
 */
#include "hmmctl_check.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SHORT_MS 50
#define LONG_MS	 5000
#define GREETING "{\"hmmd\": {\"version\": \"9.8\", \"protocol\": 1, \"capabilities\": []}}\n"

/* A client's end of a socket out of which @said comes; *server may be NULL: closed after that. */
static int socket_that_says(const char *said, size_t length, int *server)
{
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CU_ASSERT_EQUAL_FATAL(write(fds[1], said, length), (ssize_t)length);
	if (server)
		*server = fds[1];
	else
		shutdown(fds[1], SHUT_WR);
	if (!server)
		close(fds[1]);
	return fds[0];
}

static struct client *greeted_client(const char *then, int *server)
{
	g_autofree char *said = g_strconcat(GREETING, then, NULL);
	struct client *client =
		client_from_fd(socket_that_says(said, strlen(said), server), LONG_MS, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(client);
	return client;
}

static void good_greeting(void)
{
	int server;
	g_autoptr(client_auto) client = greeted_client("", &server);

	CHECK_TEXT(client_server_version(client), "9.8");
	close(server);
}

static void bad_greetings(void)
{
	static const struct {
		const char *said, *why;
	} cases[] = {
		{ "", "closed the connection" },
		{ "SSH-2.0-OpenSSH_9.2\n", "no JSON" },
		{ "{\"hmmd\": {\"version\": \"1\", \"protocol\": 2, \"capabilities\": []}}\n",
		  "speaks protocol 2, this hmmctl speaks 1" },
		{ "{\"hmmd\": {\"version\": \"1\", \"protocol\": \"1\", \"capabilities\": []}}\n",
		  "'protocol'" },
		{ "{\"hmmd\": {\"version\": 1, \"protocol\": 1, \"capabilities\": []}}\n",
		  "'version'" },
		{ "{\"hmmd\": {\"version\": \"1\", \"protocol\": 1, \"capabilities\": {}}}\n",
		  "'capabilities'" },
		{ "{\"QMP\": {\"version\": {}}}\n", "'hmmd'" },
		{ "{\"hmmd\": []}\n", "'hmmd'" },
		{ "[]\n", "no object" },
		{ "\n", "ends too early" },
		{ "{\"hmmd\": {\"version\": \"1\"\n", "ends too early" },
		{ &GREETING[1], "no JSON" },
		{ "{\"hmmd\": {}} trailing\n", "no JSON" },
		{ "{\"hmmd\": \"\377\"}\n", "no JSON" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int fd = socket_that_says(cases[i].said, strlen(cases[i].said), NULL);
		g_autoptr(GError) error = NULL;

		CU_ASSERT_PTR_NULL(client_from_fd(fd, LONG_MS, &error));
		CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, cases[i].why);
	}
}

static void silent_server(void)
{
	g_autoptr(GError) error = NULL;
	int server, fd = socket_that_says("{\"hmmd\"", 7, &server);

	CU_ASSERT_PTR_NULL(client_from_fd(fd, SHORT_MS, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_TIMEOUT, "did not answer in time");
	close(server);
}

static void endless_greeting(void)
{
	g_autofree char *flood = g_strnfill(70000, ' ');
	g_autoptr(GError) error = NULL;
	int server, fd = socket_that_says(flood, strlen(flood), &server);

	CU_ASSERT_PTR_NULL(client_from_fd(fd, LONG_MS, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, "more than 65536 bytes");
	close(server);
}

static void count_event(const char *name, json_object *event, void *data)
{
	CU_ASSERT_TRUE(json_object_is_type(event, json_type_object));
	CHECK_TEXT(name, "progress");
	++*(int *)data;
}

static void calls_and_events(void)
{
	g_autoptr(hmmctl_json) answer = NULL;
	g_autoptr(hmmctl_json) refusal = NULL;
	g_autoptr(hmmctl_json) event = NULL;
	g_autoptr(GError) error = NULL;
	const char *name;
	int server, events = 0;
	char request[256] = "";
	g_autoptr(client_auto) client = greeted_client(
		"{\"event\": \"progress\", \"data\": {}}\n{\"event\": \"progress\"}\n"
		"{\"return\": {\"a\": 1}, \"id\": 1}\n"
		"{\"error\": {\"class\": \"Busy\", \"desc\": \"later\"}, \"id\": 2}\n"
		"{\"event\": \"out\"}\n",
		&server);

	client_on_event(client, count_event, &events);
	answer = client_call(client, "list-vms", NULL, LONG_MS, &refusal, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	CHECK_TEXT(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN), "{\"a\":1}");
	CU_ASSERT_EQUAL(events, 2);
	CU_ASSERT_TRUE(read(server, request, sizeof(request) - 1) > 0);
	CHECK_TEXT(request, "{\"execute\":\"list-vms\",\"id\":1}\n");

	CU_ASSERT_PTR_NULL(
		client_call(client, "attach", json_object_new_object(), LONG_MS, &refusal, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_FAILED, "later");
	CU_ASSERT_PTR_NOT_NULL(refusal);

	event = client_next_event(client, LONG_MS, &name, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(event);
	CHECK_TEXT(name, "out");
	CU_ASSERT_PTR_NULL(client_next_event(client, SHORT_MS, &name, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_TIMEOUT, "");
	close(server);
	CU_ASSERT_PTR_NULL(client_next_event(client, LONG_MS, &name, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, "closed the connection");
}

static void error_without_id(void)
{
	g_autoptr(hmmctl_json) refusal = NULL;
	g_autoptr(GError) error = NULL;
	int server;
	g_autoptr(client_auto) client = greeted_client(
		"{\"error\": {\"class\": \"InvalidRequest\", \"desc\": \"what?\"}, \"id\": null}\n",
		&server);

	CU_ASSERT_PTR_NULL(client_call(client, "x", NULL, LONG_MS, &refusal, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_FAILED, "what?");
	close(server);
}

static void bad_answers(void)
{
	static const struct {
		const char *said, *why;
	} cases[] = {
		{ "{\"return\": {}, \"id\": 2}\n", "another request" },
		{ "{\"return\": {}}\n", "another request" },
		{ "{\"return\": {}, \"id\": \"1\"}\n", "another request" },
		{ "{\"error\": {\"class\": \"Busy\", \"desc\": \"x\"}, \"id\": 7}\n",
		  "another request" },
		{ "{\"return\": [], \"id\": 1}\n", "'return'" },
		{ "{\"id\": 1}\n", "'return'" },
		{ "{\"error\": \"Busy\", \"id\": 1}\n", "'error'" },
		{ "{\"error\": {\"class\": \"Busy\"}, \"id\": 1}\n", "'desc'" },
		{ "{\"error\": {\"class\": null, \"desc\": \"x\"}, \"id\": 1}\n", "'class'" },
		{ "{\"event\": 7}\n", "'event'" },
		{ "{\"return\": {\n", "ends too early" },
		{ "{\"return\": {\"x\": \"\377\"}, \"id\": 1}\n", "no JSON" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n", "no JSON" },
		{ "", "closed the connection" },
		{ "{\"return\": {}, \"id\": 1}", "closed the connection" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int server;
		g_autoptr(client_auto) client = greeted_client(cases[i].said, &server);
		g_autoptr(hmmctl_json) refusal = NULL;
		g_autoptr(GError) error = NULL;

		shutdown(server, SHUT_WR);
		CU_ASSERT_PTR_NULL(client_call(client, "x", NULL, LONG_MS, &refusal, &error));
		CU_ASSERT_PTR_NULL(refusal);
		CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, cases[i].why);
		close(server);
	}
}

static void lines_in_pieces(void)
{
	g_autoptr(GString) said = g_string_new(NULL);
	struct line_reader *reader;
	g_autoptr(GError) error = NULL;
	gint64 deadline = line_deadline(LONG_MS);
	size_t length;
	int fd;

	for (int i = 0; i < 2000; i++)
		g_string_append_printf(said, "line %d %.*s\n", i, i % 50,
				       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	fd = socket_that_says(said->str, said->len, NULL);
	reader = line_reader_new(fd, 100);
	for (int i = 0; i < 2000; i++) {
		g_autofree char *start = g_strdup_printf("line %d ", i);
		const char *line = line_read(reader, deadline, &length, &error);

		CU_ASSERT_PTR_NOT_NULL_FATAL(line);
		CU_ASSERT_TRUE(g_str_has_prefix(line, start));
		CU_ASSERT_EQUAL(strlen(line), length);
		CU_ASSERT_EQUAL(length, strlen(start) + (size_t)(i % 50));
	}
	CU_ASSERT_PTR_NULL(line_read(reader, deadline, &length, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, "closed");
	line_reader_free(reader);
	close(fd);
}

static void a_line_too_long(void)
{
	static const char said[] = "four\nfives\n";
	g_autoptr(GError) error = NULL;
	int fd = socket_that_says(said, strlen(said), NULL);
	struct line_reader *reader = line_reader_new(fd, 4);
	size_t length;

	CHECK_TEXT(line_read(reader, -1, &length, &error), "four");
	CU_ASSERT_PTR_NULL(line_read(reader, -1, &length, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, "more than 4 bytes");
	line_reader_free(reader);
	close(fd);
}

static void a_server_that_does_not_read(void)
{
	g_autofree char *much = g_strnfill(16 << 20, 'x');
	g_autoptr(GError) error = NULL;
	int server, fd = socket_that_says("", 0, &server);

	CU_ASSERT_FALSE(line_write(fd, much, strlen(much), line_deadline(SHORT_MS), &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_TIMEOUT, "");
	close(server);
	CU_ASSERT_FALSE(line_write(fd, much, strlen(much), line_deadline(SHORT_MS), &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, "closed");
	close(fd);
}

static void expect_no_connection(const char *path, enum hmmctl_error code, const char *why)
{
	g_autoptr(GError) error = NULL;

	CU_ASSERT_PTR_NULL(client_connect(path, SHORT_MS, &error));
	CHECK_ERROR(&error, code, why);
}

static void no_server(void)
{
	g_autofree char *dir = g_dir_make_tmp("hmmctl-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "sock", NULL);
	g_autofree char *endless = g_strnfill(200, 'x');
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int waiting[16], nr_waiting = 0;

	expect_no_connection(path, HMMCTL_ERROR_UNREACHABLE, "systemctl start hmmd");
	expect_no_connection(endless, HMMCTL_ERROR_UNREACHABLE, "too long");
	expect_no_connection("/dev/null/x", HMMCTL_ERROR_UNREACHABLE, "cannot connect");

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	CU_ASSERT_EQUAL_FATAL(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	expect_no_connection(path, HMMCTL_ERROR_UNREACHABLE, "nobody answers");

	/* It listens, but takes no connection: first no greeting, then a full backlog. */
	CU_ASSERT_EQUAL_FATAL(listen(listener, 1), 0);
	expect_no_connection(path, HMMCTL_ERROR_TIMEOUT, "no greeting");
	for (; nr_waiting < 16; nr_waiting++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		waiting[nr_waiting] = fd;
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
			close(fd);
			break;
		}
	}
	expect_no_connection(path, HMMCTL_ERROR_UNREACHABLE, "does not take the connection");
	while (nr_waiting)
		close(waiting[--nr_waiting]);
	close(listener);
	g_unlink(path);
	g_rmdir(dir);
}

/* Comes last: from then on every wait is over. */
static void interrupted(void)
{
	g_autoptr(GError) error = NULL;
	int server;
	g_autoptr(client_auto) client = greeted_client("", &server);
	const char *name;

	interrupt_catch();
	raise(SIGINT);
	CU_ASSERT_PTR_NULL(client_next_event(client, LONG_MS, &name, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_INTERRUPTED, "interrupted");
	close(server);
}

int main(void)
{
	static const struct check checks[] = {
		{ "good greeting", good_greeting },
		{ "bad greetings", bad_greetings },
		{ "silent server", silent_server },
		{ "endless greeting", endless_greeting },
		{ "calls and events", calls_and_events },
		{ "error without id", error_without_id },
		{ "bad answers", bad_answers },
		{ "lines in pieces", lines_in_pieces },
		{ "a line too long", a_line_too_long },
		{ "a server that does not read", a_server_that_does_not_read },
		{ "no server", no_server },
		{ "interrupted", interrupted },
	};

	return run_checks("hmmctl client", checks, G_N_ELEMENTS(checks));
}
