// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verb-advise.c - a hint about a process; it stands as long as that does
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

struct wish {
	uint64_t pid, address, length, priority, wait_s;
	int advice;
	unsigned int flags;
	bool has_range, wait;
};

enum { POPULATE = 1 };

static const struct option long_options[] = {
	{ "pid", required_argument, NULL, 'p' },      { "range", required_argument, NULL, 'r' },
	{ "priority", required_argument, NULL, 'P' }, { "wait", optional_argument, NULL, 'w' },
	{ "populate", no_argument, NULL, POPULATE },  { NULL },
};

static void take_range(struct wish *wish)
{
	if (strcmp(optarg, "all") == 0)
		wish->flags |= HMMHINT_WHOLE;
	else if (!parse_range(optarg, &wish->address, &wish->length))
		misuse(EXIT_MISUSE, "'%s' is no range: ADDRESS+SIZE, START..END, or all", optarg);
	wish->has_range = true;
}

static void take(struct wish *wish, int option)
{
	switch (option) {
	case 'p':
		if (!parse_number(optarg, INT_MAX, &wish->pid) || wish->pid == 0)
			misuse(EXIT_MISUSE, "'%s' is no process id", optarg);
		break;
	case 'r':
		take_range(wish);
		break;
	case 'P':
		if (!parse_number(optarg, HMMHINT_PRIORITY_MAX, &wish->priority))
			misuse(EXIT_MISUSE, "'%s' is no priority from 0 to %d", optarg,
			       HMMHINT_PRIORITY_MAX);
		break;
	case 'w':
		wish->wait = true;
		if (optarg && !parse_number(optarg, 1000000, &wish->wait_s))
			misuse(EXIT_MISUSE, "'%s' is no number of seconds", optarg);
		break;
	case POPULATE:
		wish->flags |= HMMHINT_POPULATE;
		break;
	default:
		misuse(EXIT_MISUSE, "see above");
	}
}

static void take_all(struct wish *wish, struct cli *cli)
{
	int option;

	while ((option = getopt_long(cli->argc, cli->argv, "p:r:P:w::", long_options, NULL)) != -1)
		take(wish, option);
	if (optind + 1 != cli->argc)
		misuse(EXIT_MISUSE,
		       optind < cli->argc ? "one ADVICE, and no more" : "ADVICE is missing");
	wish->advice = hmmhint_advice_value(cli->argv[optind]);
	if (!wish->advice)
		misuse(EXIT_MISUSE, "'%s' is neither a verb nor advice", cli->argv[optind]);
	if (!wish->pid || !wish->has_range)
		misuse(EXIT_MISUSE, "--pid and --range say which memory");
}

static int report(struct hmmhint *h, uint64_t cookie)
{
	char done[BYTES_TEXT], asked[BYTES_TEXT];
	struct hmmhint_status status;

	if (hmmhint_status(h, cookie, &status) < 0)
		return explain("cannot ask what became of it");
	if (status.state == HMMHINT_REFUSED) {
		complain("the host refuses: %s", hmmhint_reason_text(status.reason));
		return EXIT_FAILED;
	}
	printf("%s of %s\n", format_bytes(status.done_bytes, done),
	       format_bytes(status.asked_bytes, asked));
	for (uint32_t i = 0; i < status.nr_skips; i++)
		printf("  %s: %s\n", format_bytes(status.skips[i].bytes, done),
		       hmmhint_reason_text(status.skips[i].reason));
	return EXIT_OK;
}

static int wait_done(struct hmmhint *h, uint64_t cookie, uint64_t seconds)
{
	if (hmmhint_wait(h, cookie, (int)seconds * 1000) == 0)
		return report(h, cookie);
	if (errno != ETIMEDOUT)
		return explain("cannot wait");
	complain("not done within %" PRIu64 " s; the hint stands", seconds);
	return EXIT_NOT_YET;
}

int verb_advise(struct cli *cli)
{
	struct wish wish = { .wait_s = 60, .flags = HMMHINT_KEEP };
	struct hmmhint *h;
	uint64_t cookie;
	int status = EXIT_OK;

	take_all(&wish, cli);
	h = cli_open(cli);
	if (hmmhint_advise_pid(h, (int)wish.pid, wish.address, wish.length, wish.advice,
			       (unsigned int)wish.priority, wish.flags, &cookie) < 0) {
		status = explain("the hint was not taken");
	} else {
		printf("0x%" PRIx64 "\n", cookie);
		if (wish.wait)
			status = wait_done(h, cookie, wish.wait_s);
	}
	hmmhint_close(h);
	return status;
}
