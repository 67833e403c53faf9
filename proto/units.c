// SPDX-License-Identifier: LGPL-2.1-or-later
#include "units.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "vmirror.h"

static const struct unit {
	const char *suffix;
	unsigned int shift;
} units[] = {
	{ "", 0 },     { "B", 0 },  { "K", 10 },   { "KiB", 10 }, { "M", 20 },
	{ "MiB", 20 }, { "G", 30 }, { "GiB", 30 }, { "T", 40 },	  { "TiB", 40 },
};

G_GNUC_PRINTF(2, 3)
static bool fail(char **error, const char *format, ...)
{
	va_list args;

	if (error) {
		va_start(args, format);
		*error = g_strdup_vprintf(format, args);
		va_end(args);
	}
	return false;
}

/*
 * Take a number off the front of *text.  strtoull() alone would also take leading
 * space and a sign.
 */
static bool take_number(const char **text, uint64_t *number, bool *decimal)
{
	bool hex = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');
	const char *digits = hex ? *text + 2 : *text;
	char *end;

	if (hex ? !g_ascii_isxdigit(*digits) : !g_ascii_isdigit(*digits))
		return false;
	errno = 0;
	*number = g_ascii_strtoull(digits, &end, hex ? 16 : 10);
	if (errno)
		return false;
	*decimal = !hex;
	*text = end;
	return true;
}

static const struct unit *find_unit(const char *suffix)
{
	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (strcmp(suffix, units[i].suffix) == 0)
			return &units[i];
	return NULL;
}

/*
 * Digits after the point, as fraction/scale.  At most six are taken, which is also what
 * keeps fraction << 40 below 2^64.
 */
static bool take_fraction(const char **text, uint64_t *fraction, uint64_t *scale)
{
	const char *p = *text + 1;

	*fraction = 0;
	*scale = 1;
	if (!g_ascii_isdigit(*p))
		return false;
	for (; g_ascii_isdigit(*p); p++) {
		if (*scale == 1000000)
			return false;
		*fraction = *fraction * 10 + (uint64_t)(*p - '0');
		*scale *= 10;
	}
	*text = p;
	return true;
}

bool units_parse_bytes(const char *text, uint64_t *bytes, char **error)
{
	uint64_t whole, fraction = 0, scale = 1, part;
	const struct unit *unit;
	const char *p = text;
	bool decimal;

	if (!take_number(&p, &whole, &decimal) ||
	    (decimal && *p == '.' && !take_fraction(&p, &fraction, &scale)))
		return fail(error, "'%s' is not a size; write it like 64MiB", text);
	if (*p == ' ' && p[1])
		p++;
	unit = find_unit(p);
	if (!unit)
		return fail(error, "'%s' is not a size: unit '%s' is none of B KiB MiB GiB TiB",
			    text, p);
	part = fraction << unit->shift;
	if (part % scale)
		return fail(error, "'%s' is not a whole number of bytes", text);
	if (whole > (UINT64_MAX >> unit->shift) ||
	    (whole << unit->shift) > UINT64_MAX - part / scale)
		return fail(error, "'%s' is too large", text);
	*bytes = (whole << unit->shift) + part / scale;
	return true;
}

bool units_parse_range(const char *text, uint64_t *gpa, uint64_t *bytes, char **error)
{
	const uint64_t end = UINT64_C(1) << VMIRROR_GPA_BITS;
	uint64_t first, length;
	const char *p = text;
	bool decimal;

	if (!take_number(&p, &first, &decimal) || *p != '+')
		return fail(error, "'%s' is not a guest range; write it like 0x40000000+64MiB",
			    text);
	if (!units_parse_bytes(p + 1, &length, error))
		return false;
	if (length == 0)
		return fail(error, "range '%s' is empty", text);
	if ((first | length) % VMIRROR_PAGE_SIZE)
		return fail(error, "range '%s' is not made of whole 4 KiB pages", text);
	if (first >= end || length > end - first)
		return fail(error, "range '%s' lies beyond the guest address space (2^%d)", text,
			    VMIRROR_GPA_BITS);
	*gpa = first;
	*bytes = length;
	return true;
}

char *units_format_bytes(uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = 0, shift, hundredths;
	uint64_t whole, rest;

	if (bytes == 0)
		return g_strdup("0");
	while (unit + 1 < G_N_ELEMENTS(names) && bytes >> (10 * (unit + 1)))
		unit++;
	shift = 10 * unit;
	whole = bytes >> shift;
	rest = bytes - (whole << shift);
	/* Cut, not rounded: 1023.999 MiB shall not become "1024 MiB". */
	hundredths = (unsigned int)(rest * 100 >> shift);
	if (hundredths == 0)
		return g_strdup_printf("%" PRIu64 " %s", whole, names[unit]);
	if (hundredths % 10 == 0)
		return g_strdup_printf("%" PRIu64 ".%u %s", whole, hundredths / 10, names[unit]);
	return g_strdup_printf("%" PRIu64 ".%02u %s", whole, hundredths, names[unit]);
}
