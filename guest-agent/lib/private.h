/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * private.h - inside libhmmhint
 *
 * Errors are errno values, returned positive by what is inside; the public functions turn them into
 * -1 and errno.
 */
#ifndef HMMHINT_PRIVATE_H
#define HMMHINT_PRIVATE_H

#include <pthread.h>
#include <sys/types.h>
#include <sys/un.h>

#include "hmmhint.h"
#include "local.h"

#define PUBLIC __attribute__((visibility("default")))

/* How long one waits for the agent's reply before the connection counts as dead. */
#define REPLY_TIMEOUT_MS 10000

/* A hint that stands: what is given again to an agent that begins anew. */
struct standing {
	struct standing *next;
	struct local_advise advise; /* with its cookie */
	bool given;		    /* to the agent that we are connected to */
};

struct hmmhint {
	pid_t pid; /* whose handle it is: not a forked child's */
	struct sockaddr_un address;
	int wake; /* an eventfd: the keeper looks again */

	pthread_mutex_t lock; /* protects what follows */
	int fd;		      /* the connection, or -1 */
	struct standing *standing;
	bool keeping; /* the keeper runs */
	bool closing;
	pthread_t keeper;
	char reply[LOCAL_REPLY_MAX];
};

/* ---- connect.c: the socket ---------------------------------------------------------------- */

/* A connection that the agent has taken: *@fd.  0 or an errno of the contract. */
int connect_agent(const struct sockaddr_un *address, int *fd);

/*
 * A request and its reply, checked: 0, the reply's error, or ENOTCONN: then the connection is of no
 * use any more.  @timeout_ms is at most so long for the reply; -1 is for ever.
 */
int exchange(int fd, const void *request, size_t size, enum local_type type, void *reply,
	     int timeout_ms);

/* ---- handle.c: the handle's own connection; all but the first with its lock ----------------- */

/* Lock it, unless it is the parent's: ECHILD. */
int handle_lock(struct hmmhint *h);
void handle_unlock(struct hmmhint *h);

/* Connect if need be, and give again what stands. */
int handle_connect(struct hmmhint *h);

/* A request over it; the reply is in @h->reply.  Where the agent has begun anew it is tried twice. */
int handle_ask(struct hmmhint *h, const void *request, size_t size, enum local_type type);

/* The agent is gone: what stood is to be given again. */
void handle_disconnect(struct hmmhint *h);

/* ---- keeper.c: the thread that gives hints again -------------------------------------------- */

/* Start it, if it does not run.  That it cannot is no error: the next call gives them again. */
void keeper_start(struct hmmhint *h);
void keeper_stop(struct hmmhint *h); /* without the lock */
void keeper_wake(struct hmmhint *h);

/* ---- standing.c: what stands --------------------------------------------------------------- */

bool standing_add(struct hmmhint *h, const struct local_advise *advise, uint64_t cookie);
void standing_drop(struct hmmhint *h, uint64_t cookie);
void standing_drop_pid(struct hmmhint *h, int32_t pid); /* 0: all */
void standing_lost(struct hmmhint *h);			/* the agent knows none of them any more */

/* Give those again that the agent does not have.  ENOTCONN, EAGAIN: not all were. */
int standing_give(struct hmmhint *h);

/* ---- names.c, status.c --------------------------------------------------------------------- */

void status_from_local(struct hmmhint_status *status, const struct local_status *local);

/* For the public functions: 0, or errno and -1. */
int result(int error);

#endif /* HMMHINT_PRIVATE_H */
