/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_hmmd.h - run the real hmmctl against a scripted server on a unix socket
 *
 * It tests the client.  It knows nothing of what hmmd does: it checks each request against
 * the script, and answers what the script says.
 */
#ifndef FAKE_HMMD_H
#define FAKE_HMMD_H

#include <glib.h>

#define FAKE_STEPS_MAX 6

struct fake_step {
	/* The request as plain JSON without its id: {"execute":"list-vms"} */
	const char *request;
	/*
	 * An answer without its id and newline, which are added; or, where it ends with a
	 * newline, lines as they are.  Then FAKE_CLOSE closes the connection, FAKE_SIGINT sends
	 * hmmctl a SIGINT.
	 */
	const char *answer;
};

#define FAKE_CLOSE  "\001"
#define FAKE_SIGINT "\002"

struct fake_case {
	const char *line;     /* hmmctl's arguments, as in a shell */
	const char *greeting; /* NULL: a good one; FAKE_CLOSE: close at once */
	struct fake_step steps[FAKE_STEPS_MAX];
	gboolean terminal; /* stderr is a terminal */

	int status;
	const char *out;      /* all of stdout */
	const char *err;      /* all of stderr */
	const char *err_part; /* or a part of it */
};

/* What hmmctl did. */
struct fake_result {
	int status; /* exit status; -signal if it was killed; 1000 if it hung */
	char *out;
	char *err;
	char *script; /* NULL if the requests followed the script, else what was wrong */
};

/* Run one case.  $HMMCTL is the command to run, ./hmmctl without it. */
void fake_run(const struct fake_case *test, struct fake_result *result);
void fake_result_clear(struct fake_result *result);

#endif /* FAKE_HMMD_H */
