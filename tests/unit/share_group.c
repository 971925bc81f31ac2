/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* Machines, groups and domains: creation, end, failing memory. */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "unit/suite.h"

static void setup(void)
{
	fake_share_create(&page_fns_portable);
}

static void teardown(void)
{
	fake_share_destroy();
}

START_TEST(create_without_memory)
{
	uint8_t secret[SHARE_SECRET_BYTES] = { 0 };

	machine.fail_at = machine.calls + 1;
	ck_assert(!share_create(&fake_share_ops, &machine, machine.records,
				secret));
}
END_TEST

/*
 * The n-th allocation fails, for every n, with a new group and with a known
 * one.
 */
START_TEST(dom_create_without_memory)
{
	struct share_dom *known = share_dom_create(share, 9, 1), *d;
	uint64_t blocks = machine.blocks;
	unsigned int sites = 0;

	for (uint16_t group = 8; group <= 9; group++) {
		for (unsigned int n = 1;; n++) {
			machine.fail_at = machine.calls + n;
			d = share_dom_create(share, group, 1);
			if (d)
				break;
			sites++;
			ck_assert_uint_eq(machine.blocks, blocks);
			fake_audit(share);
		}
		share_dom_destroy(d);
	}
	/* Domain, group, index, holds; then domain and holds. */
	ck_assert_uint_eq(sites, 4 + 2);
	share_dom_destroy(known);
}
END_TEST

/*
 * SH22: who does not know the machine's secret does not know which pages
 * collide.
 */
START_TEST(hashes_depend_on_the_secret)
{
	/* of two pages' hashes: without the group's salt */
	uint64_t difference[2];

	for (unsigned int i = 0; i < 2; i++) {
		uint8_t secret[SHARE_SECRET_BYTES];
		struct fake_machine m;
		struct share_dom *d;
		struct share *s;
		uint32_t f[2];

		fake_machine_init(&m, 4, 4);
		fake_secret(secret, 11 + i);
		s = share_create(&fake_share_ops, &m, m.records, secret);
		d = share_dom_create(s, 1, 10);
		for (unsigned int k = 0; k < 2; k++) {
			fake_content(&m, 1, 3 + k);
			ck_assert_int_eq(share_offer(d, 1, 0, 1, &f[k]), 0);
		}
		difference[i] = m.records[f[0]].hash ^ m.records[f[1]].hash;
		fake_dom_end(d);
		share_destroy(s);
		fake_machine_fini(&m);
	}
	ck_assert_uint_ne(difference[0], difference[1]);
}
END_TEST

START_TEST(many_groups)
{
	static struct share_dom *doms[300];
	struct share_totals empty, full, end;

	share_totals_get(share, &empty);
	for (unsigned int i = 0; i < 300; i++) {
		doms[i] = share_dom_create(share, i * 218, 10);
		ck_assert(doms[i]);
	}
	for (unsigned int i = 0; i < 200; i++)
		fake_offer(doms[i], 1);
	share_totals_get(share, &full);
	ck_assert_uint_eq(full.pages_shared, 200);
	ck_assert_uint_eq(full.pages_unshared, 200);
	ck_assert_uint_eq(full.pages_sharing, 0);
	ck_assert_uint_eq(full.metadata_bytes, machine.block_bytes);
	fake_audit(share);
	for (unsigned int i = 0; i < 300; i++)
		fake_dom_end(doms[(i * 7) % 300]);
	share_totals_get(share, &end);
	ck_assert_uint_eq(end.metadata_bytes, empty.metadata_bytes);
	ck_assert_uint_eq(end.offers, 200);
	ck_assert_uint_eq(end.drops, 200);
	ck_assert_uint_eq(end.max_chain, 1);
}
END_TEST

/* A group that ended and came back knows nothing. */
START_TEST(group_begins_anew)
{
	struct share_dom *d = share_dom_create(share, 0xffff, 10);

	fake_offer(d, 1);
	fake_dom_end(d);
	d = share_dom_create(share, 0xffff, 10);
	fake_offer(d, 1);
	ck_assert_uint_eq(fake_canonical_count(&machine), 1);
	fake_dom_end(d);
}
END_TEST

START_TEST(dom_destroy_with_holds_panics)
{
	struct share_dom *d = share_dom_create(share, 1, 10);

	fake_offer(d, 1);
	share_dom_destroy(d);
}
END_TEST

START_TEST(destroy_with_domains_panics)
{
	share_dom_create(share, 1, 10);
	share_destroy(share);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, create_without_memory);
	tcase_add_test(tc, dom_create_without_memory);
	tcase_add_test(tc, hashes_depend_on_the_secret);
	tcase_add_test(tc, many_groups);
	tcase_add_test(tc, group_begins_anew);
	tcase_add_test_raise_signal(tc, dom_destroy_with_holds_panics, 6);
	tcase_add_test_raise_signal(tc, destroy_with_domains_panics, 6);
	return suite_run();
}
