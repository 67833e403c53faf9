/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint_check.h - a stream of hint frames, and what is found in it
 */
#ifndef HINT_CHECK_H
#define HINT_CHECK_H

#include <string.h>

#include "check.h"
#include "hint.h"

#define SESSION 0x01020304u
#define OTHER	0x05060708u

/* A stream, at no multiple of anything. */
static uint8_t hint_buffer[4 * HINT_FRAME_MAX + 1];
static uint8_t *const stream = hint_buffer + 1;

static const struct {
	enum hint_type type;
	enum hint_side from;
} types[] = {
	{ HINT_TYPE_HOST_HELLO, HINT_SIDE_HOST },   { HINT_TYPE_GUEST_HELLO, HINT_SIDE_GUEST },
	{ HINT_TYPE_HINT, HINT_SIDE_GUEST },	    { HINT_TYPE_FORGET, HINT_SIDE_GUEST },
	{ HINT_TYPE_RESULT, HINT_SIDE_HOST },	    { HINT_TYPE_ERROR, HINT_SIDE_HOST },
	{ HINT_TYPE_PING, HINT_SIDE_GUEST },	    { HINT_TYPE_PONG, HINT_SIDE_HOST },
	{ HINT_TYPE_GUEST_START, HINT_SIDE_GUEST },
};

/* One of each type, two extents or skips in those that have some.  Returns its length. */
static inline size_t put(uint8_t *to, enum hint_type type, uint32_t session)
{
	const struct hint_limits limits = { 1, 1, 0, 1, 1, 1 };
	const struct hint_request request = { 1, 0, HINT_ADVICE_COLD, 0, true, true, 2 };
	const struct hint_extent extents[2] = { { 0, 4096 }, { 8192, 4096 } };
	const struct hint_result result = {
		1,
		HINT_STATUS_DONE,
		0,
		8192,
		4096,
		2,
		{ { HINT_REASON_BUSY, 1 }, { HINT_REASON_PINNED, 2 } }
	};

	switch (type) {
	case HINT_TYPE_HOST_HELLO:
		return hint_put_host_hello(to, HINT_FRAME_MAX, session, &limits);
	case HINT_TYPE_GUEST_HELLO:
		return hint_put_guest_hello(to, HINT_FRAME_MAX, session, 1, 0);
	case HINT_TYPE_HINT:
		return hint_put_hint(to, HINT_FRAME_MAX, session, &request, extents);
	case HINT_TYPE_FORGET:
		return hint_put_forget(to, HINT_FRAME_MAX, session, 1);
	case HINT_TYPE_RESULT:
		return hint_put_result(to, HINT_FRAME_MAX, session, &result);
	case HINT_TYPE_ERROR:
		return hint_put_error(to, HINT_FRAME_MAX, session, HINT_ERROR_ORDER);
	case HINT_TYPE_PING:
		return hint_put_ping(to, HINT_FRAME_MAX, session, 1);
	case HINT_TYPE_PONG:
		return hint_put_pong(to, HINT_FRAME_MAX, session, 1);
	case HINT_TYPE_GUEST_START:
		return hint_put_guest_start(to, HINT_FRAME_MAX);
	}
	return 0;
}

/* Little-endian, @size bytes of it. */
static inline void poke(uint8_t *at, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* In @n bytes of the stream this is found; @used and @at are distances from its beginning. */
static inline void finds_(int line, struct hint_reader *reader, size_t n, enum hint_found what,
			  size_t used, size_t at)
{
	const void *frame = NULL;
	size_t got = SIZE_MAX;
	enum hint_found found = hint_find(reader, stream, n, &got, &frame);

	if (found != what || got != used)
		printf("\nline %d: found %d, %zu bytes used\n", line, found, got);
	CU_ASSERT_EQUAL(found, what);
	CHECK_NUMBER(got, used);
	CU_ASSERT(frame == (what == HINT_FOUND_FRAME ? stream + at : NULL));
}

#define FINDS(reader, n, what, used, at) finds_(__LINE__, reader, n, HINT_FOUND_##what, used, at)

#endif /* HINT_CHECK_H */
