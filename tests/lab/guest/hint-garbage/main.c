// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-garbage: be an agent that the host must not trust.
 *
 * Writes one kind of garbage into the port, and says what the host makes of it.  hmm-agentd must not
 * run: the port has room for one.  Exit status: 0 the answer is as it must be, 1 it is another one,
 * 2 wrong use, 3 the port cannot be had, or the host does not answer at all.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "garbage.h"

static const char usage[] =
	"Usage: hint-garbage list                the kinds, a line each: name, what it is, the right answer\n"
	"       hint-garbage KIND [OPTION]...\n"
	"\n"
	"  --seconds N    how long a kind that has no end goes on [5]\n"
	"  --answer N     how many seconds the host has to answer [10], and to begin a conversation\n"
	"  --seed N       of what is random [1]\n"
	"  --gpa ADDRESS  memory that hints are about, where it should be there [64 MiB]\n"
	"  --mib N        how much of it, at most [16]\n"
	"  --port PATH    the port, or a unix socket in its place\n"
	"  --quiet        only the last line: all that was sent and came, as JSON\n";

static const char *const answers[] = {
#define ANSWER_NAME(NAME, name) [ANSWER_##NAME] = name,
	ANSWER_LIST(ANSWER_NAME)
#undef ANSWER_NAME
};

/* ---- what all kinds use -------------------------------------------------------------------- */

struct hint_request usual_hint(uint64_t cookie)
{
	return (struct hint_request){
		.cookie = cookie,
		.owner = 1,
		.advice = HINT_ADVICE_COLD,
		.first = true,
		.last = true,
		.nr_extents = 1,
	};
}

bool send_hint(struct talk *talk, const struct hint_request *request,
	       const struct hint_extent *extents)
{
	const struct hint_extent usual = { talk->options->gpa, HINT_PAGE_SIZE };

	return talk_send_frame(talk,
			       hint_put_hint(talk->out, sizeof(talk->out), talk->reader.session,
					     request, extents ? extents : &usual));
}

bool send_ping(struct talk *talk, uint64_t token)
{
	return talk_send_frame(talk, hint_put_ping(talk->out, sizeof(talk->out),
						   talk->reader.session, token));
}

/* ---- the kinds ----------------------------------------------------------------------------- */

static const struct kind *const lists[] = { frame_kinds, extents_kinds, storm_kinds };

static const struct kind *kind_at(uint64_t number)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct kind *kind = lists[i]; kind->name; kind++)
			if (number-- == 0)
				return kind;
	return NULL;
}

/* The last one is "mixed" itself. */
const struct kind *kind_of_number(uint64_t number)
{
	uint64_t nr = 0;

	while (kind_at(nr))
		nr++;
	return kind_at(number % (nr - 1));
}

static const struct kind *kind_of_name(const char *name)
{
	const struct kind *kind;

	for (uint64_t i = 0; (kind = kind_at(i)); i++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

static void list_kinds(void)
{
	const struct kind *kind;

	for (uint64_t i = 0; (kind = kind_at(i)); i++)
		printf("%s\t%s\t%s\n", kind->name, kind->text, answers[kind->answer]);
}

/* ---- one kind ------------------------------------------------------------------------------ */

static uint64_t sum(const uint64_t *counts, size_t nr)
{
	uint64_t n = 0;

	for (size_t i = 0; i < nr; i++)
		n += counts[i];
	return n;
}

static uint64_t all_errors(const struct counts *counts)
{
	return sum(counts->errors, HINT_ERROR_LAST + 1);
}

uint64_t all_refused(const struct counts *counts)
{
	return sum(counts->refused, HINT_REASON_LAST + 1);
}

/* The error that ends the conversation; 0 where it is to go on. */
static uint32_t error_of(enum answer answer)
{
	switch (answer) {
	case ANSWER_ERROR_FRAME:
		return HINT_ERROR_FRAME;
	case ANSWER_ERROR_HALF:
		return HINT_ERROR_HALF;
	case ANSWER_ERROR_ORDER:
		return HINT_ERROR_ORDER;
	case ANSWER_ERROR_VERSION:
		return HINT_ERROR_VERSION;
	default:
		return 0;
	}
}

static bool has_come(const struct talk *talk, enum answer answer)
{
	const struct counts *counts = &talk->counts;

	if (error_of(answer))
		return counts->errors[error_of(answer)] > 0;
	switch (answer) {
	case ANSWER_ANYTHING:
		return true;
	case ANSWER_NOTHING:
		return counts->pongs > 0;
	case ANSWER_REFUSED_EXTENTS:
		return counts->refused[HINT_REASON_EXTENTS] > 0 && counts->pongs > 0;
	case ANSWER_REFUSED_MANY:
		return counts->refused[HINT_REASON_TOO_MANY] > 0 && counts->pongs > 0;
	case ANSWER_NO_MEMORY:
		return counts->done > 0 && counts->no_memory > 0 && counts->pongs > 0;
	case ANSWER_RESULT:
		return counts->accepted + counts->done > 0 && counts->pongs > 0;
	default:
		return false;
	}
}

/* Where the conversation is to go on, there is no ERROR; and where nothing is answered, no RESULT. */
static bool as_it_must_be(const struct talk *talk, enum answer answer)
{
	const struct counts *counts = &talk->counts;
	uint64_t results = counts->accepted + counts->done + all_refused(counts);

	if (counts->broken || !has_come(talk, answer))
		return false;
	if (answer == ANSWER_ANYTHING)
		return true;
	if (answer == ANSWER_NOTHING && results)
		return false;
	return all_errors(counts) == (error_of(answer) ? 1 : 0);
}

static void print_named(const char *key, const uint64_t *counts, uint32_t last,
			const char *(*name)(uint32_t value))
{
	const char *comma = "";

	printf(",\"%s\":{", key);
	for (uint32_t i = 1; i <= last; i++) {
		if (!counts[i])
			continue;
		printf("%s\"%s\":%" PRIu64, comma, name(i), counts[i]);
		comma = ",";
	}
	printf("}");
}

static void print_counts(const struct kind *kind, const struct counts *counts, double seconds,
			 bool good)
{
	printf("{\"kind\":\"%s\",\"seconds\":%.3f,\"sent-frames\":%" PRIu64
	       ",\"sent-bytes\":%" PRIu64 ",\"opened\":%" PRIu64 ",\"hellos\":%" PRIu64
	       ",\"pongs\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"done\":%" PRIu64,
	       kind->name, seconds, counts->sent_frames, counts->sent_bytes, counts->opened,
	       counts->hellos, counts->pongs, counts->accepted, counts->done);
	print_named("refused", counts->refused, HINT_REASON_LAST, hint_reason_name);
	print_named("errors", counts->errors, HINT_ERROR_LAST, hint_error_name);
	printf(",\"broken\":%" PRIu64 ",\"right\":%s}\n", counts->broken, good ? "true" : "false");
}

/* An ERROR ends the conversation: nothing more is to come. */
static void wait_for_answer(struct talk *talk, const struct kind *kind)
{
	double end = now() + talk->options->answer;

	while (now() < end && all_errors(&talk->counts) == 0 && !has_come(talk, kind->answer))
		talk_listen(talk, 0.02);
	talk_listen(talk, 0.3);
}

static int run(const struct kind *kind, const struct options *options)
{
	static struct talk talk;
	double began, seconds;
	bool good;

	talk.random = options->seed;
	if (!talk_open(&talk, options)) {
		fprintf(stderr, "hint-garbage: %s: %s\n", options->port, strerror(errno));
		return 3;
	}
	if (!talk_begin(&talk, kind->stage, options->answer)) {
		fprintf(stderr, "hint-garbage: the host begins no conversation\n");
		return 3;
	}
	began = now();
	kind->run(&talk);
	seconds = now() - began;
	if (kind->answer != ANSWER_ANYTHING && !error_of(kind->answer))
		send_ping(&talk, 4711);
	wait_for_answer(&talk, kind);
	good = as_it_must_be(&talk, kind->answer);
	if (!good && !options->quiet)
		printf("the right answer is: %s\n", answers[kind->answer]);
	print_counts(kind, &talk.counts, seconds, good);
	talk_close(&talk);
	return good ? 0 : 1;
}

/* ---- the command line ---------------------------------------------------------------------- */

static _Noreturn void misuse(void)
{
	fputs(usage, stderr);
	exit(2);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text < '0' || *text > '9' || *end)
		misuse();
	return n;
}

static const struct option long_options[] = {
	{ "seconds", required_argument, NULL, 't' }, { "answer", required_argument, NULL, 'a' },
	{ "seed", required_argument, NULL, 's' },    { "gpa", required_argument, NULL, 'g' },
	{ "mib", required_argument, NULL, 'm' },     { "port", required_argument, NULL, 'p' },
	{ "quiet", no_argument, NULL, 'q' },	     { 0 },
};

static void take_option(struct options *options, int option)
{
	switch (option) {
	case 't':
		options->seconds = (double)number(optarg);
		break;
	case 'a':
		options->answer = (double)number(optarg);
		break;
	case 's':
		options->seed = number(optarg);
		break;
	case 'g':
		options->gpa = number(optarg);
		break;
	case 'm':
		options->bytes = number(optarg) << 20;
		break;
	case 'p':
		options->port = optarg;
		break;
	case 'q':
		options->quiet = true;
		break;
	default:
		misuse();
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.port = "/dev/virtio-ports/" HINT_PORT,
		.seconds = 5,
		.answer = 10,
		.seed = 1,
		.gpa = UINT64_C(64) << 20,
		.bytes = UINT64_C(16) << 20,
	};
	const struct kind *kind;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(&options, option);
	if (argc - optind != 1)
		misuse();
	if (strcmp(argv[optind], "list") == 0) {
		list_kinds();
		return 0;
	}
	kind = kind_of_name(argv[optind]);
	if (!kind) {
		fprintf(stderr, "hint-garbage: there is no '%s' (see 'hint-garbage list')\n",
			argv[optind]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(kind, &options);
}
