// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * serve.c - the daemon
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "memfill.h"

#define DIR "/run/memfill"

static int serve_request(struct memory *m, const struct request *r, FILE *out)
{
	uint64_t end = m->pages;

	if (r->first >= m->pages || r->count > m->pages - r->first) {
		fprintf(out, "there are only %lu pages\n", m->pages);
		return 2;
	}
	if (r->count)
		end = r->first + r->count;

	if (!strcmp(r->verb, "verify"))
		return verify(m, r->first, end, r->usec, out);
	if (!strcmp(r->verb, "extents"))
		return print_extents(m, r->first, end, out);
	if (!strcmp(r->verb, "loop"))
		return loop(m, r->seconds ? r->seconds : 1, out);
	if (!strcmp(r->verb, "crowd"))
		return crowd(m, r->first, end, r->seconds ? r->seconds : 1, out);
	if (!strcmp(r->verb, "info"))
		return print_info(m, out);
	if (!strcmp(r->verb, "replace"))
		return replace(m, out);
	if (!strcmp(r->verb, "compact"))
		return compact(m, out);
	if (!strcmp(r->verb, "hint"))
		return r->each ? hint_each(m, r, end, out) : hint(m, r, end, out);
	if (!strcmp(r->verb, "latency"))
		return latency(m, r, end, out);
	if (!strcmp(r->verb, "hints"))
		return print_hints(out);
	if (!strcmp(r->verb, "forget"))
		return forget(r, out);
	if (!strcmp(r->verb, "rewrite"))
		fill(m, r->seed);
	else if (!strcmp(r->verb, "touch"))
		touch(m, r->first, end);
	else if (!strcmp(r->verb, "corrupt"))
		corrupt(m, r->first);
	return 0;
}

/* Answer one verb at a time; the last line of an answer is its exit status. */
static _Noreturn void serve(struct memory *m, int sock)
{
	for (;;) {
		int conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC), status;
		struct request r;
		FILE *out;

		if (conn < 0)
			continue;
		out = fdopen(conn, "r+");
		if (out && read(conn, &r, sizeof(r)) == sizeof(r)) {
			status = serve_request(m, &r, out);
			fprintf(out, "status %d\n", status);
			fflush(out);
			if (!strcmp(r.verb, "stop"))
				_exit(0);
		}
		if (out)
			fclose(out);
	}
}

static void socket_address(struct sockaddr_un *addr, const char *name)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strchr(name, '/') || snprintf(addr->sun_path, sizeof(addr->sun_path), DIR "/%s",
					  name) >= (int)sizeof(addr->sun_path))
		fatal("'%s' is no good name", name);
}

int connect_daemon(const char *name)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;

	socket_address(&addr, name);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return sock;
	close(sock);
	return -1;
}

/* Whoever changes its user hides its memory, unless it says otherwise. */
static bool become(uint32_t uid)
{
	return uid == 0 || (setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0 &&
			    prctl(PR_SET_DUMPABLE, 1) == 0);
}

int start(const char *name, const struct request *r)
{
	struct memory m = { 0 };
	struct sockaddr_un addr;
	int ready[2], sock;
	char c;

	if (r->mib == 0)
		fatal("start needs --mib N");
	if (connect_daemon(name) >= 0)
		fatal("'%s' runs already", name);
	socket_address(&addr, name);
	mkdir(DIR, 0700);
	unlink(addr.sun_path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || listen(sock, 16) ||
	    pipe2(ready, O_CLOEXEC))
		fatal("%s: %s", addr.sun_path, strerror(errno));
	fflush(stdout);
	if (fork() > 0) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			fatal("'%s' did not start: too little memory?", name);
		return 0;
	}

	setsid();
	if (!become(r->uid) || !place(&m, r))
		_exit(1);
	fill(&m, r->seed);
	if (write(ready[1], "", 1) != 1)
		_exit(1);
	close(ready[0]);
	close(ready[1]);
	if (freopen("/dev/null", "r+", stdin) && freopen("/dev/null", "r+", stdout))
		dup2(0, 2);
	serve(&m, sock);
}
