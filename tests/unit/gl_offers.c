// links: guest-lib/core/*.c
/* SPDX-License-Identifier: MIT */
/*
 * Offers of a kernel that handles no faults (gl/offers.h), against the fake
 * hypervisor, which breaks and tells nobody but the list.
 */
#include <check.h>

#include "fake/fake_guest_pages.h"
#include "unit/suite.h"

#include <gl/offers.h>

static struct gl_offers offers;

static long init(void)
{
	return gl_offers_init(&offers, op_hypercall, NULL, p2m, PFNS, va_of(0));
}

/* List, entry and M2P agree; nobody needed a fault. */
static void names(void)
{
	for (uint64_t pfn = 0; pfn < PFNS; pfn++) {
		ck_assert_uint_eq(p2m[pfn], (pte[pfn] & ADDR) / PAGE);
		if (owner[p2m[pfn]] == GUEST)
			ck_assert_uint_eq(m2p[p2m[pfn]], pfn);
	}
	ck_assert_int_eq(foreign, 0);
}

static unsigned int held_by(uint64_t first, uint64_t count)
{
	unsigned int n = 0;

	for (uint64_t pfn = first; pfn < first + count; pfn++)
		n += owner[p2m[pfn]] == CANONICAL;
	return n;
}

START_TEST(start)
{
	ck_assert_int_eq(init(), 0);
	ck_assert_uint_eq(mode.version, SHARE_MODE_VERSION);
	ck_assert_uint_eq(mode_bytes, sizeof(mode));
	ck_assert_uint_eq(mode.flags,
			  SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST |
			  SHARE_MODE_REPLICAS);
	ck_assert_uint_eq(mode.p2m, (uint64_t)p2m);
	ck_assert_uint_eq(mode.p2m_entries, PFNS);
	ck_assert_uint_eq(mode.linear_base, va_of(0));
	ck_assert_int_eq(gl_offers_init_checked(&offers, GL_OFFERS_VERSION + 1,
		sizeof(offers), op_hypercall, NULL, p2m, PFNS, 0), -XEN_EINVAL);
	ck_assert_int_eq(gl_offers_init_checked(&offers, GL_OFFERS_VERSION,
		sizeof(offers) + 8, op_hypercall, NULL, p2m, PFNS, 0),
			 -XEN_EINVAL);
	ck_assert_int_eq(gl_offers_init(&offers, NULL, NULL, p2m, PFNS, 0),
			 -XEN_EINVAL);
	unknown_flags = SHARE_MODE_REPLICAS;
	ck_assert_int_eq(init(), 0);
	ck_assert_uint_eq(mode.flags,
			  SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST);
	unknown_flags = ~0u;
	ck_assert_int_eq(init(), -XEN_EINVAL);
	abi = 1;
	ck_assert_int_eq(init(), -XEN_EOPNOTSUPP);
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_ENOSYS;
	ck_assert_int_eq(init(), -XEN_ENOSYS);
}
END_TEST

START_TEST(ranges)
{
	int32_t st[40];

	ck_assert_int_eq(init(), 0);
	ck_assert_int_eq(gl_offers_range(&offers, va_of(0) + 5, 30, NULL), 30);
	names();
	ck_assert_uint_eq(held_by(0, 40), 30);
	ck_assert_int_eq(gl_offers_range(&offers, va_of(10), 40, st), 20);
	for (unsigned int i = 0; i < 40; i++)
		ck_assert_int_eq(st[i], i < 20 ? SHARE_ALREADY : SHARE_DONE);
	ck_assert_uint_eq(offers.counters.offered, 70);
	ck_assert_uint_eq(offers.counters.done, 50);
	ck_assert_uint_eq(offers.counters.by_result[SHARE_ALREADY], 20);
	fake_break(7);
	names();
	ck_assert_int_eq(gl_offers_pages(&offers, (uint64_t[]){ va_of(60),
				va_of(7) }, 2, st), 2);
	names();
}
END_TEST

/* A refused call, at once and after some pages; what is newer. */
START_TEST(refused)
{
	int32_t st;

	ck_assert_int_eq(init(), 0);
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_EFAULT;
	ck_assert_int_eq(gl_offers_range(&offers, va_of(0), 3, NULL),
			 -XEN_EFAULT);
	ck_assert_uint_eq(offers.counters.calls_failed, 1);
	ck_assert_uint_eq(offers.counters.by_result[SHARE_NOT_TRIED], 3);
	ck_assert_int_eq(gl_offers_unshare(&offers, va_of(0), 0, 3),
			 -XEN_EFAULT);
	ck_assert_int_eq(gl_offers_fini(&offers), -XEN_EFAULT);
	fail_nr = -1;
	odd_status = GL_OFFERS_RESULTS;
	ck_assert_int_eq(gl_offers_range(&offers, va_of(0), 1, &st), 0);
	ck_assert_int_eq(st, GL_OFFERS_RESULTS);
	odd_status = -1;
	ck_assert_int_eq(gl_offers_range(&offers, va_of(0), 1, &st), 0);
	ck_assert_uint_eq(offers.counters.by_result[SHARE_NOT_TRIED], 5);
	names();
}
END_TEST

START_TEST(unshare)
{
	ck_assert_int_eq(init(), 0);
	ck_assert_int_eq(gl_offers_range(&offers, va_of(4), 20, NULL), 20);
	fake_break(5);
	ck_assert_int_eq(gl_offers_fini(&offers), -XEN_EBUSY);
	ck_assert_uint_eq(mode.p2m_entries, PFNS);
	max_pages = tot_pages + 10;
	ck_assert_int_eq(gl_offers_unshare(&offers, va_of(0), 0, 24),
			 -XEN_ENOMEM);
	names();
	ck_assert_uint_eq(held_by(0, 24), 9);
	max_pages = PFNS;
	ck_assert_int_eq(gl_offers_unshare(&offers, va_of(0), 0, PFNS), 0);
	ck_assert_uint_eq(offers.counters.unshared, 19);
	ck_assert_uint_eq(held_frames(), 0);
	names();
	ck_assert_int_eq(gl_offers_fini(&offers), 0);
	ck_assert_uint_eq(mode.flags, 0);
	ck_assert_uint_eq(mode.p2m | mode.p2m_entries | mode.linear_base, 0);
	*(volatile uint8_t *)va_of(9) = 1;
	ck_assert_int_eq(foreign, 0);
}
END_TEST

/* Without a list nothing is written where there is none. */
START_TEST(no_list)
{
	uint64_t before;

	ck_assert_int_eq(gl_offers_init(&offers, op_hypercall, NULL, NULL, 0, 0),
			 0);
	before = p2m[2];
	ck_assert_int_eq(gl_offers_range(&offers, va_of(2), 1, NULL), 1);
	ck_assert_int_eq(gl_offers_unshare(&offers, va_of(2), 2, 1), 0);
	ck_assert_uint_eq(p2m[2], before);
	ck_assert_uint_eq(held_frames(), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("offers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, start);
	tcase_add_test(tc, ranges);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, unshare);
	tcase_add_test(tc, no_list);
	return suite_run();
}
