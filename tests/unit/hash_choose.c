/* SPDX-License-Identifier: MIT */
// links: hash/page*.c tests/port/port.c
/*
 * Choosing page functions: from costs that a test writes, and measured with a
 * clock that counts what it is asked.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <hash/choose.h>

#include "unit/suite.h"

static struct page_costs costs;
static struct page_choice choice;

/* Scalar costs 1000 a function, nothing else is there. */
static void setup(void)
{
	memset(&costs, 0xff, sizeof(costs));
	memset(&choice, 0, sizeof(choice));
	costs.take[PAGE_SCALAR] = costs.take[PAGE_STRING] = 0;
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		costs.call[PAGE_SCALAR][fn] = 1000;
}

static void variant_costs(enum page_variant v, uint64_t take, uint64_t call)
{
	costs.take[v] = take;
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		costs.call[v][fn] = call;
}

static void all_from(enum page_variant v)
{
	const struct page_fns *want = page_fns_variant(v);

	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++)
		ck_assert_int_eq(choice.of[fn], v);
	ck_assert_int_eq(choice.width, v);
	ck_assert_int_eq(memcmp(&choice.fns, want, sizeof(*want)), 0);
}

START_TEST(scalar_alone)
{
	page_choose(&choice, &costs, 1);
	all_from(PAGE_SCALAR);
}
END_TEST

START_TEST(equals_stay_scalar)
{
	variant_costs(PAGE_SSE2, 0, 1000);
	page_choose(&choice, &costs, 64);
	all_from(PAGE_SCALAR);
}
END_TEST

START_TEST(widest_when_fastest)
{
	variant_costs(PAGE_SSE2, 0, 500);
	variant_costs(PAGE_AVX2, 0, 300);
	variant_costs(PAGE_AVX512, 0, 299);
	page_choose(&choice, &costs, 1);
	all_from(PAGE_AVX512);
}
END_TEST

START_TEST(not_the_widest_when_slower)
{
	variant_costs(PAGE_SSE2, 0, 500);
	variant_costs(PAGE_AVX2, 0, 300);
	variant_costs(PAGE_AVX512, 0, 400);
	page_choose(&choice, &costs, 1);
	all_from(PAGE_AVX2);
}
END_TEST

/*
 * A page's work costs (2 + 2 + 1 + 1) / 2 = 3 calls: 3000 scalar, 1500 with
 * SSE2.
 */
START_TEST(taking_is_paid_once_for_a_bracket)
{
	variant_costs(PAGE_SSE2, 1501, 500);
	page_choose(&choice, &costs, 1);
	all_from(PAGE_SCALAR);
	page_choose(&choice, &costs, 2);
	all_from(PAGE_SSE2);
	variant_costs(PAGE_SSE2, 1499, 500);
	page_choose(&choice, &costs, 1);
	all_from(PAGE_SSE2);
}
END_TEST

START_TEST(dear_registers_in_batches_alone)
{
	variant_costs(PAGE_SSE2, 100, 500);
	variant_costs(PAGE_AVX2, 4000, 300);
	page_choose(&choice, &costs, 1);
	all_from(PAGE_SSE2);
	page_choose(&choice, &costs, 64);
	all_from(PAGE_AVX2);
}
END_TEST

START_TEST(each_function_from_where_it_is_fastest)
{
	variant_costs(PAGE_SSE2, 10, 500);
	variant_costs(PAGE_AVX2, 10, 1100);
	costs.call[PAGE_SCALAR][PAGE_FN_IS_ZERO] = 20;
	costs.call[PAGE_STRING][PAGE_FN_COPY] = 100;
	costs.call[PAGE_STRING][PAGE_FN_CLEAR] = 100;
	costs.call[PAGE_AVX2][PAGE_FN_HASH] = 200;
	page_choose(&choice, &costs, 1);
	ck_assert_int_eq(choice.width, PAGE_AVX2);
	ck_assert_int_eq(choice.of[PAGE_FN_HASH], PAGE_AVX2);
	ck_assert_int_eq(choice.of[PAGE_FN_EQUAL], PAGE_SSE2);
	ck_assert_int_eq(choice.of[PAGE_FN_IS_ZERO], PAGE_SCALAR);
	ck_assert_int_eq(choice.of[PAGE_FN_COPY], PAGE_STRING);
	ck_assert_int_eq(choice.of[PAGE_FN_CLEAR], PAGE_STRING);
	ck_assert_ptr_eq(choice.fns.hash, page_fns_variant(PAGE_AVX2)->hash);
	ck_assert_ptr_eq(choice.fns.equal, page_fns_variant(PAGE_SSE2)->equal);
	ck_assert_ptr_eq(choice.fns.is_zero, page_is_zero);
	ck_assert_ptr_eq(choice.fns.copy, page_fns_variant(PAGE_STRING)->copy);
	ck_assert_ptr_eq(choice.fns.clear, page_fns_variant(PAGE_STRING)->clear);
}
END_TEST

START_TEST(one_variant_for_all)
{
	for (enum page_variant v = 0; v < PAGE_VARIANTS; v++) {
		page_choose_variant(&choice, v);
		all_from(v);
	}
}
END_TEST

/* --- measured --- */

static struct clock {
	uint64_t time, asked;
	enum page_variant taken;	/* 0: none */
	unsigned int takes[PAGE_VARIANTS];
} fake_clock;

/*
 * Each pair of readings is 80 apart, but the first: a round's calls take no
 * time of their own.
 */
static uint64_t now(void *ctx)
{
	struct clock *c = ctx;

	c->time += c->asked++ ? 80 : 100000;
	return c->time;
}

static void take(void *ctx, enum page_variant v)
{
	struct clock *c = ctx;

	ck_assert_int_eq(c->taken, 0);
	ck_assert_int_ge(v, PAGE_SSE2);
	c->taken = v;
	c->takes[v]++;
	c->time += 5;
}

static void give(void *ctx, enum page_variant v)
{
	struct clock *c = ctx;

	ck_assert_int_eq(c->taken, v);
	c->taken = 0;
	c->time += 2;
}

static _Alignas(64) uint8_t scratch[PAGE_SCRATCH_BYTES];

static void measure(uint32_t features)
{
	const struct page_machine m = { now, take, give, &fake_clock };

	memset(&fake_clock, 0, sizeof(fake_clock));
	page_measure(&costs, features, &m, scratch);
	ck_assert_int_eq(fake_clock.taken, 0);
}

START_TEST(measures_what_is_there)
{
	measure(PAGE_HAS_SSE2);
	ck_assert_uint_eq(costs.take[PAGE_SCALAR], 0);
	ck_assert_uint_eq(costs.take[PAGE_STRING], 0);
	ck_assert_uint_eq(costs.take[PAGE_SSE2], 80 + 7 * PAGE_COST_CALLS);
	ck_assert(costs.take[PAGE_AVX2] == PAGE_NOT_THERE);
	ck_assert_uint_gt(fake_clock.takes[PAGE_SSE2], PAGE_COST_CALLS);
	ck_assert_uint_eq(fake_clock.takes[PAGE_AVX2], 0);
	ck_assert_uint_eq(fake_clock.takes[PAGE_AVX512], 0);
	for (enum page_fn fn = 0; fn < PAGE_FNS; fn++) {
		/* each copy by itself */
		uint64_t cost = fn == PAGE_FN_COPY ? 80 * PAGE_COST_CALLS : 80;

		ck_assert_uint_eq(costs.call[PAGE_SCALAR][fn], cost);
		ck_assert_uint_eq(costs.call[PAGE_SSE2][fn], cost);
		ck_assert(costs.call[PAGE_AVX2][fn] == PAGE_NOT_THERE);
	}
	/* What is the scalar function is not measured again. */
	ck_assert(costs.call[PAGE_STRING][PAGE_FN_HASH] == PAGE_NOT_THERE);
	ck_assert_uint_eq(costs.call[PAGE_STRING][PAGE_FN_COPY], 80 * PAGE_COST_CALLS);
}
END_TEST

START_TEST(nothing_to_take)
{
	const struct page_machine m = { .now = now, .ctx = &fake_clock };

	page_measure(&costs, PAGE_HAS_SSE2, &m, scratch);
	ck_assert_uint_eq(costs.take[PAGE_SSE2], 0);
	page_choose(&choice, &costs, 1);
	all_from(PAGE_SCALAR);		/* all took the same time */
}
END_TEST

/* --- functions that are wrong in a little --- */

static uint64_t wrong_hash(const void *page, const uint8_t *secret)
{
	static _Alignas(64) uint8_t some[4096];

	memcpy(some, page, 4088);	/* not the last word */
	return page_hash(some, secret);
}

/* Blind for one word of a vector. */
static bool wrong_equal(const void *x, const void *y)
{
	return !memcmp(x, y, 4080) &&
	       !memcmp((const uint8_t *)x + 4088, (const uint8_t *)y + 4088, 8);
}

static bool wrong_is_zero(const void *page)
{
	static const uint8_t zero[4032];

	return !memcmp(page, zero, sizeof(zero));
}

static void wrong_copy(void *to, const void *from)
{
	memcpy(to, from, 4064);
}

static void wrong_clear(void *page)
{
	memset(page, 0, 4095);
}

START_TEST(who_does_it_wrong_is_found)
{
	struct page_fns f = page_fns_portable;

	ck_assert(page_fns_agree(&f, scratch));
	f.hash = wrong_hash;
	ck_assert(!page_fns_agree(&f, scratch));
	f = page_fns_portable;
	f.equal = wrong_equal;
	ck_assert(!page_fns_agree(&f, scratch));
	f = page_fns_portable;
	f.is_zero = wrong_is_zero;
	ck_assert(!page_fns_agree(&f, scratch));
	f = page_fns_portable;
	f.copy = wrong_copy;
	ck_assert(!page_fns_agree(&f, scratch));
	f = page_fns_portable;
	f.clear = wrong_clear;
	ck_assert(!page_fns_agree(&f, scratch));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, scalar_alone);
	tcase_add_test(tc, equals_stay_scalar);
	tcase_add_test(tc, widest_when_fastest);
	tcase_add_test(tc, not_the_widest_when_slower);
	tcase_add_test(tc, taking_is_paid_once_for_a_bracket);
	tcase_add_test(tc, dear_registers_in_batches_alone);
	tcase_add_test(tc, each_function_from_where_it_is_fastest);
	tcase_add_test(tc, one_variant_for_all);
	tcase_add_test(tc, measures_what_is_there);
	tcase_add_test(tc, nothing_to_take);
	tcase_add_test(tc, who_does_it_wrong_is_found);
	return suite_run();
}
