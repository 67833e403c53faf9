// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint_fuzz.c - any bytes as the stream of a hint channel
 *
 * The first byte says how the rest comes in pieces.  It is read as what the host sends and as what
 * the guest sends; by one who has been reading for a while, and by one who begins.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hint.h"

#define SESSION 0x01020304u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How reading a stream went. */
struct outcome {
	size_t used;
	size_t nr_frames;
	uint64_t digest; /* of where each frame lay and how long it was */
	struct hint_reader reader;
	enum hint_found last;
};

static uint32_t number(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* What hint_extents_valid() promises, and that it does not refuse what is as it must be. */
static void check_extents(const void *frame, const struct hint_extent *extents, uint32_t nr)
{
	const uint64_t limit = UINT64_C(1) << HINT_GPA_BITS;
	uint64_t end = 4096, expected = end;
	bool ok = true;

	for (uint32_t i = 0; ok && i < nr; i++) {
		ok = extents[i].gpa % 4096 == 0 && extents[i].length % 4096 == 0 &&
		     extents[i].length > 0 && extents[i].length <= limit &&
		     extents[i].gpa <= limit && extents[i].gpa + extents[i].length <= limit &&
		     extents[i].gpa >= expected;
		expected = extents[i].gpa + extents[i].length;
	}
	assert(hint_extents_valid(frame, &end) == ok);
	assert(end == (ok && nr ? expected : 4096));
}

static size_t hint_again(const void *frame, uint8_t *again, size_t room, uint32_t session)
{
	static struct hint_extent extents[HINT_EXTENTS_MAX];
	struct hint_request request = hint_get_hint(frame);

	assert(request.cookie && request.nr_extents <= HINT_EXTENTS_MAX);
	assert(request.advice >= 1 && request.advice <= HINT_ADVICE_LAST);
	assert(request.priority <= HINT_PRIORITY_MAX);
	for (uint32_t i = 0; i < request.nr_extents; i++)
		extents[i] = hint_get_extent(frame, i);
	check_extents(frame, extents, request.nr_extents);
	return hint_put_hint(again, room, session, &request, extents);
}

static size_t result_again(const void *frame, uint8_t *again, size_t room, uint32_t session)
{
	struct hint_result result = hint_get_result(frame);

	assert(result.cookie && result.nr_skips <= HINT_SKIP_MAX);
	assert(result.done_bytes <= result.asked_bytes);
	assert(result.asked_bytes <= UINT64_C(1) << HINT_GPA_BITS);
	assert((result.status == HINT_STATUS_REFUSED) == (result.reason != 0));
	assert(strcmp(hint_status_name(result.status), "unknown") != 0);
	assert(!result.reason || strcmp(hint_reason_name(result.reason), "unknown") != 0);
	for (uint32_t i = 0; i < result.nr_skips; i++) {
		assert(strcmp(hint_reason_name(result.skips[i].reason), "unknown") != 0);
		assert(result.skips[i].bytes <= result.asked_bytes);
	}
	return hint_put_result(again, room, session, &result);
}

static size_t hello_again(const void *frame, uint8_t *again, size_t room, uint32_t session)
{
	struct hint_limits limits = hint_get_host_hello(frame);

	assert(session && limits.min_version && limits.min_version <= limits.max_version);
	assert(limits.max_hints && limits.max_extents && limits.frames_per_second);
	return hint_put_host_hello(again, room, session, &limits);
}

/* All that it says, written again, are the same bytes; only from that side may it come. */
static void check_frame(const uint8_t *frame, size_t length, const struct hint_reader *reader)
{
	static uint8_t again[HINT_FRAME_MAX];
	const size_t room = sizeof(again);
	const uint32_t session = reader->session;
	bool host = reader->from == HINT_SIDE_HOST;
	uint32_t capabilities;
	uint16_t version;
	size_t n = 0;

	assert(length <= HINT_FRAME_MAX && number(frame + 8) == length);
	assert(number(frame + 12) == (hint_type_of(frame) == HINT_TYPE_GUEST_START ? 0 : session));
	switch (hint_type_of(frame)) {
	case HINT_TYPE_HOST_HELLO:
		assert(host);
		n = hello_again(frame, again, room, session);
		break;
	case HINT_TYPE_GUEST_HELLO:
		assert(!host);
		version = hint_get_guest_hello(frame, &capabilities);
		assert(version);
		n = hint_put_guest_hello(again, room, session, version, capabilities);
		break;
	case HINT_TYPE_HINT:
		assert(!host);
		n = hint_again(frame, again, room, session);
		break;
	case HINT_TYPE_FORGET:
		assert(!host);
		n = hint_put_forget(again, room, session, hint_get_cookie(frame));
		break;
	case HINT_TYPE_RESULT:
		assert(host);
		n = result_again(frame, again, room, session);
		break;
	case HINT_TYPE_ERROR:
		assert(host && strcmp(hint_error_name(hint_get_error(frame)), "unknown") != 0);
		n = hint_put_error(again, room, session, hint_get_error(frame));
		break;
	case HINT_TYPE_PING:
		assert(!host);
		n = hint_put_ping(again, room, session, hint_get_token(frame));
		break;
	case HINT_TYPE_PONG:
		assert(host);
		n = hint_put_pong(again, room, session, hint_get_token(frame));
		break;
	case HINT_TYPE_GUEST_START:
		assert(!host);
		n = hint_put_guest_start(again, room);
		break;
	}
	assert(n == length && memcmp(again, frame, n) == 0);
}

/* One call.  The bytes lie in memory of their own, at an odd address. */
static void find(struct outcome *outcome, const uint8_t *bytes, size_t n)
{
	const struct hint_reader before = outcome->reader;
	uint8_t *copy = malloc(n + 1);
	const void *frame = NULL;
	size_t used, length;

	assert(copy);
	if (n)
		memcpy(copy + 1, bytes, n);
	outcome->last = hint_find(&outcome->reader, copy + 1, n, &used, &frame);
	assert(used <= n && outcome->reader.from == before.from);
	assert(outcome->reader.begun || !before.begun);
	if (outcome->last == HINT_FOUND_FRAME) {
		length = (size_t)(copy + 1 + used - (const uint8_t *)frame);
		assert(length >= 16 && length <= used);
		assert(outcome->reader.begun || hint_type_of(frame) == HINT_TYPE_GUEST_START);
		assert(outcome->reader.session == before.session ||
		       hint_type_of(frame) == HINT_TYPE_HOST_HELLO);
		check_frame(frame, length, &outcome->reader);
		outcome->nr_frames++;
		outcome->digest = (outcome->digest ^ (outcome->used + used)) * 0x100000001b3;
		outcome->digest = (outcome->digest ^ length) * 0x100000001b3;
	} else {
		assert(outcome->reader.session == before.session && !frame);
		assert(outcome->last == HINT_FOUND_NOTHING || outcome->reader.begun);
		/* What has room for the longest frame is never full and stuck. */
		assert(outcome->last == HINT_FOUND_BROKEN || n - used < HINT_FRAME_MAX);
	}
	outcome->used += used;
	free(copy);
}

/* The stream in pieces of up to @piece bytes, as somebody reads it. */
static struct outcome read_all(struct hint_reader reader, const uint8_t *bytes, size_t n,
			       size_t piece)
{
	struct outcome outcome = { .reader = reader, .last = HINT_FOUND_NOTHING };

	for (size_t there = 0; outcome.last != HINT_FOUND_BROKEN && there < n;) {
		there += n - there < piece ? n - there : piece;
		do
			find(&outcome, bytes + outcome.used, there - outcome.used);
		while (outcome.last == HINT_FOUND_FRAME);
	}
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct hint_reader readers[] = {
		{ HINT_SIDE_HOST, 0, false },
		{ HINT_SIDE_HOST, SESSION, true },
		{ HINT_SIDE_GUEST, SESSION, false },
		{ HINT_SIDE_GUEST, SESSION, true },
	};
	size_t piece;

	if (size == 0)
		return 0;
	/* 1 to 16 bytes at a time, or some more. */
	piece = data[0] < 16 ? data[0] + 1u : (data[0] - 15u) * 34;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		struct outcome whole = read_all(readers[i], data + 1, size - 1, size);
		struct outcome pieces = read_all(readers[i], data + 1, size - 1, piece);

		assert(whole.last == pieces.last && whole.used == pieces.used);
		assert(whole.nr_frames == pieces.nr_frames && whole.digest == pieces.digest);
		assert(whole.reader.session == pieces.reader.session);
		assert(whole.reader.begun == pieces.reader.begun);
	}
	return 0;
}
