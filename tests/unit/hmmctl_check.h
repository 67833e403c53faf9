/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hmmctl_check.h - what the test programs of hmmctl need beside check.h
 */
#ifndef HMMCTL_CHECK_H
#define HMMCTL_CHECK_H

#include <string.h>

#include "check.h"
#include "hmmctl.h"

/* Compare, and free the first. */
static inline void check_taken_text(char *got, const char *expected, const char *file, int line)
{
	check_text(got, expected, file, line);
	g_free(got);
}

static inline void check_error(GError **error, enum hmmctl_error code, const char *part,
			       const char *file, int line)
{
	gboolean right =
		g_error_matches(*error, HMMCTL_ERROR, (int)code) && strstr((*error)->message, part);

	if (!right)
		printf("\n%s:%d: got error %d '%s', expected %d '%s'\n", file, line,
		       *error ? (*error)->code : -1, *error ? (*error)->message : "none", (int)code,
		       part);
	CU_assertImplementation(right, (unsigned int)line, "error", file, "", CU_FALSE);
	g_clear_error(error);
}

#define CHECK_TAKEN_TEXT(got, expected) check_taken_text(got, expected, __FILE__, __LINE__)
/* *error has that code and a message with that part in it; it is cleared. */
#define CHECK_ERROR(error, code, part) check_error(error, code, part, __FILE__, __LINE__)

static inline json_object *parse_json(const char *text)
{
	json_object *object = json_tokener_parse(text);

	if (!object) {
		fprintf(stderr, "the test itself is wrong, no JSON: %s\n", text);
		g_abort();
	}
	return object;
}

#endif /* HMMCTL_CHECK_H */
