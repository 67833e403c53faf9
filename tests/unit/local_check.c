// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages between library and agent: what is taken, and what is not.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "local.h"

static struct local_advise an_advise(void)
{
	return (struct local_advise){
		.header = local_header(LOCAL_ADVISE, sizeof(struct local_advise)),
		.address = 0x10000,
		.length = 0x2000,
		.advice = 1,
		.priority = 7,
		.flags = LOCAL_KEEP,
	};
}

#define ADVISE_IS(expected, ...)                                                      \
	do {                                                                          \
		struct local_advise a = an_advise();                                  \
		__VA_ARGS__;                                                          \
		CHECK_NUMBER((uint64_t)local_check_request(&a, sizeof(a)), expected); \
	} while (0)

static void test_advise(void)
{
	ADVISE_IS(0, (void)0);
	ADVISE_IS(0, a.cookie = 5; a.pid = 77);
	ADVISE_IS(0, a.flags = LOCAL_WHOLE; a.address = a.length = 0);
	ADVISE_IS(EINVAL, a.flags = LOCAL_WHOLE);
	ADVISE_IS(EINVAL, a.length = 0);
	ADVISE_IS(EINVAL, a.length = 100);
	ADVISE_IS(EINVAL, a.address = 0x10001);
	ADVISE_IS(EINVAL, a.address = UINT64_MAX & ~4095ull);
	ADVISE_IS(EINVAL, a.length = UINT64_MAX & ~4095ull);
	ADVISE_IS(EINVAL, a.pid = -1);
	ADVISE_IS(EINVAL, a.advice = 0);
	ADVISE_IS(EINVAL, a.advice = 6);
	ADVISE_IS(EINVAL, a.priority = 8);
	ADVISE_IS(EINVAL, a.flags = 4);
	ADVISE_IS(EPROTO, a.header.size--);
	ADVISE_IS(EPROTO, a.header.version = 2);
	ADVISE_IS(EPROTO, a.header.type = 0);
	ADVISE_IS(EPROTO, a.header.type = LOCAL_HELLO);
	ADVISE_IS(EPROTO, a.header.type = LOCAL_LIST + 1);
	ADVISE_IS(EPROTO, a.header.type = LOCAL_STATUS);
}

#define FORGET_IS(expected, which_, cookie_, pid_)                                              \
	do {                                                                                    \
		struct local_forget forget = {                                                  \
			.header = local_header(LOCAL_FORGET, sizeof(forget)),                   \
			.cookie = (cookie_),                                                    \
			.pid = (pid_),                                                          \
			.which = (which_),                                                      \
		};                                                                              \
		CHECK_NUMBER((uint64_t)local_check_request(&forget, sizeof(forget)), expected); \
	} while (0)

static void test_forget(void)
{
	FORGET_IS(0, LOCAL_THIS, 5, 0);
	FORGET_IS(EINVAL, LOCAL_THIS, 0, 0);
	FORGET_IS(EINVAL, LOCAL_THIS, 5, 1);
	FORGET_IS(0, LOCAL_OF_PID, 0, 5);
	FORGET_IS(EINVAL, LOCAL_OF_PID, 0, 0);
	FORGET_IS(EINVAL, LOCAL_OF_PID, 0, -5);
	FORGET_IS(EINVAL, LOCAL_OF_PID, 5, 5);
	FORGET_IS(0, LOCAL_ALL, 0, 0);
	FORGET_IS(EINVAL, LOCAL_ALL, 1, 0);
	FORGET_IS(EINVAL, LOCAL_ALL, 0, 1);
	FORGET_IS(EINVAL, 0, 0, 0);
	FORGET_IS(EINVAL, 4, 0, 0);
}

static int ask(enum local_type type, uint64_t cookie, uint64_t number, int32_t timeout)
{
	struct local_ask message = {
		.header = local_header(type, sizeof(message)),
		.cookie = cookie,
		.number = number,
		.timeout_ms = timeout,
	};

	return local_check_request(&message, sizeof(message));
}

static void test_ask(void)
{
	CHECK_NUMBER((uint64_t)ask(LOCAL_STATUS, 5, 0, 0), 0);
	CHECK_NUMBER((uint64_t)ask(LOCAL_STATUS, 0, 0, 0), EINVAL);
	CHECK_NUMBER((uint64_t)ask(LOCAL_STATUS, 5, 1, 0), EINVAL);
	CHECK_NUMBER((uint64_t)ask(LOCAL_STATUS, 5, 0, 1), EINVAL);
	CHECK_NUMBER((uint64_t)ask(LOCAL_WAIT, 5, 0, -1), 0);
	CHECK_NUMBER((uint64_t)ask(LOCAL_WAIT, 5, 0, 1000), 0);
	CHECK_NUMBER((uint64_t)ask(LOCAL_WAIT, 5, 0, -2), EINVAL);
	CHECK_NUMBER((uint64_t)ask(LOCAL_LIST, 0, 77, 0), 0);
	CHECK_NUMBER((uint64_t)ask(LOCAL_LIST, 5, 0, 0), EINVAL);
	CHECK_NUMBER((uint64_t)local_check_request("", 0), EPROTO);
}

/* A reply has no room for a hint by itself. */
struct answer {
	struct {
		struct local_header header;
		int32_t error;
		uint32_t nr;
		uint64_t cookie;
	} reply;
	struct local_status status;
};

static struct answer an_answer(void)
{
	return (struct answer){
		.reply = { .header = local_header(LOCAL_STATUS, sizeof(struct answer)), .nr = 1 },
		.status = {
			.cookie = 5,
			.number = 1,
			.address = 4096,
			.length = 4096,
			.pid = 1,
			.advice = 2,
			.state = LOCAL_DONE,
			.nr_skips = 1,
			.skips = { { .reason = 1, .bytes = 4096 } },
		},
	};
}

#define ANSWER_IS(expected, ...)                                                                  \
	do {                                                                                      \
		struct answer a = an_answer();                                                    \
		__VA_ARGS__;                                                                      \
		CHECK_NUMBER((uint64_t)local_check_reply(&a, sizeof(a), LOCAL_STATUS), expected); \
	} while (0)

static void test_reply(void)
{
	ANSWER_IS(0, (void)0);
	ANSWER_IS(0, a.status.state = LOCAL_REFUSED; a.status.reason = 1);
	ANSWER_IS(EPROTO, a.reply.nr = 0);
	ANSWER_IS(EPROTO, a.reply.nr = 2);
	ANSWER_IS(EPROTO, a.reply.error = 5);
	ANSWER_IS(EPROTO, a.reply.cookie = 5);
	ANSWER_IS(EPROTO, a.reply.header.type = LOCAL_WAIT);
	ANSWER_IS(EPROTO, a.status.cookie = 0);
	ANSWER_IS(EPROTO, a.status.advice = 0);
	ANSWER_IS(EPROTO, a.status.state = 5);
	ANSWER_IS(EPROTO, a.status.reason = 1);
	ANSWER_IS(EPROTO, a.status.state = LOCAL_REFUSED);
	ANSWER_IS(EPROTO, a.status.nr_skips = HINT_SKIP_MAX + 1);
	ANSWER_IS(EPROTO, a.status.nr_skips = 2);
	ANSWER_IS(EPROTO, a.status.skips[0].reason = HINT_REASON_LAST + 1);
	ANSWER_IS(EPROTO, a.status.skips[1].reason = 1);
	ANSWER_IS(EPROTO, a.status.length = 0);
}

static void test_error_reply(void)
{
	struct local_reply reply = {
		.header = local_header(LOCAL_LIST, sizeof(reply)),
		.error = EPERM,
	};

	CHECK_NUMBER((uint64_t)local_check_reply(&reply, sizeof(reply), LOCAL_LIST), 0);
	reply.error = 5000;
	CHECK_NUMBER((uint64_t)local_check_reply(&reply, sizeof(reply), LOCAL_LIST), EPROTO);
	reply.error = -1;
	CHECK_NUMBER((uint64_t)local_check_reply(&reply, sizeof(reply), LOCAL_LIST), EPROTO);
	reply.error = 0;
	CHECK_NUMBER((uint64_t)local_check_reply(&reply, sizeof(reply), LOCAL_LIST), 0);
	CHECK_NUMBER((uint64_t)local_check_reply(&reply, 8, LOCAL_LIST), EPROTO);
	reply.nr = LOCAL_LIST_MAX + 1;
	CHECK_NUMBER((uint64_t)local_check_reply(&reply, sizeof(reply), LOCAL_LIST), EPROTO);
}

int main(void)
{
	static const struct check checks[] = {
		{ "ADVISE", test_advise },
		{ "FORGET", test_forget },
		{ "STATUS, WAIT, LIST", test_ask },
		{ "replies", test_reply },
		{ "replies that are errors", test_error_reply },
	};

	return run_checks("local_check", checks, sizeof(checks) / sizeof(checks[0]));
}
