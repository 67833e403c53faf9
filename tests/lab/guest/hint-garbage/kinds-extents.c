// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kinds-extents.c - hints that are frames as they should be, about memory that is none
 */
#include "garbage.h"

#define MIB (UINT64_C(1) << 20)
#define TOP (UINT64_C(1) << HINT_GPA_BITS)

static void send_extents(struct talk *talk, enum hint_advice advice, const struct hint_extent *at,
			 uint32_t nr)
{
	struct hint_request request = usual_hint(1);

	request.advice = advice;
	request.nr_extents = nr;
	send_hint(talk, &request, at);
}

#define EXTENTS(name, ...)                                                              \
	static void name(struct talk *talk)                                             \
	{                                                                               \
		static const struct hint_extent at[] = { __VA_ARGS__ };                 \
                                                                                        \
		send_extents(talk, HINT_ADVICE_DEVICE, at, sizeof(at) / sizeof(at[0])); \
	}

EXTENTS(empty, { 64 * MIB, 0 })
EXTENTS(gpa_odd, { 64 * MIB + 512, 2 * MIB })
EXTENTS(length_odd, { 64 * MIB, 2 * MIB + 1 })
EXTENTS(overlap, { 64 * MIB, 2 * MIB }, { 65 * MIB, 2 * MIB })
EXTENTS(same, { 64 * MIB, 2 * MIB }, { 64 * MIB, 2 * MIB })
EXTENTS(descend, { 80 * MIB, 2 * MIB }, { 64 * MIB, 2 * MIB })
EXTENTS(wrap, { UINT64_MAX - 4095, 8192 })
EXTENTS(wrap_zero, { 4096, UINT64_MAX - 4095 })
EXTENTS(above, { TOP, 4096 })
EXTENTS(over_top, { TOP - 4096, 8192 })
EXTENTS(nowhere, { TOP / 2, 2 * MIB })
EXTENTS(nowhere_huge, { TOP / 2, TOP / 2 })

/* "host", since that moves nothing: all that it costs is to look. */
static void everything(struct talk *talk)
{
	static const struct hint_extent all = { 0, TOP };

	send_extents(talk, HINT_ADVICE_HOST, &all, 1);
}

static void none(struct talk *talk)
{
	send_extents(talk, HINT_ADVICE_DEVICE, NULL, 0);
}

static void parts_descend(struct talk *talk)
{
	const struct hint_extent high = { 80 * MIB, 4096 }, low = { 64 * MIB, 4096 };
	struct hint_request request = usual_hint(1);

	request.last = false;
	send_hint(talk, &request, &high);
	request.first = false;
	request.last = true;
	send_hint(talk, &request, &low);
}

/* Pages with a page between each two, as many as a frame has. */
static bool send_scattered(struct talk *talk, struct hint_request request, uint64_t *gpa)
{
	static struct hint_extent at[HINT_EXTENTS_MAX];

	for (uint32_t i = 0; i < HINT_EXTENTS_MAX; i++, *gpa += 2 * HINT_PAGE_SIZE)
		at[i] = (struct hint_extent){ *gpa, HINT_PAGE_SIZE };
	request.nr_extents = HINT_EXTENTS_MAX;
	return send_hint(talk, &request, at);
}

/* One hint more than the host says that it takes, and then some. */
static void too_many_hints(struct talk *talk)
{
	uint64_t nr = (uint64_t)talk->limits.max_hints + 8;

	for (uint64_t cookie = 1; cookie <= nr; cookie++) {
		struct hint_request request = usual_hint(cookie);

		if (!send_hint(talk, &request, NULL))
			return;
	}
}

static void too_many_extents(struct talk *talk)
{
	uint64_t nr = talk->limits.max_extents / HINT_EXTENTS_MAX + 2;

	for (uint64_t cookie = 1; cookie <= nr; cookie++) {
		struct hint_request request = usual_hint(cookie);
		uint64_t gpa = 0;

		request.advice = HINT_ADVICE_HOST;
		if (!send_scattered(talk, request, &gpa))
			return;
	}
}

/* One hint, in parts, of more extents than the host takes; and it does not end. */
static void parts_for_ever(struct talk *talk)
{
	uint64_t nr = talk->limits.max_extents / HINT_EXTENTS_MAX + 2, gpa = 0;
	struct hint_request request = usual_hint(1);

	request.last = false;
	for (uint64_t i = 0; i < nr; i++) {
		if (!send_scattered(talk, request, &gpa))
			return;
		request.first = false;
	}
	request.last = true;
	send_scattered(talk, request, &gpa);
}

const struct kind extents_kinds[] = {
	{ "empty", "an extent of no bytes", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, empty },
	{ "gpa-odd", "an address that is no page's", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, gpa_odd },
	{ "length-odd", "a length that is not of pages", STAGE_HELLO, ANSWER_REFUSED_EXTENTS,
	  length_odd },
	{ "overlap", "extents that overlap", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, overlap },
	{ "same", "the same extent twice", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, same },
	{ "descend", "extents that descend", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, descend },
	{ "wrap", "an extent across 2^64", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, wrap },
	{ "wrap-zero", "an extent that ends at 0", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, wrap_zero },
	{ "above", "an extent above 2^52", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, above },
	{ "over-top", "an extent across 2^52", STAGE_HELLO, ANSWER_REFUSED_EXTENTS, over_top },
	{ "parts-descend", "a second part below the first one", STAGE_HELLO, ANSWER_REFUSED_EXTENTS,
	  parts_descend },
	{ "nowhere", "where there is no memory", STAGE_HELLO, ANSWER_NO_MEMORY, nowhere },
	{ "nowhere-huge", "2^51 bytes where there is no memory", STAGE_HELLO, ANSWER_NO_MEMORY,
	  nowhere_huge },
	{ "everything", "all addresses that there are", STAGE_HELLO, ANSWER_RESULT, everything },
	{ "none", "no extents", STAGE_HELLO, ANSWER_RESULT, none },
	{ "too-many-hints", "more hints than the host takes", STAGE_HELLO, ANSWER_REFUSED_MANY,
	  too_many_hints },
	{ "too-many-extents", "more extents than it takes", STAGE_HELLO, ANSWER_REFUSED_MANY,
	  too_many_extents },
	{ "parts-for-ever", "parts that do not end", STAGE_HELLO, ANSWER_REFUSED_MANY,
	  parts_for_ever },
	{ 0 },
};
