// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-put.c - frames are written
 */
#include <endian.h>
#include <string.h>

#include "hint.h"

static struct hint_wire_header header(enum hint_type type, size_t length, uint32_t session)
{
	return (struct hint_wire_header){
		.magic = htole32(HINT_MAGIC),
		.type = htole16((uint16_t)type),
		.length = htole32((uint32_t)length),
		.session = htole32(session),
	};
}

static size_t put(void *to, size_t room, const void *wire, size_t length)
{
	if (room < length)
		return 0;
	memcpy(to, wire, length);
	return length;
}

size_t hint_put_host_hello(void *to, size_t room, uint32_t session,
			   const struct hint_limits *limits)
{
	struct hint_wire_host_hello wire = {
		.header = header(HINT_TYPE_HOST_HELLO, sizeof(wire), session),
		.min_version = htole16(limits->min_version),
		.max_version = htole16(limits->max_version),
		.capabilities = htole32(limits->capabilities),
		.max_hints = htole32(limits->max_hints),
		.max_extents = htole32(limits->max_extents),
		.frames_per_second = htole32(limits->frames_per_second),
	};

	return put(to, room, &wire, sizeof(wire));
}

size_t hint_put_guest_hello(void *to, size_t room, uint32_t session, uint16_t version,
			    uint32_t capabilities)
{
	struct hint_wire_guest_hello wire = {
		.header = header(HINT_TYPE_GUEST_HELLO, sizeof(wire), session),
		.version = htole16(version),
		.capabilities = htole32(capabilities),
	};

	return put(to, room, &wire, sizeof(wire));
}

size_t hint_put_hint(void *to, size_t room, uint32_t session, const struct hint_request *request,
		     const struct hint_extent *extents)
{
	size_t length = sizeof(struct hint_wire_hint) +
			request->nr_extents * sizeof(struct hint_wire_extent);
	struct hint_wire_hint wire = {
		.header = header(HINT_TYPE_HINT, length, session),
		.cookie = htole64(request->cookie),
		.owner = htole64(request->owner),
		.advice = htole16((uint16_t)request->advice),
		.priority = request->priority,
		.flags = (uint8_t)((request->first ? HINT_FIRST : 0) |
				   (request->last ? HINT_LAST : 0)),
		.nr_extents = htole32(request->nr_extents),
	};
	char *at = (char *)to + sizeof(wire);

	if (request->nr_extents > HINT_EXTENTS_MAX || room < length)
		return 0;
	memcpy(to, &wire, sizeof(wire));
	for (uint32_t i = 0; i < request->nr_extents; i++, at += sizeof(struct hint_wire_extent)) {
		struct hint_wire_extent extent = {
			.gpa = htole64(extents[i].gpa),
			.length = htole64(extents[i].length),
		};

		memcpy(at, &extent, sizeof(extent));
	}
	return length;
}

size_t hint_put_forget(void *to, size_t room, uint32_t session, uint64_t cookie)
{
	struct hint_wire_forget wire = {
		.header = header(HINT_TYPE_FORGET, sizeof(wire), session),
		.cookie = htole64(cookie),
	};

	return put(to, room, &wire, sizeof(wire));
}

size_t hint_put_result(void *to, size_t room, uint32_t session, const struct hint_result *result)
{
	size_t length =
		sizeof(struct hint_wire_result) + result->nr_skips * sizeof(struct hint_wire_skip);
	struct hint_wire_result wire = {
		.header = header(HINT_TYPE_RESULT, length, session),
		.cookie = htole64(result->cookie),
		.status = htole16((uint16_t)result->status),
		.reason = htole16((uint16_t)result->reason),
		.nr_skips = htole32(result->nr_skips),
		.asked_bytes = htole64(result->asked_bytes),
		.done_bytes = htole64(result->done_bytes),
	};
	char *at = (char *)to + sizeof(wire);

	if (result->nr_skips > HINT_SKIP_MAX || room < length)
		return 0;
	memcpy(to, &wire, sizeof(wire));
	for (uint32_t i = 0; i < result->nr_skips; i++, at += sizeof(struct hint_wire_skip)) {
		struct hint_wire_skip skip = {
			.reason = htole32((uint32_t)result->skips[i].reason),
			.bytes = htole64(result->skips[i].bytes),
		};

		memcpy(at, &skip, sizeof(skip));
	}
	return length;
}

size_t hint_put_error(void *to, size_t room, uint32_t session, enum hint_error error)
{
	struct hint_wire_error wire = {
		.header = header(HINT_TYPE_ERROR, sizeof(wire), session),
		.error = htole32((uint32_t)error),
	};

	return put(to, room, &wire, sizeof(wire));
}

size_t hint_put_guest_start(void *to, size_t room)
{
	struct hint_wire_header wire = header(HINT_TYPE_GUEST_START, sizeof(wire), 0);

	return put(to, room, &wire, sizeof(wire));
}

static size_t put_token(void *to, size_t room, uint32_t session, enum hint_type type,
			uint64_t token)
{
	struct hint_wire_ping wire = {
		.header = header(type, sizeof(wire), session),
		.token = htole64(token),
	};

	return put(to, room, &wire, sizeof(wire));
}

size_t hint_put_ping(void *to, size_t room, uint32_t session, uint64_t token)
{
	return put_token(to, room, session, HINT_TYPE_PING, token);
}

size_t hint_put_pong(void *to, size_t room, uint32_t session, uint64_t token)
{
	return put_token(to, room, session, HINT_TYPE_PONG, token);
}
