/* links: hv/boot/ranges.c */
/* SPDX-License-Identifier: MIT */
/* Sets of frames, against a plain array of flags. */
#include <check.h>
#include <stdlib.h>

#include "boot/ranges.h"
#include "unit/suite.h"

#define FRAMES	200
#define STEPS	20000

static struct ranges set;
static bool model[FRAMES];

static void check_same(void)
{
	uint64_t frames = 0;
	unsigned int i, m;

	for (m = 0; m < FRAMES; m++) {
		frames += model[m];
		ck_assert_int_eq(ranges_contain(&set, MFN(m), MFN(m + 1)), model[m]);
	}
	ck_assert_uint_eq(ranges_frames(&set), frames);
	for (i = 0; i < set.count; i++)
		ck_assert(mfn_n(set.r[i].first) < mfn_n(set.r[i].end));
	for (i = 1; i < set.count; i++)
		ck_assert(mfn_n(set.r[i - 1].end) < mfn_n(set.r[i].first));
}

START_TEST(random_changes)
{
	unsigned int step, first, end, m;
	bool add;

	srand(1);
	for (step = 0; step < STEPS; step++) {
		first = (unsigned int)rand() % FRAMES;
		end = first + (unsigned int)rand() % 12;
		end = MIN(end, (unsigned int)FRAMES);
		add = rand() & 1;
		if (add)
			ck_assert(ranges_add(&set, MFN(first), MFN(end)));
		else
			ck_assert(ranges_subtract(&set, MFN(first), MFN(end)));
		for (m = first; m < end; m++)
			model[m] = add;
		if (step % 16 == 0)
			check_same();
	}
}
END_TEST

START_TEST(full)
{
	unsigned int i;

	for (i = 0; i < RANGES_MAX; i++)
		ck_assert(ranges_add(&set, MFN(i * 4), MFN(i * 4 + 3)));
	ck_assert(!ranges_add(&set, MFN(100000), MFN(100001)));
	ck_assert(!ranges_subtract(&set, MFN(1), MFN(2)));
	ck_assert_uint_eq(set.count, RANGES_MAX);
	ck_assert_uint_eq(ranges_frames(&set), RANGES_MAX * 3);
	ck_assert(ranges_add(&set, MFN(0), MFN(100000)));
	ck_assert_uint_eq(set.count, 1);
	ck_assert(ranges_subtract(&set, MFN(0), MFN(~0UL)));
	ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(keep_largest)
{
	unsigned int i;

	set.count = 0;
	for (i = 0; i < 300; i++)
		ck_assert(ranges_add(&set, MFN(i * 1000), MFN(i * 1000 + 1 + i * 7 % 300)));
	ck_assert_uint_eq(ranges_keep_largest(&set, 300), 0);
	ck_assert_uint_eq(ranges_keep_largest(&set, 64), 236 * 237 / 2);
	ck_assert_uint_eq(set.count, 64);
	for (i = 0; i < 64; i++)
		ck_assert_uint_gt(mfn_n(set.r[i].end) - mfn_n(set.r[i].first), 236);
	for (i = 1; i < 64; i++)
		ck_assert(mfn_n(set.r[i - 1].end) < mfn_n(set.r[i].first));
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_test(t, random_changes);
	tcase_add_test(t, full);
	tcase_add_test(t, keep_largest);
	return suite_run();
}
