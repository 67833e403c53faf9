// SPDX-License-Identifier: LGPL-2.1-or-later
/* sample.c - the clock, and one line of JSON for each timing */
#include <time.h>

#include "bench.h"

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void sample_pages(const char *what, bool huge, int threads, int rep, uint64_t bytes, uint64_t ns)
{
	if (rep < 0)
		return;
	printf("{\"part\":\"pages\",\"what\":\"%s\",\"page\":\"%s\",\"threads\":%d,"
	       "\"rep\":%d,\"bytes\":%llu,\"ns\":%llu}\n",
	       what, huge ? "2M" : "4K", threads, rep, (unsigned long long)bytes,
	       (unsigned long long)ns);
}

void progress(const char *part, int rep, int reps)
{
	fflush(stdout);
	if (rep < 0)
		fprintf(stderr, "%s: warming up\n", part);
	else
		fprintf(stderr, "%s: %d of %d\n", part, rep + 1, reps);
}
