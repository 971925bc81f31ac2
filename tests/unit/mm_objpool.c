/* links: hv/mm/objpool.c hv/mm/palloc.c hv/mm/buddy.c hv/mm/framepool.c hv/mm/frame.c tests/port/port.c tests/fake/fake_ram.c */
/* SPDX-License-Identifier: MIT */
/* Small objects: sizes, zeroes, no overlap, every page back. */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_ram.h"
#include "mm/above.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "unit/suite.h"

static const size_t sizes[] = { 1, 8, 15, 16, 17, 31, 64, 100, 255, 256, 512,
				513, 1000, 1024, 1025, 1344, 1345, 4096, 4097, 10000,
				1UL << 17 };

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	ck_abort_msg("nobody puts a frame here");
}

static void start(void)
{
	fake_ram_start();
}

static void all_back(void)
{
	ck_assert_uint_eq(palloc_free_count(), fake_free_at_start);
}

static bool all_bytes(const uint8_t *p, size_t bytes, uint8_t value)
{
	while (bytes--)
		if (*p++ != value)
			return false;
	return true;
}

/* Each size alone: zeroed, aligned, given back at once. */
START_TEST(one)
{
	size_t bytes = sizes[_i];

	for (int round = 0; round < 2; round++) {
		uint8_t *p = obj_alloc(bytes);

		ck_assert_ptr_nonnull(p);
		ck_assert(all_bytes(p, bytes, 0));
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		ck_assert_uint_lt(palloc_free_count(), fake_free_at_start);
		memset(p, 0xff, bytes);
		obj_free(p, bytes);
		all_back();
	}
}
END_TEST

/* Objects that live together keep their bytes. */
START_TEST(many)
{
	struct {
		uint8_t *p;
		size_t bytes;
		uint8_t value;
	} *o = calloc(500, sizeof(*o));

	for (int step = 0; step < 20000; step++) {
		unsigned int i = rand() % 500;

		if (o[i].p) {
			ck_assert(all_bytes(o[i].p, o[i].bytes, o[i].value));
			obj_free(o[i].p, o[i].bytes);
			o[i].p = NULL;
			continue;
		}
		o[i].bytes = sizes[rand() % 17];
		o[i].value = rand();
		o[i].p = obj_alloc(o[i].bytes);
		ck_assert(all_bytes(o[i].p, o[i].bytes, 0));
		memset(o[i].p, o[i].value, o[i].bytes);
	}
	for (unsigned int i = 0; i < 500; i++)
		obj_free(o[i].p, o[i].bytes);
	free(o);
	all_back();
}
END_TEST

START_TEST(null_and_exhaustion)
{
	void **kept = calloc(FAKE_FRAMES * 4, sizeof(*kept));
	size_t n = 0;

	obj_free(NULL, 64);
	obj_free(NULL, 1 << 20);
	ck_assert_ptr_null(obj_alloc(1UL << 27));
	while ((kept[n] = obj_alloc(OBJ_LARGEST)))
		n++;
	/* 3 and a header a page */
	ck_assert_uint_eq(n, fake_free_at_start * 3);
	ck_assert_ptr_null(obj_alloc(16));
	obj_free(kept[--n], OBJ_LARGEST);
	kept[n] = obj_alloc(OBJ_LARGEST);
	ck_assert_ptr_nonnull(kept[n++]);
	while (n)
		obj_free(kept[--n], OBJ_LARGEST);
	free(kept);
	all_back();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("objpool");

	srand(1);
	tcase_add_unchecked_fixture(tc, start, NULL);
	tcase_add_loop_test(tc, one, 0, ARRAY_COUNT(sizes));
	tcase_add_test(tc, many);
	tcase_add_test(tc, null_and_exhaustion);
	return suite_run();
}
