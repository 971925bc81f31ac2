/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * Page functions of every width say the same as the scalar ones; those that
 * this CPU lacks are left out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake/fake_share_ops.h"
#include "unit/suite.h"
#include <hash/page.h>

/*
 * A page at each offset of 8 bytes in a cache line, with guards; `to` is
 * aligned, to be copied to.
 */
static _Alignas(64) uint8_t space_a[4096 + 192], space_b[4096 + 192];
static uint8_t *a, *b, *const to = space_b + 64, secret[SHARE_SECRET_BYTES];
static uint64_t seed = 5;

static uint32_t cpu_features(void)
{
	uint32_t has = 0;

	has |= __builtin_cpu_supports("sse2") ? PAGE_HAS_SSE2 : 0;
	has |= __builtin_cpu_supports("avx2") ? PAGE_HAS_AVX2 : 0;
	has |= __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") ? PAGE_HAS_AVX512 : 0;
	return has;
}

static const struct page_fns *variant(int v)
{
	if (!page_variant_runs(v, cpu_features())) {
		printf("this CPU cannot run %s\n", page_variant_name(v));
		return NULL;
	}
	return page_fns_variant(v);
}

static void setup(void)
{
	unsigned int offset = fake_random(&seed) % 8 * 8;

	for (unsigned int i = 0; i < sizeof(space_a); i++)
		space_a[i] = space_b[i] = fake_random(&seed);
	fake_secret(secret, fake_random(&seed));
	a = space_a + 64 + offset;
	b = space_b + 64 + offset;
}

/* Pages of all zeros, of all ones, of one bit, and random ones. */
static void edge_page(unsigned int n)
{
	if (n == 0 || n >= 2)
		memset(a, 0, 4096);
	if (n == 1)
		memset(a, 0xff, 4096);
	if (n >= 2 && n < 2 + 4096)
		a[n - 2] = 1 << n % 8;
	for (unsigned int i = 0; n >= 2 + 4096 && i < 4096; i++)
		a[i] = fake_random(&seed);
}

START_TEST(hash_and_zero_are_the_scalar_ones)
{
	const struct page_fns *f = variant(_i);

	for (unsigned int n = 0; f && n < 2 + 4096 + 500; n++) {
		edge_page(n);
		ck_assert_uint_eq(f->hash(a, secret), page_hash(a, secret));
		ck_assert_int_eq(f->is_zero(a), n == 0);
	}
}
END_TEST

START_TEST(equal_sees_every_bit)
{
	const struct page_fns *f = variant(_i);

	for (unsigned int bit = 0; f && bit < 8 * 4096; bit++) {
		ck_assert(f->equal(a, b));
		b[bit / 8] ^= 1 << bit % 8;
		ck_assert(!f->equal(a, b));
		b[bit / 8] ^= 1 << bit % 8;
	}
}
END_TEST

/* All of the page and nothing beside it. */
START_TEST(copy_and_clear)
{
	const struct page_fns *f = variant(_i);
	static uint8_t before[sizeof(space_b)];

	if (!f)
		return;
	for (unsigned int i = 0; i < 4096; i++)
		a[i] = fake_random(&seed);
	memcpy(before, space_b, sizeof(before));
	f->copy(to, a);
	ck_assert(!memcmp(a, to, 4096));
	memcpy(to, before + (to - space_b), 4096);
	f->clear(b);
	ck_assert(page_is_zero(b));
	memcpy(b, before + (b - space_b), 4096);
	ck_assert(!memcmp(space_b, before, sizeof(before)));
}
END_TEST

/*
 * Two pages, equal but for a few words, at times for none; all functions,
 * against the C library.
 */
START_TEST(near_equal_pages)
{
	const struct page_fns *f = variant(_i);

	for (unsigned int n = 0; f && n < 10000; n++) {
		uint64_t fill = fake_random(&seed);

		for (unsigned int i = 0; i < 4096; i += 8)
			*(uint64_t *)(a + i) = n % 2 ? fake_random(&seed) : fill;
		f->copy(to, a);
		for (unsigned int i = fake_random(&seed) % 4; i; i--)
			to[fake_random(&seed) % 4096] += fake_random(&seed) % 3;
		ck_assert_int_eq(f->equal(a, to), !memcmp(a, to, 4096));
		ck_assert_uint_eq(f->hash(to, secret), page_hash(to, secret));
		ck_assert_int_eq(f->is_zero(a), page_is_zero(a));
	}
}
END_TEST

/* The hypervisor keeps no MXCSR for them (VR1). */
START_TEST(leaves_mxcsr_alone)
{
	const struct page_fns *f = variant(_i);
	/* another rounding, all masked */
	uint32_t odd = 0x5f80, before, after;

	if (!f)
		return;
	__asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(before) : "m"(odd));
	f->copy(to, a);
	f->hash(a, secret);
	f->equal(a, b);
	f->is_zero(a);
	f->clear(b);
	f->is_zero(b);
	__asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(after) : "m"(before));
	ck_assert_uint_eq(after, odd);
}
END_TEST

START_TEST(names_and_needs)
{
	ck_assert_ptr_eq(page_fns_variant(PAGE_SCALAR), &page_fns_portable);
	ck_assert_str_eq(page_variant_name(PAGE_AVX512), "avx512");
	ck_assert(page_variant_runs(PAGE_STRING, 0));
	ck_assert(!page_variant_runs(PAGE_SSE2, 0));
	ck_assert(!page_variant_runs(PAGE_AVX2, PAGE_HAS_SSE2));
	ck_assert(!page_variant_runs(PAGE_AVX512, PAGE_HAS_SSE2 | PAGE_HAS_AVX2));
	ck_assert(page_variant_runs(PAGE_AVX512, PAGE_HAS_AVX512));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, hash_and_zero_are_the_scalar_ones, 0, PAGE_VARIANTS);
	tcase_add_loop_test(tc, equal_sees_every_bit, 0, PAGE_VARIANTS);
	tcase_add_loop_test(tc, copy_and_clear, 0, PAGE_VARIANTS);
	tcase_add_loop_test(tc, near_equal_pages, 0, PAGE_VARIANTS);
	tcase_add_loop_test(tc, leaves_mxcsr_alone, 0, PAGE_VARIANTS);
	tcase_add_test(tc, names_and_needs);
	return suite_run();
}
