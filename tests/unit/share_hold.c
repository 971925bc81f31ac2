/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* Holds: one more mapping, questions, walking. */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "share/impl.h"
#include "unit/suite.h"

static struct share_dom *a, *b;

static void setup(void)
{
	fake_share_create(&page_fns_portable);
	a = share_dom_create(share, 1, 1000);
	b = share_dom_create(share, 1, 1000);
	ck_assert(a && b);
}

static void teardown(void)
{
	fake_dom_end(a);
	fake_dom_end(b);
	fake_share_destroy();
}

START_TEST(hold_counts)
{
	uint32_t f = fake_offer(a, 1), mappings = 0;
	struct share_dom_counters c;

	ck_assert_int_eq(share_hold(a, f), SHARE_OK);
	ck_assert_int_eq(share_hold(a, f), SHARE_OK);
	ck_assert(share_holds(a, f, &mappings, NULL));
	ck_assert_uint_eq(mappings, 3);
	ck_assert_uint_eq(machine.records[f].count, 3);
	share_dom_counters_get(a, &c);
	ck_assert_uint_eq(c.mappings, 3);
	ck_assert_uint_eq(c.held, 1);
}
END_TEST

/* SH7, SH9: only who holds may map, whatever the number. */
START_TEST(not_held_is_refused)
{
	uint32_t f = fake_offer(a, 1);

	for (uint32_t n = 0; n < machine.frames; n++) {
		ck_assert_int_eq(share_hold(b, n), SHARE_ERR_NOT_HELD);
		ck_assert(!share_holds(b, n, NULL, NULL));
	}
	ck_assert_int_eq(share_hold(b, UINT32_MAX), SHARE_ERR_NOT_HELD);
	ck_assert_int_eq(share_hold(b, 1u << 31), SHARE_ERR_NOT_HELD);
	ck_assert_uint_eq(machine.records[f].count, 1);
	share_drop(a, f, 1, false);
	ck_assert_int_eq(share_hold(a, f), SHARE_ERR_NOT_HELD);
}
END_TEST

START_TEST(holds_leaves_alone_what_it_does_not_know)
{
	uint32_t mappings = 7;
	uint64_t pfn = 8;

	ck_assert(!share_holds(a, 100, &mappings, &pfn));
	ck_assert_uint_eq(mappings, 7);
	ck_assert_uint_eq(pfn, 8);
}
END_TEST

START_TEST(walk_sees_all_once)
{
	uint32_t frame, mappings, sum = 0;
	uint64_t cursor = 0;
	static uint8_t seen[400];

	memset(seen, 0, sizeof(seen));
	for (uint64_t c = 0; c < 200; c++) {
		uint32_t f = fake_offer(a, c);

		for (uint64_t i = 0; i < c % 3; i++)
			ck_assert_int_eq(share_hold(a, f), 0);
	}
	while (share_dom_next(a, &cursor, &frame, &mappings)) {
		ck_assert_uint_eq(seen[frame]++, 0);
		ck_assert_uint_eq(mappings, machine.records[frame].count);
		sum++;
	}
	ck_assert_uint_eq(sum, 200);
	cursor = 0;
	ck_assert(share_dom_next(a, &cursor, &frame, NULL));
	cursor = 0;
	ck_assert(!share_dom_next(b, &cursor, &frame, &mappings));
}
END_TEST

/*
 * Drops of any hold between steps: none twice, and none that stays is missed.
 */
START_TEST(walk_survives_drops)
{
	static uint8_t seen[400], dropped[400];
	uint32_t frames[200], frame, mappings;
	uint64_t cursor = 0, seed = 3;

	memset(seen, 0, sizeof(seen));
	memset(dropped, 0, sizeof(dropped));
	for (uint64_t c = 0; c < 200; c++)
		frames[c] = fake_offer(a, c);
	while (share_dom_next(a, &cursor, &frame, &mappings)) {
		ck_assert_uint_eq(seen[frame]++, 0);
		ck_assert(!dropped[frame]);
		for (unsigned int i = 0; i < 2; i++) {
			uint32_t f = frames[fake_random(&seed) % 200];

			if (!dropped[f]++)
				share_drop(a, f, 1, false);
		}
	}
	for (unsigned int c = 0; c < 200; c++)
		ck_assert(seen[frames[c]] || dropped[frames[c]]);
}
END_TEST

/* At any size from 2^10 on, growing and shrinking: 16 bytes a hold. */
START_TEST(memory_of_a_hold)
{
	enum { MOST = 20000 };

	for (uint32_t n = 0; n < MOST; n++) {
		ck_assert(hold_prepare(a));
		hold_add(a, n, n, 1);
		ck_assert(n < 1023 || lintab_bytes(&a->holds) <= 16ull * (n + 1));
	}
	for (uint32_t n = MOST; n--; ) {
		hold_remove(a, hold_find(a, n));
		ck_assert(n < 1024 || lintab_bytes(&a->holds) <= 16ull * n);
	}
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, hold_counts);
	tcase_add_test(tc, not_held_is_refused);
	tcase_add_test(tc, holds_leaves_alone_what_it_does_not_know);
	tcase_add_test(tc, walk_sees_all_once);
	tcase_add_test(tc, walk_survives_drops);
	tcase_add_test(tc, memory_of_a_hold);
	return suite_run();
}
