// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-find.c - where the next frame is in a stream, and whether it is as it must be
 *
 * Before the first frame of the session anything may come: what an earlier conversation left, cut
 * at either end.  So no length in it is believed; the reader goes from one magic number to the next
 * until one begins a whole frame of this session.  From then on frame follows frame.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "hint.h"

#define SIZE(type, size) static_assert(sizeof(struct hint_wire_##type) == (size), "layout")
#define AT(type, field, place) \
	static_assert(offsetof(struct hint_wire_##type, field) == (place), "layout")

SIZE(header, 16);
AT(header, type, 4);
AT(header, length, 8);
AT(header, session, 12);
AT(host_hello, min_version, 16);
AT(host_hello, capabilities, 20);
AT(host_hello, max_hints, 24);
AT(host_hello, frames_per_second, 32);
AT(host_hello, reserved, 36);
AT(guest_hello, version, 16);
AT(guest_hello, capabilities, 20);
SIZE(extent, 16);
AT(hint, cookie, 16);
AT(hint, owner, 24);
AT(hint, advice, 32);
AT(hint, priority, 34);
AT(hint, flags, 35);
AT(hint, nr_extents, 36);
AT(hint, extents, 48);
AT(forget, cookie, 16);
SIZE(skip, 16);
AT(skip, bytes, 8);
AT(result, cookie, 16);
AT(result, status, 24);
AT(result, nr_skips, 28);
AT(result, asked_bytes, 32);
AT(result, skips, 48);
AT(error, error, 16);
AT(ping, token, 16);
static_assert(sizeof(struct hint_wire_hint) + HINT_EXTENTS_MAX * sizeof(struct hint_wire_extent) <=
		      HINT_FRAME_MAX,
	      "a frame has room for all extents that it may have");
static_assert(HINT_TYPE_GUEST_START < HINT_TYPE_OPTIONAL, "types we know are not passed over");

/* What is known of a type: who sends it, bytes without what repeats, bytes that repeat. */
static const struct kind {
	enum hint_side from;
	uint32_t fixed;
	uint32_t each;
} kinds[] = {
#define KIND(value, NAME, sender, fixed, each) [value] = { HINT_SIDE_##sender, fixed, each },
	HINT_TYPE_LIST(KIND)
#undef KIND
};

SIZE(host_hello, 56);
SIZE(guest_hello, 24);
SIZE(hint, 48);
SIZE(forget, 24);
SIZE(result, 48);
SIZE(error, 24);
SIZE(ping, 24);

/* ---- what a frame says ------------------------------------------------------------------ */

static bool host_hello_valid(const void *frame)
{
	struct hint_wire_host_hello wire;

	memcpy(&wire, frame, sizeof(wire));
	for (size_t i = 0; i < sizeof(wire.reserved) / sizeof(wire.reserved[0]); i++)
		if (wire.reserved[i])
			return false;
	return wire.header.session && wire.min_version &&
	       le16toh(wire.min_version) <= le16toh(wire.max_version) && wire.max_hints &&
	       wire.max_extents && wire.frames_per_second;
}

static bool guest_start_valid(const void *frame)
{
	struct hint_wire_header wire;

	memcpy(&wire, frame, sizeof(wire));
	return wire.session == 0;
}

static bool guest_hello_valid(const void *frame)
{
	struct hint_wire_guest_hello wire;

	memcpy(&wire, frame, sizeof(wire));
	return wire.version && !wire.reserved;
}

static bool hint_valid(const void *frame, uint32_t length)
{
	struct hint_wire_hint wire;
	uint32_t nr, advice;

	memcpy(&wire, frame, sizeof(wire));
	nr = le32toh(wire.nr_extents);
	advice = le16toh(wire.advice);
	return nr <= HINT_EXTENTS_MAX &&
	       length == sizeof(wire) + nr * sizeof(struct hint_wire_extent) && wire.cookie &&
	       advice && advice <= HINT_ADVICE_LAST && wire.priority <= HINT_PRIORITY_MAX &&
	       !(wire.flags & ~(HINT_FIRST | HINT_LAST)) && !wire.reserved;
}

static bool skip_valid(const char *at, uint64_t asked)
{
	struct hint_wire_skip wire;
	uint32_t reason;

	memcpy(&wire, at, sizeof(wire));
	reason = le32toh(wire.reason);
	return reason && reason <= HINT_REASON_LAST && !wire.reserved &&
	       le64toh(wire.bytes) <= asked;
}

static bool result_valid(const void *frame, uint32_t length)
{
	const char *skips = (const char *)frame + sizeof(struct hint_wire_result);
	struct hint_wire_result wire;
	uint32_t nr, status, reason;
	uint64_t asked;

	memcpy(&wire, frame, sizeof(wire));
	nr = le32toh(wire.nr_skips);
	status = le16toh(wire.status);
	reason = le16toh(wire.reason);
	asked = le64toh(wire.asked_bytes);
	if (nr > HINT_SKIP_MAX || length != sizeof(wire) + nr * sizeof(struct hint_wire_skip))
		return false;
	for (uint32_t i = 0; i < nr; i++)
		if (!skip_valid(skips + i * sizeof(struct hint_wire_skip), asked))
			return false;
	return wire.cookie && status && status <= HINT_STATUS_LAST &&
	       (status == HINT_STATUS_REFUSED) == (reason != 0) && reason <= HINT_REASON_LAST &&
	       asked <= UINT64_C(1) << HINT_GPA_BITS && le64toh(wire.done_bytes) <= asked;
}

static bool error_valid(const void *frame)
{
	struct hint_wire_error wire;
	uint32_t error;

	memcpy(&wire, frame, sizeof(wire));
	error = le32toh(wire.error);
	return error && error <= HINT_ERROR_LAST && !wire.reserved;
}

/* A whole frame, of a type that we know. */
static bool content_valid(const void *frame, enum hint_type type, uint32_t length)
{
	switch (type) {
	case HINT_TYPE_HOST_HELLO:
		return host_hello_valid(frame);
	case HINT_TYPE_GUEST_HELLO:
		return guest_hello_valid(frame);
	case HINT_TYPE_HINT:
		return hint_valid(frame, length);
	case HINT_TYPE_RESULT:
		return result_valid(frame, length);
	case HINT_TYPE_ERROR:
		return error_valid(frame);
	case HINT_TYPE_GUEST_START:
		return guest_start_valid(frame);
	case HINT_TYPE_FORGET:
	case HINT_TYPE_PING:
	case HINT_TYPE_PONG:
		return true;
	}
	return false;
}

/* ---- where it is ------------------------------------------------------------------------ */

enum what {
	CUT = 1, /* more bytes will tell */
	FRAME,	 /* of this session, and as it must be */
	IGNORED, /* of this session, and of a type that may be passed over */
	FOREIGN, /* of another session */
	NONE,	 /* no frame, or none that may come */
};

static bool is_ours(const struct hint_reader *reader, const struct hint_wire_header *header)
{
	uint32_t session = le32toh(header->session);
	uint16_t type = le16toh(header->type);

	if (reader->from == HINT_SIDE_HOST && type == HINT_TYPE_HOST_HELLO)
		return true;
	if (reader->from == HINT_SIDE_GUEST && type == HINT_TYPE_GUEST_START && session == 0)
		return true;
	return reader->session && session == reader->session;
}

/* What is there.  @length is that of the frame, where it is one. */
static enum what look(const struct hint_reader *reader, const uint8_t *at, size_t n,
		      uint32_t *length)
{
	struct hint_wire_header header;
	const struct kind *kind;
	uint16_t type;

	if (n < sizeof(header))
		return CUT;
	memcpy(&header, at, sizeof(header));
	*length = le32toh(header.length);
	type = le16toh(header.type);
	if (le32toh(header.magic) != HINT_MAGIC || *length < sizeof(header) ||
	    *length > HINT_FRAME_MAX)
		return NONE;
	if (!is_ours(reader, &header))
		return FOREIGN;
	if (header.reserved)
		return NONE;
	if (type & HINT_TYPE_OPTIONAL)
		return IGNORED;
	if (type >= sizeof(kinds) / sizeof(kinds[0]))
		return NONE;
	kind = &kinds[type];
	if (kind->from != reader->from || *length < kind->fixed ||
	    (*length > kind->fixed && !kind->each))
		return NONE;
	if (n < *length)
		return CUT;
	return content_valid(at, (enum hint_type)type, *length) ? FRAME : NONE;
}

/* How far it is to the next magic number, or to what may be the beginning of one. */
static size_t to_magic(const uint8_t *at, size_t n)
{
	const uint32_t magic = htole32(HINT_MAGIC);
	size_t i;

	for (i = 0; i < n; i++)
		if (memcmp(at + i, &magic, n - i < sizeof(magic) ? n - i : sizeof(magic)) == 0)
			break;
	return i;
}

static enum hint_found found(struct hint_reader *reader, const uint8_t *at, const void **frame)
{
	struct hint_wire_header header;

	memcpy(&header, at, sizeof(header));
	*frame = at;
	if (le16toh(header.type) == HINT_TYPE_GUEST_START)
		return HINT_FOUND_FRAME;
	reader->session = le32toh(header.session);
	reader->begun = true;
	return HINT_FOUND_FRAME;
}

enum hint_found hint_find(struct hint_reader *reader, const void *bytes, size_t n, size_t *used,
			  const void **frame)
{
	const uint8_t *at = bytes;
	uint32_t length;

	for (*used = 0;;) {
		if (!reader->begun)
			*used += to_magic(at + *used, n - *used);
		switch (look(reader, at + *used, n - *used, &length)) {
		case CUT:
			return HINT_FOUND_NOTHING;
		case FRAME:
			*used += length;
			return found(reader, at + *used - length, frame);
		case IGNORED:
			if (n - *used < length)
				return HINT_FOUND_NOTHING;
			reader->begun = true;
			*used += length;
			break;
		case FOREIGN:
			if (reader->begun && n - *used < length)
				return HINT_FOUND_NOTHING;
			*used += reader->begun ? length : 1;
			break;
		case NONE:
			if (reader->begun)
				return HINT_FOUND_BROKEN;
			*used += 1;
			break;
		}
	}
}
