// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - hmm-hint: tell the host where this VM's memory is best kept
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config.h"

static const char usage[] =
	"Usage: hmm-hint --pid PID --range RANGE ADVICE [--priority N] [--wait[=SECONDS]]\n"
	"       hmm-hint run [--advice ADVICE] [--priority N] [--] COMMAND [ARGUMENT]...\n"
	"       hmm-hint status [--json] [--pid PID]\n"
	"       hmm-hint forget COOKIE | --pid PID | --all\n"
	"Tell the host where memory of this virtual machine is best kept.\n"
	"\n"
	"ADVICE is device, host, cold, willneed-device or pin-host.\n"
	"RANGE is ADDRESS+SIZE (0x7f0000000000+64MiB), START..END, or all.\n"
	"\n"
	"  -p, --pid PID        the process that the memory is of; another one: root only\n"
	"  -r, --range RANGE    its memory; with 'all', all that is private and anonymous\n"
	"  -a, --advice ADVICE  for the command that is run [cold]\n"
	"  -P, --priority N     what counts more, from 0 to 7 [0]\n"
	"      --populate       make pages that are not there yet; a process's own only\n"
	"  -w, --wait[=SECONDS] until the host is done [60]\n"
	"  -j, --json           one JSON object on a line\n"
	"      --socket PATH    of the agent (or HMM_HINT_SOCKET); before the verb\n"
	"      --help, --version\n"
	"\n"
	"Exit status: 0 done; 1 failed or refused; 2 wrong use; 3 no agent; 4 not done in time.\n";

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli);
} verbs[] = {
	{ "run", verb_run },
	{ "status", verb_status },
	{ "forget", verb_forget },
};

struct hmmhint *cli_open(const struct cli *cli)
{
	struct hmmhint *h = cli->socket ? hmmhint_open_at(cli->socket) : hmmhint_open();

	if (!h)
		exit(explain("cannot begin"));
	return h;
}

/* --socket, --help and --version, which come first. */
static void take_common(struct cli *cli)
{
	while (cli->argc > 1) {
		const char *argument = cli->argv[1];

		if (strcmp(argument, "--help") == 0) {
			fputs(usage, stdout);
			exit(EXIT_OK);
		}
		if (strcmp(argument, "--version") == 0) {
			puts("hmm-hint (hmmd) " PACKAGE_VERSION);
			exit(EXIT_OK);
		}
		if (strncmp(argument, "--socket=", 9) == 0) {
			cli->socket = argument + 9;
		} else if (strcmp(argument, "--socket") == 0 && cli->argc > 2) {
			cli->socket = cli->argv[2];
			cli->argv[1] = cli->argv[0];
			cli->argv++;
			cli->argc--;
		} else {
			return;
		}
		cli->argv[1] = cli->argv[0];
		cli->argv++;
		cli->argc--;
	}
}

int main(int argc, char **argv)
{
	struct cli cli = { getenv("HMM_HINT_SOCKET"), argc, argv };

	take_common(&cli);
	if (cli.argc < 2)
		misuse(EXIT_MISUSE, "what is to be done?");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(cli.argv[1], verbs[i].name) != 0)
			continue;
		cli.argv++;
		cli.argc--;
		return verbs[i].run(&cli);
	}
	return verb_advise(&cli);
}
