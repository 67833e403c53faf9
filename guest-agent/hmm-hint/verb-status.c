// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verb-status.c - the hints, and what became of them
 */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pid", required_argument, NULL, 'p' },
	{ NULL },
};

/* ---- for people ------------------------------------------------------------------------- */

static void print_range(const struct hmmhint_status *hint)
{
	char text[BYTES_TEXT], range[64];

	if (hint->flags & HMMHINT_WHOLE)
		snprintf(range, sizeof(range), "all");
	else
		snprintf(range, sizeof(range), "0x%" PRIx64 "+%s", hint->addr,
			 format_bytes(hint->len, text));
	printf("  %-28s", range);
}

static void print_why(uint64_t bytes, const char *why)
{
	char text[BYTES_TEXT];

	if (bytes)
		printf("    %s: %s\n", format_bytes(bytes, text), why);
}

static void print_hint(const struct hmmhint_status *hint)
{
	char done[BYTES_TEXT], asked[BYTES_TEXT];

	printf("0x%016" PRIx64 " %7d", hint->cookie, (int)hint->pid);
	print_range(hint);
	printf(" %-15s %u  %-8s %10s of %s\n", hmmhint_advice_name(hint->advice), hint->priority,
	       hmmhint_state_name(hint->state), format_bytes(hint->done_bytes, done),
	       format_bytes(hint->asked_bytes, asked));
	if (hint->state == HMMHINT_REFUSED)
		printf("    %s\n", hmmhint_reason_text(hint->reason));
	for (uint32_t i = 0; i < hint->nr_skips; i++)
		print_why(hint->skips[i].bytes, hmmhint_reason_text(hint->skips[i].reason));
	print_why(hint->absent_bytes, "no page there yet, or swapped out");
	print_why(hint->shared_bytes, "not the process's alone");
	print_why(hint->left_bytes, "in too many pieces");
}

static void print_table(const struct hmmhint_status *list, size_t nr)
{
	if (nr == 0) {
		fputs("No hints.\n", stderr);
		return;
	}
	printf("%-18s %7s  %-28s %-15s %s  %-8s %10s\n", "COOKIE", "PID", "RANGE", "ADVICE", "P",
	       "STATE", "DONE");
	for (size_t i = 0; i < nr; i++)
		print_hint(&list[i]);
}

/* ---- for machines: every string is a name of ours ------------------------------------------- */

static void json_hint(const struct hmmhint_status *hint)
{
	printf("{\"cookie\":\"0x%" PRIx64 "\",\"pid\":%d,\"uid\":%u,", hint->cookie, (int)hint->pid,
	       hint->uid);
	printf("\"whole\":%s,\"address\":\"0x%" PRIx64 "\",\"length\":%" PRIu64 ",",
	       hint->flags & HMMHINT_WHOLE ? "true" : "false", hint->addr, hint->len);
	printf("\"keep\":%s,\"advice\":\"%s\",\"priority\":%u,\"state\":\"%s\",",
	       hint->flags & HMMHINT_KEEP ? "true" : "false", hmmhint_advice_name(hint->advice),
	       hint->priority, hmmhint_state_name(hint->state));
	if (hint->state == HMMHINT_REFUSED)
		printf("\"reason\":\"%s\",", hmmhint_reason_name(hint->reason));
	printf("\"asked-bytes\":%" PRIu64 ",\"told-bytes\":%" PRIu64 ",\"done-bytes\":%" PRIu64 ",",
	       hint->asked_bytes, hint->told_bytes, hint->done_bytes);
	printf("\"absent-bytes\":%" PRIu64 ",\"shared-bytes\":%" PRIu64 ",\"left-bytes\":%" PRIu64
	       ",\"skipped\":{",
	       hint->absent_bytes, hint->shared_bytes, hint->left_bytes);
	for (uint32_t i = 0; i < hint->nr_skips; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "",
		       hmmhint_reason_name(hint->skips[i].reason), hint->skips[i].bytes);
	fputs("}}", stdout);
}

static void print_json(const struct hmmhint_status *list, size_t nr)
{
	fputs("{\"hints\":[", stdout);
	for (size_t i = 0; i < nr; i++) {
		if (i)
			putchar(',');
		json_hint(&list[i]);
	}
	puts("]}");
}

/* Those about one process, in front. */
static size_t of_pid(struct hmmhint_status *list, size_t nr, uint64_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		if (!pid || (uint64_t)list[i].pid == pid)
			list[n++] = list[i];
	return n;
}

int verb_status(struct cli *cli)
{
	struct hmmhint_status *list;
	bool json = false;
	uint64_t pid = 0;
	struct hmmhint *h;
	int option, status = EXIT_OK;
	size_t nr;

	while ((option = getopt_long(cli->argc, cli->argv, "jp:", long_options, NULL)) != -1) {
		if (option == 'j')
			json = true;
		else if (option != 'p' || !parse_number(optarg, INT_MAX, &pid) || !pid)
			misuse(EXIT_MISUSE, "status takes --json and --pid PID");
	}
	if (optind < cli->argc)
		misuse(EXIT_MISUSE, "'%s' is one argument too many", cli->argv[optind]);
	h = cli_open(cli);
	if (hmmhint_list(h, &list, &nr) < 0) {
		status = explain("cannot ask for the hints");
	} else {
		nr = of_pid(list, nr, pid);
		if (json)
			print_json(list, nr);
		else
			print_table(list, nr);
		free(list);
	}
	hmmhint_close(h);
	return fflush(stdout) == 0 ? status : EXIT_FAILED;
}
