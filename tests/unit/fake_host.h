/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_host.h - the host's end of a hint channel, played by the test: a unix socket for the port
 *
 * Every wait is bounded by PATIENCE_MS.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hint.h"

#define PATIENCE_MS 20000

struct fake_host {
	int listener;
	int fd; /* -1: nobody is there */
	uint32_t session;
	struct hint_reader reader;
	struct hint_limits limits;
	unsigned int pings; /* that were passed over */
	size_t n, used;
	char in[2 * HINT_FRAME_MAX];
};

/* All parts of a hint. */
struct told {
	struct hint_request request;
	size_t nr;
	struct hint_extent *extents; /* to be freed */
};

void host_begin(struct fake_host *host, const char *path);
bool host_accept(struct fake_host *host); /* the agent has opened the port */
void host_hang_up(struct fake_host *host);
void host_end(struct fake_host *host);

/* Say HOST_HELLO with a new session, and read GUEST_HELLO and the FORGET of everything. */
bool host_hello(struct fake_host *host);
/* The next frame, GUEST_START and PING left out; NULL: there is none within so long. */
const void *host_frame(struct fake_host *host, int timeout_ms);
/* The next hint, whole; what else comes before it is an error. */
bool host_hint(struct fake_host *host, struct told *told);
/* The next frame is FORGET of that cookie. */
bool host_forget(struct fake_host *host, uint64_t cookie);
/* Nothing comes in that time. */
bool host_silent(struct fake_host *host, int ms);
void host_send(struct fake_host *host, const void *bytes, size_t n);
void host_result(struct fake_host *host, const struct hint_result *result);

void told_clear(struct told *told);
uint64_t told_bytes(const struct told *told);

int64_t test_now_ms(void);

#endif /* FAKE_HOST_H */
