/* links: */
/* SPDX-License-Identifier: MIT */
/*
 * The workload's rule: shares as asked, changes undone by themselves, sums that
 * notice, .sums.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/workload_rule.h"
#include "unit/suite.h"

static uint8_t page[RULE_PAGE_BYTES], copy[RULE_PAGE_BYTES];

static void fill(unsigned int seed)
{
	srand(seed);
	for (unsigned int i = 0; i < RULE_PAGE_BYTES; i++)
		page[i] = copy[i] = (uint8_t)rand();
}

START_TEST(percentages)
{
	static const unsigned int percents[] = { 0, 1, 10, 50, 99, 100 };

	for (unsigned int i = 0; i < 6; i++) {
		unsigned int hits = 0, p = percents[i];

		for (uint32_t n = 0; n < 20000; n++)
			hits += rule_is_written(5, 0x1234, n, p);
		ck_assert_int_le(abs((int)hits - (int)p * 200), 600);
		if (p == 0 || p == 100)
			ck_assert_uint_eq(hits, p * 200);
	}
}
END_TEST

START_TEST(apply_and_undo)
{
	fill(1);
	rule_apply(page, 1, 2, 3);
	for (unsigned int strip = 0; strip < 16; strip++)
		ck_assert(memcmp(page + strip * 256, copy + strip * 256, 256));
	rule_apply(page, 1, 2, 3);
	ck_assert(!memcmp(page, copy, sizeof(page)));
}
END_TEST

/*
 * Guests that differ never agree on a unique page; undoing gives the common
 * page.
 */
START_TEST(unique)
{
	uint64_t common, sums[64];

	fill(2);
	rule_apply(page, 1, 2, 3);
	common = rule_checksum(page);
	for (unsigned int g = 0; g < 64; g++) {
		rule_unique(page, g, 1, 2, 3);
		sums[g] = rule_checksum(page);
		ck_assert(sums[g] != common);
		for (unsigned int k = 0; k < g; k++)
			ck_assert(sums[g] != sums[k]);
		rule_unique(page, g, 1, 2, 3);
		ck_assert(rule_checksum(page) == common);
	}
}
END_TEST

START_TEST(sum_notices_each_bit)
{
	uint64_t sum;

	fill(3);
	sum = rule_checksum(page);
	for (unsigned int bit = 0; bit < RULE_PAGE_BYTES * 8; bit += 7) {
		page[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		ck_assert(rule_checksum(page) != sum);
		page[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
	/* two equal words swapped in place, or moved */
	memcpy(page, copy + 8, 8);
	memcpy(page + 8, copy, 8);
	ck_assert(rule_checksum(page) != sum);
}
END_TEST

/* Builds a member of two files, at an odd address. */
static size_t build(uint8_t *out)
{
	struct rule_sums_head head = { RULE_SUMS_MAGIC, 1, 10, 2 };
	size_t at = 0;

	memcpy(out, &head, sizeof(head));
	at += sizeof(head);
	for (uint32_t f = 0; f < 2; f++) {
		struct rule_sums_file file = { 3, f + 1 };

		memcpy(out + at, &file, sizeof(file));
		at += sizeof(file);
		memcpy(out + at, f ? "two" : "one", 3);
		at += 3;
		for (uint32_t p = 0; p <= f; p++) {
			struct rule_sum s = { f * 10 + p, f * 10 + p + 100 };

			memcpy(out + at, &s, sizeof(s));
			at += sizeof(s);
		}
	}
	return at;
}

START_TEST(sums_member)
{
	uint8_t buffer[256];
	size_t bytes = build(buffer + 1);
	uint64_t at;
	uint32_t pages;

	ck_assert(rule_sums_find(buffer + 1, bytes, "two", 3, &at, &pages));
	ck_assert_uint_eq(pages, 2);
	ck_assert_uint_eq(rule_sum_get(buffer + 1, at, 1).after, 111);
	ck_assert(!rule_sums_find(buffer + 1, bytes, "tw", 2, &at, &pages));
	ck_assert(!rule_sums_find(buffer, bytes, "two", 3, &at, &pages));
	for (size_t cut = 0; cut < bytes; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, buffer + 1, cut);
		ck_assert(!rule_sums_find(exact, cut, "two", 3, &at, &pages));
		free(exact);
	}
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("rule");

	tcase_add_test(tc, percentages);
	tcase_add_test(tc, apply_and_undo);
	tcase_add_test(tc, unique);
	tcase_add_test(tc, sum_notices_each_bit);
	tcase_add_test(tc, sums_member);
	return suite_run();
}
