/* SPDX-License-Identifier: MIT */
/*
 * NAME SEED OPERATIONS.  The target runs as one test of libcheck, in this
 * process and without a limit of time, so that ck_assert works in it and in
 * what it calls.
 */
#include "fuzz/fuzz.h"

static uint64_t state, wanted;
uint64_t fuzz_operations;

/*
 * xorshift64: the same numbers for the same seed everywhere (Marsaglia 2003).
 */
uint64_t fuzz_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

uint64_t fuzz_below(uint64_t n)
{
	return fuzz_random() % n;
}

void fuzz_ready(void)
{
}

bool fuzz_more(void)
{
	return fuzz_operations++ < wanted;
}

void fuzz_met(bool met, const char *what)
{
	if (!met)
		ck_abort_msg("not met in %lu operations: %s", (unsigned long)fuzz_operations, what);
}

START_TEST(fuzz)
{
	fuzz_target();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("fuzz");
	TCase *tc = tcase_create("fuzz");
	SRunner *sr;
	int failed;

	wanted = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	if (!wanted)
		wanted = fuzz_default_operations;
	state = (argc > 1 ? strtoull(argv[1], NULL, 0) : 1) * 0x9e3779b97f4a7c15 | 1;
	tcase_add_test(tc, fuzz);
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
