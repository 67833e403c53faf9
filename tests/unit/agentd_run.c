// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real hmm-agentd and the library, with a host that the test plays: what everyone sees.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent_check.h"
#include "check.h"

#define MIB (UINT64_C(1) << 20)

static void test_hint_arrives(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(4 * MIB);
	uint64_t cookie = 0;
	struct told told;

	CHECK_NUMBER(hmmhint_advise(h, memory, 4 * MIB, HMMHINT_DEVICE, 5, 0, &cookie), 0);
	CU_ASSERT(cookie != 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(told.request.cookie, cookie);
	CHECK_NUMBER(told.request.owner, (uint64_t)getpid());
	CHECK_NUMBER(told.request.advice, HINT_ADVICE_DEVICE);
	CHECK_NUMBER(told.request.priority, 5);
	CU_ASSERT(told_is_memory(&told, memory, 4 * MIB));
	told_clear(&told);
	CHECK_NUMBER(hmmhint_forget(h, cookie), 0);
	CU_ASSERT(host_forget(&setup.host, cookie));
	CU_ASSERT(hmmhint_forget(h, cookie) == -1 && errno == ENOENT);
	munmap(memory, 4 * MIB);
	setup_end(&setup, h);
}

static void test_results(void)
{
	struct hint_result result = {
		.status = HINT_STATUS_ACCEPTED,
		.asked_bytes = MIB,
		.done_bytes = 4096,
	};
	struct hmmhint_status status, before;
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	uint64_t cookie;
	struct told told;

	memset(&before, 0, sizeof(before));
	status = before;
	CU_ASSERT(hmmhint_status(h, 77, &status) == -1 && errno == ENOENT);
	CU_ASSERT(memcmp(&status, &before, sizeof(status)) == 0);
	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_COLD, 0, 0, &cookie), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	CHECK_NUMBER(hmmhint_status(h, cookie, &status), 0);
	CHECK_NUMBER(status.state, HMMHINT_WAITING);
	CHECK_NUMBER(status.asked_bytes, MIB);
	CHECK_NUMBER(status.told_bytes, MIB);
	CU_ASSERT(hmmhint_wait(h, cookie, 0) == -1 && errno == ETIMEDOUT);

	result.cookie = cookie;
	host_result(&setup.host, &result);
	CU_ASSERT(hmmhint_wait(h, cookie, 100) == -1 && errno == ETIMEDOUT);
	CHECK_NUMBER(hmmhint_status(h, cookie, &status), 0);
	CHECK_NUMBER(status.state, HMMHINT_ACCEPTED);
	CHECK_NUMBER(status.done_bytes, 4096);

	result.status = HINT_STATUS_DONE;
	result.done_bytes = MIB - 8192;
	result.nr_skips = 1;
	result.skips[0] = (struct hint_skip){ HINT_REASON_PINNED, 8192 };
	host_result(&setup.host, &result);
	CHECK_NUMBER(hmmhint_wait(h, cookie, PATIENCE_MS), 0);
	CHECK_NUMBER(hmmhint_status(h, cookie, &status), 0);
	CHECK_NUMBER(status.state, HMMHINT_DONE);
	CHECK_NUMBER(status.done_bytes, MIB - 8192);
	CHECK_NUMBER(status.nr_skips, 1);
	CHECK_TEXT(hmmhint_reason_name(status.skips[0].reason), "pinned");
	munmap(memory, MIB);
	setup_end(&setup, h);
}

/* The library's own process, and one about which nobody has asked. */
static int give_and_end(void *data)
{
	struct setup *setup = data;
	struct hmmhint *h = hmmhint_open_at(setup->socket);
	char *memory = test_map(MIB);

	if (!h || hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 0, HMMHINT_KEEP, NULL))
		return 1;
	hmmhint_close(h);
	return 0;
}

static void test_process_exit(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct hmmhint_status *list;
	const void *frame;
	size_t nr = 9;

	/* It may have ended before the agent has looked: then nobody is told. */
	CHECK_NUMBER(in_process(0, give_and_end, &setup), 0);
	for (int64_t end = test_now_ms() + PATIENCE_MS; nr && test_now_ms() < end;) {
		CHECK_NUMBER(hmmhint_list(h, &list, &nr), 0);
		free(list);
	}
	CHECK_NUMBER(nr, 0);
	frame = host_frame(&setup.host, 200);
	if (frame && hint_type_of(frame) == HINT_TYPE_HINT)
		CU_ASSERT(host_forget(&setup.host, hint_get_hint(frame).cookie));
	setup_end(&setup, h);
}

static void test_close_forgets(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct hmmhint *other = hmmhint_open_at(setup.socket);
	char *memory = test_map(MIB);
	struct hmmhint_status status;
	uint64_t goes, stays;
	struct told told;

	CHECK_NUMBER(hmmhint_advise(other, memory, MIB, HMMHINT_DEVICE, 0, 0, &goes), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	CHECK_NUMBER(hmmhint_advise(other, memory, MIB, HMMHINT_COLD, 0, HMMHINT_KEEP, &stays), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	hmmhint_close(other);
	CU_ASSERT(host_forget(&setup.host, goes));
	CHECK_NUMBER(hmmhint_status(h, stays, &status), 0);
	CHECK_NUMBER(status.flags, HMMHINT_KEEP);
	CU_ASSERT(hmmhint_status(h, goes, &status) == -1 && errno == ENOENT);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

static void test_agent_restarts(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	uint64_t cookie;
	struct told told;

	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 3, 0, &cookie), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	agent_kill(&setup);
	host_hang_up(&setup.host);
	agent_start(&setup, NULL);
	CU_ASSERT_FATAL(host_accept(&setup.host));
	CU_ASSERT_FATAL(host_hello(&setup.host));
	/* Nobody calls the library. */
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(told.request.cookie, cookie);
	CHECK_NUMBER(told.request.priority, 3);
	CU_ASSERT(told_is_memory(&told, memory, MIB));
	told_clear(&told);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

static void test_host_returns(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(MIB);
	struct hmmhint_status status;
	uint64_t first, second;
	struct told told;

	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 0, 0, &first), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	host_hang_up(&setup.host);
	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_COLD, 0, 0, &second), 0);
	CHECK_NUMBER(hmmhint_status(h, second, &status), 0);
	CHECK_NUMBER(status.state, HMMHINT_WAITING);
	CU_ASSERT_FATAL(host_accept(&setup.host));
	CU_ASSERT_FATAL(host_hello(&setup.host));
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(told.request.cookie, first);
	told_clear(&told);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(told.request.cookie, second);
	told_clear(&told);
	/* It may also begin anew without hanging up. */
	CU_ASSERT_FATAL(host_hello(&setup.host));
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	told_clear(&told);
	munmap(memory, MIB);
	setup_end(&setup, h);
}

/* Told again, and only then, as the pages behind it change. */
static void test_follows(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = test_map(2 * MIB);
	uint64_t cookie;
	struct told told;

	CHECK_NUMBER(madvise(memory, MIB, MADV_DONTNEED), 0);
	CHECK_NUMBER(hmmhint_advise(h, memory, 2 * MIB, HMMHINT_DEVICE, 0, 0, &cookie), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CU_ASSERT(told_is_memory(&told, memory + MIB, MIB));
	told_clear(&told);
	CU_ASSERT(host_silent(&setup.host, 1500));
	memset(memory, 1, MIB);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(told.request.cookie, cookie);
	CU_ASSERT(told_is_memory(&told, memory, 2 * MIB));
	told_clear(&told);
	munmap(memory, 2 * MIB);
	setup_end(&setup, h);
}

static void test_populate(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	char *memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t cookie;
	struct told told;

	CHECK_NUMBER(hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 0, HMMHINT_POPULATE, &cookie),
		     0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CU_ASSERT(told_is_memory(&told, memory, MIB));
	told_clear(&told);
	munmap(memory, MIB);
	CU_ASSERT(hmmhint_advise(h, memory, MIB, HMMHINT_DEVICE, 0, HMMHINT_POPULATE, &cookie) ==
			  -1 &&
		  errno == ENOMEM);
	CU_ASSERT(hmmhint_advise_pid(h, (int)getppid(), 0x1000, 4096, HMMHINT_DEVICE, 0,
				     HMMHINT_POPULATE, NULL) == -1 &&
		  errno == EOPNOTSUPP);
	setup_end(&setup, h);
}

/* More extents than a frame has room for: every second page. */
static void test_many_extents(void)
{
	const size_t bytes = 48 * MIB;
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);
	struct hmmhint_status status;
	uint64_t cookie;
	struct told told;
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(memory, bytes, MADV_HUGEPAGE);
	memset(memory, 1, bytes);
	for (size_t at = 0; at < bytes; at += 8192)
		madvise(memory + at, 4096, MADV_DONTNEED);
	CHECK_NUMBER(hmmhint_advise(h, memory, bytes, HMMHINT_DEVICE, 0, 0, &cookie), 0);
	CU_ASSERT_FATAL(host_hint(&setup.host, &told));
	CHECK_NUMBER(told_bytes(&told), bytes / 2);
	CHECK_NUMBER(hmmhint_status(h, cookie, &status), 0);
	CHECK_NUMBER(status.told_bytes, bytes / 2);
	CHECK_NUMBER(status.absent_bytes, bytes / 2);
	told_clear(&told);
	munmap(memory, bytes);
	setup_end(&setup, h);
}

/* Nobody else tells the host that the agent is still there. */
static void test_is_alive(void)
{
	struct setup setup;
	struct hmmhint *h = setup_begin(&setup, NULL);

	CU_ASSERT(host_silent(&setup.host, HINT_ALIVE_MS + 1000));
	CU_ASSERT(setup.host.pings > 0);
	setup_end(&setup, h);
}

int main(void)
{
	static const struct check checks[] = {
		{ "a hint arrives with the right extents", test_hint_arrives },
		{ "results", test_results },
		{ "a process that ends is forgotten", test_process_exit },
		{ "a handle that is closed is forgotten", test_close_forgets },
		{ "an agent that is killed comes back", test_agent_restarts },
		{ "a host that hangs up comes back", test_host_returns },
		{ "a hint follows its range", test_follows },
		{ "populate", test_populate },
		{ "a hint in many parts", test_many_extents },
		{ "an agent says that it is alive", test_is_alive },
	};

	if (geteuid() != 0) {
		printf("not root: where pages are is hidden from hmm-agentd\n");
		return 77;
	}
	return run_checks("agentd_run", checks, sizeof(checks) / sizeof(checks[0]));
}
