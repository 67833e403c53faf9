// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who may ask hmm-agentd what, how much, and what comes of those who ask something else.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent_check.h"
#include "check.h"
#include "local.h"

#define MIB    (UINT64_C(1) << 20)
#define NOBODY 65534

/* ---- without an agent, and in a child -------------------------------------------------------- */

static void test_no_agent(void)
{
	static const char no_agent[] = "/nonexistent/socket";
	struct hmmhint_status status, *list = &status;
	struct hmmhint *h = hmmhint_open_at(no_agent);
	size_t nr = 5;
	char page[4096];

	CU_ASSERT_FATAL(h != NULL);
	CU_ASSERT(hmmhint_advise(h, page, 1, HMMHINT_COLD, 0, 0, NULL) == -1 && errno == ENOTCONN);
	CU_ASSERT(hmmhint_status(h, 1, &status) == -1 && errno == ENOTCONN);
	CU_ASSERT(hmmhint_wait(h, 1, 0) == -1 && errno == ENOTCONN);
	CU_ASSERT(hmmhint_forget(h, 1) == -1 && errno == ENOTCONN);
	CU_ASSERT(hmmhint_list(h, &list, &nr) == -1 && errno == ENOTCONN);
	CU_ASSERT(nr == 5 && list == &status);
	hmmhint_close(h);
	hmmhint_close(NULL);
}

static void test_arguments(void)
{
	struct hmmhint *h = hmmhint_open_at("/nonexistent/socket");
	char page[4096];

	CU_ASSERT(hmmhint_advise(h, page, 0, HMMHINT_COLD, 0, 0, NULL) == -1 && errno == EINVAL);
	CU_ASSERT(hmmhint_advise(h, page, 1, 0, 0, 0, NULL) == -1 && errno == EINVAL);
	CU_ASSERT(hmmhint_advise(h, page, 1, 6, 0, 0, NULL) == -1 && errno == EINVAL);
	CU_ASSERT(hmmhint_advise(h, page, 1, HMMHINT_COLD, 8, 0, NULL) == -1 && errno == EINVAL);
	CU_ASSERT(hmmhint_advise(h, page, 1, HMMHINT_COLD, 0, 8, NULL) == -1 && errno == EINVAL);
	CU_ASSERT(hmmhint_advise(h, page, SIZE_MAX, HMMHINT_COLD, 0, 0, NULL) == -1 &&
		  errno == EINVAL);
	CU_ASSERT(hmmhint_advise(h, NULL, 0, HMMHINT_COLD, 0, HMMHINT_WHOLE | HMMHINT_POPULATE,
				 NULL) == -1 &&
		  errno == EINVAL);
	CU_ASSERT(hmmhint_advise_pid(h, -1, 0, 4096, HMMHINT_COLD, 0, 0, NULL) == -1 &&
		  errno == EINVAL);
	CU_ASSERT(hmmhint_status(h, 0, NULL) == -1 && errno == EINVAL);
	CU_ASSERT(hmmhint_wait(h, 1, -2) == -1 && errno == EINVAL);
	hmmhint_close(h);
}

static int use_parents(void *data)
{
	struct hmmhint *h = data;
	struct hmmhint_status status;
	int good = hmmhint_status(h, 1, &status) == -1 && errno == ECHILD;

	hmmhint_close(h);
	return good ? 0 : 1;
}

static void test_fork(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	struct hmmhint_status status;
	uint64_t cookie;
	struct told told;

	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 0, 0, &cookie), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	CHECK_NUMBER(in_process(0, use_parents, h), 0);
	/* That the child has closed it takes nothing from the parent. */
	CHECK_NUMBER(hmmhint_status(h, cookie, &status), 0);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

/* ---- who may ask what --------------------------------------------------------------------- */

struct stranger {
	struct setup *setup;
	uint64_t roots_cookie;
	pid_t pid;
};

static int ask_as_stranger(void *data)
{
	struct stranger *stranger = data;
	struct hmmhint *h = hmmhint_open_at(stranger->setup->socket);
	struct hmmhint_status status, *list;
	uint64_t cookie;
	char *memory = test_map(MIB);
	size_t nr;

	prctl(PR_SET_DUMPABLE, 1);
	if (hmmhint_advise_pid(h, stranger->pid, (uintptr_t)memory, MIB, HMMHINT_COLD, 0, 0,
			       NULL) != -1 ||
	    errno != EPERM)
		return 1;
	if (hmmhint_status(h, stranger->roots_cookie, &status) != -1 || errno != ENOENT)
		return 2;
	if (hmmhint_forget(h, stranger->roots_cookie) != -1 || errno != ENOENT)
		return 3;
	if (hmmhint_wait(h, stranger->roots_cookie, 0) != -1 || errno != ENOENT)
		return 4;
	if (hmmhint_list(h, &list, &nr) || nr != 0)
		return 5;
	if (hmmhint_advise(h, memory, MIB, HMMHINT_COLD, 0, 0, &cookie))
		return 6;
	if (hmmhint_list(h, &list, &nr) || nr != 1 || list[0].cookie != cookie ||
	    list[0].uid != NOBODY)
		return 7;
	free(list);
	if (hmmhint_forget_all(h) != 1)
		return 8;
	/* What hides its memory has none to speak about. */
	prctl(PR_SET_DUMPABLE, 0);
	if (hmmhint_advise(h, memory, MIB, HMMHINT_COLD, 0, 0, NULL) != -1 || errno != EACCES)
		return 9;
	hmmhint_close(h);
	return 0;
}

static void test_stranger(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct stranger stranger = { .setup = &setup, .pid = getpid() };
	char *memory = test_map(MIB);
	struct hmmhint_status status;

	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_COLD, 0, 0, &stranger.roots_cookie), 0);
	CHECK_NUMBER(in_process(NOBODY, ask_as_stranger, &stranger), 0);
	CHECK_NUMBER(hmmhint_status(h, stranger.roots_cookie, &status), 0);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

/* A hint goes as its process begins to hide, as one that runs a set-user-ID program does. */
static int hide(void *data)
{
	struct setup *setup = data;
	struct hmmhint *h = hmmhint_open_at(setup->socket);
	char *memory = test_map(MIB);
	struct hmmhint_status status;
	const int64_t end = test_now_ms() + PATIENCE_MS;
	uint64_t cookie;

	prctl(PR_SET_DUMPABLE, 1);
	if (hmmhint_advise(h, memory, MIB, HMMHINT_COLD, 0, 0, &cookie))
		return 1;
	prctl(PR_SET_DUMPABLE, 0);
	while (hmmhint_status(h, cookie, &status) == 0 && test_now_ms() < end)
		usleep(20000);
	cookie = errno == ENOENT ? 0 : 2;
	hmmhint_close(h);
	return (int)cookie;
}

static void test_hides_later(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);

	CHECK_NUMBER(in_process(NOBODY, hide, &setup), 0);
	setup_end(&setup, h);
}

/* Root speaks about a process that never heard of hints. */
static void test_root_about_others(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	struct told told;
	uint64_t cookie;
	pid_t pid = fork();

	if (pid == 0) {
		memset(memory, 3, MIB); /* its own copy */
		pause();
		_exit(0);
	}
	CHECK_NUMBER(hmmhint_advise_pid(h, pid, (uintptr_t)memory, MIB, HMMHINT_COLD, 0,
					HMMHINT_KEEP, &cookie),
		     0);
	/* Until it has its own copy the pages are not its alone. */
	for (uint64_t bytes = 0; bytes < MIB;) {
		CU_ASSERT_FATAL(host_hint(&setup.host, &told));
		CHECK_NUMBER(told.request.owner, (uint64_t)pid);
		bytes = told_bytes(&told);
		told_clear(&told);
	}
	kill(pid, SIGKILL);
	CHECK_NUMBER(wait_exit(pid), (uint64_t)-1);
	CU_ASSERT(host_forget(&setup.host, cookie));
	CU_ASSERT(hmmhint_advise_pid(h, pid, (uintptr_t)memory, MIB, HMMHINT_COLD, 0, 0, NULL) ==
			  -1 &&
		  errno == ESRCH);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

/* ---- how much ----------------------------------------------------------------------------- */

static int fill(void *data)
{
	struct setup *setup = data;
	struct hmmhint *h = hmmhint_open_at(setup->socket);
	char *memory = test_map(4096);

	prctl(PR_SET_DUMPABLE, 1);
	for (int i = 0; i < 4; i++)
		if (hmmhint_advise(h, memory, 4096, HMMHINT_COLD, 0, 0, NULL))
			return 1;
	if (hmmhint_advise(h, memory, 4096, HMMHINT_COLD, 0, 0, NULL) != -1 || errno != EDQUOT)
		return 2;
	hmmhint_close(h);
	return 0;
}

static void test_too_many(void)
{
	static const char *const limits[] = { "--max-hints=8", "--max-hints-per-user=4", NULL };
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, limits);
	char *memory = test_map(4096);

	CHECK_NUMBER(in_process(NOBODY, fill, &setup), 0);
	for (int i = 0; i < 8; i++) {
		/* Those of the process that has ended may still be on their way out. */
		for (int64_t end = test_now_ms() + PATIENCE_MS;
		     hmmhint_advise(h, memory, 4096, HMMHINT_COLD, 0, 0, NULL) < 0 &&
		     test_now_ms() < end;)
			usleep(1000);
	}
	CU_ASSERT(hmmhint_advise(h, memory, 4096, HMMHINT_COLD, 0, 0, NULL) == -1 &&
		  errno == ENOSPC);
	CHECK_NUMBER((uint64_t)hmmhint_forget_all(h), 8);
	munmap(memory, 4096);
	setup_end(&setup, h);
}

static int ask_too_fast(void *data)
{
	struct setup *setup = data;
	struct hmmhint *h = hmmhint_open_at(setup->socket);
	struct hmmhint_status status;
	bool refused = false;

	for (int i = 0; i < 1000 && !refused; i++)
		refused = hmmhint_status(h, 1, &status) == -1 && errno == EAGAIN;
	hmmhint_close(h);
	return refused ? 0 : 1;
}

static void test_too_fast(void)
{
	static const char *const limits[] = { "--requests-per-second=20", NULL };
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, limits);

	CHECK_NUMBER(in_process(NOBODY, ask_too_fast, &setup), 0);
	setup_end(&setup, h);
}

static int connect_too_often(void *data)
{
	struct setup *setup = data;
	static const int expected[] = { ENOENT, ENOENT, EUSERS };
	struct hmmhint_status status;
	struct hmmhint *h[3];
	int wrong = 0;

	for (int i = 0; i < 3; i++) {
		h[i] = hmmhint_open_at(setup->socket);
		if (hmmhint_status(h[i], 1, &status) != -1 || errno != expected[i])
			wrong = i + 1;
	}
	for (int i = 0; i < 3; i++)
		hmmhint_close(h[i]);
	return wrong;
}

static void test_too_many_connections(void)
{
	static const char *const limits[] = { "--max-connections-per-user=2", NULL };
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, limits);

	CHECK_NUMBER(in_process(NOBODY, connect_too_often, &setup), 0);
	setup_end(&setup, h);
}

/* ---- what is no request -------------------------------------------------------------------- */

static int raw_connect(const struct setup *setup)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, setup->socket, sizeof(address.sun_path));
	g_assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void test_garbage(void)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct hmmhint_status status;
	char bytes[256], reply[64];

	for (size_t n = 1; n <= sizeof(bytes); n += 17) {
		int fd = raw_connect(&setup);

		memset(bytes, (int)n, sizeof(bytes));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		CHECK_NUMBER((uint64_t)recv(fd, reply, sizeof(reply), 0), 24); /* the greeting */
		CHECK_NUMBER((uint64_t)send(fd, bytes, n, MSG_NOSIGNAL), n);
		CHECK_NUMBER((uint64_t)recv(fd, reply, sizeof(reply), 0), 0);
		close(fd);
	}
	CU_ASSERT(agent_runs(&setup));
	CU_ASSERT(hmmhint_status(h, 1, &status) == -1 && errno == ENOENT);
	setup_end(&setup, h);
}

/* A peer that asks and asks and never reads loses its connection, and nothing else. */
static void test_never_reads(void)
{
	struct local_ask ask = { .header = local_header(LOCAL_LIST, sizeof(ask)) };
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct hmmhint_status status;
	int fd = raw_connect(&setup);
	int64_t end = test_now_ms() + PATIENCE_MS;

	while (send(fd, &ask, sizeof(ask), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ||
	       (errno == EAGAIN && test_now_ms() < end))
		;
	CU_ASSERT(errno == EPIPE || errno == ECONNRESET);
	close(fd);
	while (hmmhint_status(h, 1, &status) == -1 && errno == EAGAIN && test_now_ms() < end)
		usleep(10000);
	CHECK_NUMBER((uint64_t)errno, ENOENT);
	setup_end(&setup, h);
}

/* ---- the host says nonsense ----------------------------------------------------------------- */

static void test_broken_host(void)
{
	static const struct hint_result stray = {
		.cookie = 12345,
		.status = HINT_STATUS_DONE,
	};
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	struct told told;
	char bytes[4096];

	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 0, 0, NULL), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	host_result(&setup.host, &stray);
	memset(bytes, 0xee, sizeof(bytes));
	host_send(&setup.host, bytes, sizeof(bytes));
	/* The agent has heard enough, and takes a new beginning. */
	CU_ASSERT_FATAL(host_hello(&setup.host));
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CU_ASSERT(told_is_memory(&told, memory, MIB));
	told_clear(&told);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

int main(void)
{
	static const struct check checks[] = {
		{ "no agent", test_no_agent },
		{ "arguments out of range", test_arguments },
		{ "a forked child", test_fork },
		{ "a user who is not root", test_stranger },
		{ "a process that hides", test_hides_later },
		{ "root about another process", test_root_about_others },
		{ "too many hints", test_too_many },
		{ "too fast", test_too_fast },
		{ "too many connections", test_too_many_connections },
		{ "garbage", test_garbage },
		{ "a peer that never reads", test_never_reads },
		{ "a host that says nonsense", test_broken_host },
	};

	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0) {
		printf("not root: there is nobody to be asked about, and nobody else to be\n");
		return 77;
	}
	return run_checks("agentd_rules", checks, sizeof(checks) / sizeof(checks[0]));
}
