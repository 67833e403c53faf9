// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c - the client's side of the control protocol (proto/PROTOCOL.md)
 *
 * One request at a time; events may come before its answer.
 */
#include "config.h"

#include "hmmctl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING_MAX	      (64u << 10)
#define LINE_MAX_LEN	      (64u << 20) /* a map answer may be long */
#define BACKLOG_FULL_RETRY_US (20 * 1000)

struct client {
	int fd;
	struct line_reader *reader;
	char *version;
	gint64 last_id;
	client_event_fn on_event;
	void *on_event_data;
};

static json_object *parse_line(const char *line, size_t length, GError **error)
{
	struct json_tokener *tokener = json_tokener_new();
	g_autoptr(hmmctl_json) object = NULL;
	enum json_tokener_error code;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, line, (int)length);
	code = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (code != json_tokener_success) {
		reply_malformed(error, "no JSON (%s)",
				code == json_tokener_continue ? "it ends too early"
							      : json_tokener_error_desc(code));
		return NULL;
	}
	if (!json_object_is_type(object, json_type_object)) {
		reply_malformed(error, "JSON that is no object");
		return NULL;
	}
	return g_steal_pointer(&object);
}

static json_object *read_message(struct client *client, gint64 deadline, GError **error)
{
	size_t length;
	const char *line = line_read(client->reader, deadline, &length, error);

	return line ? parse_line(line, length, error) : NULL;
}

static gboolean read_greeting(struct client *client, gint64 deadline, GError **error)
{
	g_autoptr(hmmctl_json) message = read_message(client, deadline, error);
	json_object *greeting, *capabilities;
	const char *version;
	guint64 protocol;

	if (!message || !reply_object(message, "hmmd", &greeting, error) ||
	    !reply_string(greeting, "version", &version, error) ||
	    !reply_u64(greeting, "protocol", &protocol, error) ||
	    !reply_array(greeting, "capabilities", &capabilities, error))
		return FALSE;
	if (protocol != CONTROL_PROTOCOL) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_UNREACHABLE,
			    "hmmd speaks protocol %" G_GUINT64_FORMAT ", this hmmctl speaks %d: "
			    "install the two from the same release",
			    protocol, CONTROL_PROTOCOL);
		return FALSE;
	}
	client->version = text_clean(version);
	return TRUE;
}

static struct client *client_greet(int fd, gint64 deadline, GError **error)
{
	g_autoptr(client_auto) client = g_new0(struct client, 1);

	client->fd = fd;
	client->reader = line_reader_new(fd, GREETING_MAX);
	if (!read_greeting(client, deadline, error)) {
		g_prefix_error(error, "no greeting from hmmd: ");
		return NULL;
	}
	line_reader_set_max(client->reader, LINE_MAX_LEN);
	return g_steal_pointer(&client);
}

struct client *client_from_fd(int fd, int timeout_ms, GError **error)
{
	return client_greet(fd, line_deadline(timeout_ms), error);
}

static void explain_connect_errno(const char *path, int code, GError **error)
{
	static const struct {
		int code;
		const char *before_path, *after_path;
	} known[] = {
		{ ENOENT, "hmmd is not running (there is no ",
		  "): start it with 'systemctl start hmmd'" },
		{ ECONNREFUSED, "hmmd is not running (nobody answers at ",
		  "): start it with 'systemctl start hmmd'" },
		{ EACCES, "no permission to use ",
		  ": run hmmctl as root, or join the group that hmmd.conf names "
		  "([control] group=)" },
		{ EAGAIN, "hmmd does not take the connection at ",
		  ": 'systemctl status hmmd' may say why" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (known[i].code == code) {
			g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_UNREACHABLE, "%s%s%s",
				    known[i].before_path, path, known[i].after_path);
			return;
		}
	}
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_UNREACHABLE,
		    "cannot connect to hmmd at %s: %s", path, g_strerror(code));
}

/*
 * A connect that would block, because hmmd does not accept and its backlog is full, says
 * EAGAIN on a unix socket and cannot be polled for: try again after a nap.
 */
static gboolean connect_until(int fd, const char *path, gint64 deadline, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		explain_connect_errno(path, ENAMETOOLONG, error);
		return FALSE;
	}
	strcpy(address.sun_path, path);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		int code = errno;
		gint64 nap_end = g_get_monotonic_time() + BACKLOG_FULL_RETRY_US;
		g_autoptr(GError) nap = NULL;

		if ((code != EAGAIN && code != EINTR) || nap_end >= deadline) {
			explain_connect_errno(path, code, error);
			return FALSE;
		}
		interrupt_poll(-1, 0, nap_end, &nap);
		if (nap && nap->code == HMMCTL_ERROR_INTERRUPTED) {
			g_propagate_error(error, g_steal_pointer(&nap));
			return FALSE;
		}
	}
	return TRUE;
}

struct client *client_connect(const char *path, int timeout_ms, GError **error)
{
	gint64 deadline = line_deadline(timeout_ms);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		explain_connect_errno(path, errno, error);
		return NULL;
	}
	if (!connect_until(fd, path, deadline, error)) {
		close(fd);
		return NULL;
	}
	return client_greet(fd, deadline, error);
}

void client_free(struct client *client)
{
	line_reader_free(client->reader);
	close(client->fd);
	g_free(client->version);
	g_free(client);
}

const char *client_server_version(const struct client *client)
{
	return client->version;
}

void client_on_event(struct client *client, client_event_fn fn, void *data)
{
	client->on_event = fn;
	client->on_event_data = data;
}

/* Takes @arguments. */
static gboolean send_request(struct client *client, const char *command, json_object *arguments,
			     gint64 deadline, GError **error)
{
	g_autoptr(hmmctl_json) request = json_object_new_object();
	g_autofree char *line = NULL;

	json_object_object_add(request, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(request, "arguments", arguments);
	json_object_object_add(request, "id", json_object_new_int64(++client->last_id));
	line = g_strconcat(json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN), "\n",
			   NULL);
	return line_write(client->fd, line, strlen(line), deadline, error);
}

/* Is it the answer to the last request?  hmmd cannot know the id of what it could not read. */
static gboolean id_matches(const struct client *client, json_object *message, gboolean refused)
{
	json_object *id = NULL;

	if (!json_object_object_get_ex(message, "id", &id) || !id)
		return refused;
	return json_object_is_type(id, json_type_int) &&
	       json_object_get_int64(id) == client->last_id;
}

/* The "return" object out of an answer, or the refusal. */
static json_object *take_answer(const struct client *client, json_object *message,
				json_object **refusal, GError **error)
{
	const char *class, *desc;
	json_object *value;
	gboolean refused = json_object_object_get_ex(message, "error", NULL);

	if (!id_matches(client, message, refused)) {
		reply_malformed(error, "an answer to another request");
		return NULL;
	}
	if (!refused)
		return reply_object(message, "return", &value, error) ? json_object_get(value)
								      : NULL;
	if (!reply_object(message, "error", &value, error) ||
	    !reply_string(value, "class", &class, error) ||
	    !reply_string(value, "desc", &desc, error))
		return NULL;
	*refusal = json_object_get(value);
	g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_FAILED, desc);
	return NULL;
}

json_object *client_call(struct client *client, const char *command, json_object *arguments,
			 int timeout_ms, json_object **refusal, GError **error)
{
	gint64 deadline = line_deadline(timeout_ms);

	if (!send_request(client, command, arguments, deadline, error))
		return NULL;
	for (;;) {
		g_autoptr(hmmctl_json) message = read_message(client, deadline, error);
		const char *name;

		if (!message)
			return NULL;
		if (!json_object_object_get_ex(message, "event", NULL))
			return take_answer(client, message, refusal, error);
		if (!reply_string(message, "event", &name, error))
			return NULL;
		if (client->on_event)
			client->on_event(name, message, client->on_event_data);
	}
}

json_object *client_next_event(struct client *client, int timeout_ms, const char **name,
			       GError **error)
{
	g_autoptr(hmmctl_json) message = read_message(client, line_deadline(timeout_ms), error);

	if (!message || !reply_string(message, "event", name, error))
		return NULL;
	return g_steal_pointer(&message);
}
