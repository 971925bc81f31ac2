/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* SH17: every allocation of every call fails once; then all is as before. */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "unit/suite.h"

#define CONTENTS 150

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

struct state {
	struct share_totals totals;
	struct share_dom_counters a, b;
	uint32_t pool;
};

static struct state state_now(void)
{
	struct state st;

	memset(&st, 0, sizeof(st));
	share_totals_get(share, &st.totals);
	share_dom_counters_get(a, &st.a);
	share_dom_counters_get(b, &st.b);
	st.pool = machine.pool_count;
	/*
	 * What a refused offer may change: its counter, and a spare node that
	 * is kept.
	 */
	st.totals.refusals = st.a.refused = st.b.refused = 0;
	st.totals.metadata_bytes = 0;
	return st;
}

/*
 * Offer with the n-th allocation failing, n = 1, 2 ... until it succeeds; how
 * often it did not.
 */
static unsigned int offer_through(struct share_dom *d, uint64_t content,
				  bool all_later)
{
	unsigned int refused = 0;
	uint32_t f;

	for (unsigned int n = 1;; n++) {
		struct state before = state_now(), after;
		uint64_t failed = machine.failed;
		int rc;

		machine.fail_at = all_later ? 0 : machine.calls + n;
		machine.fail_from = all_later ? machine.calls + n : 0;
		rc = fake_try_offer(d, content, 1, &f);
		machine.fail_at = machine.fail_from = 0;
		fake_audit(share);
		if (machine.failed == failed) {
			ck_assert_int_eq(rc, SHARE_OK);
			return refused;
		}
		if (rc == SHARE_OK) {
			/* Only growing failed: take it back, and on. */
			share_drop(d, f, 1, false);
			continue;
		}
		ck_assert_int_eq(rc, SHARE_ERR_NOMEM);
		after = state_now();
		ck_assert_mem_eq(&before, &after, sizeof(before));
		refused++;
	}
}

START_TEST(offer_at_every_site)
{
	unsigned int refused = 0;

	for (uint64_t c = 0; c < CONTENTS; c++) {
		refused += offer_through(a, c, false);
		refused += offer_through(b, c, true);
	}
	/* At least the drawn frame of each. */
	ck_assert_uint_ge(refused, 2 * CONTENTS);
	ck_assert_uint_eq(share_dom_held(a), CONTENTS);
	ck_assert_uint_eq(share_dom_held(b), CONTENTS);
}
END_TEST

/* With no memory at all mappings can still be added to what is held, and go. */
START_TEST(drops_need_no_memory)
{
	uint64_t cursor = 0;
	uint32_t f, mappings;

	for (uint64_t c = 0; c < CONTENTS; c++) {
		fake_offer(a, c);
		fake_offer(b, c / 2);
	}
	machine.fail_from = 1;
	while (share_dom_next(a, &cursor, &f, &mappings)) {
		ck_assert_int_eq(share_hold(a, f), SHARE_OK);
		share_drop(a, f, 2, true);
	}
	fake_audit(share);
	fake_drop_all(b);
	machine.fail_from = 0;
	ck_assert_uint_eq(fake_canonical_count(&machine), 0);
}
END_TEST

/*
 * Match and miss ask for the same: with n allocations to be had both succeed or
 * both fail.
 */
START_TEST(memory_is_no_oracle)
{
	uint32_t f;

	for (uint64_t c = 0; c < 40; c++)
		fake_offer(a, c);
	for (unsigned int n = 1; n <= 2; n++)
		for (unsigned int i = 0; i < 20; i++) {
			struct share_dom *d = share_dom_create(share, 1, 10);
			int match, miss;

			machine.fail_from = machine.calls + n;
			match = fake_try_offer(d, i, 1, &f);
			machine.fail_from = 0;
			fake_dom_end(d);
			d = share_dom_create(share, 1, 10);
			machine.fail_from = machine.calls + n;
			miss = fake_try_offer(d, 1000 + i, 1, &f);
			machine.fail_from = 0;
			fake_dom_end(d);
			ck_assert_int_eq(match, SHARE_ERR_NOMEM);
			ck_assert_int_eq(miss, SHARE_ERR_NOMEM);
		}
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, offer_at_every_site);
	tcase_add_test(tc, drops_need_no_memory);
	tcase_add_test(tc, memory_is_no_oracle);
	return suite_run();
}
