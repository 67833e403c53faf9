// SPDX-License-Identifier: LGPL-2.1-or-later
/* torture-diary.c - what each thread did last; told where the case fails, by whoever finds it */
#include "torture.h"

static struct diary *all;

static void tell(void)
{
	uint64_t now = now_ms();

	for (struct diary *d = all; d; d = d->next) {
		unsigned int first = d->written > DIARY_LINES ? d->written - DIARY_LINES : 0;

		fprintf(stderr, "%s:\n", d->who);
		for (unsigned int i = first; i < d->written; i++) {
			struct diary_line *line = &d->lines[i % DIARY_LINES];

			fprintf(stderr, "  %6llu ms ago: %s, page %#llx, %llu pages: %s\n",
				(unsigned long long)(now - line->ms), line->what,
				(unsigned long long)line->first, (unsigned long long)line->pages,
				line->error < 0 ? "not done yet" : strerror(line->error));
		}
	}
}

static void tell_at_exit(int status, void *arg)
{
	(void)arg;
	if (status)
		tell();
}

/* Before there are threads. */
void diary_open(struct diary *diary, const char *who)
{
	if (!all)
		CHECK(on_exit(tell_at_exit, NULL) == 0);
	diary->who = who;
	diary->next = all;
	all = diary;
}

void diary_begin(struct diary *diary, const char *what, uint64_t first, uint64_t pages)
{
	diary->lines[diary->written % DIARY_LINES] = (struct diary_line) {
		.ms = now_ms(), .what = what, .first = first, .pages = pages, .error = -1,
	};
	diary->written++;
}

void diary_end(struct diary *diary, int error)
{
	diary->lines[(diary->written - 1) % DIARY_LINES].error = error;
}
