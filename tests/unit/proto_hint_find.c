// SPDX-License-Identifier: LGPL-2.1-or-later
/* The hint channel as a stream: which frames are found in it, which are passed over. */
#include "hint_check.h"

/* ---- cut, joined, of another session ---------------------------------------------------- */

static void cut_anywhere(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		size_t n = put(stream, types[i].type, SESSION);

		for (int begun = 0; begun < 2; begun++) {
			struct hint_reader reader = { types[i].from, SESSION, begun };

			for (size_t cut = 0; cut < n; cut++)
				FINDS(&reader, cut, NOTHING, 0, 0);
			CU_ASSERT(reader.begun == begun);
			FINDS(&reader, n, FRAME, n, 0);
			CU_ASSERT(reader.begun || types[i].type == HINT_TYPE_GUEST_START);
		}
	}
}

static void two_in_a_buffer(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		struct hint_reader reader = { types[i].from, SESSION, false };
		size_t n = put(stream, types[i].type, SESSION);

		for (size_t more = 0; more <= n; more++) {
			put(stream + n, types[i].type, SESSION);
			FINDS(&reader, n + more, FRAME, n, 0);
		}
		memmove(stream, stream + n, n);
		FINDS(&reader, n, FRAME, n, 0);
		FINDS(&reader, 0, NOTHING, 0, 0);
	}
}

static void from_the_wrong_side(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		enum hint_side wrong =
			types[i].from == HINT_SIDE_HOST ? HINT_SIDE_GUEST : HINT_SIDE_HOST;
		struct hint_reader reader = { wrong, SESSION, true };
		size_t n = put(stream, types[i].type, SESSION);

		poke(stream + 12, 4, SESSION);
		FINDS(&reader, n, BROKEN, 0, 0);
		/* The header says it all. */
		FINDS(&reader, 16, BROKEN, 0, 0);
	}
}

/* Passed over, and what it says does not matter, if one can tell where it ends. */
static void another_session(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		struct hint_reader reader = { types[i].from, SESSION, true };
		size_t n = put(stream, types[i].type, OTHER);

		if (types[i].type == HINT_TYPE_HOST_HELLO)
			continue;
		if (types[i].type == HINT_TYPE_GUEST_START)
			poke(stream + 12, 4, OTHER);
		for (size_t cut = 0; cut < n; cut++)
			FINDS(&reader, cut, NOTHING, 0, 0);
		FINDS(&reader, n, NOTHING, n, 0);
		memset(stream + 16, 0xff, n - 16);
		FINDS(&reader, n, NOTHING, n, 0);
		put(stream + n, types[i].type, SESSION);
		FINDS(&reader, 2 * n, FRAME, 2 * n, n);
		poke(stream + 4, 4, UINT32_MAX);
		FINDS(&reader, n, NOTHING, n, 0);
		poke(stream + 12, 4, 0);
		FINDS(&reader, n, NOTHING, n, 0);
		CHECK_NUMBER(reader.session, SESSION);
		poke(stream + 12, 4, OTHER);
		poke(stream + 8, 4, HINT_FRAME_MAX + 1);
		FINDS(&reader, n, BROKEN, 0, 0);
		poke(stream + 8, 4, 15);
		FINDS(&reader, n, BROKEN, 0, 0);
	}
}

static void longest_of_another_session(void)
{
	struct hint_reader reader = { HINT_SIDE_GUEST, SESSION, true };

	put(stream, HINT_TYPE_HINT, OTHER);
	poke(stream + 8, 4, HINT_FRAME_MAX);
	FINDS(&reader, HINT_FRAME_MAX - 1, NOTHING, 0, 0);
	FINDS(&reader, HINT_FRAME_MAX, NOTHING, HINT_FRAME_MAX, 0);
	poke(stream + 8, 4, 16);
	FINDS(&reader, 16, NOTHING, 16, 0);
	/* Two, and then something else. */
	put(stream + 16, HINT_TYPE_PING, OTHER);
	stream[40] = 'X';
	FINDS(&reader, 40, NOTHING, 40, 0);
	FINDS(&reader, 41, NOTHING, 40, 0);
	FINDS(&reader, 56, BROKEN, 40, 0);
}

/* A guest takes HOST_HELLO at any time, of any session but 0. */
static void host_hello_any_time(void)
{
	struct hint_reader reader = { HINT_SIDE_HOST, 0, false };

	for (uint32_t session = 1; session < 4; session++) {
		put(stream, HINT_TYPE_HOST_HELLO, session);
		FINDS(&reader, 56, FRAME, 56, 0);
		CHECK_NUMBER(reader.session, session);
		CU_ASSERT(reader.begun);
		put(stream, HINT_TYPE_PONG, session);
		FINDS(&reader, 24, FRAME, 24, 0);
		put(stream, HINT_TYPE_PONG, session + 1);
		FINDS(&reader, 24, NOTHING, 24, 0);
	}
	put(stream, HINT_TYPE_HOST_HELLO, 3);
	FINDS(&reader, 56, FRAME, 56, 0);
	put(stream, HINT_TYPE_HOST_HELLO, 0);
	FINDS(&reader, 56, BROKEN, 0, 0);
	CHECK_NUMBER(reader.session, 3);
	reader = (struct hint_reader){ HINT_SIDE_HOST, 0, false };
	FINDS(&reader, 56, NOTHING, 56, 0);
	/* Nor has a conversation begun with anything else. */
	put(stream, HINT_TYPE_PONG, 0);
	FINDS(&reader, 24, NOTHING, 24, 0);
	put(stream, HINT_TYPE_ERROR, SESSION);
	FINDS(&reader, 24, NOTHING, 24, 0);
	put(stream, HINT_TYPE_PONG, 0);
	poke(stream + 4, 2, HINT_TYPE_OPTIONAL);
	FINDS(&reader, 24, NOTHING, 24, 0);
	CU_ASSERT(!reader.begun);
}

/* A host takes GUEST_START at any time, of session 0 only; it waits for its session as before. */
static void guest_start_any_time(void)
{
	struct hint_reader reader = { HINT_SIDE_GUEST, SESSION, false };

	for (int begun = 0; begun < 2; begun++) {
		put(stream, HINT_TYPE_GUEST_START, 0);
		put(stream + 16, HINT_TYPE_GUEST_HELLO, SESSION);
		FINDS(&reader, 40, FRAME, 16, 0);
		CU_ASSERT(reader.begun == begun);
		CHECK_NUMBER(reader.session, SESSION);
		memmove(stream, stream + 16, 24);
		FINDS(&reader, 24, FRAME, 24, 0);
		CU_ASSERT(reader.begun);
	}
	put(stream, HINT_TYPE_GUEST_START, 0);
	poke(stream + 12, 4, SESSION);
	FINDS(&reader, 16, BROKEN, 0, 0);
	reader.begun = false;
	FINDS(&reader, 16, NOTHING, 16, 0);
	/* No other frame is of session 0, whatever the host's is. */
	reader.session = 0;
	put(stream, HINT_TYPE_PING, 0);
	FINDS(&reader, 24, NOTHING, 24, 0);
	put(stream, HINT_TYPE_GUEST_START, 0);
	FINDS(&reader, 16, FRAME, 16, 0);
	/* In the guest nobody takes it, as the host takes no HOST_HELLO. */
	reader = (struct hint_reader){ HINT_SIDE_HOST, SESSION, true };
	FINDS(&reader, 16, NOTHING, 16, 0);
	reader.from = HINT_SIDE_GUEST;
	put(stream, HINT_TYPE_HOST_HELLO, OTHER);
	FINDS(&reader, 56, NOTHING, 56, 0);
}

/* ---- what an earlier conversation left -------------------------------------------------- */

/* Remains of one frame, cut at both ends, then the first of this session. */
static void remains(enum hint_side from, enum hint_type old, enum hint_type new)
{
	uint8_t frame[HINT_FRAME_MAX];
	size_t n = put(frame, old, OTHER), m;

	for (size_t first = 0; first <= n; first++)
		for (size_t end = first; end <= n; end++) {
			struct hint_reader reader = { from, from == HINT_SIDE_HOST ? 0 : SESSION,
						      false };

			/* A whole one of these is none. */
			if (first == 0 && end == n &&
			    (old == HINT_TYPE_HOST_HELLO || old == HINT_TYPE_GUEST_START))
				continue;
			memcpy(stream, frame + first, end - first);
			m = put(stream + end - first, new, SESSION);
			FINDS(&reader, end - first + m, FRAME, end - first + m, end - first);
			CHECK_NUMBER(reader.session, SESSION);
			CU_ASSERT(reader.begun);
		}
}

static void all_remains(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		remains(types[i].from, types[i].type,
			types[i].from == HINT_SIDE_HOST ? HINT_TYPE_HOST_HELLO
							: HINT_TYPE_GUEST_HELLO);
}

/* Nothing that comes before is an error, nor kept longer than it may turn out to be a frame. */
static void garbage(void)
{
	static const enum hint_side sides[] = { HINT_SIDE_HOST, HINT_SIDE_GUEST };

	for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
		struct hint_reader reader = { sides[i], i ? SESSION : 0, false };

		memset(stream, 'H', 1000);
		FINDS(&reader, 1000, NOTHING, 999, 0);
		memset(stream, 'M', 1000);
		FINDS(&reader, 1000, NOTHING, 1000, 0);
		memset(stream, 0, 1000);
		FINDS(&reader, 1000, NOTHING, 1000, 0);
		memcpy(stream + 997, "HMM", 3);
		FINDS(&reader, 1000, NOTHING, 997, 0);
		memcpy(stream + 984, "HMMH", 4);
		FINDS(&reader, 999, NOTHING, 984, 0);
		FINDS(&reader, 1000, NOTHING, 997, 0);
		/* A length that would swallow all that comes. */
		put(stream, HINT_TYPE_HINT, OTHER);
		poke(stream + 8, 4, HINT_FRAME_MAX);
		put(stream + 40, i ? HINT_TYPE_GUEST_HELLO : HINT_TYPE_HOST_HELLO, SESSION);
		FINDS(&reader, 200, FRAME, i ? 64 : 96, 40);
	}
}

/* One that is not as it must be is not the first. */
static void bad_first(void)
{
	struct hint_reader reader = { HINT_SIDE_GUEST, SESSION, false };

	put(stream, HINT_TYPE_GUEST_HELLO, SESSION);
	poke(stream + 16, 2, 0);
	FINDS(&reader, 24, NOTHING, 24, 0);
	put(stream, HINT_TYPE_PONG, SESSION);
	FINDS(&reader, 24, NOTHING, 24, 0);
	put(stream, HINT_TYPE_PING, SESSION);
	poke(stream + 4, 2, HINT_TYPE_OPTIONAL - 1);
	FINDS(&reader, 24, NOTHING, 24, 0);
	CU_ASSERT(!reader.begun);
}

/* ---- types that nobody knows ------------------------------------------------------------ */

static void unknown_types(void)
{
	static const uint16_t unknown[] = { 0, HINT_TYPE_GUEST_START + 1, 0x100 | HINT_TYPE_PING,
					    HINT_TYPE_OPTIONAL - 1 };
	static const uint16_t optional[] = { 0x8000, 0x8000 | HINT_TYPE_PING, 0xffff };

	for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
		struct hint_reader reader = { HINT_SIDE_GUEST, SESSION, true };

		put(stream, HINT_TYPE_PING, SESSION);
		poke(stream + 4, 2, unknown[i]);
		FINDS(&reader, 24, BROKEN, 0, 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(optional) * 2; i++) {
		struct hint_reader reader = { i & 1 ? HINT_SIDE_HOST : HINT_SIDE_GUEST, SESSION,
					      true };

		put(stream, HINT_TYPE_PING, SESSION);
		put(stream + 100, i & 1 ? HINT_TYPE_PONG : HINT_TYPE_PING, SESSION);
		poke(stream + 4, 2, optional[i / 2]);
		poke(stream + 8, 4, 100);
		FINDS(&reader, 16, NOTHING, 0, 0);
		FINDS(&reader, 99, NOTHING, 0, 0);
		FINDS(&reader, 100, NOTHING, 100, 0);
		FINDS(&reader, 124, FRAME, 124, 100);
		/* Its header is a header. */
		stream[6] = 1;
		FINDS(&reader, 100, BROKEN, 0, 0);
	}
}

/* A frame that may be passed over is of this session as any other. */
static void optional_begins(void)
{
	struct hint_reader reader = { HINT_SIDE_GUEST, SESSION, false };

	put(stream, HINT_TYPE_PING, SESSION);
	poke(stream + 4, 2, HINT_TYPE_OPTIONAL);
	FINDS(&reader, 23, NOTHING, 0, 0);
	CU_ASSERT(!reader.begun);
	memset(stream + 24, 0, 16);
	FINDS(&reader, 40, BROKEN, 24, 0);
	CU_ASSERT(reader.begun);
}

int main(void)
{
	static const struct check checks[] = {
		{ "cut anywhere", cut_anywhere },
		{ "two in a buffer", two_in_a_buffer },
		{ "from the wrong side", from_the_wrong_side },
		{ "another session", another_session },
		{ "longest of another session", longest_of_another_session },
		{ "HOST_HELLO at any time", host_hello_any_time },
		{ "GUEST_START at any time", guest_start_any_time },
		{ "remains", all_remains },
		{ "garbage", garbage },
		{ "bad first", bad_first },
		{ "unknown types", unknown_types },
		{ "optional begins", optional_begins },
	};

	return run_checks("hint-find", checks, G_N_ELEMENTS(checks));
}
