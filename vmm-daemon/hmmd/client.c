// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c - one connection to the control socket
 *
 *	readable ──▶ in ──▶ one request at a time ──▶ Call ──▶ out ──▶ writable
 *
 * While a request is being worked on nothing is read, which holds a peer back that asks faster
 * than it is answered.  Nor is a peer read that does not take its answers.  So what one
 * connection can make hmmd keep is bounded: a line in, an answer and OUT_EVENTS_MAX out.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hmmd.h"

#define READ_CHUNK     65536u
#define OUT_EVENTS_MAX (1u << 20) /* bytes that wait; events beyond it are dropped */

struct Client {
	int fd;
	bool operator;
	bool eof;  /* the peer asks nothing more */
	bool dead; /* it is only waiting to be freed */
	GSource *source;
	gpointer tag;
	GString *in;
	GQueue out;	   /* of GBytes */
	size_t out_offset; /* of the first one that is written already */
	size_t out_bytes;
	Call *call;
	bool subscribed;
	char *filter;	  /* NULL: every VM */
	uint64_t dropped; /* events, since it was last told */
};

struct client_source {
	GSource base;
	Client *client;
};

static GPtrArray *clients;

unsigned int client_count(void)
{
	return clients ? clients->len : 0;
}

static void watch(Client *client)
{
	GIOCondition wanted = G_IO_HUP | G_IO_ERR;

	if (!client->eof && !client->call && client->out_bytes < OUT_EVENTS_MAX)
		wanted |= G_IO_IN;
	if (client->out_bytes)
		wanted |= G_IO_OUT;
	g_source_modify_unix_fd(client->source, client->tag, wanted);
}

/* ---- output ------------------------------------------------------------- */

static void put(Client *client, const char *line, size_t length)
{
	g_queue_push_tail(&client->out, g_bytes_new(line, length));
	client->out_bytes += length;
}

static void tell_dropped(Client *client)
{
	json_object *data, *event;
	size_t length;
	char *line;

	if (!client->dropped || client->out_bytes > OUT_EVENTS_MAX / 2)
		return;
	data = json_object_new_object();
	control_add_u64(data, "count", client->dropped);
	event = control_event("dropped", data, g_get_real_time());
	line = control_encode(event, &length);
	put(client, line, length);
	client->dropped = 0;
	g_free(line);
	json_object_put(event);
}

static void flush(Client *client)
{
	while (client->out_bytes && !client->dead) {
		GBytes *bytes = g_queue_peek_head(&client->out);
		size_t length;
		const char *line = g_bytes_get_data(bytes, &length);
		ssize_t n = send(client->fd, line + client->out_offset, length - client->out_offset,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			client->dead = true;
		if (n < 0)
			break;
		client->out_bytes -= (size_t)n;
		client->out_offset += (size_t)n;
		if (client->out_offset == length) {
			g_bytes_unref(g_queue_pop_head(&client->out));
			client->out_offset = 0;
		}
		tell_dropped(client);
	}
}

/*
 * Events are not flushed at once: the source does it, many in one round of the main loop, and
 * whoever emits one never finds its own client gone.
 */
void client_send_event(Client *client, const char *line, size_t length)
{
	if (client->dead)
		return;
	if (client->dropped || client->out_bytes + length > OUT_EVENTS_MAX)
		client->dropped++;
	else
		put(client, line, length);
	watch(client);
}

void client_send(Client *client, json_object *message)
{
	size_t length;
	char *line = control_encode(message, &length);

	put(client, line, length);
	watch(client);
	g_free(line);
}

/* ---- input -------------------------------------------------------------- */

static void refuse_line(Client *client)
{
	json_object *message = control_reply_error(NULL, CONTROL_CLASS_INVALID_REQUEST,
						   "a request may have at most 1 MiB", NULL);

	client_send(client, message);
	json_object_put(message);
	/* Where the next request would begin is anyone's guess. */
	client->eof = true;
	g_string_truncate(client->in, 0);
}

static void process_input(Client *client)
{
	while (!client->call && !client->dead && client->out_bytes < OUT_EVENTS_MAX) {
		char *newline = memchr(client->in->str, '\n', client->in->len);
		size_t length;

		if (!newline) {
			if (client->in->len >= CONTROL_LINE_MAX)
				refuse_line(client);
			break;
		}
		length = (size_t)(newline - client->in->str);
		/* A blank line between requests does no harm. */
		if (length && !(length == 1 && client->in->str[0] == '\r')) {
			client->call = call_new(client, client->in->str, length, client->operator);
			g_string_erase(client->in, 0, (gssize)length + 1);
			if (client->call)
				call_do(client->call);
		} else {
			g_string_erase(client->in, 0, (gssize)length + 1);
		}
	}
	watch(client);
}

void client_call_done(Client *client)
{
	client->call = NULL;
	/* The source goes on when the answer is out; see client_ready(). */
	watch(client);
}

static void fill(Client *client)
{
	char chunk[READ_CHUNK];
	ssize_t n;

	do
		n = recv(client->fd, chunk, sizeof(chunk), 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		g_string_append_len(client->in, chunk, n);
	else if (n == 0)
		client->eof = true;
	else if (errno != EAGAIN)
		client->dead = true;
}

/* ---- the connection ----------------------------------------------------- */

static void client_free(Client *client)
{
	g_ptr_array_remove_fast(clients, client);
	if (client->call)
		call_abandon(client->call);
	g_source_destroy(client->source);
	g_source_unref(client->source);
	close(client->fd);
	g_string_free(client->in, TRUE);
	g_queue_clear_full(&client->out, (GDestroyNotify)g_bytes_unref);
	g_free(client->filter);
	g_free(client);
}

static gboolean client_ready(GSource *source, GSourceFunc callback, gpointer data)
{
	Client *client = ((struct client_source *)source)->client;
	GIOCondition now = g_source_query_unix_fd(source, client->tag);

	(void)callback, (void)data;
	if (now & (G_IO_HUP | G_IO_ERR))
		client->dead = true;
	if (now & G_IO_IN && !client->dead)
		fill(client);
	process_input(client);
	flush(client);
	process_input(client);
	/* After the last answer to a peer that asks nothing more, only events are left. */
	if (client->eof && !client->call && !client->out_bytes && !client->subscribed)
		client->dead = true;
	if (client->dead)
		client_free(client);
	return G_SOURCE_CONTINUE;
}

void client_new(int fd, bool operator)
{
	static GSourceFuncs functions = { .dispatch = client_ready };
	Client *client = g_new0(Client, 1);
	json_object *greeting = control_greeting(PACKAGE_VERSION);

	client->fd = fd;
	client->operator= operator;
	client->in = g_string_new(NULL);
	g_queue_init(&client->out);
	client->source = g_source_new(&functions, sizeof(struct client_source));
	((struct client_source *)client->source)->client = client;
	client->tag = g_source_add_unix_fd(client->source, fd, G_IO_HUP);
	if (!clients)
		clients = g_ptr_array_new();
	g_ptr_array_add(clients, client);
	client_send(client, greeting);
	json_object_put(greeting);
	g_source_attach(client->source, NULL);
}

void client_close_all(void)
{
	while (client_count()) {
		Client *client = g_ptr_array_index(clients, 0);

		flush(client);
		client_free(client);
	}
}

/* ---- subscriptions ------------------------------------------------------ */

void client_subscribe(Client *client, const char *vm)
{
	client->subscribed = true;
	g_free(client->filter);
	client->filter = g_strdup(vm);
}

bool client_have_subscribers(void)
{
	for (guint i = 0; i < client_count(); i++)
		if (((Client *)g_ptr_array_index(clients, i))->subscribed)
			return true;
	return false;
}

void client_each_subscriber(void (*send)(Client *client, void *data), void *data)
{
	for (guint i = 0; i < client_count(); i++) {
		Client *client = g_ptr_array_index(clients, i);

		if (client->subscribed)
			send(client, data);
	}
}

bool client_wants(const Client *client, const Vm *vm)
{
	if (!client->filter)
		return true;
	return vm && proc_vmm_matches(vm->name, vm->uuid, vm->pid, client->filter);
}
