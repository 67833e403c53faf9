/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * local.h - what libhmmhint and hmm-agentd say to each other over a unix socket in the guest
 *
 * SOCK_SEQPACKET: a message is a packet, a fixed struct in this machine's own byte order, its size
 * first.  The agent begins with a reply to LOCAL_HELLO, which nobody asks: whether it takes this
 * connection, else why not.  From then on each request has one reply, in turn; that of WAIT comes
 * when it is over.  Who asks is known from the socket (SO_PEERCRED), not from what it says.
 *
 * Enum value 0 is invalid but where it says otherwise.  Reserved fields are zero.  What another
 * process has sent is checked in local-check.c and nowhere else; pure functions, libc only.
 */
#ifndef HMMHINT_LOCAL_H
#define HMMHINT_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hint.h"

#define LOCAL_SOCKET	  "/run/hmm-agentd.sock"
#define LOCAL_VERSION	  1u
#define LOCAL_LIST_MAX	  32u /* hints in one reply */
#define LOCAL_REQUEST_MAX 64u /* bytes */

enum local_type {
	LOCAL_HELLO = 1, /* only replied */
	LOCAL_ADVISE,	 /* struct local_advise */
	LOCAL_FORGET,	 /* struct local_forget */
	LOCAL_STATUS,	 /* struct local_ask; the reply has that hint */
	LOCAL_WAIT,	 /* the same, once it is done or refused, or ETIMEDOUT */
	LOCAL_LIST,	 /* struct local_ask; the reply has those after @number, as many as fit */
};

#define LOCAL_KEEP  1u /* lasts as long as the process, not only as the connection */
#define LOCAL_WHOLE 2u /* all private anonymous memory of the process; no range */

/* @size: of the whole message */
struct local_header {
	uint32_t size;
	uint16_t version;
	uint16_t type;
};

/*
 * @cookie: 0, or the one that the hint had with an earlier agent: it has that again
 * @address, @length: whole pages; both 0 with LOCAL_WHOLE
 * @pid: whose memory; 0 is the caller's own
 * @advice, @priority: as hint.h has them
 */
struct local_advise {
	struct local_header header;
	uint64_t cookie;
	uint64_t address;
	uint64_t length;
	int32_t pid;
	uint16_t advice;
	uint8_t priority;
	uint8_t flags;
};

enum local_which {
	LOCAL_THIS = 1, /* @cookie */
	LOCAL_OF_PID,	/* those about process @pid */
	LOCAL_ALL,	/* all that the caller may see */
};

/* What @which does not use is 0. */
struct local_forget {
	struct local_header header;
	uint64_t cookie;
	int32_t pid;
	uint32_t which;
};

/*
 * @cookie: not 0; of LIST: 0
 * @number: of LIST: those after this one are asked; 0 begins
 * @timeout_ms: of WAIT; -1 is for ever
 */
struct local_ask {
	struct local_header header;
	uint64_t cookie;
	uint64_t number;
	int32_t timeout_ms;
	uint32_t reserved;
};

/* A hint's state; those but the first are enum hint_status plus one. */
enum local_state {
	LOCAL_WAITING = 1, /* the host has not said anything yet, or is not there */
	LOCAL_ACCEPTED,
	LOCAL_DONE,
	LOCAL_REFUSED,
};

struct local_skip {
	uint32_t reason; /* enum hint_reason */
	uint32_t reserved;
	uint64_t bytes;
};

/*
 * A hint.  Bytes of its range: @asked_bytes all; of them @told_bytes the host was told of,
 * @absent_bytes have no page yet (or are swapped out, or are no memory), @shared_bytes are not the
 * process's alone (files, shared memory, not copied since fork), and @left_bytes are in more pieces
 * than there is room for.  Of @told_bytes the host has @done_bytes, and says why the others not.
 *
 * @number: hints are numbered as they come
 * @uid: who gave it
 */
struct local_status {
	uint64_t cookie;
	uint64_t number;
	uint64_t address;
	uint64_t length;
	uint64_t asked_bytes;
	uint64_t told_bytes;
	uint64_t done_bytes;
	uint64_t absent_bytes;
	uint64_t shared_bytes;
	uint64_t left_bytes;
	int32_t pid;
	uint32_t uid;
	uint16_t advice;
	uint8_t priority;
	uint8_t flags;
	uint16_t state;
	uint16_t reason; /* of LOCAL_REFUSED, else 0 */
	uint32_t nr_skips;
	uint32_t reserved;
	struct local_skip skips[HINT_SKIP_MAX];
};

/*
 * @header: its type is the request's
 * @error: 0, or an errno; nothing else counts then
 * @nr: hints that follow: 1 of STATUS and WAIT; of LIST up to LOCAL_LIST_MAX, 0 is the end; of FORGET
 *	none follow, it is how many were forgotten
 * @cookie: of ADVISE
 */
struct local_reply {
	struct local_header header;
	int32_t error;
	uint32_t nr;
	uint64_t cookie;
	struct local_status hints[];
};

#define LOCAL_REPLY_MAX (sizeof(struct local_reply) + LOCAL_LIST_MAX * sizeof(struct local_status))

/* Is it a request, and as it must be?  0, or an errno: EPROTO is no request, EINVAL a wrong number. */
int local_check_request(const void *message, size_t n);

/* The same of a reply to a request of this type: 0 or EPROTO.  What it says then can be believed. */
int local_check_reply(const void *message, size_t n, enum local_type type);

/* What is in front of each message. */
struct local_header local_header(enum local_type type, size_t size);

#endif /* HMMHINT_LOCAL_H */
