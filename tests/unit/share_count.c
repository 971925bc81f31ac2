/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * SH11, SH34, SH35: a domain's cap, which is nobody else's, and the zero page
 * with very many sharers.
 */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "unit/suite.h"

#define CAP SHARE_DOM_CAP

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

START_TEST(hold_stops_at_the_cap)
{
	uint32_t f;

	ck_assert_int_eq(fake_try_offer(a, 1, CAP - 1, &f), 0);
	ck_assert_int_eq(share_hold(a, f), SHARE_OK);
	ck_assert_int_eq(share_hold(a, f), SHARE_ERR_COUNT);
	ck_assert_uint_eq(machine.records[f].count, CAP);
	share_drop(a, f, 1, false);
	ck_assert_int_eq(share_hold(a, f), SHARE_OK);
	ck_assert_int_eq(share_hold(a, f), SHARE_ERR_COUNT);
}
END_TEST

START_TEST(too_many_at_once)
{
	uint32_t f;

	ck_assert_int_eq(fake_try_offer(a, 1, CAP + 1, &f), SHARE_ERR_COUNT);
	ck_assert_int_eq(fake_try_offer(a, 1, UINT32_MAX, &f), SHARE_ERR_COUNT);
	ck_assert_int_eq(fake_try_offer(a, 0, UINT32_MAX, &f), SHARE_ERR_COUNT);
	ck_assert_uint_eq(fake_canonical_count(&machine), 0);
	ck_assert_int_eq(fake_try_offer(a, 1, CAP, &f), SHARE_OK);
}
END_TEST

/*
 * SH35: one member of the group has all that it may of a frame; the others do
 * not notice.
 */
static void others_go_on(uint64_t content)
{
	uint32_t first, f;

	first = fake_offer(b, content);
	ck_assert_int_eq(fake_try_offer(a, content, CAP, &f), 0);
	ck_assert_uint_eq(f, first);
	ck_assert_int_eq(share_hold(a, first), SHARE_ERR_COUNT);
	ck_assert_int_eq(share_hold(b, first), SHARE_OK);
	ck_assert_uint_eq(fake_offer(b, content), first);
	ck_assert_int_eq(fake_try_offer(b, content, CAP - 3, &f), 0);
	ck_assert_uint_eq(f, first);
	ck_assert_uint_eq(machine.records[first].count, 2 * CAP);
	ck_assert_int_eq(share_hold(b, first), SHARE_ERR_COUNT);
	fake_audit(share);
}

START_TEST(one_at_its_cap_is_alone_with_it)
{
	others_go_on(5);
	others_go_on(0);
	ck_assert_uint_eq(fake_canonical_count(&machine), 2);
}
END_TEST

/* All members that a group can have, each with all that it may have. */
START_TEST(all_at_their_cap)
{
	static struct share_dom *doms[SHARE_DOMS_MAX];
	uint32_t f;

	for (unsigned int i = 0; i < SHARE_DOMS_MAX; i++) {
		doms[i] = share_dom_create(share, 3, 10);
		ck_assert(doms[i]);
		ck_assert_int_eq(fake_try_offer(doms[i], 7, CAP, &f), 0);
		ck_assert_int_eq(share_hold(doms[i], f), SHARE_ERR_COUNT);
	}
	ck_assert_uint_eq(machine.records[f].count, SHARE_COUNT_CAP);
	ck_assert(!share_dom_create(share, 3, 10));
	fake_audit(share);
	for (unsigned int i = 0; i < SHARE_DOMS_MAX; i++)
		fake_dom_end(doms[i]);
	ck_assert_uint_eq(fake_canonical_count(&machine), 0);
}
END_TEST

/*
 * A domain at its cap of a frame: a second canonical frame for its next offer,
 * of any content.
 */
static void second_canonical(uint64_t content)
{
	uint32_t first, second, f;

	ck_assert_int_eq(fake_try_offer(a, content, CAP, &first), 0);
	ck_assert_int_eq(fake_try_offer(a, content, 1, &second), 0);
	ck_assert_uint_ne(first, second);
	ck_assert_int_eq(share_hold(a, second), SHARE_OK);
	fake_audit(share);
	/* Another joins either of them, and needs no third. */
	f = fake_offer(b, content);
	ck_assert(f == first || f == second);
	ck_assert_uint_eq(fake_canonical_count(&machine), 2);
	share_drop(b, f, 1, false);
	/*
	 * The second goes: the next offer finds the first, which has room
	 * again.
	 */
	share_drop(a, second, 2, false);
	ck_assert(!machine.canonical[second]);
	share_drop(a, first, 1, false);
	ck_assert_uint_eq(fake_offer(a, content), first);
	fake_audit(share);
}

START_TEST(second_canonical_of_a_content)
{
	second_canonical(5);
}
END_TEST

START_TEST(second_canonical_of_zero)
{
	struct share_totals t;

	second_canonical(0);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.zero_frames, 1);
	ck_assert_uint_eq(t.zero_mappings, t.pages_sharing + 1);
}
END_TEST

/* The cap of one group is nothing to another. */
START_TEST(cap_is_no_oracle)
{
	struct share_dom *other = share_dom_create(share, 2, 1000);
	uint32_t f, g;

	ck_assert_int_eq(fake_try_offer(a, 1, CAP, &f), 0);
	ck_assert_int_eq(fake_try_offer(other, 1, CAP, &g), 0);
	ck_assert_uint_ne(f, g);
	fake_dom_end(other);
}
END_TEST

/* SH34: 10^5 sharers, destroyed one after the other. */
START_TEST(zero_page_of_many)
{
	enum { DOMAINS = 1000, EACH = 100 };
	static struct share_dom *doms[DOMAINS];
	struct share_totals t;
	uint32_t f;

	for (unsigned int i = 0; i < DOMAINS; i++) {
		doms[i] = share_dom_create(share, 1, 10);
		ck_assert(doms[i]);
		ck_assert_int_eq(fake_try_offer(doms[i], 0, 1, &f), 0);
		for (unsigned int k = 1; k < EACH; k++)
			ck_assert_int_eq(share_hold(doms[i], f), 0);
	}
	ck_assert_uint_eq(machine.records[f].count, DOMAINS * EACH);
	ck_assert_uint_eq(machine.records[f].holders, DOMAINS);
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.zero_frames, 1);
	ck_assert_uint_eq(t.zero_mappings, DOMAINS * EACH);
	ck_assert_uint_eq(t.pages_sharing, DOMAINS * EACH - 1);
	fake_audit(share);
	for (unsigned int i = 0; i < DOMAINS; i++)
		fake_dom_end(doms[i]);
	ck_assert_uint_eq(fake_canonical_count(&machine), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, hold_stops_at_the_cap);
	tcase_add_test(tc, too_many_at_once);
	tcase_add_test(tc, one_at_its_cap_is_alone_with_it);
	tcase_add_test(tc, all_at_their_cap);
	tcase_add_test(tc, second_canonical_of_a_content);
	tcase_add_test(tc, second_canonical_of_zero);
	tcase_add_test(tc, cap_is_no_oracle);
	tcase_add_test(tc, zero_page_of_many);
	return suite_run();
}
