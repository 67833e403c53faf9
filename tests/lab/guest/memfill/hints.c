// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hints.c - hints about the memory, given by the process itself
 *
 * A hint is printed as one line of JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hmmhint.h"
#include "memfill.h"

struct hmmhint *handle(FILE *out)
{
	static struct hmmhint *h;

	if (!h)
		h = hmmhint_open();
	if (!h)
		fprintf(out, "hmmhint_open: %s\n", strerror(errno));
	return h;
}

int failed(const char *what, FILE *out)
{
	fprintf(out, "%s: %s\n", what, strerror(errno));
	return 1;
}

static void print_hint(const struct hmmhint_status *s, double ms, FILE *out)
{
	fprintf(out,
		"{\"cookie\":\"%" PRIu64 "\",\"advice\":\"%s\",\"priority\":%u,\"state\":\"%s\","
		"\"reason\":\"%s\",\"asked\":%" PRIu64 ",\"told\":%" PRIu64 ",\"done\":%" PRIu64
		",\"absent\":%" PRIu64 ",\"shared\":%" PRIu64 ",\"left\":%" PRIu64
		",\"ms\":%.3f,\"skipped\":{",
		s->cookie, hmmhint_advice_name(s->advice), s->priority,
		hmmhint_state_name(s->state), s->reason ? hmmhint_reason_name(s->reason) : "",
		s->asked_bytes, s->told_bytes, s->done_bytes, s->absent_bytes, s->shared_bytes,
		s->left_bytes, ms);
	for (uint32_t i = 0; i < s->nr_skips; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "",
			hmmhint_reason_name(s->skips[i].reason), s->skips[i].bytes);
	fprintf(out, "}}\n");
}

/* The time printed is from before the hint was given until it was done, or until no longer waited for. */
int hint(const struct memory *m, const struct request *r, uint64_t end, FILE *out)
{
	int advice = hmmhint_advice_value(r->advice);
	struct hmmhint *h = handle(out);
	struct hmmhint_status status;
	double from = now_ms(), ms;
	uint64_t cookie;

	if (!h)
		return 1;
	if (!advice) {
		fprintf(out,
			"hint needs --advice device, host, cold, willneed-device or pin-host\n");
		return 2;
	}
	if (hmmhint_advise(h, m->words + r->first * WORDS, (end - r->first) * PAGE, advice,
			   r->priority, r->flags, &cookie) < 0)
		return failed("hmmhint_advise", out);
	if (r->seconds && hmmhint_wait(h, cookie, (int)r->seconds * 1000) < 0 && errno != ETIMEDOUT)
		return failed("hmmhint_wait", out);
	ms = now_ms() - from;
	if (hmmhint_status(h, cookie, &status) < 0)
		return failed("hmmhint_status", out);
	print_hint(&status, ms, out);
	return 0;
}

int print_hints(FILE *out)
{
	struct hmmhint *h = handle(out);
	struct hmmhint_status *list;
	size_t nr;

	if (!h)
		return 1;
	if (hmmhint_list(h, &list, &nr) < 0)
		return failed("hmmhint_list", out);
	for (size_t i = 0; i < nr; i++)
		if (list[i].pid == getpid())
			print_hint(&list[i], 0, out);
	free(list);
	return 0;
}

int forget(const struct request *r, FILE *out)
{
	struct hmmhint *h = handle(out);
	int nr = 1;

	if (!h)
		return 1;
	if (r->cookie ? hmmhint_forget(h, r->cookie) < 0
		      : (nr = hmmhint_forget_pid(h, getpid())) < 0)
		return failed("hmmhint_forget", out);
	fprintf(out, "forgot %d\n", nr);
	return 0;
}
