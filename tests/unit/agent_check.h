/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent_check.h - a real hmm-agentd between the library and a fake host, for tests
 */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

#include <sys/types.h>

#include "fake_host.h"
#include "hmmhint.h"

struct setup {
	char *directory, *port, *socket;
	pid_t agent;
	struct fake_host host;
};

/* Start one with these more options (a NULL ends them), greeted by the host; a handle at it. */
struct hmmhint *setup_begin(struct setup *setup, const char *const *more);
void setup_end(struct setup *setup, struct hmmhint *h);

void agent_start(struct setup *setup, const char *const *more);
void agent_kill(struct setup *setup);
bool agent_runs(const struct setup *setup);

/* Memory that is there, every page of it; test_unmap() it. */
char *test_map(size_t bytes);

/* Do the extents say just the pages that are behind this memory?  Needs root. */
bool told_is_memory(const struct told *told, const void *memory, size_t bytes);

/* Run this in a process of user @uid, and its exit status; -1 where that fails.  0 stays root. */
int in_process(uid_t uid, int (*run)(void *data), void *data);
int wait_exit(pid_t pid); /* -1: not within PATIENCE_MS, or by a signal */

#endif /* AGENT_CHECK_H */
