// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verb-forget.c - taking hints back
 */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "cli.h"

static const struct option long_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "all", no_argument, NULL, 'A' },
	{ NULL },
};

int verb_forget(struct cli *cli)
{
	uint64_t pid = 0, cookie = 0;
	bool all = false;
	struct hmmhint *h;
	int option, status, n;

	while ((option = getopt_long(cli->argc, cli->argv, "p:", long_options, NULL)) != -1) {
		if (option == 'A')
			all = true;
		else if (option != 'p' || !parse_number(optarg, INT_MAX, &pid) || !pid)
			misuse(EXIT_MISUSE, "forget takes COOKIE, --pid PID, or --all");
	}
	if (optind < cli->argc &&
	    (!parse_number(cli->argv[optind++], UINT64_MAX, &cookie) || cookie == 0))
		misuse(EXIT_MISUSE, "'%s' is no cookie; see 'hmm-hint status'",
		       cli->argv[optind - 1]);
	if (optind < cli->argc || all + (pid != 0) + (cookie != 0) != 1)
		misuse(EXIT_MISUSE, "forget takes one of COOKIE, --pid PID, and --all");
	h = cli_open(cli);
	if (cookie)
		n = hmmhint_forget(h, cookie);
	else
		n = all ? hmmhint_forget_all(h) : hmmhint_forget_pid(h, (int)pid);
	status = n < 0 ? explain("nothing was forgotten") : EXIT_OK;
	hmmhint_close(h);
	return status;
}
