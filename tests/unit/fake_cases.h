/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_cases.h - tables of cases for fake_hmmd.h, and what many of them have in common
 */
#ifndef FAKE_CASES_H
#define FAKE_CASES_H

#include "fake_hmmd.h"
#include "hmmctl_check.h"

static inline void run_cases(const struct fake_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct fake_case *test = &cases[i];
		struct fake_result result;

		fake_run(test, &result);
		if (result.script)
			printf("\nhmmctl %s: %s\n", test->line, result.script);
		CU_ASSERT_PTR_NULL(result.script);
		if (result.status != test->status)
			printf("\nhmmctl %s: exit status %d, expected %d\n%s%s\n", test->line,
			       result.status, test->status, result.out, result.err);
		CU_ASSERT_EQUAL(result.status, test->status);
		CHECK_TEXT(result.out, test->out ? test->out : "");
		if (!test->err_part) {
			CHECK_TEXT(result.err, test->err ? test->err : "");
		} else if (!strstr(result.err, test->err_part)) {
			CHECK_TEXT(result.err, test->err_part);
		}
		fake_result_clear(&result);
	}
}

#define RUN(cases) run_cases(cases, G_N_ELEMENTS(cases))

#define ERROR(class, desc)  "{\"error\":{\"class\":\"" class "\",\"desc\":\"" desc "\"}}"
#define ASK_VM(command, vm) "{\"execute\":\"" command "\",\"arguments\":{\"vm\":\"" vm "\"}}"

#endif /* FAKE_CASES_H */
