// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * standing.c - the hints of a handle that are to last, so that another agent can be told
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

bool standing_add(struct hmmhint *h, const struct local_advise *advise, uint64_t cookie)
{
	struct standing *standing = malloc(sizeof(*standing));

	if (!standing)
		return false;
	*standing = (struct standing){ .next = h->standing, .advise = *advise, .given = true };
	standing->advise.cookie = cookie;
	h->standing = standing;
	return true;
}

/* Drop those of which @which is true; @value is for it. */
static void drop(struct hmmhint *h, bool (*which)(const struct standing *, uint64_t),
		 uint64_t value)
{
	struct standing **at = &h->standing;

	while (*at) {
		struct standing *standing = *at;

		if (which(standing, value)) {
			*at = standing->next;
			free(standing);
		} else {
			at = &standing->next;
		}
	}
}

static bool has_cookie(const struct standing *standing, uint64_t cookie)
{
	return standing->advise.cookie == cookie;
}

static bool is_about(const struct standing *standing, uint64_t pid)
{
	return pid == 0 || (uint64_t)standing->advise.pid == pid;
}

void standing_drop(struct hmmhint *h, uint64_t cookie)
{
	drop(h, has_cookie, cookie);
}

/* The handle's own process is 0 in what it has asked. */
static bool is_own(const struct standing *standing, uint64_t unused)
{
	(void)unused;
	return standing->advise.pid == 0;
}

void standing_drop_pid(struct hmmhint *h, int32_t pid)
{
	drop(h, is_about, (uint64_t)pid);
	if (pid == h->pid)
		drop(h, is_own, 0);
}

void standing_lost(struct hmmhint *h)
{
	for (struct standing *standing = h->standing; standing; standing = standing->next)
		standing->given = false;
}

int standing_give(struct hmmhint *h)
{
	struct standing *standing, *next;

	for (standing = h->standing; standing; standing = next) {
		int error;

		next = standing->next;
		if (standing->given)
			continue;
		error = exchange(h->fd, &standing->advise, sizeof(standing->advise), LOCAL_ADVISE,
				 h->reply, REPLY_TIMEOUT_MS);
		if (error == ENOTCONN || error == EAGAIN || error == ENOMEM)
			return error;
		/* Whatever else it says it will say again: its process is gone, or hides. */
		if (error)
			standing_drop(h, standing->advise.cookie);
		else
			standing->given = true;
	}
	return 0;
}
