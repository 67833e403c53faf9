/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.h - main() around a list of CUnit tests
 */
#ifndef CHECK_H
#define CHECK_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

struct check {
	const char *name;
	void (*run)(void);
};

static inline int run_checks(const char *name, const struct check *checks, size_t nr)
{
	unsigned int failed;
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite(name, NULL, NULL);
	for (size_t i = 0; i < nr; i++)
		CU_add_test(suite, checks[i].name, checks[i].run);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}

static inline void check_text(const char *got, const char *expected, const char *file, int line)
{
	bool same = g_strcmp0(got, expected) == 0;

	if (!same)
		printf("\n%s:%d: got '%s', expected '%s'\n", file, line, got ? got : "(null)",
		       expected ? expected : "(null)");
	CU_assertImplementation(same, (unsigned int)line, "text", file, "", CU_FALSE);
}

static inline void check_number(uint64_t got, uint64_t expected, const char *file, int line)
{
	if (got != expected)
		printf("\n%s:%d: got %" PRIu64 ", expected %" PRIu64 "\n", file, line, got,
		       expected);
	CU_assertImplementation(got == expected, (unsigned int)line, "number", file, "", CU_FALSE);
}

/* Like CU_ASSERT_EQUAL, but they show both sides. */
#define CHECK_TEXT(got, expected)   check_text(got, expected, __FILE__, __LINE__)
#define CHECK_NUMBER(got, expected) check_number(got, expected, __FILE__, __LINE__)

#endif /* CHECK_H */
