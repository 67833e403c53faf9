// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memfill: hold memory of known content in a guest, tell later whether it is still the same, and
 * tell the host where it belongs.
 *
 * 'start' leaves a daemon that owns the memory; the other verbs ask it over a unix socket.  Exit
 * status: 0 all is well, 1 the memory is not what it should be, or what was asked for failed, 2
 * wrong use or no such daemon.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hmmhint.h"
#include "memfill.h"

static const char usage[] =
	"Usage: memfill start NAME --mib N [--huge] [--seed N]  fill N MiB, stay, holding it\n"
	"                     [--holes]                         in every other page that is free\n"
	"                     [--uid N]                         as this user\n"
	"       memfill verify NAME [--first PAGE --count N]    read it all: OK, or the first wrong page\n"
	"                     [--usec N]                        and wait so long after each page\n"
	"       memfill rewrite NAME --seed N                   new content everywhere\n"
	"       memfill touch NAME [--first PAGE --count N]     write every page, content unchanged\n"
	"       memfill loop NAME --seconds N                   verify and rewrite, over and over\n"
	"       memfill crowd NAME --seconds N                  each CPU writes to the same pages\n"
	"                     [--first PAGE --count N]          content unchanged at the end\n"
	"       memfill corrupt NAME --first PAGE               change one byte (to test the tests)\n"
	"       memfill extents NAME [--first PAGE --count N]   guest-physical ranges, 0xADDRESS+BYTES a line\n"
	"       memfill replace NAME                            other pages, same addresses and content\n"
	"       memfill compact NAME                            have the kernel move pages together\n"
	"       memfill hint NAME --advice A [--priority N]     give the host a hint about it\n"
	"                     [--first PAGE --count N]          or a part of it\n"
	"                     [--populate] [--keep]\n"
	"                     [--seconds N]                     and wait until it is done, at most so long\n"
	"                     [--each N]                        or a hint for each N pages: how long until\n"
	"                                                       they were given, answered and done\n"
	"       memfill latency NAME [--rounds N]               out and home by hints; a line each: which, round,\n"
	"                     [--first PAGE --count N]          ms until that was said, bytes told and done\n"
	"                     [--rest]                          and as long a rest after each round\n"
	"       memfill hints NAME                              what became of them, a line of JSON each\n"
	"       memfill forget NAME [--cookie N]                take one back, or all\n"
	"       memfill info NAME\n"
	"       memfill stop NAME\n";

_Noreturn void fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("memfill: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* The verbs but for start: pass the request on, print the answer but for its last line. */
static int ask(const char *name, const struct request *r)
{
	int sock = connect_daemon(name), status = 2;
	char line[2048];
	FILE *answer;

	if (sock < 0)
		fatal("no '%s' runs here", name);
	if (write(sock, r, sizeof(*r)) != sizeof(*r))
		fatal("lost '%s'", name);
	answer = fdopen(sock, "r");
	while (answer && fgets(line, sizeof(line), answer)) {
		if (sscanf(line, "status %d", &status) == 1)
			return status;
		fputs(line, stdout);
	}
	fatal("'%s' died", name);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text < '0' || *text > '9' || *end)
		fatal("'%s' is no number", text);
	return n;
}

static const struct option options[] = {
	{ "mib", required_argument, NULL, 'm' },
	{ "huge", no_argument, NULL, 'h' },
	{ "holes", no_argument, NULL, 'o' },
	{ "seed", required_argument, NULL, 's' },
	{ "uid", required_argument, NULL, 'u' },
	{ "first", required_argument, NULL, 'f' },
	{ "count", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 't' },
	{ "usec", required_argument, NULL, 'w' },
	{ "advice", required_argument, NULL, 'a' },
	{ "priority", required_argument, NULL, 'p' },
	{ "populate", no_argument, NULL, 'P' },
	{ "keep", no_argument, NULL, 'k' },
	{ "cookie", required_argument, NULL, 'C' },
	{ "each", required_argument, NULL, 'e' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "rest", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, '?' },
	{ 0 },
};

static void take_option(struct request *r, int option)
{
	switch (option) {
	case 'm':
		r->mib = number(optarg);
		break;
	case 'h':
		r->huge = 1;
		break;
	case 'o':
		r->holes = 1;
		break;
	case 's':
		r->seed = number(optarg);
		break;
	case 'u':
		r->uid = (uint32_t)number(optarg);
		break;
	case 'f':
		r->first = number(optarg);
		break;
	case 'c':
		r->count = number(optarg);
		break;
	case 't':
		r->seconds = number(optarg);
		break;
	case 'w':
		r->usec = number(optarg);
		break;
	case 'a':
		snprintf(r->advice, sizeof(r->advice), "%s", optarg);
		break;
	case 'p':
		r->priority = (uint32_t)number(optarg);
		break;
	case 'e':
		r->each = number(optarg);
		break;
	case 'r':
		r->rounds = number(optarg);
		break;
	case 'R':
		r->rest = 1;
		break;
	case 'P':
		r->flags |= HMMHINT_POPULATE;
		break;
	case 'k':
		r->flags |= HMMHINT_KEEP;
		break;
	case 'C':
		r->cookie = number(optarg);
		break;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static const char *const verbs[] = {
	"start", "verify",  "rewrite", "touch", "loop",	 "crowd",  "corrupt", "extents",
	"info",	 "replace", "compact", "hint",	"hints", "forget", "latency", "stop",
};

int main(int argc, char **argv)
{
	struct request r = { .seed = 1, .rounds = 10 };
	size_t v;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&r, option);
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	for (v = 0; v < sizeof(verbs) / sizeof(*verbs) && strcmp(verbs[v], argv[optind]); v++)
		;
	if (v == sizeof(verbs) / sizeof(*verbs))
		fatal("unknown verb '%s'", argv[optind]);
	strcpy(r.verb, verbs[v]);
	return v == 0 ? start(argv[optind + 1], &r) : ask(argv[optind + 1], &r);
}
