// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a frame of the hint channel may say: each rule at its edge. */
#include "hint_check.h"

static const struct rule {
	enum hint_type type;
	uint8_t place, size;
	uint64_t good, bad; /* what is there, and may; what may not */
} rules[] = {
	{ HINT_TYPE_HOST_HELLO, 16, 2, 1, 0 },
	{ HINT_TYPE_HOST_HELLO, 16, 2, 1, 2 },
	{ HINT_TYPE_HOST_HELLO, 18, 2, 0xffff, 0 },
	{ HINT_TYPE_HOST_HELLO, 24, 4, UINT32_MAX, 0 },
	{ HINT_TYPE_HOST_HELLO, 28, 4, UINT32_MAX, 0 },
	{ HINT_TYPE_HOST_HELLO, 32, 4, UINT32_MAX, 0 },
	{ HINT_TYPE_HOST_HELLO, 36, 1, 0, 1 },
	{ HINT_TYPE_HOST_HELLO, 43, 1, 0, 1 },
	{ HINT_TYPE_HOST_HELLO, 55, 1, 0, 0x80 },
	{ HINT_TYPE_GUEST_HELLO, 16, 2, 0xffff, 0 },
	{ HINT_TYPE_GUEST_HELLO, 18, 1, 0, 1 },
	{ HINT_TYPE_GUEST_HELLO, 19, 1, 0, 0x80 },
	{ HINT_TYPE_HINT, 16, 8, UINT64_C(1) << 63, 0 },
	{ HINT_TYPE_HINT, 32, 2, HINT_ADVICE_LAST, 0 },
	{ HINT_TYPE_HINT, 32, 2, 1, HINT_ADVICE_LAST + 1 },
	{ HINT_TYPE_HINT, 32, 2, 1, 0x101 },
	{ HINT_TYPE_HINT, 34, 1, HINT_PRIORITY_MAX, HINT_PRIORITY_MAX + 1 },
	{ HINT_TYPE_HINT, 35, 1, 0, 4 },
	{ HINT_TYPE_HINT, 35, 1, 3, 0x83 },
	{ HINT_TYPE_HINT, 36, 4, 2, 1 },
	{ HINT_TYPE_HINT, 36, 4, 2, 3 },
	{ HINT_TYPE_HINT, 36, 4, 2, 0x10000002 },
	{ HINT_TYPE_HINT, 40, 1, 0, 1 },
	{ HINT_TYPE_HINT, 47, 1, 0, 0x80 },
	{ HINT_TYPE_RESULT, 16, 8, UINT64_C(1) << 63, 0 },
	{ HINT_TYPE_RESULT, 24, 2, HINT_STATUS_ACCEPTED, 0 },
	{ HINT_TYPE_RESULT, 24, 2, HINT_STATUS_DONE, HINT_STATUS_LAST + 1 },
	{ HINT_TYPE_RESULT, 24, 2, HINT_STATUS_DONE, HINT_STATUS_REFUSED }, /* and no reason */
	{ HINT_TYPE_RESULT, 26, 2, 0, 1 },				    /* and not refused */
	{ HINT_TYPE_RESULT, 24, 4, 0x000f0003, 0x00100003 },
	{ HINT_TYPE_RESULT, 28, 4, 2, 1 },
	{ HINT_TYPE_RESULT, 28, 4, 2, 3 },
	{ HINT_TYPE_RESULT, 28, 4, 2, 0x10000002 },
	{ HINT_TYPE_RESULT, 32, 8, UINT64_C(1) << 52, (UINT64_C(1) << 52) + 1 },
	{ HINT_TYPE_RESULT, 32, 8, 4096, 4095 },
	{ HINT_TYPE_RESULT, 40, 8, 8192, 8193 },
	{ HINT_TYPE_RESULT, 48, 4, HINT_REASON_LAST, HINT_REASON_LAST + 1 },
	{ HINT_TYPE_RESULT, 64, 4, 1, 0 },
	{ HINT_TYPE_RESULT, 52, 1, 0, 1 },
	{ HINT_TYPE_RESULT, 71, 1, 0, 0x80 },
	{ HINT_TYPE_RESULT, 56, 8, 8192, 8193 },
	{ HINT_TYPE_RESULT, 72, 8, 8192, UINT64_MAX },
	{ HINT_TYPE_ERROR, 16, 4, HINT_ERROR_LAST, HINT_ERROR_LAST + 1 },
	{ HINT_TYPE_ERROR, 16, 4, 1, 0 },
	{ HINT_TYPE_ERROR, 20, 1, 0, 1 },
	{ HINT_TYPE_ERROR, 23, 1, 0, 0x80 },
};

static void content(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
		const struct rule *rule = &rules[i];
		struct hint_reader reader = { types[rule->type - 1].from, SESSION, true };
		size_t n = put(stream, rule->type, SESSION);
		unsigned int failed = CU_get_number_of_failures();

		poke(stream + rule->place, rule->size, rule->good);
		FINDS(&reader, n, FRAME, n, 0);
		poke(stream + rule->place, rule->size, rule->bad);
		FINDS(&reader, n, BROKEN, 0, 0);
		if (CU_get_number_of_failures() != failed)
			printf("type %d, byte %d, %" PRIu64 " or %" PRIu64 "\n", rule->type,
			       rule->place, rule->good, rule->bad);
	}
}

static void headers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
		struct hint_reader reader = { types[i].from, SESSION, true };
		size_t n = put(stream, types[i].type, SESSION);
		static const uint32_t lengths[] = { 0, 15, 16, HINT_FRAME_MAX + 1, UINT32_MAX };

		CHECK_NUMBER(types[i].type, i + 1);
		for (size_t k = 0; k < 4; k++) {
			stream[k] ^= 0x20;
			FINDS(&reader, n, BROKEN, 0, 0);
			stream[k] ^= 0x20;
		}
		for (size_t k = 6; k < 8; k++) {
			stream[k] = 0x80;
			FINDS(&reader, n, BROKEN, 0, 0);
			stream[k] = 0;
		}
		for (size_t k = 0; k < G_N_ELEMENTS(lengths); k++) {
			poke(stream + 8, 4, lengths[k]);
			if (lengths[k] != n)
				FINDS(&reader, n + 100, BROKEN, 0, 0);
		}
		for (size_t length = 16; length < 200; length++) {
			poke(stream + 8, 4, length);
			if (length != n)
				FINDS(&reader, 200, BROKEN, 0, 0);
		}
		poke(stream + 8, 4, n);
		FINDS(&reader, n, FRAME, n, 0);
	}
}

/* One more extent, one more skip than there may be, in a frame that would hold them. */
static void too_many(void)
{
	struct hint_reader guest = { HINT_SIDE_GUEST, SESSION, true };
	struct hint_reader host = { HINT_SIDE_HOST, SESSION, true };

	memset(stream, 0, HINT_FRAME_MAX);
	put(stream, HINT_TYPE_HINT, SESSION);
	poke(stream + 8, 4, HINT_FRAME_MAX - 16);
	poke(stream + 36, 4, HINT_EXTENTS_MAX);
	FINDS(&guest, HINT_FRAME_MAX, FRAME, HINT_FRAME_MAX - 16, 0);
	poke(stream + 8, 4, HINT_FRAME_MAX);
	poke(stream + 36, 4, HINT_EXTENTS_MAX + 1);
	FINDS(&guest, HINT_FRAME_MAX, BROKEN, 0, 0);
	put(stream, HINT_TYPE_RESULT, SESSION);
	for (size_t i = 0; i <= HINT_SKIP_MAX; i++)
		memcpy(stream + 48 + 16 * i, stream + 48, 16);
	poke(stream + 8, 4, 48 + 16 * HINT_SKIP_MAX);
	poke(stream + 28, 4, HINT_SKIP_MAX);
	FINDS(&host, 1000, FRAME, 304, 0);
	poke(stream + 8, 4, 48 + 16 * (HINT_SKIP_MAX + 1));
	poke(stream + 28, 4, HINT_SKIP_MAX + 1);
	FINDS(&host, 1000, BROKEN, 0, 0);
}

int main(void)
{
	static const struct check checks[] = {
		{ "content", content },
		{ "headers", headers },
		{ "too many", too_many },
	};

	return run_checks("hint-rules", checks, G_N_ELEMENTS(checks));
}
