/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * SH22: floods of pages with equal hashes: work per call is bounded (compares
 * are counted), and calls of another group do the same work as before.
 */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "unit/suite.h"

#define FLOOD	10000
#define POOL	12000
/* A page against each content of the chain, and those against each other. */
#define MOST_COMPARES (SHARE_CHAIN_CAP + SHARE_CHAIN_CAP * (SHARE_CHAIN_CAP - 1) / 2)

static uint64_t compares, hashes;
static struct share_dom *attacker, *victim;

static bool counting_equal(const void *a, const void *b)
{
	compares++;
	return page_equal(a, b);
}

static uint64_t counting_hash(const void *page, const uint8_t *secret)
{
	hashes++;
	return page_hash(page, secret);
}

/*
 * As if the attacker knew the secret: all pages that start with 0xbad collide.
 */
static uint64_t broken_hash(const void *page, const uint8_t *secret)
{
	hashes++;
	return *(const uint64_t *)page == 0xbad ? 0xbad00000bad :
						   page_hash(page, secret);
}

static struct page_fns fns = {
	.hash = counting_hash,
	.equal = counting_equal,
	.is_zero = page_is_zero,
	.copy = page_copy,
	.clear = page_clear,
};

static void start(uint64_t (*hash)(const void *, const uint8_t *))
{
	uint8_t secret[SHARE_SECRET_BYTES];

	fns.hash = hash;
	fake_machine_init(&machine, 64, POOL);
	fake_secret(secret, 77);
	share = share_create_with(&fake_share_ops, &machine, machine.records,
				  secret, &fns);
	attacker = share_dom_create(share, 1, 1u << 30);
	victim = share_dom_create(share, 2, 1u << 30);
	ck_assert(attacker && victim);
}

static void end(void)
{
	fake_dom_end(attacker);
	fake_dom_end(victim);
	fake_share_destroy();
}

/*
 * Offers of the victim, misses and hits: how many compares and hashes?  From
 * the second time on it begins with what it expected (share/follow.c).
 */
static uint64_t victims_work(uint64_t first)
{
	uint64_t before = compares + (hashes << 32);

	for (uint64_t c = 0; c < 100; c++)
		fake_offer(victim, 1000 + first + c);
	for (uint64_t c = 0; c < 100; c++)
		fake_offer(victim, 1000 + first + c);
	return compares + (hashes << 32) - before;
}

/*
 * Every crafted page has one hash: four are taken, the others refused, none
 * costs more.
 */
START_TEST(all_collide)
{
	uint64_t *page, quiet, most = 0, taken = 0;
	uint32_t frame;

	start(broken_hash);
	(void)victims_work(0);
	quiet = victims_work(100);
	page = fake_page(&machine, 2);
	for (uint64_t n = 0; n < FLOOD; n++) {
		uint64_t before = compares;
		int rc;

		memset(page, 0, SHARE_PAGE_BYTES);
		page[0] = 0xbad;
		page[1 + n % 511] = n + 1;
		rc = share_offer(attacker, 2, n, 1, &frame);
		ck_assert_int_eq(rc, n < SHARE_CHAIN_CAP ? SHARE_OK : SHARE_ERR_FULL);
		taken += rc == SHARE_OK;
		most = MAX(most, compares - before);
	}
	ck_assert_uint_eq(taken, SHARE_CHAIN_CAP);
	ck_assert_uint_le(most, MOST_COMPARES);
	ck_assert_uint_eq(victims_work(200), quiet);
	end();
}
END_TEST

/*
 * Flip bit 63 of two words of one lane of the hash (words n and n + 8): toggle
 * `number`.
 */
static void toggle(uint64_t *page, unsigned int number)
{
	unsigned int lane = number % 8, row = number / 8 * 2;

	page[row * 8 + lane] ^= 1ull << 63;
	page[(row + 1) * 8 + lane] ^= 1ull << 63;
}

/*
 * attacks.md 0.1: one free collision in 62 pairs with a seed; none with a
 * secret.
 */
START_TEST(lane_toggles)
{
	struct share_totals t;
	uint64_t *page, quiet, most = 0;
	uint32_t frame;

	start(counting_hash);
	(void)victims_work(0);
	quiet = victims_work(100);
	page = fake_page(&machine, 2);
	for (uint64_t n = 0; n < FLOOD; n++) {
		uint64_t before = compares;

		for (unsigned int i = 0; i < 512; i++)
			page[i] = i * 0x9e3779b97f4a7c15;
		/*
		 * Each number another set of toggles, all 182 of them in use.
		 */
		for (unsigned int bit = 0; bit < 14; bit++)
			if (n >> bit & 1)
				toggle(page, bit * 13 + (unsigned int)(n % 13));
		ck_assert_int_eq(share_offer(attacker, 2, n, 1, &frame), SHARE_OK);
		most = MAX(most, compares - before);
	}
	share_totals_get(share, &t);
	ck_assert_uint_eq(t.max_chain, 1);
	ck_assert_uint_eq(most, 0);
	ck_assert_uint_eq(share_dom_held(attacker), FLOOD);
	ck_assert_uint_eq(victims_work(200), quiet);
	end();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, all_collide);
	tcase_add_test(tc, lane_toggles);
	return suite_run();
}
