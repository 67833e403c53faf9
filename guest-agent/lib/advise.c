// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * advise.c - giving hints, and taking them back
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "private.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define ALL_FLAGS (HMMHINT_POPULATE | HMMHINT_KEEP | HMMHINT_WHOLE)

/* The request, without the populating: 0 or EINVAL. */
static int fill(struct local_advise *advise, int pid, uint64_t addr, uint64_t len, int advice,
		unsigned int priority, unsigned int flags)
{
	const uint64_t mask = HINT_PAGE_SIZE - 1;
	const uint64_t end = addr + len;

	if (flags & ~ALL_FLAGS || pid < 0 || priority > HMMHINT_PRIORITY_MAX || advice < 1 ||
	    advice > (int)HINT_ADVICE_LAST)
		return EINVAL;
	if ((flags & HMMHINT_WHOLE) && (flags & HMMHINT_POPULATE))
		return EINVAL;
	if (end < addr || end > UINT64_MAX - mask)
		return EINVAL;
	*advise = (struct local_advise){
		.header = local_header(LOCAL_ADVISE, sizeof(*advise)),
		.address = addr & ~mask,
		.length = ((end + mask) & ~mask) - (addr & ~mask),
		.pid = pid,
		.advice = (uint16_t)advice,
		.priority = (uint8_t)priority,
		.flags = (uint8_t)((flags & HMMHINT_KEEP ? LOCAL_KEEP : 0) |
				   (flags & HMMHINT_WHOLE ? LOCAL_WHOLE : 0)),
	};
	return len || (flags & HMMHINT_WHOLE) ? local_check_request(advise, sizeof(*advise))
					      : EINVAL;
}

static int populate(const struct local_advise *advise)
{
	int done;

	do
		done = madvise((void *)(uintptr_t)advise->address, advise->length,
			       MADV_POPULATE_WRITE);
	while (done < 0 && errno == EINTR);
	return done < 0 ? errno : 0;
}

/* With the lock. */
static int give(struct hmmhint *h, const struct local_advise *advise, uint64_t *cookie)
{
	struct local_reply reply;
	int error = handle_ask(h, advise, sizeof(*advise), LOCAL_ADVISE);

	if (error)
		return error;
	memcpy(&reply, h->reply, sizeof(reply));
	if (!standing_add(h, advise, reply.cookie)) {
		struct local_forget forget = {
			.header = local_header(LOCAL_FORGET, sizeof(forget)),
			.cookie = reply.cookie,
			.which = LOCAL_THIS,
		};

		handle_ask(h, &forget, sizeof(forget), LOCAL_FORGET);
		return ENOMEM;
	}
	keeper_start(h);
	if (cookie)
		*cookie = reply.cookie;
	return 0;
}

PUBLIC int hmmhint_advise_pid(struct hmmhint *h, int pid, uint64_t addr, uint64_t len, int advice,
			      unsigned int priority, unsigned int flags, uint64_t *cookie)
{
	struct local_advise advise;
	int error;

	if (pid == getpid())
		pid = 0;
	error = fill(&advise, pid, addr, len, advice, priority, flags);
	if (!error && pid && (flags & HMMHINT_POPULATE))
		error = EOPNOTSUPP;
	if (error)
		return result(error);
	error = handle_lock(h);
	if (error)
		return result(error);
	/* Where there is no agent nothing is to happen, so that comes first. */
	error = handle_connect(h);
	handle_unlock(h);
	if (!error && (flags & HMMHINT_POPULATE))
		error = populate(&advise);
	if (error)
		return result(error);
	error = handle_lock(h);
	if (error)
		return result(error);
	error = give(h, &advise, cookie);
	handle_unlock(h);
	return result(error);
}

PUBLIC int hmmhint_advise(struct hmmhint *h, const void *addr, size_t len, int advice,
			  unsigned int priority, unsigned int flags, uint64_t *cookie)
{
	return hmmhint_advise_pid(h, 0, (uintptr_t)addr, len, advice, priority, flags, cookie);
}

/* How many were forgotten, or -1. */
static int forget(struct hmmhint *h, uint64_t cookie, int pid, enum local_which which)
{
	struct local_forget request = {
		.header = local_header(LOCAL_FORGET, sizeof(request)),
		.cookie = cookie,
		.pid = pid,
		.which = which,
	};
	struct local_reply reply = { .nr = 0 };
	int error = local_check_request(&request, sizeof(request));

	if (!error)
		error = handle_lock(h);
	if (error)
		return result(error);
	error = handle_ask(h, &request, sizeof(request), LOCAL_FORGET);
	if (!error)
		memcpy(&reply, h->reply, sizeof(reply));
	/* An agent that is not there has forgotten it, and is not to have it again. */
	if ((!error || error == ENOTCONN) && which == LOCAL_THIS)
		standing_drop(h, cookie);
	else if (!error || error == ENOTCONN)
		standing_drop_pid(h, pid);
	handle_unlock(h);
	return error ? result(error) : (int)reply.nr;
}

PUBLIC int hmmhint_forget(struct hmmhint *h, uint64_t cookie)
{
	return forget(h, cookie, 0, LOCAL_THIS) < 0 ? -1 : 0;
}

PUBLIC int hmmhint_forget_pid(struct hmmhint *h, int pid)
{
	return forget(h, 0, pid, LOCAL_OF_PID);
}

PUBLIC int hmmhint_forget_all(struct hmmhint *h)
{
	return forget(h, 0, 0, LOCAL_ALL);
}
