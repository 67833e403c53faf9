/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint.h - what the guest's agent and hmmd say to each other over the port org.hmmd.agent.0
 *
 * A stream of frames each way, little-endian, with fixed layouts.  PROTOCOL.md tells the
 * conversation; this file is the layouts, and pure functions to write, find and check frames:
 * no I/O, no allocation, libc only.  What a peer sends is checked here and nowhere else.
 *
 * The host begins: HOST_HELLO with a session number that no earlier conversation had.  GUEST_START
 * asks it to: the guest has just started, which the host does not see, and knows no session.  Either
 * side may find remains of an earlier one in the stream: a frame of another session is passed
 * over, whatever it says; before the first frame of this session so is what is no frame at all.
 *
 * Addresses and lengths are bytes, multiples of HINT_PAGE_SIZE.  In every enum the value 0 is
 * invalid.  Reserved fields are zero; a frame is exactly as long as its type says.  A frame of an
 * unknown type is an error, unless the type has HINT_TYPE_OPTIONAL set: it is passed over then.
 */
#ifndef HMMD_HINT_H
#define HMMD_HINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HINT_PORT	   "org.hmmd.agent.0"
#define HINT_MAGIC	   0x484d4d48u /* "HMMH" */
#define HINT_VERSION	   1u
#define HINT_PAGE_SIZE	   4096u
#define HINT_GPA_BITS	   52	  /* guest physical addresses are below 1 << 52 */
#define HINT_FRAME_MAX	   65536u /* bytes, header included */
#define HINT_EXTENTS_MAX   4092u  /* in one frame */
#define HINT_PRIORITY_MAX  7u	  /* the most urgent; 0 is the least */
#define HINT_TYPE_OPTIONAL 0x8000u
#define HINT_COOKIE_ALL	   0u /* in FORGET: all hints */
#define HINT_SKIP_MAX	   16u
#define HINT_ALIVE_MS	   5000	 /* the guest says something at least this often, if only PING */
#define HINT_GONE_MS	   15000 /* a guest that has said nothing for so long is gone */

/* The frames.  X(value, NAME, who sends it, bytes without what repeats, bytes that repeat) */
#define HINT_TYPE_LIST(X)               \
	X(1, HOST_HELLO, HOST, 56, 0)   \
	X(2, GUEST_HELLO, GUEST, 24, 0) \
	X(3, HINT, GUEST, 48, 16)       \
	X(4, FORGET, GUEST, 24, 0)      \
	X(5, RESULT, HOST, 48, 16)      \
	X(6, ERROR, HOST, 24, 0)        \
	X(7, PING, GUEST, 24, 0)        \
	X(8, PONG, HOST, 24, 0)         \
	X(9, GUEST_START, GUEST, 16, 0)

enum hint_type {
#define HINT_TYPE_ENUM(value, NAME, sender, fixed, each) HINT_TYPE_##NAME = value,
	HINT_TYPE_LIST(HINT_TYPE_ENUM)
#undef HINT_TYPE_ENUM
};

/* What is asked.  X(value, NAME, "name", "what it means for a person") */
#define HINT_ADVICE_LIST(X)                                                           \
	X(1, DEVICE, "device", "into device memory, now")                             \
	X(2, HOST, "host", "back to host RAM, and stay there until hinted otherwise") \
	X(3, COLD, "cold", "out when there is room: not needed for long")             \
	X(4, WILLNEED_DEVICE, "willneed-device", "out soon, once, if there is room")  \
	X(5, PIN_HOST, "pin-host", "never out")

enum hint_advice {
#define HINT_ADVICE_ENUM(value, NAME, name, text) HINT_ADVICE_##NAME = value,
	HINT_ADVICE_LIST(HINT_ADVICE_ENUM)
#undef HINT_ADVICE_ENUM
};
#define HINT_ADVICE_LAST HINT_ADVICE_PIN_HOST

/* What became of a hint. */
#define HINT_STATUS_LIST(X)                                             \
	X(1, ACCEPTED, "accepted", "taken; more will be told")          \
	X(2, DONE, "done", "as far as that is possible; see the bytes") \
	X(3, REFUSED, "refused", "nothing is done; see the reason")

enum hint_status {
#define HINT_STATUS_ENUM(value, NAME, name, text) HINT_STATUS_##NAME = value,
	HINT_STATUS_LIST(HINT_STATUS_ENUM)
#undef HINT_STATUS_ENUM
};
#define HINT_STATUS_LAST HINT_STATUS_REFUSED

/* Why a hint was refused, or why bytes of it stay where they are. */
#define HINT_REASON_LIST(X)                                                                     \
	X(1, EXTENTS, "bad-extents", "extents that are empty, not in order, or overlap")        \
	X(2, TOO_MANY, "too-many", "more hints or extents than the host takes")                 \
	X(3, OFF, "off", "the host's operator takes no hints of this kind")                     \
	X(4, NO_POOL, "no-pool", "the VM has no device memory to go to")                        \
	X(5, QUOTA, "quota", "the VM has in device memory what it may have")                    \
	X(6, OTHER_HINT, "other-hint", "another hint for the same page counts more")            \
	X(7, RESTING, "resting", "came back soon after it went out: left alone for a while")    \
	X(8, NO_MEMORY, "no-memory", "the VM has no memory at that address")                    \
	X(9, ABSENT, "absent", "no page there: never touched, ballooned, zero, or swapped out") \
	X(10, PINNED, "pinned", "pinned by the host: DMA, or locked")                           \
	X(11, UNMOVABLE, "unmovable", "memory of a kind that cannot move")                      \
	X(12, POOL_FULL, "pool-full", "no room left in device memory")                          \
	X(13, BUSY, "busy", "in use by the host's kernel just now")                             \
	X(14, FAILED, "failed", "the device could not copy it, or the host is in trouble")      \
	X(15, ONCE, "once", "willneed-device moves it once: it has come home since, and stays")

enum hint_reason {
#define HINT_REASON_ENUM(value, NAME, name, text) HINT_REASON_##NAME = value,
	HINT_REASON_LIST(HINT_REASON_ENUM)
#undef HINT_REASON_ENUM
};
#define HINT_REASON_LAST HINT_REASON_ONCE

/* Why the host ends the conversation. */
#define HINT_ERROR_LIST(X)                                                  \
	X(1, FRAME, "bad-frame", "a frame that is none, or is not allowed") \
	X(2, ORDER, "bad-order", "a frame that has no place at that point") \
	X(3, VERSION, "bad-version", "no version that both sides speak")    \
	X(4, ENDING, "ending", "hmmd ends, or lets go of the VM")           \
	X(5, HALF, "half-frame", "a frame of which the rest does not come")

enum hint_error {
#define HINT_ERROR_ENUM(value, NAME, name, text) HINT_ERROR_##NAME = value,
	HINT_ERROR_LIST(HINT_ERROR_ENUM)
#undef HINT_ERROR_ENUM
};
#define HINT_ERROR_LAST HINT_ERROR_HALF

/* ---- the layouts, as they are in the stream; hint-find.c asserts them and their rules ---- */

/*
 * @length: of the whole frame, this header included; not more than HINT_FRAME_MAX
 * @session: not 0, but of GUEST_START, which is this header alone
 */
struct hint_wire_header {
	uint32_t magic;
	uint16_t type;
	uint16_t reserved;
	uint32_t length;
	uint32_t session;
};

/*
 * The host speaks versions @min_version (at least 1) to @max_version, and takes no more than this:
 * limits, of which none is 0.  Version 1 has no capabilities; bits that one does not know mean
 * nothing, here and in GUEST_HELLO.
 */
struct hint_wire_host_hello {
	struct hint_wire_header header;
	uint16_t min_version;
	uint16_t max_version;
	uint32_t capabilities;
	uint32_t max_hints;	    /* at a time */
	uint32_t max_extents;	    /* of all hints together */
	uint32_t frames_per_second; /* faster, and the host reads no faster */
	uint32_t reserved[5];
};

/* @version: not 0; whether the host speaks it is for the host to see */
struct hint_wire_guest_hello {
	struct hint_wire_header header;
	uint16_t version;
	uint16_t reserved;
	uint32_t capabilities;
};

/* [gpa, gpa + length) */
struct hint_wire_extent {
	uint64_t gpa;
	uint64_t length;
};

/*
 * A hint, or a part of one: it counts when the part with HINT_LAST is there.  A cookie that has a
 * hint already gets another one in its place.  Extents ascend and do not overlap, from part to
 * part as well; there may be none.
 *
 * @cookie: not 0
 * @owner: the process it is for, as the guest numbers them; 0 is the guest itself
 * @priority: not above HINT_PRIORITY_MAX
 * @nr_extents: not above HINT_EXTENTS_MAX
 */
struct hint_wire_hint {
	struct hint_wire_header header;
	uint64_t cookie;
	uint64_t owner;
	uint16_t advice;
	uint8_t priority;
	uint8_t flags; /* HINT_FIRST, HINT_LAST */
	uint32_t nr_extents;
	uint64_t reserved;
	struct hint_wire_extent extents[];
};

#define HINT_FIRST 1u
#define HINT_LAST  2u

struct hint_wire_forget {
	struct hint_wire_header header;
	uint64_t cookie;
};

/*
 * @reason: why, as enum hint_reason has it
 * @bytes: not more than the result's @asked_bytes
 */
struct hint_wire_skip {
	uint32_t reason;
	uint32_t reserved;
	uint64_t bytes;
};

/*
 * What has become of a hint, each time that changes.
 *
 * @cookie: not 0
 * @nr_skips: not above HINT_SKIP_MAX
 * @asked_bytes: not above 1 << HINT_GPA_BITS
 * @done_bytes: where the hint wants them; not more than @asked_bytes
 */
struct hint_wire_result {
	struct hint_wire_header header;
	uint64_t cookie;
	uint16_t status;
	uint16_t reason; /* of REFUSED, else 0 */
	uint32_t nr_skips;
	uint64_t asked_bytes;
	uint64_t done_bytes;
	struct hint_wire_skip skips[];
};

struct hint_wire_error {
	struct hint_wire_header header;
	uint32_t error;
	uint32_t reserved;
};

struct hint_wire_ping {
	struct hint_wire_header header;
	uint64_t token;
};

/* ---- hint-names.c: names of the enums; of a number that the list does not have, "unknown" ---- */

const char *hint_advice_name(uint32_t value);
int hint_advice_value(const char *name); /* 0 if there is none of that name */
const char *hint_status_name(uint32_t value);
const char *hint_reason_name(uint32_t value);
const char *hint_reason_text(uint32_t value);
int hint_reason_value(const char *name); /* 0 if there is none of that name */
const char *hint_error_name(uint32_t value);

/* ---- hint-find.c: frames in a stream ---------------------------------------------------- */

enum hint_side { HINT_SIDE_HOST = 1, HINT_SIDE_GUEST };

/**
 * struct hint_reader - where one is in what the other side sends
 * @from: who that is
 * @session: this conversation's; 0 as long as there is none (the guest, before HOST_HELLO)
 * @begun: a frame of this session was seen: from here on nothing but frames may come
 *
 * Begin with { from, session, false }, the host with the session that it says HOST_HELLO with, the
 * guest with 0.  What the other side said last may be cut: begin so again, with the bytes that are
 * left, where it has hung up or half a frame stays half.
 *
 * A guest takes a HOST_HELLO of any session, at any time: a new conversation begins with it, and
 * @session is set to it.  A host takes a GUEST_START at any time; it changes nothing here: say
 * HOST_HELLO with a new session, and begin so again.
 */
struct hint_reader {
	enum hint_side from;
	uint32_t session;
	bool begun;
};

enum hint_found {
	HINT_FOUND_NOTHING = 1, /* not all of it is there: read on.  *used bytes can be dropped */
	HINT_FOUND_FRAME,	/* one frame ends *used bytes further on; *frame is its beginning */
	HINT_FOUND_BROKEN,	/* HINT_ERROR_FRAME: the end.  Never before @begun */
};

/**
 * hint_find() - the next frame in a buffer
 * @reader: where one is
 * @bytes: what was read and is not used up yet; of any alignment
 * @n: how many; a caller that always has room for HINT_FRAME_MAX sees every frame whole
 * @used: out: bytes that need not be looked at again, the frame's own included
 * @frame: out, with HINT_FOUND_FRAME: the frame, checked as far as one frame can be:
 *	who sends it, type, length, numbers, reserved fields; not the extents
 *
 * What is found does not depend on how the stream comes in pieces.
 */
enum hint_found hint_find(struct hint_reader *reader, const void *bytes, size_t n, size_t *used,
			  const void **frame);

/* ---- hint-get.c: a frame that hint_find() has found, in numbers as this machine has them ---- */

enum hint_type hint_type_of(const void *frame);

struct hint_limits {
	uint16_t min_version, max_version;
	uint32_t capabilities, max_hints, max_extents, frames_per_second;
};

struct hint_request {
	uint64_t cookie, owner;
	enum hint_advice advice;
	uint8_t priority;
	bool first, last;
	uint32_t nr_extents;
};

struct hint_extent {
	uint64_t gpa, length;
};

struct hint_skip {
	enum hint_reason reason;
	uint64_t bytes;
};

struct hint_result {
	uint64_t cookie;
	enum hint_status status;
	enum hint_reason reason; /* 0 unless refused */
	uint64_t asked_bytes, done_bytes;
	uint32_t nr_skips;
	struct hint_skip skips[HINT_SKIP_MAX];
};

struct hint_limits hint_get_host_hello(const void *frame);
uint16_t hint_get_guest_hello(const void *frame, uint32_t *capabilities); /* the version */
struct hint_request hint_get_hint(const void *frame);
struct hint_extent hint_get_extent(const void *frame, uint32_t index); /* below nr_extents */
uint64_t hint_get_cookie(const void *frame);			       /* of FORGET */
struct hint_result hint_get_result(const void *frame);
enum hint_error hint_get_error(const void *frame);
uint64_t hint_get_token(const void *frame); /* of PING, PONG */

/*
 * Are the extents of a HINT as they must be: not empty, page aligned, below 1 << HINT_GPA_BITS,
 * ascending without overlap, the first not before @end?  If so @end is where the last one ends.
 */
bool hint_extents_valid(const void *frame, uint64_t *end);

/* ---- hint-put.c: writing frames ---------------------------------------------------------- */

/*
 * Each writes one frame to @to and returns its length, or 0 where @room is too small; nothing is
 * written then.  No room is enough for more than HINT_EXTENTS_MAX or HINT_SKIP_MAX.  Other values
 * out of range are the caller's mistake: the other side does not take the frame.
 */
size_t hint_put_host_hello(void *to, size_t room, uint32_t session,
			   const struct hint_limits *limits);
size_t hint_put_guest_hello(void *to, size_t room, uint32_t session, uint16_t version,
			    uint32_t capabilities);
size_t hint_put_hint(void *to, size_t room, uint32_t session, const struct hint_request *request,
		     const struct hint_extent *extents);
size_t hint_put_forget(void *to, size_t room, uint32_t session, uint64_t cookie);
size_t hint_put_result(void *to, size_t room, uint32_t session, const struct hint_result *result);
size_t hint_put_error(void *to, size_t room, uint32_t session, enum hint_error error);
size_t hint_put_ping(void *to, size_t room, uint32_t session, uint64_t token);
size_t hint_put_pong(void *to, size_t room, uint32_t session, uint64_t token);
size_t hint_put_guest_start(void *to, size_t room);

#endif /* HMMD_HINT_H */
