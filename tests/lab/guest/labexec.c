// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * labexec: run a command in a guest, over vsock.
 *
 *   labexec serve               in the guest: answer for ever
 *   labexec CID -- CMD [ARG]... in the host: run CMD in the guest CID; stdin, stdout, stderr and the exit status pass through
 *
 * One connection per command. Both ways it carries frames: one byte kind, four bytes length (both machines are x86),
 * payload. The host sends the argument vector, then stdin, an empty STDIN frame for its end; the guest sends stdout and
 * stderr as they come, then the exit status, and closes. A connection that ends earlier means that the peer is gone: the guest
 * then kills the command, the host exits with 255.
 *
 * Why vsock: no network and no key exchange, so an exec takes milliseconds even when the CPU is emulated twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

#define PORT      1024
#define MAX_FRAME 65536
#define MAX_ARGV  (1 << 20)
#define LOST      255            /* as ssh: the connection, not the command, failed */

enum kind { ARGV = 1, STDIN, STDOUT, STDERR, STATUS };

struct head {
	uint8_t kind;
	uint32_t len;
} __attribute__((packed));

static _Noreturn __attribute__((format(printf, 1, 2))) void fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("labexec: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(LOST);
}

static bool write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static bool read_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static bool send_frame(int sock, enum kind kind, const void *buf, size_t len)
{
	struct head head = { .kind = kind, .len = len };

	return write_all(sock, &head, sizeof(head)) && write_all(sock, buf, len);
}

/* The guest's end. */

struct job {
	int sock;
	pid_t pid;
	int pidfd;
	int in, out, err;               /* our ends of the command's stdio; -1 when closed */
	char buf[MAX_FRAME];            /* stdin not yet taken by the command */
	size_t start, end;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static _Noreturn void run_command(int sock, int in, int out, int err)
{
	struct head head;
	char *args, **argv;
	size_t i, n = 0;

	if (!read_all(sock, &head, sizeof(head)) || head.kind != ARGV || head.len == 0 || head.len > MAX_ARGV)
		_exit(LOST);
	args = malloc(head.len);
	argv = calloc(head.len + 1, sizeof(*argv));
	if (!args || !argv || !read_all(sock, args, head.len) || args[head.len - 1] != '\0')
		_exit(LOST);
	for (i = 0; i < head.len; i += strlen(args + i) + 1)
		argv[n++] = args + i;

	setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	close_range(3, ~0U, 0);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/*
 * The child itself reads its arguments off the socket: it is the only reader until it has them, since we wait for its exec
 * (the close-on-exec pipe) before we look at the socket.
 */
static bool start_command(struct job *job)
{
	int in[2], out[2], err[2], execed[2];
	char c;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(execed, O_CLOEXEC))
		return false;
	job->pid = fork();
	if (job->pid < 0)
		return false;
	if (job->pid == 0)
		run_command(job->sock, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(execed[1]);
	while (read(execed[0], &c, 1) < 0 && errno == EINTR)
		;
	close(execed[0]);
	job->in = in[1];
	job->out = out[0];
	job->err = err[0];
	fcntl(job->in, F_SETFL, O_NONBLOCK);
	fcntl(job->out, F_SETFL, O_NONBLOCK);
	fcntl(job->err, F_SETFL, O_NONBLOCK);
	job->pidfd = syscall(SYS_pidfd_open, job->pid, 0);
	return job->pidfd >= 0;
}

/* One read of the command's output; false when the host is gone. */
static bool pass_output(struct job *job, int *fd, enum kind kind, bool *more)
{
	char buf[MAX_FRAME];
	ssize_t n = read(*fd, buf, sizeof(buf));

	*more = n > 0;
	if (n > 0)
		return send_frame(job->sock, kind, buf, n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return true;
}

static bool take_stdin(struct job *job)
{
	struct head head;

	if (!read_all(job->sock, &head, sizeof(head)) || head.kind != STDIN || head.len > MAX_FRAME)
		return false;
	if (!read_all(job->sock, job->buf, head.len))
		return false;
	job->start = 0;
	job->end = head.len;
	if (head.len == 0)
		close_fd(&job->in);
	return true;
}

static void feed_stdin(struct job *job)
{
	ssize_t n = write(job->in, job->buf + job->start, job->end - job->start);

	if (n > 0)
		job->start += n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		close_fd(&job->in);             /* the command does not want it */
	if (job->in < 0)
		job->start = job->end = 0;
}

/* Until the command has ended: a daemon it leaves behind may keep its pipes, and is not waited for. */
static bool relay(struct job *job)
{
	for (;;) {
		bool pending = job->start < job->end, more;
		struct pollfd fds[] = {
			{ .fd = job->pidfd, .events = POLLIN },
			{ .fd = job->out, .events = POLLIN },
			{ .fd = job->err, .events = POLLIN },
			{ .fd = pending ? job->in : -1, .events = POLLOUT },
			{ .fd = pending ? -1 : job->sock, .events = POLLIN },
		};

		if (poll(fds, 5, -1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents && !pass_output(job, &job->out, STDOUT, &more))
			return false;
		if (fds[2].revents && !pass_output(job, &job->err, STDERR, &more))
			return false;
		if (fds[3].revents)
			feed_stdin(job);
		if (fds[4].revents && !take_stdin(job))
			return false;
		if (fds[0].revents)
			break;
	}
	for (bool more = true; more && job->out >= 0;)
		if (!pass_output(job, &job->out, STDOUT, &more))
			return false;
	for (bool more = true; more && job->err >= 0;)
		if (!pass_output(job, &job->err, STDERR, &more))
			return false;
	return true;
}

static _Noreturn void serve_one(int sock)
{
	static struct job job;
	uint8_t code;
	int status;

	job.sock = sock;
	if (!start_command(&job))
		_exit(1);
	if (!relay(&job)) {
		kill(-job.pid, SIGKILL);
		kill(job.pid, SIGKILL);
		_exit(1);
	}
	waitpid(job.pid, &status, 0);
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	/* The host closes when it has the status; stdin it still sent is not ours any more. */
	if (send_frame(sock, STATUS, &code, 1))
		while (read(sock, job.buf, sizeof(job.buf)) > 0)
			;
	_exit(0);
}

static _Noreturn void serve(void)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = PORT };
	int sock = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || listen(sock, 64))
		fatal("cannot listen: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC);

		/* We may be init's only child: orphans end up with init, ours are reaped here. */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (conn < 0)
			continue;
		if (fork() == 0)
			serve_one(conn);
		close(conn);
	}
}

/* The host's end. */

static int connect_guest(const char *cid)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK, .svm_port = PORT };
	int sock = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* A guest whose memory is on the move may be slow; the default is two seconds. */
	struct timeval limit = { .tv_sec = 30 };

	addr.svm_cid = strtoul(cid, NULL, 10);
	setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit, sizeof(limit));
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fatal("guest %s does not answer: %s", cid, strerror(errno));
	return sock;
}

static void send_argv(int sock, char **argv)
{
	static char args[MAX_ARGV];
	size_t len = 0;

	for (; *argv; argv++) {
		size_t n = strlen(*argv) + 1;

		if (n > sizeof(args) - len)
			fatal("the arguments are too long");
		memcpy(args + len, *argv, n);
		len += n;
	}
	if (!send_frame(sock, ARGV, args, len))
		fatal("lost the guest");
}

static _Noreturn void pump_stdin(int sock)
{
	char buf[MAX_FRAME];
	ssize_t n;

	do {
		n = TEMP_FAILURE_RETRY(read(0, buf, sizeof(buf)));
	} while (send_frame(sock, STDIN, buf, n > 0 ? n : 0) && n > 0);
	_exit(0);
}

static int receive(int sock)
{
	static char buf[MAX_FRAME];
	struct head head;

	while (read_all(sock, &head, sizeof(head)) && head.len <= sizeof(buf) && read_all(sock, buf, head.len)) {
		switch (head.kind) {
		case STDOUT:
		case STDERR:
			if (!write_all(head.kind == STDOUT ? 1 : 2, buf, head.len))
				return LOST;
			break;
		case STATUS:
			return (uint8_t)buf[0];
		default:
			fatal("the guest sent something else");
		}
	}
	fatal("lost the guest");
}

int main(int argc, char **argv)
{
	pid_t pump;
	int sock, status;

	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		serve();
	if (argc < 4 || strcmp(argv[2], "--") != 0)
		fatal("usage: labexec CID -- CMD [ARG]...");
	sock = connect_guest(argv[1]);
	send_argv(sock, argv + 3);
	pump = fork();                  /* two pumps, so that neither direction can block the other */
	if (pump == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		pump_stdin(sock);
	}
	status = receive(sock);
	if (pump > 0)
		kill(pump, SIGKILL);
	return status;
}
