/* SPDX-License-Identifier: MIT */
/*
 * The frame of a test program, whose name is its suite's.  main() makes cases,
 * adds tests to them, and ends with `return suite_run();`.
 */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <errno.h>

static Suite *suite_own;

static inline TCase *suite_case(const char *name)
{
	TCase *tc = tcase_create(name);

	if (!suite_own)
		suite_own = suite_create(program_invocation_short_name);
	suite_add_tcase(suite_own, tc);
	return tc;
}

/*
 * What each test would make for itself: done once, before there are processes
 * of theirs.
 */
extern void suite_before(void) __attribute__((weak));

/* Run them all; what main() returns. */
static inline int suite_run(void)
{
	SRunner *r = srunner_create(suite_own);
	int failed;

	if (suite_before)
		suite_before();
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

#endif
