// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-get.c - what a frame says, once hint_find() has checked it
 *
 * Frames lie anywhere in what was read: fields are copied, never pointed at.
 */
#include <endian.h>
#include <string.h>

#include "hint.h"

enum hint_type hint_type_of(const void *frame)
{
	struct hint_wire_header wire;

	memcpy(&wire, frame, sizeof(wire));
	return (enum hint_type)le16toh(wire.type);
}

struct hint_limits hint_get_host_hello(const void *frame)
{
	struct hint_wire_host_hello wire;

	memcpy(&wire, frame, sizeof(wire));
	return (struct hint_limits){
		.min_version = le16toh(wire.min_version),
		.max_version = le16toh(wire.max_version),
		.capabilities = le32toh(wire.capabilities),
		.max_hints = le32toh(wire.max_hints),
		.max_extents = le32toh(wire.max_extents),
		.frames_per_second = le32toh(wire.frames_per_second),
	};
}

uint16_t hint_get_guest_hello(const void *frame, uint32_t *capabilities)
{
	struct hint_wire_guest_hello wire;

	memcpy(&wire, frame, sizeof(wire));
	*capabilities = le32toh(wire.capabilities);
	return le16toh(wire.version);
}

struct hint_request hint_get_hint(const void *frame)
{
	struct hint_wire_hint wire;

	memcpy(&wire, frame, sizeof(wire));
	return (struct hint_request){
		.cookie = le64toh(wire.cookie),
		.owner = le64toh(wire.owner),
		.advice = (enum hint_advice)le16toh(wire.advice),
		.priority = wire.priority,
		.first = wire.flags & HINT_FIRST,
		.last = wire.flags & HINT_LAST,
		.nr_extents = le32toh(wire.nr_extents),
	};
}

struct hint_extent hint_get_extent(const void *frame, uint32_t index)
{
	const char *extents = (const char *)frame + sizeof(struct hint_wire_hint);
	struct hint_wire_extent wire;

	memcpy(&wire, extents + index * sizeof(wire), sizeof(wire));
	return (struct hint_extent){ le64toh(wire.gpa), le64toh(wire.length) };
}

bool hint_extents_valid(const void *frame, uint64_t *end)
{
	const uint64_t limit = UINT64_C(1) << HINT_GPA_BITS;
	uint32_t nr = hint_get_hint(frame).nr_extents;
	uint64_t from = *end;

	for (uint32_t i = 0; i < nr; i++) {
		struct hint_extent extent = hint_get_extent(frame, i);

		if (extent.length == 0 || (extent.gpa | extent.length) % HINT_PAGE_SIZE)
			return false;
		if (extent.gpa < from || extent.gpa >= limit || extent.length > limit - extent.gpa)
			return false;
		from = extent.gpa + extent.length;
	}
	*end = from;
	return true;
}

uint64_t hint_get_cookie(const void *frame)
{
	struct hint_wire_forget wire;

	memcpy(&wire, frame, sizeof(wire));
	return le64toh(wire.cookie);
}

struct hint_result hint_get_result(const void *frame)
{
	const char *skips = (const char *)frame + sizeof(struct hint_wire_result);
	struct hint_wire_result wire;
	struct hint_wire_skip skip;
	struct hint_result result;

	memcpy(&wire, frame, sizeof(wire));
	result = (struct hint_result){
		.cookie = le64toh(wire.cookie),
		.status = (enum hint_status)le16toh(wire.status),
		.reason = (enum hint_reason)le16toh(wire.reason),
		.asked_bytes = le64toh(wire.asked_bytes),
		.done_bytes = le64toh(wire.done_bytes),
		.nr_skips = le32toh(wire.nr_skips),
	};
	for (uint32_t i = 0; i < result.nr_skips; i++) {
		memcpy(&skip, skips + i * sizeof(skip), sizeof(skip));
		result.skips[i].reason = (enum hint_reason)le32toh(skip.reason);
		result.skips[i].bytes = le64toh(skip.bytes);
	}
	return result;
}

enum hint_error hint_get_error(const void *frame)
{
	struct hint_wire_error wire;

	memcpy(&wire, frame, sizeof(wire));
	return (enum hint_error)le32toh(wire.error);
}

uint64_t hint_get_token(const void *frame)
{
	struct hint_wire_ping wire;

	memcpy(&wire, frame, sizeof(wire));
	return le64toh(wire.token);
}
