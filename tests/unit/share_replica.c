// SPDX-License-Identifier: MIT
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* Replicas: pages that are equal within one domain (share/replica.c). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_share.h"
#include "share/impl.h"
#include "unit/suite.h"

#define PAGES	40u
#define MANY	160u
#define ZERO	UINT64_MAX	/* a content: of zeros */

static struct share_dom *a, *b, *other;

static struct share_dom *dom(uint16_t group)
{
	struct share_dom *d = share_dom_create(share, group, 1000);

	ck_assert(d && share_dom_one_pfn(d, true));
	share_dom_replicas(d, true);
	return d;
}

static void setup(void)
{
	fake_share_create(&page_fns_portable);
	a = dom(1);
	b = dom(1);
	other = dom(2);
}

static void teardown(void)
{
	fake_dom_end(a);
	fake_dom_end(b);
	fake_dom_end(other);
	fake_share_destroy();
}

static int try_offer(struct share_dom *d, uint64_t content, uint64_t pfn,
		     uint32_t *frame)
{
	if (content == ZERO)
		memset(fake_page(&machine, 1), 0, SHARE_PAGE_BYTES);
	else
		fake_content(&machine, 1, content);
	return share_offer(d, 1, pfn, 1, frame);
}

static uint32_t offer(struct share_dom *d, uint64_t content, uint64_t pfn)
{
	uint32_t frame = UINT32_MAX;

	ck_assert_int_eq(try_offer(d, content, pfn, &frame), SHARE_OK);
	ck_assert(page_equal(fake_page(&machine, 1), fake_page(&machine, frame)));
	return frame;
}

static uint64_t frames_shared(void)
{
	struct share_totals t;

	share_totals_get(share, &t);
	return t.pages_shared;
}

static void count_is(uint64_t replicas, uint64_t zero)
{
	struct share_totals t;

	share_totals_get(share, &t);
	ck_assert_uint_eq(t.replicas, replicas);
	ck_assert_uint_eq(t.zero_replicas, zero);
}

/* They are counted as they come and go, whoever is the last. */
START_TEST(counted)
{
	uint32_t full[3], zero[3];

	for (uint32_t i = 0; i < 3; i++) {
		full[i] = offer(a, 7, i);
		zero[i] = offer(a, ZERO, 10 + i);
	}
	count_is(4, 2);
	(void)offer(b, ZERO, 0);
	ck_assert_uint_eq(offer(b, ZERO, 1), zero[1]);
	count_is(4, 2);
	ck_assert(!share_drop(a, zero[1], 1, true));
	count_is(4, 2);
	ck_assert(!share_drop(b, zero[1], 1, false));
	count_is(3, 1);
	ck_assert_int_eq(share_take(a, full[2], 1, NULL), SHARE_OK);
	count_is(2, 1);
	ck_assert_int_eq(share_take(a, full[0], 1, NULL), SHARE_OK);
	count_is(2, 1);
	fake_share_ops.canonical_free(&machine, full[0]);
	fake_share_ops.canonical_free(&machine, full[2]);
	fake_audit(share);
	fake_dom_end(a);
	a = dom(1);
	count_is(0, 0);
}
END_TEST

/* The i-th page of each joins the i-th frame: as many frames as one has. */
START_TEST(ith_joins_ith)
{
	uint64_t content = _i ? ZERO : 7;
	uint32_t frame[PAGES], i, j;

	for (i = 0; i < PAGES; i++) {
		frame[i] = offer(a, content, i);
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(frame[i], frame[j]);
	}
	fake_audit(share);
	for (i = 0; i < PAGES; i++)
		ck_assert_uint_eq(offer(b, content, 1000 + i), frame[i]);
	ck_assert_uint_eq(frames_shared(), PAGES);
	ck_assert_uint_eq(share_dom_held(a), PAGES);
	fake_audit(share);
	(void)offer(other, content, 1);
	ck_assert_uint_eq(frames_shared(), PAGES + 1);
}
END_TEST

/* A page at random of each quarter breaks, and then as many are offered. */
static void churn(struct share_dom *d, uint32_t *frame, uint64_t *pfn)
{
	static uint32_t seed = 1;
	uint32_t i, gone[MANY / 4];

	for (i = 0; i < MANY / 4; i++) {
		seed = seed * 1103515245 + 12345;
		gone[i] = 4 * i + (seed >> 16) % 4;
		share_drop(d, frame[gone[i]], 1, true);
	}
	for (i = 0; i < MANY / 4; i++)
		frame[gone[i]] = offer(d, ZERO, (*pfn)++);
}

/* Whatever broke meanwhile: all have about as many frames as one of them. */
START_TEST(zero_pages_stay_together)
{
	uint32_t frame[2][MANY], i;
	uint64_t pfn[2] = { 0, 100000 };

	for (i = 0; i < MANY; i++) {
		frame[0][i] = offer(a, ZERO, pfn[0]++);
		frame[1][i] = offer(b, ZERO, pfn[1]++);
	}
	ck_assert_uint_eq(frames_shared(), MANY);
	for (i = 0; i < 40; i++) {
		churn(a, frame[0], &pfn[0]);
		churn(b, frame[1], &pfn[1]);
	}
	ck_assert_uint_ge(frames_shared(), MANY);
	ck_assert_uint_le(frames_shared(), MANY + MANY / 20);
	count_is(frames_shared() - 1, frames_shared() - 1);
	fake_audit(share);
}
END_TEST

/* Who has a frame alone takes it along: a hole, too. */
START_TEST(zero_pages_that_were_taken)
{
	uint32_t frame[MANY], i, n;
	uint64_t pfn = 0;

	for (i = 0; i < MANY; i++)
		frame[i] = offer(a, ZERO, pfn++);
	for (n = 0; n < 10; n++) {
		for (i = 1 + n; i < MANY; i += 11) {
			ck_assert_int_eq(share_take(a, frame[i], 1, NULL), SHARE_OK);
			fake_share_ops.canonical_free(&machine, frame[i]);
		}
		for (i = 1 + n; i < MANY; i += 11)
			frame[i] = offer(a, ZERO, pfn++);
	}
	/* b has no holes: where a's replicas end is seen by how many it adds */
	for (i = 0; i < MANY; i++)
		(void)offer(b, ZERO, pfn++);
	ck_assert_uint_le(frames_shared(), MANY + MANY / 20);
	fake_audit(share);
}
END_TEST

/* A page that broke, and is offered again, needs no further frame. */
START_TEST(holes_are_filled)
{
	uint32_t frame[PAGES], i, f;

	for (i = 0; i < PAGES; i++) {
		frame[i] = offer(a, 7, i);
		(void)offer(b, 7, 1000 + i);
	}
	for (i = 0; i < PAGES; i++) {
		share_drop(a, frame[i], 1, true);
		f = offer(a, 7, i);
		ck_assert(f == frame[i] || frames_shared() > PAGES);
		frame[i] = f;
	}
	ck_assert_uint_le(frames_shared(), 2 * PAGES);
	fake_audit(share);
	fake_drop_all(a);
	fake_drop_all(b);
	ck_assert_uint_eq(frames_shared(), 0);
}
END_TEST

/* The same page again is what it holds; and who did not ask is refused. */
START_TEST(who_did_not_ask)
{
	uint32_t first = offer(a, 7, 1), second = offer(a, 7, 2), f;
	struct share_dom *c = share_dom_create(share, 1, 1000);

	ck_assert_uint_eq(offer(a, 7, 1), first);
	share_dom_replicas(a, false);
	ck_assert_int_eq(try_offer(a, 7, 3, &f), SHARE_ERR_HELD);
	ck_assert_uint_eq(offer(a, 7, 1), first);
	/* no pfn each: the first frame, as often as it likes */
	ck_assert_uint_eq(offer(c, 7, 5), first);
	ck_assert_uint_eq(offer(c, 7, 6), first);
	ck_assert_uint_ne(first, second);
	fake_audit(share);
	fake_dom_end(c);
}
END_TEST

/* The budget is charged for each. */
START_TEST(budget)
{
	struct share_dom *c;
	uint32_t f;

	fake_dom_end(other);
	other = c = share_dom_create(share, 2, 2);
	ck_assert(share_dom_one_pfn(c, true));
	share_dom_replicas(c, true);
	(void)offer(c, 7, 1);
	(void)offer(c, 7, 2);
	ck_assert_int_eq(try_offer(c, 7, 3, &f), SHARE_ERR_LIMIT);
	share_dom_set_budget(c, 3);
	(void)offer(c, 7, 3);
	ck_assert_int_eq(try_offer(c, 7, 4, &f), SHARE_ERR_LIMIT);
}
END_TEST

/* The audit knows which hashes a content may have. */
START_TEST(audit_sees_a_wrong_hash)
{
	uint64_t hash = 0x123456789abcdef0;
	uint32_t f = offer(a, 7, 1), second = offer(a, 7, 2);

	ck_assert(replica_of(hash, hash));
	ck_assert(!replica_of(hash, hash ^ 1));
	ck_assert(!replica_of(hash, hash ^ 1UL << 63));
	ck_assert(replica_of(machine.records[f].hash, machine.records[second].hash));
}
END_TEST

/* Random work; no two pages of a domain have one frame. */
START_TEST(random_work)
{
	struct share_dom *const doms[] = { a, b, other };
	uint32_t frame[3][PAGES], i, n, pfn, f, j;

	srand(_i + 1);
	memset(frame, 0xff, sizeof(frame));
	for (n = 0; n < 3000; n++) {
		i = rand() % 3;
		pfn = rand() % PAGES;
		f = frame[i][pfn];
		if (f != UINT32_MAX) {
			share_drop(doms[i], f, 1, rand() % 2);
			frame[i][pfn] = UINT32_MAX;
			continue;
		}
		f = offer(doms[i], rand() % 3 ? (uint64_t)rand() % 3 : ZERO, pfn);
		for (j = 0; j < PAGES; j++)
			if (frame[i][j] == f)
				ck_abort_msg("page %u has the frame of %u", pfn, j);
		frame[i][pfn] = f;
		if (n % 100 == 0)
			fake_audit(share);
	}
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("replica");

	tcase_add_test(tc, counted);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, ith_joins_ith, 0, 2);
	tcase_add_test(tc, holes_are_filled);
	tcase_add_test(tc, zero_pages_stay_together);
	tcase_add_test(tc, zero_pages_that_were_taken);
	tcase_add_test(tc, who_did_not_ask);
	tcase_add_test(tc, budget);
	tcase_add_test(tc, audit_sees_a_wrong_hash);
	tcase_add_loop_test(tc, random_work, 0, 3);
	return suite_run();
}
