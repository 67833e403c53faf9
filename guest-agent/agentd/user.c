// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * user.c - what each user has, and may ask in a second
 */
#include <stdlib.h>

#include "agentd.h"

/* A user who has nothing left still has a budget: leaving and coming again does not fill it. */
void user_tidy(struct agent *agent)
{
	struct list *at, *next;

	for (at = agent->users.next; at != &agent->users; at = next) {
		struct user *user = container_of(at, struct user, link);

		next = at->next;
		if (user->nr_hints || user->nr_connections ||
		    !budget_full(&user->requests, agent->now_ms))
			continue;
		list_remove(&user->link);
		agent->nr_users--;
		free(user);
	}
}

struct user *user_get(struct agent *agent, uid_t uid)
{
	const int64_t rate = agent->options.requests_per_second;
	struct user *user;

	for (struct list *at = agent->users.next; at != &agent->users; at = at->next) {
		user = container_of(at, struct user, link);
		if (user->uid == uid)
			return user;
	}
	user_tidy(agent);
	if (agent->nr_users >= MAX_USERS)
		return NULL;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->requests = budget_begin(rate, 2 * rate, agent->now_ms);
	list_append(&agent->users, &user->link);
	agent->nr_users++;
	return user;
}
