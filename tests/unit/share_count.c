/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* SH11, SH34: the count's cap, and the zero page with very many sharers. */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "unit/suite.h"

#define CAP SHARE_COUNT_CAP

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

/* A frame at its cap: a second canonical frame, for any content. */
static void second_canonical(uint64_t content)
{
	uint32_t first, second, third;

	ck_assert_int_eq(fake_try_offer(a, content, CAP, &first), 0);
	second = fake_offer(b, content);
	ck_assert_uint_ne(first, second);
	third = fake_offer(a, content);
	ck_assert_uint_eq(third, second);
	fake_audit(share);
	/* The first has room again: it is used, both stay. */
	share_drop(a, first, 1, false);
	fake_offer(b, content);
	fake_offer(b, content);
	ck_assert_uint_eq(machine.records[first].count +
			  machine.records[second].count, CAP + 3);
	fake_audit(share);
	/* The second goes: the next offer finds the first. */
	share_drop(a, second, 1, false);
	share_drop(b, second, machine.records[second].count, false);
	ck_assert(!machine.canonical[second]);
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
	tcase_add_test(tc, second_canonical_of_a_content);
	tcase_add_test(tc, second_canonical_of_zero);
	tcase_add_test(tc, cap_is_no_oracle);
	tcase_add_test(tc, zero_page_of_many);
	return suite_run();
}
