// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The host's end of a virtserialport: -device names the port and its chardev, -chardev says where
 * QEMU listens, or with which fd it was given for that, as libvirt does it.
 *
 * All of it is the VMM's word.
 */
#include <json-c/json.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc-private.h"
#include "proc.h"

#define PATH_MAX_BYTES (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* Of one option.  Those of a port or chardev have a few hundred bytes. */
#define VALUE_MAX  16384u
#define JSON_DEPTH 8

struct channel {
	const char *port;
	char *id; /* of the chardev */

	/* What the chardev has. */
	bool listens;
	char *path, *fd;
};

/* ---- which chardev ------------------------------------------------------ */

static char *member(json_object *object, const char *name)
{
	json_object *value = json_object_object_get(object, name);

	/* A NUL in it would end it early. */
	if (!json_object_is_type(value, json_type_string) ||
	    strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
		return NULL;
	return g_strdup(json_object_get_string(value));
}

static json_object *parse_json(const char *text, size_t length)
{
	json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	json_object *object;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != length ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* A property of a device in either syntax; the first word of the older one is the driver. */
static char *property(json_object *object, const char *value, const char *name)
{
	return object ? member(object, name) : proc_qemu_option(value, name, "driver");
}

static void take_device(const char *option, const char *value, void *data)
{
	g_autofree char *driver = NULL, *name = NULL;
	struct channel *channel = data;
	json_object *object = NULL;
	size_t length;

	if (channel->id || strcmp(option, "device") != 0)
		return;
	length = strlen(value);
	if (length > VALUE_MAX)
		return;
	if (value[0] == '{') {
		object = parse_json(value, length);
		if (!object)
			return;
	}
	driver = property(object, value, "driver");
	name = property(object, value, "name");
	if (g_strcmp0(driver, "virtserialport") == 0 && g_strcmp0(name, channel->port) == 0)
		channel->id = property(object, value, "chardev");
	json_object_put(object);
}

/* ---- where it listens --------------------------------------------------- */

static bool is_on(const char *value)
{
	static const char *const words[] = { "on", "yes", "true", "y", NULL };

	return value && g_strv_contains(words, value);
}

static void take_chardev(const char *option, const char *value, void *data)
{
	g_autofree char *backend = NULL, *id = NULL, *server = NULL, *abstract = NULL;
	struct channel *channel = data;

	if (channel->listens || strcmp(option, "chardev") != 0 || strlen(value) > VALUE_MAX)
		return;
	backend = proc_qemu_option(value, "backend", "backend");
	id = proc_qemu_option(value, "id", "backend");
	if (g_strcmp0(backend, "socket") != 0 || g_strcmp0(id, channel->id) != 0)
		return;
	server = proc_qemu_option(value, "server", "backend");
	abstract = proc_qemu_option(value, "abstract", "backend");
	if (!is_on(server) || is_on(abstract))
		return;
	channel->listens = true;
	channel->path = proc_qemu_option(value, "path", "backend");
	channel->fd = proc_qemu_option(value, "fd", "backend");
}

static char *read_link(const char *root, pid_t pid, const char *name)
{
	g_autofree char *path = g_strdup_printf("%s/%d/%s", root, (int)pid, name);
	char link[4096];
	ssize_t n = readlink(path, link, sizeof(link));

	/* One that fills it may be cut. */
	return n > 0 && (size_t)n < sizeof(link) ? g_strndup(link, (gsize)n) : NULL;
}

static char *from_path(const char *root, pid_t pid, const char *path)
{
	g_autofree char *cwd = NULL;

	if (!*path)
		return NULL;
	if (g_path_is_absolute(path))
		return g_strdup(path);
	cwd = read_link(root, pid, "cwd");
	return cwd && g_path_is_absolute(cwd) ? g_build_filename(cwd, path, NULL) : NULL;
}

static char *from_fd(const char *root, pid_t pid, const char *fd)
{
	g_autofree char *name = NULL, *link = NULL;
	uint64_t inode;
	size_t digits = strspn(fd, "0123456789");

	if (digits == 0 || digits > 9 || fd[digits])
		return NULL;
	name = g_strconcat("fd/", fd, NULL);
	link = read_link(root, pid, name);
	return link && proc_socket_inode(link, &inode) ? proc_socket_path(root, pid, inode) : NULL;
}

static char *place(const char *root, pid_t pid, const struct channel *channel)
{
	g_autofree char *path = NULL;

	/* QEMU takes one of them. */
	if (!channel->path == !channel->fd)
		return NULL;
	path = channel->path ? from_path(root, pid, channel->path)
			     : from_fd(root, pid, channel->fd);
	return path && strlen(path) <= PATH_MAX_BYTES ? g_steal_pointer(&path) : NULL;
}

/*
 * What was plugged in later is on no command line.  libvirt names the socket like the port; where
 * somebody else does not, it is not found.
 */
static char *plugged_in(const char *root, pid_t pid, const char *port)
{
	g_autofree char *path = proc_socket_named(root, pid, port);

	return path && strlen(path) <= PATH_MAX_BYTES ? g_steal_pointer(&path) : NULL;
}

char *proc_channel_path(const char *root, pid_t pid, const char *port)
{
	g_autofree char *file = g_strdup_printf("%s/%d/cmdline", root, (int)pid);
	size_t length;
	g_autofree char *cmdline = proc_read_whole(file, PROC_CMDLINE_MAX, &length);
	struct channel channel = { .port = port };
	char *path = NULL;

	if (cmdline)
		proc_qemu_each(cmdline, length, take_device, &channel);
	if (channel.id)
		proc_qemu_each(cmdline, length, take_chardev, &channel);
	if (channel.listens)
		path = place(root, pid, &channel);
	else if (cmdline && !channel.id)
		path = plugged_in(root, pid, port);
	g_free(channel.id);
	g_free(channel.path);
	g_free(channel.fd);
	return path;
}
