// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* What is left of the text after a number; NULL: there is none. */
static const char *number(const char *text, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long got;
	char *end;

	if (!isdigit((unsigned char)text[0]) || (hex && !isxdigit((unsigned char)text[2])))
		return NULL;
	errno = 0;
	got = strtoull(text, &end, hex ? 16 : 10);
	if (errno)
		return NULL;
	*value = got;
	return end;
}

bool parse_number(const char *text, uint64_t most, uint64_t *value)
{
	uint64_t got;
	const char *end = number(text, &got);

	if (!end || *end || got > most)
		return false;
	*value = got;
	return true;
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
	static const char *const units[] = {
		"", "B", "K", "KiB", "M", "MiB", "G", "GiB", "T", "TiB"
	};
	uint64_t value;
	const char *end = number(text, &value);

	if (!end)
		return false;
	for (unsigned int i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		unsigned int shift = i / 2 * 10;

		if (strcmp(end, units[i]) != 0)
			continue;
		if (value > UINT64_MAX >> shift)
			return false;
		*bytes = value << shift;
		return true;
	}
	return false;
}

bool parse_range(const char *text, uint64_t *address, uint64_t *length)
{
	uint64_t start, end, bytes;
	const char *rest = number(text, &start);

	if (!rest)
		return false;
	if (*rest == '+') {
		if (!parse_bytes(rest + 1, &bytes))
			return false;
	} else {
		if (strncmp(rest, "..", 2) != 0 || !parse_number(rest + 2, UINT64_MAX, &end) ||
		    end < start)
			return false;
		bytes = end - start;
	}
	if (bytes == 0 || start + bytes < start)
		return false;
	*address = start;
	*length = bytes;
	return true;
}

const char *format_bytes(uint64_t bytes, char text[BYTES_TEXT])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	double value = (double)bytes;

	for (; value >= 1024 && unit < 6; unit++)
		value /= 1024;
	if (bytes == 0)
		snprintf(text, BYTES_TEXT, "0");
	else
		snprintf(text, BYTES_TEXT, "%.*f %s",
			 value < (double)(uint64_t)value + 0.05 ? 0 : 1, value, units[unit]);
	return text;
}
