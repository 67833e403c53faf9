// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * local_fuzz.c - any bytes as a message between library and agent, and as a line of maps
 *
 * What is taken must keep what local.h promises: whoever reads it looks no further.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"
#include "maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const void *message, size_t n)
{
	struct local_header header;
	struct local_advise advise;
	struct local_ask ask;

	if (local_check_request(message, n))
		return;
	assert(n <= LOCAL_REQUEST_MAX);
	memcpy(&header, message, sizeof(header));
	assert(header.size == n && header.version == LOCAL_VERSION);
	if (header.type == LOCAL_ADVISE) {
		memcpy(&advise, message, sizeof(advise));
		assert(advise.address + advise.length >= advise.address);
		assert((advise.length == 0) == !!(advise.flags & LOCAL_WHOLE));
		assert(advise.advice >= 1 && advise.advice <= HINT_ADVICE_LAST);
		assert(advise.priority <= HINT_PRIORITY_MAX && advise.pid >= 0);
	} else if (header.type != LOCAL_FORGET) {
		memcpy(&ask, message, sizeof(ask));
		assert(ask.timeout_ms >= -1);
	}
}

static void check_reply(const void *message, size_t n, enum local_type type)
{
	const char *at = (const char *)message + sizeof(struct local_reply);
	struct local_reply reply;

	if (local_check_reply(message, n, type))
		return;
	assert(n <= LOCAL_REPLY_MAX);
	memcpy(&reply, message, sizeof(reply));
	assert(reply.error >= 0);
	if (reply.error || type == LOCAL_FORGET)
		return;
	assert(n == sizeof(reply) + reply.nr * sizeof(struct local_status));
	for (uint32_t i = 0; i < reply.nr; i++) {
		struct local_status status;

		memcpy(&status, at + i * sizeof(status), sizeof(status));
		assert(status.cookie && status.nr_skips <= HINT_SKIP_MAX);
		assert((status.state == LOCAL_REFUSED) == (status.reason != 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mapping mapping = { 0 };
	char *copy = calloc(1, size + 1);

	/* At an odd address, in memory of its own. */
	assert(copy);
	if (size)
		memcpy(copy + 1, data, size);
	check_request(copy + 1, size);
	for (enum local_type type = LOCAL_HELLO; type <= LOCAL_LIST; type++)
		check_reply(copy + 1, size, type);
	if (maps_line(copy + 1, size, &mapping))
		assert(mapping.start < mapping.end);
	free(copy);
	return 0;
}
