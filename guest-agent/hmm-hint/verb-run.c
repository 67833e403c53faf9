// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verb-run.c - a command of which all memory has a hint
 *
 * The hint is given about this process, and stays as it becomes the command.  A hint is advice:
 * where it cannot be given the command runs all the same.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct option long_options[] = {
	{ "advice", required_argument, NULL, 'a' },
	{ "priority", required_argument, NULL, 'P' },
	{ NULL },
};

static void take(int option, int *advice, uint64_t *priority)
{
	switch (option) {
	case 'a':
		*advice = hmmhint_advice_value(optarg);
		if (!*advice)
			misuse(EXIT_RUN, "'%s' is no advice", optarg);
		break;
	case 'P':
		if (!parse_number(optarg, HMMHINT_PRIORITY_MAX, priority))
			misuse(EXIT_RUN, "'%s' is no priority from 0 to %d", optarg,
			       HMMHINT_PRIORITY_MAX);
		break;
	default:
		misuse(EXIT_RUN, "see above");
	}
}

int verb_run(struct cli *cli)
{
	int option, error, advice = HMMHINT_COLD;
	uint64_t priority = 0;
	struct hmmhint *h;

	/* '+': what comes after the command is the command's. */
	while ((option = getopt_long(cli->argc, cli->argv, "+a:P:", long_options, NULL)) != -1)
		take(option, &advice, &priority);
	if (optind == cli->argc)
		misuse(EXIT_RUN, "which command?");
	h = cli_open(cli);
	if (hmmhint_advise(h, NULL, 0, advice, (unsigned int)priority, HMMHINT_KEEP | HMMHINT_WHOLE,
			   NULL) < 0)
		explain("running without a hint");
	hmmhint_close(h);
	execvp(cli->argv[optind], cli->argv + optind);
	error = errno;
	complain("%s: %s", cli->argv[optind], strerror(error));
	return error == ENOENT ? 127 : 126;
}
