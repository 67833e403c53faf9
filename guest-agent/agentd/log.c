// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * log.c - lines on stderr; where that is the journal, with the level in front that it knows
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agentd.h"

static void __attribute__((format(printf, 2, 0))) say(int level, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, line);
	else
		fprintf(stderr, "hmm-agentd: %s\n", line);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(3, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(6, format, args);
	va_end(args);
}
