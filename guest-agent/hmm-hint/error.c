// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void __attribute__((format(printf, 1, 0))) say(const char *format, va_list args)
{
	fputs("hmm-hint: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void misuse(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fputs("Try 'hmm-hint --help'.\n", stderr);
	exit(status);
}

/* What to do about it, where that is not plain. */
static const char *meaning(int error)
{
	switch (error) {
	case ENOTCONN:
		return "no hmm-agentd answers in this virtual machine; is the service running?";
	case EPERM:
		return "only root may speak about another process";
	case EACCES:
		return "that process does not let its memory be looked at";
	case ESRCH:
		return "there is no such process";
	case ENOENT:
		return "there is no such hint; see 'hmm-hint status'";
	case EDQUOT:
		return "your user has as many hints as it may have";
	case ENOSPC:
		return "the agent or the host takes no more hints";
	case EUSERS:
		return "the agent takes no more connections just now";
	case EAGAIN:
		return "too many requests in a second; try again";
	case EOPNOTSUPP:
		return "only a process itself can populate its memory";
	}
	return strerror(error);
}

int explain(const char *what)
{
	int error = errno;

	complain("%s: %s", what, meaning(error));
	return error == ENOTCONN ? EXIT_NO_AGENT : EXIT_FAILED;
}
