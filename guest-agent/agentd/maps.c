// SPDX-License-Identifier: LGPL-2.1-or-later
#include "maps.h"

#include <string.h>

/* The text that is left. */
struct rest {
	const char *at, *end;
};

static bool hex(struct rest *rest, uint64_t *value)
{
	const char *start = rest->at;

	for (*value = 0; rest->at < rest->end && rest->at - start < 17; rest->at++) {
		char c = *rest->at;

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	return rest->at > start && rest->at - start <= 16;
}

static bool is(struct rest *rest, char c)
{
	if (rest->at == rest->end || *rest->at != c)
		return false;
	rest->at++;
	return true;
}

/* A field and the blanks after it. */
static bool field(struct rest *rest, struct rest *field)
{
	*field = *rest;
	while (rest->at < rest->end && *rest->at != ' ' && *rest->at != '\n')
		rest->at++;
	field->end = rest->at;
	while (rest->at < rest->end && *rest->at == ' ')
		rest->at++;
	return field->end > field->at;
}

/* Of what has no file: "[heap]", "[stack]", "[anon:x]" and no name at all are memory. */
static bool named_by_kernel(const struct rest *rest)
{
	static const char *const names[] = { "[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]",
					     "[uprobes]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if ((size_t)(rest->end - rest->at) >= n && memcmp(rest->at, names[i], n) == 0)
			return true;
	}
	return false;
}

bool maps_line(const char *text, size_t n, struct mapping *mapping)
{
	struct rest rest = { text, text + n }, perms, offset, device, inode;
	uint64_t start, end;

	if (!hex(&rest, &start) || !is(&rest, '-') || !hex(&rest, &end) || !is(&rest, ' ') ||
	    end <= start)
		return false;
	if (!field(&rest, &perms) || perms.end - perms.at != 4 || !field(&rest, &offset) ||
	    !field(&rest, &device) || !field(&rest, &inode))
		return false;
	*mapping = (struct mapping){
		.start = start,
		.end = end,
		.private = perms.at[3] == 'p',
		.anonymous =
			inode.end - inode.at == 1 && *inode.at == '0' && !named_by_kernel(&rest),
	};
	return true;
}
