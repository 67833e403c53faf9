// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kinds-frame.c - frames that are none, that may not come, or that have no place where they come
 */
#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "garbage.h"

#define FIELD(type, field) \
	offsetof(struct hint_wire_##type, field), sizeof(((struct hint_wire_##type *)0)->field)

/* Overwrite a field of the frame in talk->out, little-endian. */
static void patch(struct talk *talk, size_t at, size_t size, uint64_t value)
{
	value = htole64(value);
	memcpy(talk->out + at, &value, size);
}

/* ---- frames to begin with: the length -------------------------------------------------- */

static size_t put_ping(struct talk *talk)
{
	return hint_put_ping(talk->out, sizeof(talk->out), talk->reader.session, 1);
}

static size_t put_hint(struct talk *talk)
{
	struct hint_request request = usual_hint(1);
	struct hint_extent extent = { talk->options->gpa, HINT_PAGE_SIZE };

	return hint_put_hint(talk->out, sizeof(talk->out), talk->reader.session, &request, &extent);
}

static size_t put_hello(struct talk *talk, uint16_t version)
{
	return hint_put_guest_hello(talk->out, sizeof(talk->out), talk->reader.session, version, 0);
}

/* ---- one field that is wrong ------------------------------------------------------------ */

#define BAD_PING(name, field, value)                      \
	static void name(struct talk *talk)               \
	{                                                 \
		size_t n = put_ping(talk);                \
                                                          \
		patch(talk, FIELD(header, field), value); \
		talk_send_frame(talk, n);                 \
	}
#define BAD_HINT(name, type, field, value)              \
	static void name(struct talk *talk)             \
	{                                               \
		size_t n = put_hint(talk);              \
                                                        \
		patch(talk, FIELD(type, field), value); \
		talk_send_frame(talk, n);               \
	}

BAD_PING(bad_magic, magic, 0x21212121)
BAD_PING(unknown_type, type, 77)
BAD_PING(type_zero, type, 0)
BAD_PING(optional_type, type, HINT_TYPE_OPTIONAL | 77)
BAD_PING(header_reserved, reserved, 1)
BAD_PING(length_short, length, sizeof(struct hint_wire_header))
BAD_PING(length_tiny, length, 8)
BAD_PING(length_zero, length, 0)
BAD_HINT(length_huge, header, length, 0xffffffff)
BAD_HINT(length_over, header, length, HINT_FRAME_MAX + 1)
BAD_HINT(wrong_session, header, session, talk->reader.session ^ 0x5a5a5a5a)
BAD_HINT(session_zero, header, session, 0)
BAD_HINT(cookie_zero, hint, cookie, 0)
BAD_HINT(advice_zero, hint, advice, 0)
BAD_HINT(advice_unknown, hint, advice, HINT_ADVICE_LAST + 1)
BAD_HINT(priority_high, hint, priority, HINT_PRIORITY_MAX + 1)
BAD_HINT(flags_unknown, hint, flags, HINT_FIRST | HINT_LAST | 4)
BAD_HINT(hint_reserved, hint, reserved, 1)
BAD_HINT(extents_fewer, hint, nr_extents, 0)
BAD_HINT(extents_more, hint, nr_extents, 2)
BAD_HINT(extents_most, hint, nr_extents, HINT_EXTENTS_MAX + 1)
BAD_HINT(extents_wrap, hint, nr_extents, 0xffffffff)

static void length_long(struct talk *talk)
{
	size_t n = put_ping(talk);

	patch(talk, n, 8, 0);
	patch(talk, FIELD(header, length), n + 8);
	talk_send_frame(talk, n + 8);
}

static void start_long(struct talk *talk)
{
	size_t n = hint_put_guest_start(talk->out, sizeof(talk->out));

	patch(talk, n, 8, 0);
	patch(talk, FIELD(header, length), n + 8);
	talk_send_frame(talk, n + 8);
}

static void start_session(struct talk *talk)
{
	size_t n = hint_put_guest_start(talk->out, sizeof(talk->out));

	patch(talk, FIELD(header, session), talk->reader.session);
	talk_send_frame(talk, n);
}

/* ---- what only the host says ------------------------------------------------------------- */

static void host_hello(struct talk *talk)
{
	struct hint_limits limits = { 1, 1, 0, 1, 1, 1 };

	talk_send_frame(talk, hint_put_host_hello(talk->out, sizeof(talk->out),
						  talk->reader.session, &limits));
}

static void host_result(struct talk *talk)
{
	struct hint_result result = { .cookie = 1, .status = HINT_STATUS_DONE };

	talk_send_frame(talk, hint_put_result(talk->out, sizeof(talk->out), talk->reader.session,
					      &result));
}

static void host_error(struct talk *talk)
{
	talk_send_frame(talk, hint_put_error(talk->out, sizeof(talk->out), talk->reader.session,
					     HINT_ERROR_ENDING));
}

static void host_pong(struct talk *talk)
{
	talk_send_frame(talk, hint_put_pong(talk->out, sizeof(talk->out), talk->reader.session, 1));
}

/* ---- the beginning ---------------------------------------------------------------------- */

static void no_hello(struct talk *talk)
{
	talk_send_frame(talk, put_hint(talk));
}

static void hello_twice(struct talk *talk)
{
	talk_send_frame(talk, put_hello(talk, HINT_VERSION));
}

static void hello_version(struct talk *talk)
{
	talk_send_frame(talk, put_hello(talk, 99));
}

/* Before the first frame of the session what is none is passed over. */
static void hello_zero(struct talk *talk)
{
	talk_send_frame(talk, put_hello(talk, 0));
	talk_send_frame(talk, put_hello(talk, HINT_VERSION));
}

static void hello_reserved(struct talk *talk)
{
	size_t n = put_hello(talk, HINT_VERSION);

	patch(talk, FIELD(guest_hello, reserved), 1);
	talk_send_frame(talk, n);
	talk_send_frame(talk, put_hello(talk, HINT_VERSION));
}

static void send_random(struct talk *talk, size_t n)
{
	while (n > 0) {
		size_t part = n < sizeof(talk->out) ? n : sizeof(talk->out);

		for (size_t i = 0; i < part; i++)
			talk->out[i] = (char)random_number(talk);
		if (!talk_send(talk, talk->out, part))
			return;
		n -= part;
	}
}

static void random_early(struct talk *talk)
{
	send_random(talk, 1 << 20);
	talk_send_frame(talk, put_hello(talk, HINT_VERSION));
}

static void random_late(struct talk *talk)
{
	send_random(talk, 4096);
}

/* ---- frames that do not end ---------------------------------------------------------------- */

static void half_header(struct talk *talk)
{
	put_hint(talk);
	talk_send(talk, talk->out, 7);
}

static void half_frame(struct talk *talk)
{
	put_hint(talk);
	talk_send(talk, talk->out, 50);
}

/* The pieces are less than 5 s apart, and the frame takes longer. */
static void slow_frame(struct talk *talk)
{
	size_t n = put_hint(talk);
	double end = now() + talk->options->seconds;

	for (size_t i = 0; i < n && now() < end; i++) {
		talk_send(talk, talk->out + i, 1);
		talk_listen(talk, 0.5);
	}
}

/* ---- hints in parts that do not fit -------------------------------------------------------- */

static void send_part(struct talk *talk, struct hint_request request, bool first, bool last,
		      uint64_t gpa)
{
	struct hint_extent extent = { gpa, HINT_PAGE_SIZE };

	request.first = first;
	request.last = last;
	send_hint(talk, &request, &extent);
}

static void part_of_nothing(struct talk *talk)
{
	send_part(talk, usual_hint(1), false, true, talk->options->gpa);
}

static void part_after_last(struct talk *talk)
{
	send_part(talk, usual_hint(1), true, true, talk->options->gpa);
	send_part(talk, usual_hint(1), false, true, talk->options->gpa + HINT_PAGE_SIZE);
}

#define PART_DIFFERS(name, change)                                                          \
	static void name(struct talk *talk)                                                 \
	{                                                                                   \
		struct hint_request request = usual_hint(1);                                \
                                                                                            \
		send_part(talk, request, true, false, talk->options->gpa);                  \
		request.change;                                                             \
		send_part(talk, request, false, true, talk->options->gpa + HINT_PAGE_SIZE); \
	}

PART_DIFFERS(part_cookie, cookie = 2)
PART_DIFFERS(part_owner, owner++)
PART_DIFFERS(part_advice, advice = HINT_ADVICE_PIN_HOST)
PART_DIFFERS(part_priority, priority++)

static void part_unfinished(struct talk *talk)
{
	send_part(talk, usual_hint(1), true, false, talk->options->gpa);
	send_part(talk, usual_hint(2), true, true, talk->options->gpa);
}

static void part_silence(struct talk *talk)
{
	send_part(talk, usual_hint(1), true, false, talk->options->gpa);
}

static void forget_unknown(struct talk *talk)
{
	for (uint64_t cookie = 1; cookie < 100; cookie++)
		talk_send_frame(talk, hint_put_forget(talk->out, sizeof(talk->out),
						      talk->reader.session, cookie << 40));
}

const struct kind frame_kinds[] = {
	{ "random-early", "1 MiB of noise before GUEST_HELLO", STAGE_SESSION, ANSWER_NOTHING,
	  random_early },
	{ "random-late", "noise after it", STAGE_HELLO, ANSWER_ERROR_FRAME, random_late },
	{ "half-header", "7 bytes of a frame", STAGE_HELLO, ANSWER_ERROR_HALF, half_header },
	{ "half-frame", "50 bytes of a frame", STAGE_HELLO, ANSWER_ERROR_HALF, half_frame },
	{ "slow-frame", "a frame, a byte each half second", STAGE_HELLO, ANSWER_ANYTHING,
	  slow_frame },
	{ "magic", "a wrong magic number", STAGE_HELLO, ANSWER_ERROR_FRAME, bad_magic },
	{ "unknown-type", "type 77", STAGE_HELLO, ANSWER_ERROR_FRAME, unknown_type },
	{ "type-zero", "type 0", STAGE_HELLO, ANSWER_ERROR_FRAME, type_zero },
	{ "optional-type", "an unknown type that may be passed over", STAGE_HELLO, ANSWER_NOTHING,
	  optional_type },
	{ "header-reserved", "the header's reserved field is not 0", STAGE_HELLO,
	  ANSWER_ERROR_FRAME, header_reserved },
	{ "length-short", "a PING of 16 bytes", STAGE_HELLO, ANSWER_ERROR_FRAME, length_short },
	{ "length-tiny", "a PING of 8 bytes", STAGE_HELLO, ANSWER_ERROR_FRAME, length_tiny },
	{ "length-zero", "a PING of no bytes", STAGE_HELLO, ANSWER_ERROR_FRAME, length_zero },
	{ "length-long", "a PING with something behind it", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  length_long },
	{ "length-huge", "a HINT of 4 GiB", STAGE_HELLO, ANSWER_ERROR_FRAME, length_huge },
	{ "length-over", "a HINT of 64 KiB and a byte", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  length_over },
	{ "wrong-session", "another session", STAGE_HELLO, ANSWER_NOTHING, wrong_session },
	{ "session-zero", "session 0", STAGE_HELLO, ANSWER_NOTHING, session_zero },
	{ "cookie-zero", "a HINT with cookie 0", STAGE_HELLO, ANSWER_ERROR_FRAME, cookie_zero },
	{ "advice-zero", "advice 0", STAGE_HELLO, ANSWER_ERROR_FRAME, advice_zero },
	{ "advice-unknown", "advice that there is not", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  advice_unknown },
	{ "priority", "priority 8", STAGE_HELLO, ANSWER_ERROR_FRAME, priority_high },
	{ "flags", "an unknown flag", STAGE_HELLO, ANSWER_ERROR_FRAME, flags_unknown },
	{ "hint-reserved", "a HINT's reserved field is not 0", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  hint_reserved },
	{ "extents-fewer", "fewer extents than the frame is long", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  extents_fewer },
	{ "extents-more", "more extents than the frame is long", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  extents_more },
	{ "extents-most", "more extents than any frame has", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  extents_most },
	{ "extents-wrap", "2^32 - 1 extents", STAGE_HELLO, ANSWER_ERROR_FRAME, extents_wrap },
	{ "start-long", "a GUEST_START with something behind it", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  start_long },
	{ "start-session", "a GUEST_START of this session", STAGE_HELLO, ANSWER_ERROR_FRAME,
	  start_session },
	{ "host-hello", "HOST_HELLO, from the guest", STAGE_HELLO, ANSWER_ERROR_FRAME, host_hello },
	{ "host-result", "RESULT, from the guest", STAGE_HELLO, ANSWER_ERROR_FRAME, host_result },
	{ "host-error", "ERROR, from the guest", STAGE_HELLO, ANSWER_ERROR_FRAME, host_error },
	{ "host-pong", "PONG, from the guest", STAGE_HELLO, ANSWER_ERROR_FRAME, host_pong },
	{ "no-hello", "a HINT in place of GUEST_HELLO", STAGE_SESSION, ANSWER_ERROR_ORDER,
	  no_hello },
	{ "hello-twice", "GUEST_HELLO again", STAGE_HELLO, ANSWER_ERROR_ORDER, hello_twice },
	{ "hello-version", "version 99", STAGE_SESSION, ANSWER_ERROR_VERSION, hello_version },
	{ "hello-zero", "version 0, then a good GUEST_HELLO", STAGE_SESSION, ANSWER_NOTHING,
	  hello_zero },
	{ "hello-reserved", "a reserved field that is not 0, then a good GUEST_HELLO",
	  STAGE_SESSION, ANSWER_NOTHING, hello_reserved },
	{ "part-of-nothing", "the last part of a hint that never began", STAGE_HELLO,
	  ANSWER_ERROR_ORDER, part_of_nothing },
	{ "part-after-last", "a part after the last one", STAGE_HELLO, ANSWER_ERROR_ORDER,
	  part_after_last },
	{ "part-cookie", "parts of two cookies", STAGE_HELLO, ANSWER_ERROR_ORDER, part_cookie },
	{ "part-owner", "parts of two owners", STAGE_HELLO, ANSWER_ERROR_ORDER, part_owner },
	{ "part-advice", "parts of two kinds of advice", STAGE_HELLO, ANSWER_ERROR_ORDER,
	  part_advice },
	{ "part-priority", "parts of two priorities", STAGE_HELLO, ANSWER_ERROR_ORDER,
	  part_priority },
	{ "part-unfinished", "a hint that ends where another one begins", STAGE_HELLO,
	  ANSWER_REFUSED_EXTENTS, part_unfinished },
	{ "part-silence", "a hint that never ends", STAGE_HELLO, ANSWER_NOTHING, part_silence },
	{ "forget-unknown", "FORGET of cookies that never were", STAGE_HELLO, ANSWER_NOTHING,
	  forget_unknown },
	{ 0 },
};
