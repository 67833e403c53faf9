// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "hmmctl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK (64 * 1024)

struct line_reader {
	int fd;
	size_t max;
	GByteArray *buffer;
	size_t start;	/* of the line to be read next, in the buffer */
	size_t scanned; /* there is no newline from start up to here */
};

struct line_reader *line_reader_new(int fd, size_t max)
{
	struct line_reader *reader = g_new0(struct line_reader, 1);

	reader->fd = fd;
	reader->max = max;
	reader->buffer = g_byte_array_new();
	return reader;
}

void line_reader_free(struct line_reader *reader)
{
	g_byte_array_unref(reader->buffer);
	g_free(reader);
}

void line_reader_set_max(struct line_reader *reader, size_t max)
{
	reader->max = max;
}

gint64 line_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : g_get_monotonic_time() + (gint64)timeout_ms * 1000;
}

/* A whole line that is in the buffer already, NUL put in the newline's place. */
static const char *buffered_line(struct line_reader *reader, size_t *length)
{
	guint8 *newline = NULL;
	const char *line;

	if (reader->scanned < reader->buffer->len)
		newline = memchr(reader->buffer->data + reader->scanned, '\n',
				 reader->buffer->len - reader->scanned);
	if (!newline) {
		reader->scanned = reader->buffer->len;
		return NULL;
	}
	*newline = '\0';
	line = (const char *)reader->buffer->data + reader->start;
	*length = (size_t)((const char *)newline - line);
	reader->start += *length + 1;
	reader->scanned = reader->start;
	return line;
}

static gboolean read_more(struct line_reader *reader, GError **error)
{
	size_t kept = reader->buffer->len - reader->start;
	ssize_t got;

	if (reader->start) {
		g_byte_array_remove_range(reader->buffer, 0, (guint)reader->start);
		reader->start = 0;
		reader->scanned = kept;
	}
	g_byte_array_set_size(reader->buffer, (guint)(kept + READ_CHUNK));
	got = recv(reader->fd, reader->buffer->data + kept, READ_CHUNK, MSG_DONTWAIT);
	g_byte_array_set_size(reader->buffer, (guint)(kept + (got > 0 ? (size_t)got : 0)));
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return TRUE;
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_UNREACHABLE,
		    "hmmd closed the connection; 'journalctl -u hmmd' may say why");
	return FALSE;
}

const char *line_read(struct line_reader *reader, gint64 deadline, size_t *length, GError **error)
{
	for (;;) {
		const char *line = buffered_line(reader, length);

		if (line && *length <= reader->max)
			return line;
		if (line || reader->buffer->len - reader->start > reader->max) {
			reply_malformed(error, "a line of more than %zu bytes", reader->max);
			return NULL;
		}
		if (!interrupt_poll(reader->fd, POLLIN, deadline, error) ||
		    !read_more(reader, error))
			return NULL;
	}
}

gboolean line_write(int fd, const char *data, size_t length, gint64 deadline, GError **error)
{
	while (length) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0) {
			data += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (!interrupt_poll(fd, POLLOUT, deadline, error))
				return FALSE;
		} else if (errno != EINTR) {
			g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_UNREACHABLE,
				    "hmmd closed the connection; 'journalctl -u hmmd' may say why");
			return FALSE;
		}
	}
	return TRUE;
}
