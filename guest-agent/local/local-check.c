// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * local-check.c - is a message between library and agent as it must be
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "local.h"

#define AT(type, field, place) static_assert(offsetof(struct type, field) == (place), "layout")
static_assert(sizeof(struct local_advise) == 40, "layout");
static_assert(sizeof(struct local_forget) == 24, "layout");
static_assert(sizeof(struct local_ask) == 32, "layout");
static_assert(sizeof(struct local_status) == 360, "layout");
static_assert(sizeof(struct local_reply) == 24, "layout");
AT(local_advise, pid, 32);
AT(local_forget, which, 20);
AT(local_ask, timeout_ms, 24);
AT(local_status, pid, 80);
AT(local_status, skips, 104);
AT(local_reply, hints, 24);
static_assert(LOCAL_ACCEPTED == (int)HINT_STATUS_ACCEPTED + 1, "states");
static_assert(LOCAL_REFUSED == (int)HINT_STATUS_REFUSED + 1, "states");

/* Addresses end below this, wherever a process may have memory. */
#define ADDRESS_END (UINT64_C(1) << 62)

struct local_header local_header(enum local_type type, size_t size)
{
	return (struct local_header){
		.size = (uint32_t)size,
		.version = LOCAL_VERSION,
		.type = (uint16_t)type,
	};
}

static bool header_valid(const void *message, size_t n, struct local_header *header)
{
	if (n < sizeof(*header))
		return false;
	memcpy(header, message, sizeof(*header));
	return header->size == n && header->version == LOCAL_VERSION;
}

static bool range_valid(uint64_t address, uint64_t length, uint8_t flags)
{
	if (flags & LOCAL_WHOLE)
		return address == 0 && length == 0;
	return length && address % HINT_PAGE_SIZE == 0 && length % HINT_PAGE_SIZE == 0 &&
	       address < ADDRESS_END && length <= ADDRESS_END - address;
}

static int check_advise(const void *message)
{
	struct local_advise advise;

	memcpy(&advise, message, sizeof(advise));
	if (!range_valid(advise.address, advise.length, advise.flags) || advise.pid < 0 ||
	    advise.advice == 0 || advise.advice > HINT_ADVICE_LAST ||
	    advise.priority > HINT_PRIORITY_MAX || (advise.flags & ~(LOCAL_KEEP | LOCAL_WHOLE)))
		return EINVAL;
	return 0;
}

static int check_forget(const void *message)
{
	struct local_forget forget;

	memcpy(&forget, message, sizeof(forget));
	switch (forget.which) {
	case LOCAL_THIS:
		return forget.cookie && !forget.pid ? 0 : EINVAL;
	case LOCAL_OF_PID:
		return !forget.cookie && forget.pid > 0 ? 0 : EINVAL;
	case LOCAL_ALL:
		return !forget.cookie && !forget.pid ? 0 : EINVAL;
	}
	return EINVAL;
}

static int check_ask(const void *message, enum local_type type)
{
	struct local_ask ask;
	bool list = type == LOCAL_LIST;

	memcpy(&ask, message, sizeof(ask));
	if (ask.reserved || list != (ask.cookie == 0) || (!list && ask.number))
		return EINVAL;
	if (type == LOCAL_WAIT ? ask.timeout_ms < -1 : ask.timeout_ms != 0)
		return EINVAL;
	return 0;
}

int local_check_request(const void *message, size_t n)
{
	struct local_header header;

	if (!header_valid(message, n, &header))
		return EPROTO;
	switch (header.type) {
	case LOCAL_ADVISE:
		return n == sizeof(struct local_advise) ? check_advise(message) : EPROTO;
	case LOCAL_FORGET:
		return n == sizeof(struct local_forget) ? check_forget(message) : EPROTO;
	case LOCAL_STATUS:
	case LOCAL_WAIT:
	case LOCAL_LIST:
		return n == sizeof(struct local_ask)
			       ? check_ask(message, (enum local_type)header.type)
			       : EPROTO;
	}
	return EPROTO;
}

static bool status_valid(const char *at)
{
	struct local_status status;

	memcpy(&status, at, sizeof(status));
	if (!status.cookie || !status.number || status.pid <= 0 || status.advice == 0 ||
	    status.advice > HINT_ADVICE_LAST || status.priority > HINT_PRIORITY_MAX ||
	    (status.flags & ~(LOCAL_KEEP | LOCAL_WHOLE)) || status.state == 0 ||
	    status.state > LOCAL_REFUSED || status.reason > HINT_REASON_LAST ||
	    (status.state == LOCAL_REFUSED) != (status.reason != 0) || status.reserved ||
	    status.nr_skips > HINT_SKIP_MAX)
		return false;
	for (uint32_t i = 0; i < HINT_SKIP_MAX; i++) {
		const struct local_skip *skip = &status.skips[i];

		if (skip->reserved || skip->reason > HINT_REASON_LAST ||
		    (i < status.nr_skips) != (skip->reason != 0))
			return false;
	}
	return range_valid(status.address, status.length, status.flags);
}

/* How many hints may follow. */
static bool number_valid(uint32_t nr, enum local_type type)
{
	switch (type) {
	case LOCAL_STATUS:
	case LOCAL_WAIT:
		return nr == 1;
	case LOCAL_LIST:
		return nr <= LOCAL_LIST_MAX;
	case LOCAL_FORGET:
		return true;
	case LOCAL_HELLO:
	case LOCAL_ADVISE:
		break;
	}
	return nr == 0;
}

int local_check_reply(const void *message, size_t n, enum local_type type)
{
	const char *at = (const char *)message + sizeof(struct local_reply);
	struct local_reply reply;
	struct local_header header;
	uint32_t follow;

	if (n < sizeof(reply) || !header_valid(message, n, &header) || header.type != type)
		return EPROTO;
	memcpy(&reply, message, sizeof(reply));
	if (reply.error)
		return reply.error > 0 && reply.error < 4096 && n == sizeof(reply) ? 0 : EPROTO;
	if (!number_valid(reply.nr, type) || (type == LOCAL_ADVISE) != (reply.cookie != 0))
		return EPROTO;
	follow = type == LOCAL_FORGET ? 0 : reply.nr;
	if (n != sizeof(reply) + follow * sizeof(struct local_status))
		return EPROTO;
	for (uint32_t i = 0; i < follow; i++)
		if (!status_valid(at + i * sizeof(struct local_status)))
			return EPROTO;
	return 0;
}
