// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c tests/fake/fake_grants.c
/*
 * Grants of pages that their granter shares (GN1 to GN4): d grants, peer maps.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "dom/die.h"
#include "dom/pages.h"
#include "fake/fake_breaks.h"
#include "fake/fake_grants.h"
#include "mm/pagetype.h"
#include "pv/above.h"
#include "pv/ptbreak.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define RDONLY	GNTMAP_readonly
#define REF	9u

static void setup_grants(void)
{
	setup();
	g_setup(d, 1);
	fake_run(d);
}

/* d grants what its page `pfn` has for a name now. */
static void granted(uint64_t pfn, bool readonly)
{
	g_grant(d, REF, pfn, peer, readonly);
}

static int16_t mapped(uint32_t flags, uint32_t *handle)
{
	int16_t status;

	fake_run(peer);
	status = g_map(d, REF, p + 2, HOST | flags, handle);
	fake_run(d);
	return status;
}

static void unmapped(uint32_t handle)
{
	fake_run(peer);
	ck_assert_int_eq(g_unmap(p + 2, handle), GNTST_okay);
	fake_run(d);
}

/* d goes to its guest: all entries of what was broken are found. */
static void settled(void)
{
	while (pttree_settle(d))
		;
	ck_assert(!ptbreak_left(d));
	fake_check();
}

/* By whom: alone or with others; for reading or writing. */
START_TEST(mapped_while_shared)
{
	bool others = _i & 1, readonly = _i & 2;
	uint32_t handle;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, others);
	granted(p, readonly);
	ck_assert_int_eq(mapped(readonly ? RDONLY : 0, &handle), GNTST_okay);
	settled();
	ck_assert(writable(p));
	ck_assert_int_eq(!mfn_eq(fake_mfn(d, p), mfn), others);
	ck_assert(mfn_eq(pte_mfn(*fake_pte(peer, p + 2)), fake_mfn(d, p)));
	ck_assert_uint_eq(info().held, 0);
	ck_assert(filled(fake_page(d, p), 7));
	if (others)
		ck_assert(filled(fake_page(peer, p), 7));
	/* In use: not offered, and a second pin finds the page. */
	ck_assert_int_eq(offer(p, 0), SHARE_GRANTED);
	unmapped(handle);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
}
END_TEST

/* Nobody sees a page under two names: no entry of d is writable before. */
START_TEST(two_entries)
{
	uint32_t handle;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RO)), 0);
	granted(p, false);
	ck_assert_int_eq(mapped(0, &handle), GNTST_okay);
	ck_assert(ptbreak_left(d));
	settled();
	ck_assert(mfn_eq(fake_mfn(d, p), fake_mfn(d, p + 1)));
	ck_assert(mfn_eq(pte_mfn(*fake_pte(peer, p + 2)), fake_mfn(d, p)));
	unmapped(handle);
}
END_TEST

START_TEST(copied_while_shared)
{
	struct gnttab_copy op = {
		.source = { { .ref = REF }, d->id, 8 },
		.dest = { { .gmfn = mfn_n(fake_mfn(peer, p + 3)) }, DOMID_SELF, 8 },
		.len = PAGE_SIZE - 8, .flags = GNTCOPY_source_gref, .status = 99,
	};

	break_first();
	(void)shared(p, 7, true);
	granted(p, true);
	fill(peer, p + 3, 7);
	memset(fake_page(peer, p + 3) + 8, 0, PAGE_SIZE - 8);
	fake_run(peer);
	ck_assert_int_eq(G_ONE(GNTTABOP_copy, &op), 0);
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert(filled(fake_page(peer, p + 3), 7));
	fake_run(d);
	settled();
	ck_assert(writable(p));
}
END_TEST

/* GN2: the share ended after the entry was made. */
START_TEST(granted_by_its_old_name)
{
	uint32_t handle;

	break_first();
	(void)shared(p, 7, _i);
	granted(p, true);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	fill(d, p, 8);
	ck_assert_int_eq(mapped(RDONLY, &handle), GNTST_okay);
	ck_assert(mfn_eq(pte_mfn(*fake_pte(peer, p + 2)), fake_mfn(d, p)));
	unmapped(handle);
}
END_TEST

START_TEST(refused_without_break_first)
{
	(void)shared(p, 7, _i);
	granted(p, true);
	ck_assert_int_eq(mapped(RDONLY, NULL), GNTST_bad_page);
	ck_assert_uint_eq(info().held, 1);
	ck_assert_uint_eq(g_v1(d, REF)->flags & (GTF_reading | GTF_writing), 0);
}
END_TEST

/* GN4: a frame that others share is one like any that is not d's. */
START_TEST(shared_by_others)
{
	mfn_t theirs[] = { peer_offers(p + 4, 9), fake_mfn(peer, p + 5), MFN(1UL << 20) };
	unsigned int i;

	if (_i)
		break_first();
	for (i = 0; i < ARRAY_COUNT(theirs); i++) {
		granted(p, true);
		g_v1(d, REF)->frame = mfn_n(theirs[i]);
		ck_assert_int_eq(mapped(RDONLY, NULL), GNTST_general_error);
	}
}
END_TEST

/* The share stays when no frame can be had. */
START_TEST(no_frame)
{
	uint32_t handle;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	granted(p, true);
	fill_quota();
	ck_assert_int_eq(mapped(RDONLY, NULL), GNTST_general_error);
	ck_assert(mfn_eq(fake_mfn(d, p), mfn));
	mfn = fake_mfn(d, p + 6);
	ck_assert_int_eq(map(p + 6, 0), 0);
	ck_assert_int_eq(reservation(XENMEM_decrease_reservation, 1, &mfn), 1);
	ck_assert_int_eq(mapped(RDONLY, &handle), GNTST_okay);
	settled();
	unmapped(handle);
}
END_TEST

/* More than may be broken in part at once: refused, until d has run. */
START_TEST(many_while_it_does_not_run)
{
	unsigned int i;
	uint32_t handle;
	int16_t status = 0;

	break_first();
	for (i = 0; i < 41; i++) {
		mfn_t mfn = shared(p + 10 + i, 1000 * i, true);

		ck_assert_int_eq(map(p + 60 + i % 40, pte_make(mfn, RO)), 0);
	}
	for (i = 0; i < 41; i++) {
		granted(p + 10 + i, true);
		status = mapped(RDONLY, &handle);
		ck_assert_int_eq(status, i < 40 ? GNTST_okay : GNTST_bad_page);
		if (!status)
			unmapped(handle);
	}
	settled();
	ck_assert_int_eq(mapped(RDONLY, &handle), GNTST_okay);
	settled();
	unmapped(handle);
}
END_TEST

/* --- what another CPU does between one lock and the next --- */

static enum lock_level act_level;
static unsigned int act_after;		/* such locks */
static void (*act)(void);

static void on_each_lock(enum lock_level level)
{
	if (level != act_level || act_after--)
		return;
	port_on_each_lock = NULL;
	act();
}

static int16_t mapped_while(void (*what)(void), enum lock_level level, unsigned int after)
{
	int16_t status;

	act = what;
	act_level = level;
	act_after = after;
	port_on_each_lock = on_each_lock;
	status = mapped(RDONLY, NULL);
	ck_assert_ptr_null(port_on_each_lock);
	return status;
}

static void d_ends(void)
{
	domain_destroy(d);
}

/* After the first look at the entry, before the second. */
START_TEST(of_a_dying_domain)
{
	uint64_t pages;

	break_first();
	(void)shared(p, 7, true);
	granted(p, true);
	pages = d->pages.total;
	ck_assert_int_eq(mapped_while(d_ends, LOCK_MM, 0), GNTST_general_error);
	ck_assert_uint_eq(d->pages.total, pages);
	ck_assert(!ptbreak_left(d));
}
END_TEST

static mfn_t theirs;

static void d_names_theirs(void)
{
	g_v1(d, REF)->frame = mfn_n(theirs);
}

/* GN4 */
START_TEST(changed_meanwhile)
{
	theirs = peer_offers(p + 4, 9);
	break_first();
	(void)shared(p, 7, true);
	granted(p, true);
	ck_assert_int_eq(mapped_while(d_names_theirs, LOCK_GRANT, 1), GNTST_general_error);
	settled();
	ck_assert_uint_eq(g_v1(d, REF)->flags & (GTF_reading | GTF_writing), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("grant named");

	tcase_add_checked_fixture(tc, setup_grants, teardown);
	tcase_add_loop_test(tc, mapped_while_shared, 0, 4);
	tcase_add_test(tc, two_entries);
	tcase_add_test(tc, copied_while_shared);
	tcase_add_loop_test(tc, granted_by_its_old_name, 0, 2);
	tcase_add_loop_test(tc, refused_without_break_first, 0, 2);
	tcase_add_loop_test(tc, shared_by_others, 0, 2);
	tcase_add_test(tc, no_frame);
	tcase_add_test(tc, many_while_it_does_not_run);
	tcase_add_test(tc, of_a_dying_domain);
	tcase_add_test(tc, changed_meanwhile);
	return suite_run();
}
