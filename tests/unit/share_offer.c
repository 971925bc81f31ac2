/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* share_offer(): match, miss, zero, groups, caps, budget, collisions. */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "unit/suite.h"

static struct share_dom *a, *b, *other;	/* a and b in one group */

static void create(const struct page_fns *fns)
{
	fake_share_create(fns);
	a = share_dom_create(share, 5, 100);
	b = share_dom_create(share, 5, 100);
	other = share_dom_create(share, 6, 100);
	ck_assert(a && b && other);
}

static void setup(void)
{
	create(&page_fns_portable);
}

static void setup_colliding(void)
{
	create(&fake_hash_fns);
}

static void teardown(void)
{
	fake_audit(share);
	fake_dom_end(a);
	fake_audit(share);
	fake_dom_end(b);
	fake_dom_end(other);
	fake_share_destroy();
}

static int try_offer(struct share_dom *d, uint64_t content, uint32_t mappings)
{
	uint32_t frame;

	return fake_try_offer(d, content, mappings, &frame);
}

START_TEST(miss_copies_and_match_joins)
{
	uint32_t f = fake_offer(a, 3), mappings;
	uint64_t pfn;

	/* never the offered frame (SH26) */
	ck_assert_uint_ge(f, machine.first_pool);
	ck_assert_uint_eq(fake_offer(b, 3), f);
	ck_assert_uint_ne(fake_offer(b, 4), f);
	ck_assert_uint_eq(machine.records[f].count, 2);
	ck_assert_uint_eq(machine.records[f].holders, 2);
	ck_assert(share_holds(b, f, &mappings, &pfn));
	ck_assert_uint_eq(mappings, 1);
	ck_assert_uint_eq(pfn, 0x1003);
	ck_assert_uint_eq(fake_canonical_count(&machine), 2);
}
END_TEST

START_TEST(offered_frame_is_not_touched)
{
	static uint8_t before[SHARE_PAGE_BYTES];

	fake_content(&machine, 2, 9);
	memcpy(before, fake_page(&machine, 2), sizeof(before));
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t f;

		ck_assert_int_eq(share_offer(a, 2, 0, 1, &f), 0);
		ck_assert_mem_eq(before, fake_page(&machine, 2), sizeof(before));
	}
	ck_assert_uint_eq(machine.records[2].count, 0);
}
END_TEST

START_TEST(same_domain_keeps_first_pfn)
{
	uint32_t f, again, mappings;
	uint64_t pfn;

	fake_content(&machine, 1, 3);
	ck_assert_int_eq(share_offer(a, 1, 77, 2, &f), 0);
	ck_assert_int_eq(share_offer(a, 1, 78, 3, &again), 0);
	ck_assert_uint_eq(f, again);
	ck_assert(share_holds(a, f, &mappings, &pfn));
	ck_assert_uint_eq(mappings, 5);
	ck_assert_uint_eq(pfn, 77);
	ck_assert_uint_eq(machine.records[f].holders, 1);
	ck_assert_uint_eq(share_dom_held(a), 1);
}
END_TEST

START_TEST(pfn_that_does_not_fit_reads_as_none)
{
	uint32_t f;
	uint64_t pfn;

	fake_content(&machine, 1, 3);
	ck_assert_int_eq(share_offer(a, 1, 1ULL << 40, 1, &f), 0);
	ck_assert(share_holds(a, f, NULL, &pfn));
	ck_assert_uint_eq(pfn, UINT64_MAX);
}
END_TEST

/* SH25, SH11: another group has its own frames. */
START_TEST(groups_do_not_meet)
{
	uint32_t f = fake_offer(a, 3), g = fake_offer(other, 3);

	ck_assert_uint_ne(g, f);
	ck_assert_uint_ne(machine.records[g].hash, machine.records[f].hash);
	ck_assert_uint_ne(fake_offer(other, 0), fake_offer(a, 0));
	ck_assert(!share_holds(other, f, NULL, NULL));
	ck_assert_uint_eq(machine.records[f].group, 5);
	ck_assert_uint_eq(machine.records[f].count, 1);
}
END_TEST

/*
 * SH24: the number of allocations, draws and bytes is the same with and without
 * another group.
 */
START_TEST(other_group_changes_no_work)
{
	uint64_t calls[2], bytes[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct share_dom *d = share_dom_create(share, 100 + i, 100);
		struct share_totals before, after;
		uint64_t first = machine.calls;

		share_totals_get(share, &before);
		fake_offer(d, 3);
		fake_offer(d, 3);
		fake_offer(d, 4);
		share_totals_get(share, &after);
		calls[i] = machine.calls - first;
		bytes[i] = after.metadata_bytes - before.metadata_bytes;
		fake_dom_end(d);
		for (uint64_t c = 1; c < 40; c++)
			fake_offer(other, c);
	}
	ck_assert_uint_eq(calls[0], calls[1]);
	ck_assert_uint_eq(bytes[0], bytes[1]);
}
END_TEST

/* SH34 in small; in share_count.c the saturation. */
START_TEST(zero_is_counted_apart)
{
	struct share_totals t;
	struct share_dom_counters c;
	uint32_t f = fake_offer(a, 0);

	ck_assert_uint_eq(fake_offer(b, 0), f);
	fake_offer(a, 1);
	fake_offer(other, 0);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.zero_frames, 2);
	ck_assert_uint_eq(t.zero_mappings, 3);
	ck_assert_uint_eq(t.pages_shared, 3);
	ck_assert_uint_eq(t.pages_sharing, 1);
	ck_assert_uint_eq(t.pages_unshared, 2);
	share_dom_counters_get(a, &c);
	ck_assert_uint_eq(c.zero, 1);
	share_drop(b, f, 1, false);
	share_drop(a, f, 1, false);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.zero_frames, 1);
	ck_assert_uint_eq(t.zero_mappings, 1);
}
END_TEST

/* The budget is charged alike for match and miss, and not for what is held. */
START_TEST(budget)
{
	struct share_dom *poor = share_dom_create(share, 5, 1);
	struct share_dom_counters c;
	uint32_t f;

	fake_offer(a, 3);
	fake_offer(a, 4);
	f = fake_offer(poor, 3);
	ck_assert_int_eq(try_offer(poor, 4, 1), SHARE_ERR_LIMIT); /* match */
	ck_assert_int_eq(try_offer(poor, 5, 1), SHARE_ERR_LIMIT); /* miss */
	ck_assert_int_eq(try_offer(poor, 0, 1), SHARE_ERR_LIMIT);
	ck_assert_uint_eq(fake_offer(poor, 3), f);
	share_dom_counters_get(poor, &c);
	ck_assert_uint_eq(c.held, 1);
	ck_assert_uint_eq(c.budget, 1);
	ck_assert_uint_eq(c.mappings, 2);
	ck_assert_uint_eq(c.offered, 2);
	ck_assert_uint_eq(c.refused, 3);
	ck_assert_uint_eq(fake_canonical_count(&machine), 2);
	share_drop(poor, f, 2, false);
	fake_offer(poor, 5);
	fake_dom_end(poor);
}
END_TEST

START_TEST(no_frame_means_nomem_for_match_and_miss)
{
	uint32_t pool = machine.pool_count;

	fake_offer(a, 3);
	machine.pool_count = 0;
	ck_assert_int_eq(try_offer(b, 3, 1), SHARE_ERR_NOMEM);
	ck_assert_int_eq(try_offer(b, 4, 1), SHARE_ERR_NOMEM);
	ck_assert_int_eq(try_offer(b, 0, 1), SHARE_ERR_NOMEM);
	machine.pool_count = pool - 1;
	ck_assert_uint_eq(share_dom_held(b), 0);
}
END_TEST

/* Page k of hash h, with the colliding functions. */
static void content_with_hash(uint32_t frame, uint64_t h, uint64_t k)
{
	uint64_t *words = fake_page(&machine, frame);

	fake_content(&machine, frame, 1 + k);
	words[0] = h;
	words[511] = k + 1;
}

/* SH22: equal hashes chain to 4 contents, in each group for itself. */
START_TEST(chain_cap)
{
	uint32_t frames[SHARE_CHAIN_CAP], f;
	struct share_totals t;

	for (uint64_t k = 0; k < SHARE_CHAIN_CAP; k++) {
		content_with_hash(1, 99, k);
		ck_assert_int_eq(share_offer(a, 1, 0, 1, &frames[k]), 0);
		for (uint64_t i = 0; i < k; i++)
			ck_assert_uint_ne(frames[i], frames[k]);
	}
	for (uint64_t k = SHARE_CHAIN_CAP; k < 1000; k++) {
		content_with_hash(1, 99, k);
		ck_assert_int_eq(share_offer(b, 1, 0, 1, &f), SHARE_ERR_FULL);
	}
	for (uint64_t k = 0; k < SHARE_CHAIN_CAP; k++) {
		content_with_hash(1, 99, k);
		ck_assert_int_eq(share_offer(b, 1, 0, 1, &f), 0);
		ck_assert_uint_eq(f, frames[k]);
	}
	content_with_hash(1, 99, 500);
	ck_assert_int_eq(share_offer(other, 1, 0, 1, &f), 0);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.max_chain, SHARE_CHAIN_CAP);
	ck_assert_uint_eq(t.pages_shared, SHARE_CHAIN_CAP + 1);
	ck_assert_uint_eq(t.refusals, 1000 - SHARE_CHAIN_CAP);
	/* A content that goes makes room. */
	share_drop(a, frames[0], 1, false);
	share_drop(b, frames[0], 1, false);
	ck_assert_int_eq(share_offer(b, 1, 0, 1, &f), 0);
}
END_TEST

/*
 * Chains of contents that a domain has at its cap: twins are not other
 * contents.
 */
START_TEST(chain_cap_counts_contents)
{
	uint32_t f;

	for (uint64_t k = 0; k < 3; k++) {
		content_with_hash(1, 99, k);
		for (unsigned int i = 0; i < 3; i++)
			ck_assert_int_eq(share_offer(a, 1, 0, SHARE_DOM_CAP,
						     &f), 0);
	}
	content_with_hash(1, 99, 3);
	ck_assert_int_eq(share_offer(a, 1, 0, 1, &f), 0);
	content_with_hash(1, 99, 4);
	ck_assert_int_eq(share_offer(a, 1, 0, 1, &f), SHARE_ERR_FULL);
	ck_assert_uint_eq(fake_canonical_count(&machine), 10);
}
END_TEST

/*
 * Room for a new entry is made before the look-up; a match gives it back,
 * however full the bucket.
 */
START_TEST(match_returns_its_room)
{
	uint32_t f;

	for (unsigned int n = 0; n < 20; n++) {
		uint64_t blocks;

		content_with_hash(1, 99, 0);
		ck_assert_int_eq(share_offer(a, 1, 0, SHARE_DOM_CAP, &f), 0);
		content_with_hash(1, 99, 1);
		ck_assert_int_eq(share_offer(a, 1, 0, 1, &f), 0);
		blocks = machine.blocks;
		ck_assert_int_eq(share_offer(a, 1, 0, 1, &f), 0);
		ck_assert_uint_eq(machine.blocks, blocks);
	}
}
END_TEST

/* A page whose hash is the zero page's is no zero page. */
START_TEST(hash_of_zero_is_reserved)
{
	struct share_totals t;
	uint32_t zero = fake_offer(a, 0), f;

	content_with_hash(1, 0, 5);
	ck_assert_int_eq(share_offer(a, 1, 0, 1, &f), 0);
	ck_assert_uint_ne(f, zero);
	ck_assert_uint_eq(fake_offer(b, 0), zero);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.zero_frames, 1);
	ck_assert_uint_eq(t.zero_mappings, 2);
}
END_TEST

/* SH33: many pages, then every stored hash again (teardown's audit too). */
START_TEST(stored_hashes_hold)
{
	for (uint64_t c = 0; c < 90; c++) {
		fake_offer(a, c);
		fake_offer(b, c / 2);
	}
	fake_audit(share);
	ck_assert_uint_eq(fake_canonical_count(&machine), 90);
}
END_TEST

START_TEST(zero_mappings_offered_panics)
{
	try_offer(a, 3, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("offer"), *colliding = suite_case("colliding");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, miss_copies_and_match_joins);
	tcase_add_test(tc, offered_frame_is_not_touched);
	tcase_add_test(tc, same_domain_keeps_first_pfn);
	tcase_add_test(tc, pfn_that_does_not_fit_reads_as_none);
	tcase_add_test(tc, groups_do_not_meet);
	tcase_add_test(tc, other_group_changes_no_work);
	tcase_add_test(tc, zero_is_counted_apart);
	tcase_add_test(tc, budget);
	tcase_add_test(tc, no_frame_means_nomem_for_match_and_miss);
	tcase_add_test(tc, stored_hashes_hold);
	tcase_add_test_raise_signal(tc, zero_mappings_offered_panics, 6);
	tcase_add_checked_fixture(colliding, setup_colliding, teardown);
	tcase_add_test(colliding, chain_cap);
	tcase_add_test(colliding, chain_cap_counts_contents);
	tcase_add_test(colliding, match_returns_its_room);
	tcase_add_test(colliding, hash_of_zero_is_reserved);
	return suite_run();
}
