/* links: hv/lib/str.c */
/* SPDX-License-Identifier: MIT */
/*
 * The string functions.  The libc names are tested under other names, against
 * the C library, since a test cannot live without the real ones.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HV_LIB_STRING_PLAIN
#include "lib/string.h"
#include "unit/suite.h"

#define memcpy	hv_memcpy
#define memmove	hv_memmove
#define memset	hv_memset
#define memcmp	hv_memcmp
#define strlen	hv_strlen
#define strnlen	hv_strnlen
#define strcmp	hv_strcmp
#define strncmp	hv_strncmp
#define strchr	hv_strchr
#undef HV_LIB_STRING_H
#include "lib/string.h"
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define BYTES 64

static unsigned char a[BYTES], b[BYTES];

static void fill(void)
{
	int i;

	for (i = 0; i < BYTES; i++)
		a[i] = b[i] = (unsigned char)(i * 37 + 11);
}

/* Every overlap of every short length, as libc does it. */
START_TEST(moves_like_libc)
{
	size_t from, to, n;

	for (from = 0; from < 20; from++)
		for (to = 0; to < 20; to++)
			for (n = 0; n < 33; n++) {
				fill();
				ck_assert_ptr_eq(hv_memmove(a + to, a + from, n),
						 a + to);
				memmove(b + to, b + from, n);
				ck_assert_mem_eq(a, b, BYTES);
			}
}
END_TEST

START_TEST(copies_and_sets)
{
	size_t n;

	for (n = 0; n < 40; n++) {
		fill();
		hv_memcpy(a, b + 20, n);
		ck_assert_mem_eq(a, b + 20, n);
		ck_assert_mem_eq(a + n, b + n, BYTES - n);
		hv_memset(a + 3, 0x1a5, n);
		memset(b + 3, 0x1a5, n);
		ck_assert_mem_eq(a + 3, b + 3, n);
	}
}
END_TEST

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

START_TEST(compares)
{
	size_t at, n;

	for (n = 0; n < 30; n++)
		for (at = 0; at < n; at++) {
			fill();
			ck_assert_int_eq(hv_memcmp(a, b, n), 0);
			a[at] ^= 0x80;
			ck_assert_int_eq(sign(hv_memcmp(a, b, n)),
					 sign(memcmp(a, b, n)));
			ck_assert_int_eq(hv_memcmp(a, b, at), 0);
		}
	ck_assert_int_eq(hv_strcmp("abc", "abc"), 0);
	ck_assert_int_lt(hv_strcmp("ab", "abc"), 0);
	ck_assert_int_gt(hv_strcmp("\xff", "a"), 0);
	ck_assert_int_eq(hv_strncmp("abx", "aby", 2), 0);
	ck_assert_int_eq(hv_strncmp("abx", "aby", 0), 0);
}
END_TEST

START_TEST(measures)
{
	const char *s = "hello";

	ck_assert_uint_eq(hv_strlen(""), 0);
	ck_assert_uint_eq(hv_strlen(s), 5);
	ck_assert_uint_eq(hv_strnlen(s, 3), 3);
	ck_assert_ptr_eq(hv_strchr(s, 'l'), s + 2);
	ck_assert_ptr_eq(hv_strchr(s, '\0'), s + 5);
	ck_assert_ptr_null(hv_strchr(s, 'z'));
}
END_TEST

START_TEST(str_copy_cuts)
{
	char buf[4];

	ck_assert(str_copy(buf, sizeof(buf), "abc"));
	ck_assert_str_eq(buf, "abc");
	ck_assert(!str_copy(buf, sizeof(buf), "abcd"));
	ck_assert_str_eq(buf, "abc");
	ck_assert(!str_copy(buf, 1, "x"));
	ck_assert_str_eq(buf, "");
	ck_assert(!str_copy(buf, 0, "x"));
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t value;
} numbers[] = {
	{ "0", true, 0 }, { "10", true, 10 }, { "0x1F", true, 31 },
	{ "4K", true, 4096 }, { "32M", true, 32UL << 20 },
	{ "2g", true, 2UL << 30 }, { "0x10k", true, 16384 },
	{ "18446744073709551615", true, UINT64_MAX },
	{ "18446744073709551616", false, 0 },
	{ "18014398509481984K", false, 0 },
	{ "0x10000000000000000", false, 0 },
	{ "", false, 0 }, { "0x", false, 0 }, { "K", false, 0 },
	{ "-1", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 },
	{ "1 ", false, 0 }, { "1MB", false, 0 }, { "1.5", false, 0 },
	{ "12a", false, 0 }, { "32Q", false, 0 },
};

START_TEST(parses_numbers)
{
	uint64_t v = 77;
	bool ok = str_to_u64(numbers[_i].text, &v);

	ck_assert_msg(ok == numbers[_i].ok, "%s", numbers[_i].text);
	ck_assert_uint_eq(v, ok ? numbers[_i].value : 77);
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_test(t, moves_like_libc);
	tcase_add_test(t, copies_and_sets);
	tcase_add_test(t, compares);
	tcase_add_test(t, measures);
	tcase_add_test(t, str_copy_cuts);
	tcase_add_loop_test(t, parses_numbers, 0, (int)ARRAY_COUNT(numbers));
	return suite_run();
}
