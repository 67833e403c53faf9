// SPDX-License-Identifier: LGPL-2.1-or-later
/* Frames of the hint channel: what is written is what is read; extents. */
#include <string.h>

#include "check.h"
#include "hint.h"

#define SESSION 0x01020304u
#define END	(UINT64_C(1) << HINT_GPA_BITS)

static uint8_t buffer[HINT_FRAME_MAX + 1];
/* No frame lies at a multiple of anything. */
static uint8_t *const frame = buffer + 1;

/* It is the only frame there, and found. */
static void found(enum hint_side from, enum hint_type type, size_t length)
{
	struct hint_reader reader = { from, SESSION, true };
	const void *at = NULL;
	size_t used;

	CU_ASSERT_EQUAL_FATAL(hint_find(&reader, frame, length, &used, &at), HINT_FOUND_FRAME);
	CU_ASSERT(at == frame);
	CHECK_NUMBER(used, length);
	CHECK_NUMBER(hint_type_of(at), type);
	CHECK_NUMBER(reader.session, SESSION);
}

static void same_bytes(const uint8_t *expected, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (frame[i] != expected[i])
			printf("\nbyte %zu: got %02x, expected %02x\n", i, frame[i], expected[i]);
	CU_ASSERT(memcmp(frame, expected, n) == 0);
}

/* ---- each frame there and back, and as bytes -------------------------------------------- */

static void host_hello(void)
{
	static const uint8_t bytes[56] = {
		'H',  'M',  'M',  'H',	1,    0,    0,	  0,	56,   0,    0,	  0,
		4,    3,    2,	  1,	1,    0,    0x34, 0x12, 0xef, 0xcd, 0xab, 0x89,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
	};
	const struct hint_limits limits = { 1,		0x1234,	    0x89abcdef,
					    0x44332211, 0x88776655, 0xccbbaa99 };
	struct hint_limits got;

	CHECK_NUMBER(hint_put_host_hello(frame, 56, SESSION, &limits), 56);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_HOST, HINT_TYPE_HOST_HELLO, 56);
	got = hint_get_host_hello(frame);
	CHECK_NUMBER(got.min_version, 1);
	CHECK_NUMBER(got.max_version, 0x1234);
	CHECK_NUMBER(got.capabilities, 0x89abcdef);
	CHECK_NUMBER(got.max_hints, 0x44332211);
	CHECK_NUMBER(got.max_extents, 0x88776655);
	CHECK_NUMBER(got.frames_per_second, 0xccbbaa99);
}

static void guest_hello(void)
{
	static const uint8_t bytes[24] = { 'H',	 'M',  'M', 'H', 2,    0,    0,	   0,
					   24,	 0,    0,   0,	 4,    3,    2,	   1,
					   0x34, 0x12, 0,   0,	 0x11, 0x22, 0x33, 0x44 };
	uint32_t capabilities = 0;

	CHECK_NUMBER(hint_put_guest_hello(frame, 24, SESSION, 0x1234, 0x44332211), 24);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_GUEST, HINT_TYPE_GUEST_HELLO, 24);
	CHECK_NUMBER(hint_get_guest_hello(frame, &capabilities), 0x1234);
	CHECK_NUMBER(capabilities, 0x44332211);
}

static void hint(void)
{
	static const uint8_t bytes[80] = {
		'H',  'M',  'M',  'H',	3,    0,    0,	  0,	80,   0,    0,	  0,	4,    3,
		2,    1,    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98,
		0x76, 0x54, 0x32, 0x10, 5,    0,    7,	  2,	2,    0,    0,	  0,	0,    0,
		0,    0,    0,	  0,	0,    0,    0,	  0x10, 0x32, 0x54, 0x76, 0x98, 0x0a, 0,
		0,    0x20, 0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,
		0x0b, 0,    0,	  0x10, 0,    0,    0,	  0,	0,    0,
	};
	const struct hint_request request = { UINT64_C(0xefcdab8967452301),
					      UINT64_C(0x1032547698badcfe),
					      HINT_ADVICE_PIN_HOST,
					      HINT_PRIORITY_MAX,
					      false,
					      true,
					      2 };
	const struct hint_extent extents[] = { { UINT64_C(0x000a987654321000), 8192 },
					       { UINT64_C(0x000b000000000000), 4096 } };
	struct hint_request got;

	CHECK_NUMBER(hint_put_hint(frame, 80, SESSION, &request, extents), 80);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_GUEST, HINT_TYPE_HINT, 80);
	got = hint_get_hint(frame);
	CHECK_NUMBER(got.cookie, request.cookie);
	CHECK_NUMBER(got.owner, request.owner);
	CHECK_NUMBER(got.advice, request.advice);
	CHECK_NUMBER(got.priority, request.priority);
	CU_ASSERT(!got.first && got.last);
	CHECK_NUMBER(got.nr_extents, 2);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK_NUMBER(hint_get_extent(frame, i).gpa, extents[i].gpa);
		CHECK_NUMBER(hint_get_extent(frame, i).length, extents[i].length);
	}
}

/* Every advice, every priority, first and last in all ways, no extents and as many as there may be. */
static void hints(void)
{
	static struct hint_extent extents[HINT_EXTENTS_MAX + 1];
	struct hint_request request = { 1, 0, 0, 0, false, false, 0 };
	size_t most = sizeof(struct hint_wire_hint) + HINT_EXTENTS_MAX * 16;
	struct hint_request got;

	for (int i = 0; i < HINT_ADVICE_LAST * 8 * 4; i++) {
		request.advice = (enum hint_advice)(1 + i / 32);
		request.priority = (uint8_t)(i / 4 % 8);
		request.first = i & 1;
		request.last = i & 2;
		CHECK_NUMBER(hint_put_hint(frame, 48, SESSION, &request, NULL), 48);
		found(HINT_SIDE_GUEST, HINT_TYPE_HINT, 48);
		got = hint_get_hint(frame);
		CHECK_NUMBER(got.advice, request.advice);
		CHECK_NUMBER(got.priority, request.priority);
		CU_ASSERT(got.first == request.first && got.last == request.last);
	}
	for (uint32_t i = 0; i <= HINT_EXTENTS_MAX; i++)
		extents[i] = (struct hint_extent){ i * UINT64_C(8192), 4096 };
	request.nr_extents = HINT_EXTENTS_MAX;
	CU_ASSERT(most <= HINT_FRAME_MAX);
	CHECK_NUMBER(hint_put_hint(frame, most, SESSION, &request, extents), most);
	found(HINT_SIDE_GUEST, HINT_TYPE_HINT, most);
	CHECK_NUMBER(hint_get_extent(frame, HINT_EXTENTS_MAX - 1).gpa,
		     (HINT_EXTENTS_MAX - 1) * 8192);
	request.nr_extents++;
	CHECK_NUMBER(hint_put_hint(frame, SIZE_MAX, SESSION, &request, extents), 0);
	request.nr_extents = UINT32_MAX;
	CHECK_NUMBER(hint_put_hint(frame, SIZE_MAX, SESSION, &request, extents), 0);
}

static void forget(void)
{
	static const uint8_t bytes[24] = { 'H', 'M', 'M', 'H', 4, 0, 0, 0, 24, 0, 0, 0,
					   4,	3,   2,	  1,   8, 7, 6, 5, 4,  3, 2, 1 };

	CHECK_NUMBER(hint_put_forget(frame, 24, SESSION, UINT64_C(0x0102030405060708)), 24);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_GUEST, HINT_TYPE_FORGET, 24);
	CHECK_NUMBER(hint_get_cookie(frame), UINT64_C(0x0102030405060708));
	CHECK_NUMBER(hint_put_forget(frame, 24, SESSION, HINT_COOKIE_ALL), 24);
	found(HINT_SIDE_GUEST, HINT_TYPE_FORGET, 24);
	CHECK_NUMBER(hint_get_cookie(frame), HINT_COOKIE_ALL);
}

static void result(void)
{
	static const uint8_t bytes[64] = {
		'H', 'M', 'M', 'H', 5,	0, 0, 0, 64, 0, 0, 0,	 4, 3,	  2, 1, 8, 7, 6, 5,    4, 3,
		2,   1,	  3,   0,   5,	0, 1, 0, 0,  0, 0, 0x30, 0, 0,	  0, 0, 1, 0, 0, 0x20, 0, 0,
		0,   0,	  0,   0,   15, 0, 0, 0, 0,  0, 0, 0,	 0, 0x10, 0, 0, 0, 0, 0, 0,
	};
	const struct hint_result sent = { UINT64_C(0x0102030405060708),
					  HINT_STATUS_REFUSED,
					  HINT_REASON_QUOTA,
					  UINT64_C(0x1000000003000),
					  8192,
					  1,
					  { { HINT_REASON_LAST, 4096 } } };
	struct hint_result got;

	CHECK_NUMBER(hint_put_result(frame, 64, SESSION, &sent), 64);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_HOST, HINT_TYPE_RESULT, 64);
	got = hint_get_result(frame);
	CHECK_NUMBER(got.cookie, sent.cookie);
	CHECK_NUMBER(got.status, sent.status);
	CHECK_NUMBER(got.reason, sent.reason);
	CHECK_NUMBER(got.asked_bytes, sent.asked_bytes);
	CHECK_NUMBER(got.done_bytes, sent.done_bytes);
	CHECK_NUMBER(got.nr_skips, 1);
	CHECK_NUMBER(got.skips[0].reason, HINT_REASON_LAST);
	CHECK_NUMBER(got.skips[0].bytes, 4096);
}

/* As many skips as there may be. */
static void results(void)
{
	struct hint_result got,
		sent = { 1, HINT_STATUS_DONE, 0, END, END, HINT_SKIP_MAX, { { 0 } } };

	for (uint32_t i = 0; i < HINT_SKIP_MAX; i++)
		sent.skips[i] = (struct hint_skip){ 1 + i % HINT_REASON_LAST, i * 4096 };
	CHECK_NUMBER(hint_put_result(frame, 304, SESSION, &sent), 304);
	found(HINT_SIDE_HOST, HINT_TYPE_RESULT, 304);
	got = hint_get_result(frame);
	CHECK_NUMBER(got.asked_bytes, END);
	CHECK_NUMBER(got.done_bytes, END);
	CHECK_NUMBER(got.nr_skips, HINT_SKIP_MAX);
	for (uint32_t i = 0; i < HINT_SKIP_MAX; i++) {
		CHECK_NUMBER(got.skips[i].reason, sent.skips[i].reason);
		CHECK_NUMBER(got.skips[i].bytes, sent.skips[i].bytes);
	}
	sent.nr_skips++;
	CHECK_NUMBER(hint_put_result(frame, SIZE_MAX, SESSION, &sent), 0);
	sent.nr_skips = UINT32_MAX;
	CHECK_NUMBER(hint_put_result(frame, SIZE_MAX, SESSION, &sent), 0);
}

static void errors(void)
{
	static const uint8_t bytes[24] = { 'H', 'M', 'M', 'H', 6, 0, 0, 0, 24, 0, 0, 0,
					   4,	3,   2,	  1,   5, 0, 0, 0, 0,  0, 0, 0 };

	for (uint32_t error = 1; error <= HINT_ERROR_LAST; error++) {
		CHECK_NUMBER(hint_put_error(frame, 24, SESSION, (enum hint_error)error), 24);
		found(HINT_SIDE_HOST, HINT_TYPE_ERROR, 24);
		CHECK_NUMBER(hint_get_error(frame), error);
	}
	same_bytes(bytes, sizeof(bytes));
}

static void pings(void)
{
	static const uint8_t bytes[24] = { 'H', 'M', 'M', 'H', 7, 0, 0, 0, 24, 0, 0, 0,
					   4,	3,   2,	  1,   8, 7, 6, 5, 4,  3, 2, 1 };

	CHECK_NUMBER(hint_put_ping(frame, 24, SESSION, UINT64_C(0x0102030405060708)), 24);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_GUEST, HINT_TYPE_PING, 24);
	CHECK_NUMBER(hint_get_token(frame), UINT64_C(0x0102030405060708));
	CHECK_NUMBER(hint_put_pong(frame, 24, SESSION, UINT64_MAX), 24);
	CHECK_NUMBER(frame[4], 8);
	found(HINT_SIDE_HOST, HINT_TYPE_PONG, 24);
	CHECK_NUMBER(hint_get_token(frame), UINT64_MAX);
}

static void guest_start(void)
{
	static const uint8_t bytes[16] = { 'H', 'M', 'M', 'H', 9, 0, 0, 0, 16 };

	CHECK_NUMBER(hint_put_guest_start(frame, 16), 16);
	same_bytes(bytes, sizeof(bytes));
	found(HINT_SIDE_GUEST, HINT_TYPE_GUEST_START, 16);
}

/* ---- room ------------------------------------------------------------------------------- */

#define NO_ROOM(length, ...)                                                 \
	do {                                                                 \
		memset(buffer, 0xa5, sizeof(buffer));                        \
		for (size_t room = 0; room < (length); room++)               \
			CHECK_NUMBER(__VA_ARGS__, 0);                        \
		for (size_t i = 0; i < (length); i++)                        \
			CHECK_NUMBER(frame[i], 0xa5);                        \
		for (size_t room = (length); room <= (length) + 1; room++) { \
			CHECK_NUMBER(__VA_ARGS__, length);                   \
			CHECK_NUMBER(frame[length], 0xa5);                   \
		}                                                            \
	} while (0)

static void no_room(void)
{
	const struct hint_limits limits = { 1, 1, 0, 1, 1, 1 };
	const struct hint_request request = { 1, 0, HINT_ADVICE_COLD, 0, true, true, 2 };
	const struct hint_extent extents[2] = { { 0, 4096 }, { 8192, 4096 } };
	const struct hint_result sent = { 1, HINT_STATUS_DONE, 0, 0, 0, 3, { { 0 } } };

	NO_ROOM(56, hint_put_host_hello(frame, room, SESSION, &limits));
	NO_ROOM(24, hint_put_guest_hello(frame, room, SESSION, 1, 0));
	NO_ROOM(80, hint_put_hint(frame, room, SESSION, &request, extents));
	NO_ROOM(24, hint_put_forget(frame, room, SESSION, 1));
	NO_ROOM(96, hint_put_result(frame, room, SESSION, &sent));
	NO_ROOM(24, hint_put_error(frame, room, SESSION, HINT_ERROR_ENDING));
	NO_ROOM(24, hint_put_ping(frame, room, SESSION, 1));
	NO_ROOM(24, hint_put_pong(frame, room, SESSION, 1));
	NO_ROOM(16, hint_put_guest_start(frame, room));
}

/* ---- extents ---------------------------------------------------------------------------- */

static void valid(struct hint_extent a, struct hint_extent b, uint64_t from, uint64_t expected)
{
	const struct hint_request request = { 1, 0, HINT_ADVICE_DEVICE, 0, true, true, 2 };
	const struct hint_extent extents[2] = { a, b };
	uint64_t end = from;
	bool ok;

	hint_put_hint(frame, HINT_FRAME_MAX, SESSION, &request, extents);
	ok = hint_extents_valid(frame, &end);
	if (ok != (expected > 0))
		printf("\n%" PRIx64 "+%" PRIx64 " %" PRIx64 "+%" PRIx64 "\n", a.gpa, a.length,
		       b.gpa, b.length);
	CU_ASSERT(ok == (expected > 0));
	CHECK_NUMBER(end, ok ? expected : from);
}

#define VALID(a, al, b, bl, from, expected) \
	valid((struct hint_extent){ a, al }, (struct hint_extent){ b, bl }, from, expected)

static void extents(void)
{
	const struct hint_request none = { 1, 0, HINT_ADVICE_DEVICE, 0, true, true, 0 };
	uint64_t end = 12345;

	VALID(0, 4096, 8192, 4096, 0, 12288);
	VALID(0, 4096, 4096, 4096, 0, 8192); /* they may touch */
	VALID(0, 4096, 0, 4096, 0, 0);	     /* not overlap */
	VALID(0, 8192, 4096, 8192, 0, 0);
	VALID(8192, 4096, 4096, 4096, 0, 0);	     /* ascend */
	VALID(8192, 4096, 12288, 4096, 8192, 16384); /* from one part to the next */
	VALID(8192, 4096, 12288, 4096, 12288, 0);
	VALID(8192, 4096, 12288, 4096, 8193, 0);
	VALID(0, 0, 4096, 4096, 0, 0); /* something is in each */
	VALID(0, 4096, 4096, 0, 0, 0);
	VALID(1, 4096, 8192, 4096, 0, 0); /* pages */
	VALID(2048, 4096, 8192, 4096, 0, 0);
	VALID(0, 4095, 8192, 4096, 0, 0);
	VALID(0, 4096, 8192, 4097, 0, 0);
	VALID(0, 4096, END - 4096, 4096, 0, END); /* to the end of the addresses */
	VALID(0, 4096, 4096, END - 4096, 0, END);
	VALID(0, 4096, 4096, END, 0, 0);
	VALID(0, 4096, END - 4096, 8192, 0, 0);
	VALID(0, 4096, END, 4096, 0, 0);
	VALID(0, END, END, 4096, 0, 0);
	VALID(0, END + 4096, END + 4096, 4096, 0, 0);
	VALID(0, 4096, 4096, UINT64_MAX - 4095, 0, 0); /* nothing wraps around */
	VALID(4096, UINT64_MAX - 4095, 8192, 4096, 0, 0);
	VALID(0, 4096, UINT64_MAX - 4095, 4096, 0, 0);
	VALID(0, 4096, UINT64_MAX - 4095, 8192, 0, 0);
	hint_put_hint(frame, HINT_FRAME_MAX, SESSION, &none, NULL);
	CU_ASSERT(hint_extents_valid(frame, &end));
	CHECK_NUMBER(end, 12345);
}

int main(void)
{
	static const struct check checks[] = {
		{ "HOST_HELLO", host_hello },
		{ "GUEST_HELLO", guest_hello },
		{ "HINT", hint },
		{ "HINT: every kind", hints },
		{ "FORGET", forget },
		{ "RESULT", result },
		{ "RESULT: skips", results },
		{ "ERROR", errors },
		{ "PING, PONG", pings },
		{ "GUEST_START", guest_start },
		{ "no room", no_room },
		{ "extents", extents },
	};

	return run_checks("hint", checks, G_N_ELEMENTS(checks));
}
