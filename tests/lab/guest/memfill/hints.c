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
#include <time.h>
#include <unistd.h>

#include "hmmhint.h"
#include "memfill.h"

/* One handle for all hints: they end with the process. */
static struct hmmhint *handle(FILE *out)
{
	static struct hmmhint *h;

	if (!h)
		h = hmmhint_open();
	if (!h)
		fprintf(out, "hmmhint_open: %s\n", strerror(errno));
	return h;
}

static int failed(const char *what, FILE *out)
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

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
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

/* One hint for each so many pages. The agent takes so many in a second, and then asks for patience. */
int hint_each(const struct memory *m, const struct request *r, uint64_t end, FILE *out)
{
	int advice = hmmhint_advice_value(r->advice);
	struct hmmhint *h = handle(out);
	double from = now_ms();
	uint64_t nr = 0;

	if (!h || !advice)
		return 1;
	for (uint64_t page = r->first; page < end; page += r->each) {
		uint64_t n = end - page < r->each ? end - page : r->each;

		while (hmmhint_advise(h, m->words + page * WORDS, n * PAGE, advice, r->priority,
				      r->flags, NULL) < 0) {
			if (errno != EAGAIN)
				return failed("hmmhint_advise", out);
			usleep(10000);
		}
		nr++;
	}
	fprintf(out, "gave %" PRIu64 " hints in %.3f ms\n", nr, now_ms() - from);
	return 0;
}

/* Give a hint and wait until it is done or refused: the time that took, or -1. */
static double timed_hint(struct hmmhint *h, const struct memory *m, const struct request *r,
			 uint64_t end, int advice, struct hmmhint_status *status)
{
	double from = now_ms(), ms = -1;
	uint64_t cookie;

	if (hmmhint_advise(h, m->words + r->first * WORDS, (end - r->first) * PAGE, advice,
			   r->priority, 0, &cookie) < 0)
		return -1;
	if (hmmhint_wait(h, cookie, 30000) == 0)
		ms = now_ms() - from;
	if (hmmhint_status(h, cookie, status) < 0 || hmmhint_forget(h, cookie) < 0)
		return -1;
	return ms;
}

/*
 * Out, and home by another hint: nothing has come home by a fault, after which it would be left
 * alone for a while.  A line for each round: the milliseconds until it was out, and the bytes.
 */
int latency(const struct memory *m, const struct request *r, uint64_t end, FILE *out)
{
	struct hmmhint *h = handle(out);
	struct hmmhint_status status;

	if (!h)
		return 1;
	for (uint64_t round = 0; round < r->rounds; round++) {
		double ms = timed_hint(h, m, r, end, HMMHINT_DEVICE, &status);

		if (ms < 0)
			return failed("device", out);
		fprintf(out, "%.3f %" PRIu64 "\n", ms, status.done_bytes);
		if (timed_hint(h, m, r, end, HMMHINT_HOST, &status) < 0)
			return failed("host", out);
	}
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
