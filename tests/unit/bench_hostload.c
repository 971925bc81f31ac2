/* SPDX-License-Identifier: MIT */
/* When a host has CPUs to spare: from two looks at files like /proc/stat. */
// links: bench/harness/hostload.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/hostload.h"
#include "unit/suite.h"

static char path[] = "/tmp/hostload.XXXXXX";

/* Ticks since the host began. */
static bool is_low(struct hostload *l, double now, unsigned int work,
		   unsigned int idle, unsigned int disk)
{
	FILE *f = fopen(path, "w");

	fprintf(f, "cpu  %u 0 0 %u %u 0 0 0 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n",
		work, idle, disk);
	fclose(f);
	return hostload_is_low(l, path, now);
}

START_TEST(test_a_quarter)
{
	struct hostload l = { 0 };

	ck_assert(!is_low(&l, 10, 0, 1000, 0));	/* nothing to compare with */
	ck_assert(is_low(&l, 11, 150, 1050, 0));
	ck_assert(!is_low(&l, 12, 301, 1099, 0));
	ck_assert(is_low(&l, 13, 451, 1099, 50));
}
END_TEST

START_TEST(test_once_a_second)
{
	struct hostload l = { 0 };

	is_low(&l, 10, 0, 1000, 0);
	ck_assert(!is_low(&l, 10.9, 0, 1100, 0));
	ck_assert(is_low(&l, 11, 0, 1200, 0));
	ck_assert(!is_low(&l, 11.9, 0, 1400, 0));
}
END_TEST

START_TEST(test_no_figures)
{
	struct hostload l = { 0 };
	FILE *f;

	is_low(&l, 10, 0, 1000, 0);
	ck_assert(!hostload_is_low(&l, "/nonexistent", 12));
	f = fopen(path, "w");
	fputs("cpu 1 2 3 5000\n", f);
	fclose(f);
	ck_assert(!hostload_is_low(&l, path, 14));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("hostload");
	int failed;

	close(mkstemp(path));
	tcase_add_test(tc, test_a_quarter);
	tcase_add_test(tc, test_once_a_second);
	tcase_add_test(tc, test_no_figures);
	failed = suite_run();
	unlink(path);
	return failed;
}
