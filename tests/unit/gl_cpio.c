/* links: guest-lib/kernel/cpio.c */
/* SPDX-License-Identifier: MIT */
/*
 * The guest's cpio reader: several archives, paddings, and every kind of
 * damage.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gl/cpio.h>

#include "unit/suite.h"

static uint8_t image[8192];
static size_t image_bytes;

static void put(const void *data, size_t bytes)
{
	memcpy(image + image_bytes, data, bytes);
	image_bytes += bytes;
}

static void pad(size_t base)
{
	while ((image_bytes - base) % 4)
		image[image_bytes++] = 0;
}

static void put_member(size_t base, const char *name, unsigned int mode,
		       const char *data, size_t bytes)
{
	char header[160];

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		 1, mode, 0, 0, 1, 0, bytes, 0, 0, 0, 0, strlen(name) + 1, 0);
	put(header, 110);
	put(name, strlen(name) + 1);
	pad(base);
	put(data, bytes);
	pad(base);
}

static void put_trailer(size_t base)
{
	put_member(base, "TRAILER!!!", 0, "", 0);
}

static void setup(void)
{
	image_bytes = 0;
	memset(image, 0, sizeof(image));
}

/* An exact copy, so that ASan sees a byte read too far. */
static int read_all(size_t bytes, unsigned int *members)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);
	struct gl_cpio_file f;
	struct gl_cpio c;
	volatile uint8_t sum = 0;
	int rc;

	memcpy(copy, image, bytes);
	gl_cpio_open(&c, copy, bytes);
	*members = 0;
	while ((rc = gl_cpio_next(&c, &f)) == 1) {
		++*members;
		ck_assert(strlen(f.name) <= f.name_bytes);
		for (uint64_t i = 0; i < f.bytes; i++)
			sum = (uint8_t)(sum + f.data[i]);
	}
	free(copy);
	return rc;
}

START_TEST(two_archives)
{
	struct gl_cpio_file f;
	struct gl_cpio c;
	size_t base;

	put_member(0, "dir", 0040755, "", 0);
	put_member(0, "a/file", 0100644, "hello", 5);
	put_trailer(0);
	/* odd: the second one's padding counts from its own start */
	image_bytes += 13;
	base = image_bytes;
	put_member(base, "b", 0100600, "xyz", 3);
	put_trailer(base);
	image_bytes += 100;

	gl_cpio_open(&c, image, image_bytes);
	ck_assert_int_eq(gl_cpio_next(&c, &f), 1);
	ck_assert(!gl_cpio_is_regular(&f));
	ck_assert_int_eq(gl_cpio_next(&c, &f), 1);
	ck_assert(gl_cpio_is_regular(&f));
	ck_assert_str_eq(f.name, "a/file");
	ck_assert_uint_eq(f.name_bytes, 6);
	ck_assert_uint_eq(f.bytes, 5);
	ck_assert(!memcmp(f.data, "hello", 5));
	ck_assert_int_eq(gl_cpio_next(&c, &f), 1);
	ck_assert_str_eq(f.name, "b");
	ck_assert(!memcmp(f.data, "xyz", 3));
	ck_assert_int_eq(gl_cpio_next(&c, &f), 0);
	ck_assert_int_eq(gl_cpio_next(&c, &f), 0);
}
END_TEST

START_TEST(nothing)
{
	unsigned int n;

	ck_assert_int_eq(read_all(0, &n), 0);
	ck_assert_int_eq(read_all(512, &n), 0);
	ck_assert_uint_eq(n, 0);
	memcpy(image, "hello", 5);
	ck_assert_int_eq(read_all(5, &n), -1);
}
END_TEST

/*
 * Cut anywhere, each byte changed to anything: an answer, and no byte read
 * outside.
 */
START_TEST(damage)
{
	unsigned int n;

	put_member(0, "file", 0100644, "some content", 12);
	put_trailer(0);
	for (size_t cut = 1; cut < 110 + 8 + 12; cut++)
		ck_assert_int_eq(read_all(cut, &n), -1);
	ck_assert_int_eq(read_all(image_bytes, &n), 0);
	for (size_t at = 0; at < image_bytes; at++) {
		uint8_t was = image[at];

		for (unsigned int v = 0; v < 256; v += 5) {
			image[at] = (uint8_t)v;
			read_all(image_bytes, &n);
		}
		image[at] = 'f';
		read_all(image_bytes, &n);
		image[at] = was;
	}
}
END_TEST

START_TEST(huge_lengths)
{
	unsigned int n;

	put_member(0, "file", 0100644, "some content", 12);
	memcpy(image + 6 + 6 * 8, "ffffffff", 8);
	ck_assert_int_eq(read_all(image_bytes, &n), -1);
	memcpy(image + 6 + 6 * 8, "00000001", 8);
	memcpy(image + 6 + 11 * 8, "fffffffe", 8);
	ck_assert_int_eq(read_all(image_bytes, &n), -1);
	memcpy(image + 6 + 11 * 8, "00000000", 8);
	ck_assert_int_eq(read_all(image_bytes, &n), -1);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("cpio");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, two_archives);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, damage);
	tcase_add_test(tc, huge_lengths);
	return suite_run();
}
