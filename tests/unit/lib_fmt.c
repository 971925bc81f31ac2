/* links: hv/lib/fmt.c hv/lib/str.c */
/* SPDX-License-Identifier: MIT */
/* Formatting agrees with the C library in all that it offers. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fmt.h"
#include "unit/suite.h"

#define SAME(...) do { \
	char ours[200], theirs[200]; \
	int n = fmt_snprintf(ours, sizeof(ours), __VA_ARGS__); \
	int m = snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
	ck_assert_str_eq(ours, theirs); \
	ck_assert_int_eq(n, m); \
} while (0)

START_TEST(numbers)
{
	SAME("%d %d %d %i", 0, -1, INT_MAX, INT_MIN);
	SAME("%u %x", UINT_MAX, 0xdeadbeefu);
	SAME("%ld %lu %lx", LONG_MIN, ULONG_MAX, 0x123456789abcdefUL);
	SAME("%lld %llu %llx", LLONG_MIN, ULLONG_MAX, 1ULL);
	SAME("%zu", (size_t)12345);
}
END_TEST

START_TEST(widths)
{
	SAME("[%5d][%-5d][%05d][%05d]", 42, 42, 42, -42);
	SAME("[%16lx][%016lx][%-16lx]", 0xabcUL, 0xabcUL, 0xabcUL);
	SAME("[%3d][%1d]", 12345, -12345);
	SAME("[%*d][%*d]", 6, 7, -6, 7);
	SAME("[%8s][%-8s][%2s]", "abc", "abc", "abc");
	SAME("[%c][%3c][%-3c]", 'x', 'y', 'z');
	SAME("100%%");
}
END_TEST

START_TEST(strings)
{
	const char open[3] = { 'a', 'b', 'c' };	/* no NUL */

	SAME("[%.3s][%.0s][%.9s]", "abcdef", "abc", "abc");
	SAME("[%.*s]", 3, open);
	SAME("[%6.2s]", "xyz");
	SAME("%p", (void *)0x1234);
}
END_TEST

START_TEST(cuts)
{
	char buf[8];

	memset(buf, '#', sizeof(buf));
	ck_assert_int_eq(fmt_snprintf(buf, 5, "%s", "abcdefgh"), 8);
	ck_assert_str_eq(buf, "abcd");
	ck_assert(buf[5] == '#');
	ck_assert_int_eq(fmt_snprintf(buf, 1, "%d", 123), 3);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(fmt_snprintf(NULL, 0, "%lu", 1234UL), 4);
}
END_TEST

START_TEST(odd)
{
	char buf[20];
	const char *volatile bad = "a%q%", *volatile none = NULL;

	fmt_snprintf(buf, sizeof(buf), bad);
	ck_assert_str_eq(buf, "a%q");
	fmt_snprintf(buf, sizeof(buf), "%s", none);
	ck_assert_str_eq(buf, "(null)");
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_test(t, numbers);
	tcase_add_test(t, widths);
	tcase_add_test(t, strings);
	tcase_add_test(t, cuts);
	tcase_add_test(t, odd);
	return suite_run();
}
