// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timed.c - how long hints take
 */
#include <cpuid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hmmhint.h"
#include "memfill.h"

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_ms(double ms)
{
	if (ms > 0)
		usleep((useconds_t)(ms * 1e3));
}

/* ---- out and home ----------------------------------------------------------------------- */

#define WAIT_MS 30000

/* The rounds must not go in step with anybody's timers. */
#define CALM_MS	  20
#define SPREAD_MS 11

/*
 * The program does not see its pages go; the host does, but by another clock.  CPUID always leaves
 * the guest, so whoever traces kvm_cpuid on the host has these moments on the clock on which it has
 * the moves: leaf MARK + enum mark, subleaf the round.  No processor has a leaf of that range.
 */
#define MARK 0x4d4d4800u

enum mark { MARK_OUT, MARK_OUT_SAID, MARK_HOME, MARK_HOME_SAID };

static void mark(enum mark which, uint64_t round)
{
	unsigned int a, b, c, d;

	__cpuid_count(MARK + which, (unsigned int)round, a, b, c, d);
	(void)(a + b + c + d);
}

/* What is timed, and how its two ends are marked. */
struct way {
	const char *name;
	enum hmmhint_advice advice;
	enum mark begins, said;
};

static const struct way ways[] = {
	{ "out", HMMHINT_DEVICE, MARK_OUT, MARK_OUT_SAID },
	{ "home", HMMHINT_HOST, MARK_HOME, MARK_HOME_SAID },
};

/* A hint, until the program is told that it is done; false where that did not come. */
static bool timed_hint(const struct memory *m, const struct request *r, uint64_t end,
		       const struct way *way, uint64_t round, FILE *out)
{
	struct hmmhint *h = handle(out);
	struct hmmhint_status status;
	uint64_t cookie;
	double from;

	sleep_ms(CALM_MS + (double)(round % SPREAD_MS));
	from = now_ms();
	mark(way->begins, round);
	if (hmmhint_advise(h, m->words + r->first * WORDS, (end - r->first) * PAGE,
			   (int)way->advice, r->priority, 0, &cookie) < 0 ||
	    hmmhint_wait(h, cookie, WAIT_MS) < 0)
		return false;
	mark(way->said, round);
	from = now_ms() - from;
	if (hmmhint_status(h, cookie, &status) < 0 || hmmhint_forget(h, cookie) < 0)
		return false;
	fprintf(out, "%s %" PRIu64 " %.3f %" PRIu64 " %" PRIu64 "\n", way->name, round, from,
		status.told_bytes, status.done_bytes);
	return true;
}

/*
 * Home by another hint: nothing has come home by a fault, after which it would be left alone for a
 * while.  The host lets one VM's moves take half of the time, and more only for a while: who moves
 * much rests as long.
 */
int latency(const struct memory *m, const struct request *r, uint64_t end, FILE *out)
{
	if (!handle(out))
		return 1;
	for (uint64_t round = 0; round < r->rounds; round++) {
		double from = now_ms();

		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
			if (!timed_hint(m, r, end, &ways[i], round, out))
				return failed(ways[i].name, out);
		if (r->rest)
			sleep_ms(now_ms() - from);
	}
	return 0;
}

/* ---- many ------------------------------------------------------------------------------- */

#define PATIENCE_MS 10	/* the agent takes so many requests in a second, and then asks for it */
#define LOOK_MS	    5	/* from look to look at one hint */
#define LIST_MS	    500 /* at all of them: 10,000 are some hundred requests */

/* What has become of this process's hints. */
struct tally {
	uint64_t nr, waiting, accepted, refused;
	uint64_t told_bytes, done_bytes;
};

static int count_hints(struct hmmhint *h, struct tally *tally)
{
	struct hmmhint_status *list;
	size_t nr;

	if (hmmhint_list(h, &list, &nr) < 0)
		return -1;
	*tally = (struct tally){ 0 };
	for (size_t i = 0; i < nr; i++) {
		if (list[i].pid != getpid())
			continue;
		tally->nr++;
		tally->waiting += list[i].state == HMMHINT_WAITING;
		tally->accepted += list[i].state == HMMHINT_ACCEPTED;
		tally->refused += list[i].state == HMMHINT_REFUSED;
		tally->told_bytes += list[i].told_bytes;
		tally->done_bytes += list[i].done_bytes;
	}
	free(list);
	return 0;
}

static bool is_answered(struct hmmhint *h, uint64_t cookie)
{
	struct hmmhint_status status;

	return hmmhint_status(h, cookie, &status) == 0 && status.state != HMMHINT_WAITING;
}

/*
 * When the host had answered all of them; -1: not until then.  Hints go in turn, so it is when it had
 * answered the last one; that all the others are answered is seen to after that.
 */
static double await_answers(struct hmmhint *h, uint64_t last, double until)
{
	struct tally tally;
	double when;

	while (!is_answered(h, last) && now_ms() < until)
		sleep_ms(LOOK_MS);
	when = now_ms();
	while (now_ms() < until) {
		if (count_hints(h, &tally) < 0) {
			sleep_ms(LIST_MS);
			continue;
		}
		if (!tally.waiting)
			return when;
		sleep_ms(LOOK_MS);
		when = now_ms();
	}
	errno = ETIMEDOUT;
	return -1;
}

/* When it was through with them: they are done as far as that goes, or refused. */
static double await_end(struct hmmhint *h, double until, struct tally *tally)
{
	while (now_ms() < until) {
		double when = now_ms();

		if (count_hints(h, tally) == 0 && !tally->waiting && !tally->accepted)
			return when;
		sleep_ms(LIST_MS);
	}
	errno = ETIMEDOUT;
	return -1;
}

static int give_each(const struct memory *m, const struct request *r, uint64_t end, FILE *out,
		     uint64_t *cookie)
{
	int advice = hmmhint_advice_value(r->advice);
	struct hmmhint *h = handle(out);

	for (uint64_t page = r->first; page < end; page += r->each) {
		uint64_t n = end - page < r->each ? end - page : r->each;

		while (hmmhint_advise(h, m->words + page * WORDS, n * PAGE, advice, r->priority,
				      r->flags, cookie) < 0) {
			if (errno != EAGAIN)
				return failed("hmmhint_advise", out);
			sleep_ms(PATIENCE_MS);
		}
	}
	return 0;
}

/* One hint for each so many pages; times are from before the first one was given. */
int hint_each(const struct memory *m, const struct request *r, uint64_t end, FILE *out)
{
	double from = now_ms(), given, answered, through;
	uint64_t nr = (end - r->first + r->each - 1) / r->each, last = 0;
	struct hmmhint *h = handle(out);
	struct tally tally;

	if (!h || give_each(m, r, end, out, &last))
		return 1;
	given = now_ms();
	if (!r->seconds) {
		fprintf(out, "{\"hints\":%" PRIu64 ",\"given_ms\":%.3f}\n", nr, given - from);
		return 0;
	}
	answered = await_answers(h, last, given + (double)r->seconds * 1e3);
	if (answered < 0)
		return failed("waiting for the host's answers", out);
	through = await_end(h, given + (double)r->seconds * 1e3, &tally);
	if (through < 0)
		return failed("waiting for the host to be through", out);
	fprintf(out,
		"{\"hints\":%" PRIu64 ",\"given_ms\":%.3f,\"answered_ms\":%.3f,"
		"\"through_ms\":%.3f,\"refused\":%" PRIu64 ",\"told\":%" PRIu64 ",\"done\":%" PRIu64
		"}\n",
		tally.nr, given - from, answered - from, through - from, tally.refused,
		tally.told_bytes, tally.done_bytes);
	return 0;
}
