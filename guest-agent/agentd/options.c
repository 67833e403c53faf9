// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "agentd.h"
#include "config.h"

#define DEFAULT_PORT "/dev/virtio-ports/" HINT_PORT

static const char usage[] =
	"Usage: hmm-agentd [option]...\n"
	"Takes placement hints from processes in this virtual machine to its host.\n"
	"\n"
	"  --port=PATH                the port, or a unix socket in its place\n"
	"                             [" DEFAULT_PORT "]\n"
	"  --socket=PATH              where processes reach it [" LOCAL_SOCKET "]\n"
	"  --max-hints=N              that stand at a time [16384]\n"
	"  --max-hints-per-user=N     of a user who is not root [1024]\n"
	"  --max-extents=N            of all hints together [1048576]\n"
	"  --max-connections=N        of processes [512]\n"
	"  --max-connections-per-user=N\n"
	"                             of a user who is not root [64]\n"
	"  --requests-per-second=N    of each user [1000]\n"
	"  --pages-per-second=N       that are looked at to find where they are [1048576]\n"
	"  --help, --version\n";

enum {
	PORT = 1,
	SOCKET,
	MAX_HINTS,
	MAX_HINTS_PER_USER,
	MAX_EXTENTS,
	MAX_CONNECTIONS,
	MAX_CONNECTIONS_PER_USER,
	REQUESTS_PER_SECOND,
	PAGES_PER_SECOND,
	HELP,
	VERSION_OPTION,
};

static const struct option long_options[] = {
	{ "port", required_argument, NULL, PORT },
	{ "socket", required_argument, NULL, SOCKET },
	{ "max-hints", required_argument, NULL, MAX_HINTS },
	{ "max-hints-per-user", required_argument, NULL, MAX_HINTS_PER_USER },
	{ "max-extents", required_argument, NULL, MAX_EXTENTS },
	{ "max-connections", required_argument, NULL, MAX_CONNECTIONS },
	{ "max-connections-per-user", required_argument, NULL, MAX_CONNECTIONS_PER_USER },
	{ "requests-per-second", required_argument, NULL, REQUESTS_PER_SECOND },
	{ "pages-per-second", required_argument, NULL, PAGES_PER_SECOND },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION_OPTION },
	{ NULL },
};

static _Noreturn void misuse(void)
{
	fputs("Try 'hmm-agentd --help'.\n", stderr);
	exit(2);
}

static uint32_t number(const char *name)
{
	const unsigned long most = 1ul << 30;
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || value == 0 || value > most) {
		fprintf(stderr, "hmm-agentd: --%s: '%s' is no number from 1 to %lu\n", name, optarg,
			most);
		misuse();
	}
	return (uint32_t)value;
}

static void take(struct options *options, int option, const char *name)
{
	switch (option) {
	case PORT:
		options->port = optarg;
		break;
	case SOCKET:
		options->socket = optarg;
		break;
	case MAX_HINTS:
		options->max_hints = number(name);
		break;
	case MAX_HINTS_PER_USER:
		options->max_hints_per_user = number(name);
		break;
	case MAX_EXTENTS:
		options->max_extents = number(name);
		break;
	case MAX_CONNECTIONS:
		options->max_connections = number(name);
		break;
	case MAX_CONNECTIONS_PER_USER:
		options->max_connections_per_user = number(name);
		break;
	case REQUESTS_PER_SECOND:
		options->requests_per_second = number(name);
		break;
	case PAGES_PER_SECOND:
		options->pages_per_second = number(name);
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	case VERSION_OPTION:
		puts("hmm-agentd (hmmd) " PACKAGE_VERSION);
		exit(0);
	default:
		misuse();
	}
}

void options_take(struct options *options, int argc, char **argv)
{
	int option, index = 0;

	*options = (struct options){
		.port = DEFAULT_PORT,
		.socket = LOCAL_SOCKET,
		.max_hints = 16384,
		.max_hints_per_user = 1024,
		.max_extents = 1048576,
		.max_connections = 512,
		.max_connections_per_user = 64,
		.requests_per_second = 1000,
		.pages_per_second = 1048576,
	};
	while ((option = getopt_long(argc, argv, "", long_options, &index)) != -1)
		take(options, option, long_options[index].name);
	if (optind < argc) {
		fprintf(stderr, "hmm-agentd: '%s' is one argument too many\n", argv[optind]);
		misuse();
	}
}
