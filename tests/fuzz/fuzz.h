/* SPDX-License-Identifier: MIT */
/*
 * The frame of a fuzz target: NAME SEED OPERATIONS.  The target runs as one
 * test of libcheck, in this process and without a limit of time, so that
 * ck_assert works in it and in what it calls.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

static uint64_t fuzz_state = 1, fuzz_operations;

/*
 * xorshift64: the same numbers for the same seed everywhere (Marsaglia 2003).
 */
static inline uint64_t fuzz_random(void)
{
	fuzz_state ^= fuzz_state << 13;
	fuzz_state ^= fuzz_state >> 7;
	fuzz_state ^= fuzz_state << 17;
	return fuzz_state;
}

/* 0 .. n - 1 */
static inline uint64_t fuzz_below(uint64_t n)
{
	return fuzz_random() % n;
}

/*
 * Runs `test` (a START_TEST) with the command line's seed and number of
 * operations.
 */
static inline int fuzz_main(int argc, char **argv, const TTest *test,
			    uint64_t operations)
{
	Suite *s = suite_create("fuzz");
	TCase *tc = tcase_create("fuzz");
	SRunner *sr;
	int failed;

	fuzz_operations = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	if (!fuzz_operations)
		fuzz_operations = operations;
	fuzz_state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) *
		     0x9e3779b97f4a7c15 | 1;
	tcase_add_test(tc, test);
	tcase_set_timeout(tc, 0);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_MINIMAL);
	failed = srunner_ntests_failed(sr);
	if (failed)
		srunner_print(sr, CK_VERBOSE);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
