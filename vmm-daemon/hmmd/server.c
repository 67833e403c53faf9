// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * server.c - the control socket: who may connect, and what each may do
 */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hmmd.h"

#define CLIENTS_MAX 64u
#define GROUPS_MAX  65536u /* the kernel's limit, too */
#define RETRY_MS    1000

static struct {
	char *path;
	int fd;
	guint source;
	bool have_group;
	gid_t group;
} server = { .fd = -1 };

static gboolean accept_clients(gint fd, GIOCondition condition, gpointer data);

/* ---- who the peer is ---------------------------------------------------- */

static bool peer_in_group(int fd, gid_t primary)
{
	g_autofree gid_t *groups = NULL;
	socklen_t length = 64 * sizeof(gid_t);

	if (primary == server.group)
		return true;
	groups = g_malloc(length);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) {
		if (errno != ERANGE || length > GROUPS_MAX * sizeof(gid_t))
			return false;
		groups = g_realloc(groups, length);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
			return false;
	}
	for (size_t i = 0; i < length / sizeof(gid_t); i++)
		if (groups[i] == server.group)
			return true;
	return false;
}

static bool peer_is_operator(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	return peer.uid == 0 || (server.have_group && peer_in_group(fd, peer.gid));
}

/* ---- connections -------------------------------------------------------- */

static void refuse(int fd)
{
	json_object *message = control_reply_error(
		NULL, CONTROL_CLASS_BUSY, "hmmd has too many connections; try again", NULL);
	size_t length;
	char *line = control_encode(message, &length);

	send(fd, line, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	g_free(line);
	json_object_put(message);
	close(fd);
}

static gboolean listen_again(gpointer data)
{
	(void)data;
	server.source = g_unix_fd_add(server.fd, G_IO_IN, accept_clients, NULL);
	return G_SOURCE_REMOVE;
}

static gboolean accept_clients(gint fd, GIOCondition condition, gpointer data)
{
	int peer;

	(void)condition, (void)data;
	while ((peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (client_count() < CLIENTS_MAX)
			client_new(peer, peer_is_operator(peer));
		else
			refuse(peer);
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return G_SOURCE_CONTINUE;
	/* Out of fds, most likely: do not spin on it. */
	log_warn(NULL, NULL, "accept: %s", g_strerror(errno));
	server.source = g_timeout_add(RETRY_MS, listen_again, NULL);
	return G_SOURCE_REMOVE;
}

/* ---- the socket --------------------------------------------------------- */

static bool fail(GError **error, const char *path, const char *what)
{
	hmmd_set_error(error, CONTROL_CLASS_INTERNAL, "%s: %s: %s", path, what, g_strerror(errno));
	return false;
}

/* A socket that nobody listens at any more is in the way, a live one is another hmmd. */
static bool clear_way(const struct sockaddr_un *address, GError **error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return fail(error, address->sun_path, "socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		err = errno;
	close(fd);
	if (!err) {
		hmmd_set_error(error, CONTROL_CLASS_INTERNAL, "%s: another hmmd listens there",
			       address->sun_path);
		return false;
	}
	if (err == ECONNREFUSED && unlink(address->sun_path) < 0)
		return fail(error, address->sun_path, "unlink");
	return true;
}

static bool set_access(const char *path, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(path);

	if (chmod(path, 0660) < 0)
		return fail(error, path, "chmod");
	if (!server.have_group)
		return true;
	if (chown(path, (uid_t)-1, server.group) < 0)
		return fail(error, path, "chown");
	/* Only a directory that is hmmd's own is given to the group. */
	if (g_str_has_suffix(directory, "/hmmd") && chown(directory, (uid_t)-1, server.group) < 0)
		return fail(error, directory, "chown");
	return true;
}

static bool find_group(const char *name, GError **error)
{
	const struct group *group = getgrnam(name);

	if (!group) {
		hmmd_set_error(error, CONTROL_CLASS_INTERNAL,
			       "there is no group '%s', which hmmd.conf names", name);
		return false;
	}
	server.have_group = true;
	server.group = group->gr_gid;
	return true;
}

bool server_start(const char *path, const char *group, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *directory = g_path_get_dirname(path);

	if (group && !find_group(group, error))
		return false;
	if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path)) {
		hmmd_set_error(error, CONTROL_CLASS_INTERNAL, "%s: too long for a socket", path);
		return false;
	}
	if (mkdir(directory, 0750) < 0 && errno != EEXIST)
		return fail(error, directory, "mkdir");
	if (!clear_way(&address, error))
		return false;
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server.fd < 0)
		return fail(error, path, "socket");
	if (bind(server.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(error, path, "bind");
	if (!set_access(path, error))
		return false;
	if (listen(server.fd, 16) < 0)
		return fail(error, path, "listen");
	server.path = g_strdup(path);
	server.source = g_unix_fd_add(server.fd, G_IO_IN, accept_clients, NULL);
	return true;
}

void server_stop(void)
{
	if (server.source)
		g_source_remove(server.source);
	if (server.fd >= 0)
		close(server.fd);
	if (server.path)
		unlink(server.path);
	g_clear_pointer(&server.path, g_free);
	server.fd = -1;
	server.source = 0;
}
