// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX	1000

gboolean terminal_utf8(void)
{
	return g_get_charset(NULL);
}

gboolean terminal_is(int fd)
{
	const char *term = g_getenv("TERM");

	return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

gboolean terminal_colour(int fd)
{
	const char *no_color = g_getenv("NO_COLOR");

	return terminal_is(fd) && !(no_color && no_color[0]);
}

size_t terminal_columns(int fd)
{
	const char *variable = g_getenv("COLUMNS");
	struct winsize size;
	guint64 columns = 0;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		columns = size.ws_col;
	if (!columns && variable)
		columns = g_ascii_strtoull(variable, NULL, 10);
	if (!columns)
		columns = COLUMNS_DEFAULT;
	return (size_t)MIN(columns, COLUMNS_MAX);
}
