/* links: guest-lib/kernel/printf.c */
/* SPDX-License-Identifier: MIT */
/*
 * The guest's printf against the C library's, and its handling of small
 * buffers.
 */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <gl/printf.h>

#include "unit/suite.h"

#define SAME(...) do { \
	char a[128], b[128]; \
	int na = gl_snprintf(a, sizeof(a), __VA_ARGS__); \
	int nb = snprintf(b, sizeof(b), __VA_ARGS__); \
	ck_assert_str_eq(a, b); \
	ck_assert_int_eq(na, nb); \
} while (0)

START_TEST(like_libc)
{
	SAME("plain");
	SAME("100%% of %s", "it");
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%ld %lld %zu", LONG_MIN, LLONG_MAX, (size_t)-1);
	SAME("%u %lu", UINT_MAX, ULONG_MAX);
	SAME("%x %X %lx", 0xbeefu, 0xbeefu, 0xfeedfacecafebeefUL);
	SAME("[%5d] [%-5d] [%05d] [%5d]", 42, 42, 42, -42);
	SAME("[%05d] [%-6x] [%016lx]", -42, 0xabu, 0x1234UL);
	SAME("[%8s] [%-8s] [%.2s] [%s]", "abc", "abc", "abc", "");
	SAME("%c%c", 'o', 'k');
	SAME("%p", (void *)0x1234);
}
END_TEST

START_TEST(small_buffers)
{
	char out[8];

	memset(out, '#', sizeof(out));
	ck_assert_int_eq(gl_snprintf(out, 4, "%d", 123456), 6);
	ck_assert_str_eq(out, "123");
	ck_assert_int_eq(out[4], '#');
	ck_assert_int_eq(gl_snprintf(out, 1, "abc"), 3);
	ck_assert_str_eq(out, "");
	ck_assert_int_eq(gl_snprintf(NULL, 0, "abc"), 3);
}
END_TEST

START_TEST(odd_formats)
{
	char out[32];
	const char *cut = "50%", *unknown = "%q";
	const char *volatile null = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	gl_snprintf(out, sizeof(out), cut);
	ck_assert_str_eq(out, "50");
	gl_snprintf(out, sizeof(out), unknown);
	ck_assert_str_eq(out, "q");
#pragma GCC diagnostic pop
	gl_snprintf(out, sizeof(out), "%s", null);
	ck_assert_str_eq(out, "(null)");
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("printf");

	tcase_add_test(tc, like_libc);
	tcase_add_test(tc, small_buffers);
	tcase_add_test(tc, odd_formats);
	return suite_run();
}
