/* SPDX-License-Identifier: MIT */
// links: hv/sharing/pagefns.c hv/lib/fmt.c hash/page*.c tests/port/port.c
/*
 * Brackets of page functions: registers are taken when the first function needs
 * them, once, and given back at the end; outside of a bracket nothing needs
 * them (TR9).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "mm/objpool.h"
#include "sharing/pagefns.h"
#include "unit/suite.h"
#include "x86/cpu.h"

static enum vec_width widest, taken;
static unsigned int takes, gives;
static uint64_t tsc, take_cost;
static _Alignas(64) uint8_t a[4096], b[4096], secret[192];

enum vec_width vec_widest(void) { return widest; }
void *obj_alloc(size_t bytes) { return aligned_alloc(4096, bytes); }
void obj_free(void *p, size_t bytes) { free(p); }

void vec_take(struct vec_saved *s, enum vec_width w)
{
	ck_assert_int_eq(taken, VEC_NONE);
	ck_assert_int_le(w, widest);
	taken = w;
	takes++;
	tsc += take_cost;
}

void vec_give(const struct vec_saved *s, enum vec_width w)
{
	ck_assert_int_eq(taken, w);
	taken = VEC_NONE;
	gives++;
}

/*
 * Measured with registers, a function takes half the time: 8 calls 400 or 800.
 */
uint64_t tsc_read(void)
{
	return tsc += taken ? 400 : 800;
}

static void init(const char *pages, enum vec_width w)
{
	widest = w;
	pagefns_init(pages);
	takes = gives = 0;
	ck_assert_int_eq(taken, VEC_NONE);
}

static void setup(void)
{
	memset(a, 0x33, sizeof(a));
	memset(b, 0x33, sizeof(b));
	take_cost = 0;
	takes = gives = 0;
}

/* The work of an offer: a hash, a compare. */
static void work(void)
{
	ck_assert_uint_eq(pagefns.hash(a, secret), page_hash(a, secret));
	ck_assert(pagefns.equal(a, b));
}

START_TEST(outside_of_a_bracket)
{
	init("sse2", VEC_XMM);
	work();
	pagefns.copy(b, a);
	ck_assert(!pagefns.is_zero(b));
	pagefns.clear(b);
	ck_assert(pagefns.is_zero(b));
	ck_assert_uint_eq(takes, 0);
}
END_TEST

START_TEST(taken_once_for_a_bracket)
{
	struct pagefns_bracket bracket;

	init("sse2", VEC_XMM);
	pagefns_begin(&bracket, 64);
	ck_assert_uint_eq(takes, 0);
	for (unsigned int i = 0; i < 64; i++)
		work();
	ck_assert_uint_eq(takes, 1);
	ck_assert_int_eq(taken, VEC_XMM);
	pagefns_end(&bracket);
	ck_assert_uint_eq(gives, 1);
	work();
	ck_assert_uint_eq(takes, 1);
}
END_TEST

START_TEST(nothing_to_do_nothing_taken)
{
	struct pagefns_bracket bracket;

	init("sse2", VEC_XMM);
	pagefns_begin(&bracket, 64);
	pagefns_end(&bracket);
	ck_assert_uint_eq(takes + gives, 0);
}
END_TEST

START_TEST(scalar_takes_nothing)
{
	struct pagefns_bracket bracket;

	init("scalar", VEC_XMM);
	pagefns_begin(&bracket, 64);
	work();
	pagefns_end(&bracket);
	ck_assert_uint_eq(takes + gives, 0);
}
END_TEST

/* Dear registers: worth it for eight pages, not for one. */
START_TEST(one_page_and_batches)
{
	struct pagefns_bracket bracket;

	take_cost = 250;
	init("auto", VEC_XMM);
	pagefns_begin(&bracket, 1);
	work();
	pagefns_end(&bracket);
	ck_assert_uint_eq(takes, 0);
	pagefns_begin(&bracket, 8);
	work();
	ck_assert_int_eq(taken, VEC_XMM);
	pagefns_end(&bracket);
	ck_assert_uint_eq(takes, 1);
	ck_assert_uint_eq(gives, 1);
}
END_TEST

/* A wish that cannot be fulfilled is as if there were none. */
START_TEST(wish_beyond_the_cpu)
{
	struct pagefns_bracket bracket;

	init("avx512", VEC_XMM);
	pagefns_begin(&bracket, 64);
	work();
	ck_assert_int_eq(taken, VEC_XMM);
	pagefns_end(&bracket);
	ck_assert_uint_eq(gives, 1);
}
END_TEST

START_TEST(widest_is_taken)
{
	struct pagefns_bracket bracket;

	if (!__builtin_cpu_supports("avx2"))
		return;
	init("avx2", VEC_YMM);
	pagefns_begin(&bracket, 1);
	work();
	ck_assert_int_eq(taken, VEC_YMM);
	pagefns_end(&bracket);
	ck_assert_uint_eq(gives, 1);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, outside_of_a_bracket);
	tcase_add_test(tc, taken_once_for_a_bracket);
	tcase_add_test(tc, nothing_to_do_nothing_taken);
	tcase_add_test(tc, scalar_takes_nothing);
	tcase_add_test(tc, one_page_and_batches);
	tcase_add_test(tc, wish_beyond_the_cpu);
	tcase_add_test(tc, widest_is_taken);
	return suite_run();
}
