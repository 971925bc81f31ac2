/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* Drops and takes: the end of mappings, holds and frames. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake/fake_share.h"
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
	fake_audit(share);
	fake_dom_end(a);
	fake_dom_end(b);
	fake_share_destroy();
}

START_TEST(last_drop_frees)
{
	uint32_t f = fake_offer(a, 1);

	fake_offer(b, 1);
	ck_assert(!share_drop(a, f, 1, false));
	ck_assert(machine.canonical[f]);
	ck_assert(!share_holds(a, f, NULL, NULL));
	ck_assert(!share_drop(b, f, 1, true));
	ck_assert(!machine.canonical[f]);
	/* The content is no longer known: another frame, rightly filled. */
	fake_offer(a, 1);
}
END_TEST

START_TEST(part_of_the_mappings)
{
	struct share_totals t;
	uint32_t f, mappings;

	ck_assert_int_eq(fake_try_offer(a, 1, 5, &f), 0);
	ck_assert(share_drop(a, f, 3, false));
	ck_assert(share_holds(a, f, &mappings, NULL));
	ck_assert_uint_eq(mappings, 2);
	ck_assert_uint_eq(machine.records[f].count, 2);
	share_drop(a, f, 1, true);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.drops, 3);
	ck_assert_uint_eq(t.breaks, 1);
	ck_assert_uint_eq(t.last_breaks, 0);
	ck_assert_uint_eq(t.pages_unshared, 1);
	ck_assert_uint_eq(t.pages_sharing, 0);
}
END_TEST

START_TEST(take_by_the_only_holder)
{
	static uint8_t before[SHARE_PAGE_BYTES];
	struct share_totals t;
	uint32_t f;

	ck_assert_int_eq(fake_try_offer(a, 1, 3, &f), 0);
	memcpy(before, fake_page(&machine, f), sizeof(before));
	ck_assert_int_eq(share_take(a, f, 2, NULL), SHARE_ERR_OTHERS);
	ck_assert_int_eq(share_take(a, f, 4, NULL), SHARE_ERR_OTHERS);
	ck_assert_int_eq(share_take(b, f, 3, NULL), SHARE_ERR_NOT_HELD);
	ck_assert_int_eq(share_take(a, f, 3, NULL), SHARE_OK);
	/* Ours: not freed, as it was, its record clean. */
	ck_assert(machine.canonical[f]);
	ck_assert_mem_eq(before, fake_page(&machine, f), sizeof(before));
	ck_assert_uint_eq(machine.records[f].count, 0);
	ck_assert_uint_eq(machine.records[f].holders, 0);
	ck_assert_uint_eq(share_dom_held(a), 0);
	ck_assert_uint_ne(fake_offer(b, 1), f);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.breaks, 3);
	ck_assert_uint_eq(t.last_breaks, 3);
	ck_assert_uint_eq(t.pages_shared, 1);
	fake_share_ops.canonical_free(&machine, f);
}
END_TEST

START_TEST(take_with_others_changes_nothing)
{
	uint32_t f = fake_offer(a, 1), mappings;

	fake_offer(b, 1);
	ck_assert_int_eq(share_take(a, f, 1, NULL), SHARE_ERR_OTHERS);
	ck_assert(share_holds(a, f, &mappings, NULL));
	ck_assert_uint_eq(mappings, 1);
	ck_assert_uint_eq(machine.records[f].count, 2);
	share_drop(b, f, 1, false);
	ck_assert_int_eq(share_take(a, f, 1, NULL), SHARE_OK);
	fake_share_ops.canonical_free(&machine, f);
}
END_TEST

START_TEST(take_of_a_zero_frame)
{
	uint32_t f = fake_offer(a, 0);
	struct share_totals t;

	ck_assert_int_eq(share_take(a, f, 1, NULL), SHARE_OK);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.zero_frames, 0);
	ck_assert_uint_eq(t.zero_mappings, 0);
	fake_share_ops.canonical_free(&machine, f);
}
END_TEST

/* SH18: one sharer is destroyed while another goes on sharing. */
START_TEST(sharer_destroyed)
{
	struct share_dom *c = share_dom_create(share, 1, 1000);
	struct share_totals before, after;
	uint32_t frames[100];

	for (uint64_t k = 0; k < 100; k++) {
		frames[k] = fake_offer(a, k);
		ck_assert_uint_eq(fake_offer(c, k), frames[k]);
	}
	share_totals_get(share, &before);
	for (uint64_t k = 0; k < 100; k++) {
		share_drop(c, frames[k], 1, false);
		ck_assert_uint_eq(fake_offer(b, k), frames[k]);
		fake_audit(share);
	}
	share_dom_destroy(c);
	share_totals_get(share, &after);
	ck_assert_uint_eq(after.offers, before.offers + 100);
	ck_assert_uint_eq(after.drops, 100);
	ck_assert_uint_eq(after.pages_shared, before.pages_shared);
	for (uint64_t k = 0; k < 100; k++) {
		fake_content(&machine, 1, k);
		ck_assert(page_equal(fake_page(&machine, 1),
				     fake_page(&machine, frames[k])));
	}
}
END_TEST

/* SH31 in small: share, break, share; nothing drifts. */
START_TEST(round_and_round)
{
	struct share_totals t;
	uint64_t bytes;

	fake_offer(a, 1);
	share_totals_get(share, &t);
	bytes = t.metadata_bytes;
	for (unsigned int i = 0; i < 2000; i++) {
		uint32_t f = fake_offer(b, i % 3);

		share_drop(b, f, 1, i % 2);
	}
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.metadata_bytes, bytes + 128); /* b's spare nodes */
	ck_assert_uint_eq(t.pages_shared, 1);
	ck_assert_uint_eq(t.pages_sharing, 0);
	ck_assert_uint_eq(t.breaks, 1000);
	ck_assert_uint_eq(t.drops, 1000);
}
END_TEST

START_TEST(drop_of_what_is_not_held_panics)
{
	uint32_t f = fake_offer(a, 1);

	share_drop(b, f, 1, false);
	_exit(0);	/* before an audit finds it */
}
END_TEST

START_TEST(drop_of_too_many_panics)
{
	uint32_t f = fake_offer(a, 1);

	/* The frame's count has room for it, by what another has. */
	for (unsigned int i = 0; i < 3; i++)
		fake_offer(b, 1);
	share_drop(a, f, 2, false);
	_exit(0);
}
END_TEST

/* SH31: share, break, share again, 10^6 times: nothing drifts. */
START_TEST(share_and_break_a_million_times)
{
	struct share_totals before, after;
	uint32_t frame, pool;

	ck_assert_int_eq(fake_try_offer(a, 1, 1, &frame), SHARE_OK);
	share_drop(a, frame, 1, true);
	pool = machine.pool_count;
	share_totals_get(share, &before);
	for (uint32_t i = 0; i < 1000000; i++) {
		ck_assert_int_eq(share_offer(a, 1, 1, 1, &frame), SHARE_OK);
		share_drop(a, frame, 1, true);
	}
	share_totals_get(share, &after);
	ck_assert_uint_eq(machine.pool_count, pool);
	ck_assert_uint_eq(after.offers - before.offers, 1000000);
	ck_assert_uint_eq(after.breaks - before.breaks, 1000000);
	ck_assert_uint_eq(after.pages_shared, 0);
	ck_assert_uint_eq(after.pages_sharing, 0);
	ck_assert_uint_eq(after.metadata_bytes, before.metadata_bytes);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, last_drop_frees);
	tcase_add_test(tc, part_of_the_mappings);
	tcase_add_test(tc, take_by_the_only_holder);
	tcase_add_test(tc, take_with_others_changes_nothing);
	tcase_add_test(tc, take_of_a_zero_frame);
	tcase_add_test(tc, sharer_destroyed);
	tcase_add_test(tc, round_and_round);
	tcase_add_test_raise_signal(tc, drop_of_what_is_not_held_panics, 6);
	tcase_add_test_raise_signal(tc, drop_of_too_many_panics, 6);
	tcase_add_test(tc, share_and_break_a_million_times);
	return suite_run();
}
