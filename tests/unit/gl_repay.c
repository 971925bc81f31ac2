// links: guest-lib/core/*.c
/* SPDX-License-Identifier: MIT */
/*
 * The repayment list of the guest library (gl/repay.h, Y1-Y4); SH30's second
 * phase, on the host.
 */
#include <check.h>

#include "fake/fake_guest_pages.h"
#include "unit/suite.h"

/* Pages on the list, and those that were lost, in order. */
static struct gl_repay repay[PFNS];
static uint64_t lost_pfn[PFNS];
static unsigned int lost_count;

static void note_lost(void *ctx, struct gl_repay *page)
{
	uint64_t pfn = pfn_of(page->va);

	ck_assert(locked && ctx == &repay[pfn] && page == ctx);
	ck_assert(!(pte[pfn] & P) && p2m[pfn] == ~0UL && !page->listed);
	lost_pfn[lost_count++] = pfn;
}

static long list_page(uint64_t pfn)
{
	repay[pfn].va = va_of(pfn);
	repay[pfn].lost = note_lost;
	repay[pfn].ctx = &repay[pfn];
	return gl_repay_register(&share, &repay[pfn]);
}

/* 20 shared pages, no reserve left, no frame in the machine. */
static void need_repayment(void)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	for (uint64_t pfn = 0; pfn < RESERVE; pfn++)
		ck_assert(store(pfn, 1));
	no_frames = true;
	ck_assert_uint_eq(gl_share_refill(&share), RESERVE);
}

START_TEST(refusals)
{
	struct gl_repay r = { .va = va_of(1) }, far = { .va = va_of(PFNS),
							.lost = note_lost };

	ck_assert_int_eq(gl_repay_register(&share, &r), -XEN_EINVAL);
	ck_assert_int_eq(gl_repay_register(&share, &far), -XEN_EINVAL);
	ck_assert_int_eq(gl_repay_unregister(&share, &r), -XEN_ENOENT);
	ck_assert_int_eq(list_page(1), 0);
	ck_assert_int_eq(list_page(1), -XEN_EEXIST);
	ck_assert_uint_eq(share.repay.count, 1);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[1]), 0);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[1]), -XEN_ENOENT);
	pte[2] = 0;
	ck_assert_int_eq(list_page(2), -XEN_EINVAL);
	gl_share_init(&share, &ops, NULL, record, PFNS, 0);
	ck_assert_int_eq(list_page(1), -XEN_ENOSPC);
	ck_assert_uint_eq(share.repay.count, 0);
	ck_assert_uint_eq(lost_count, 0);
}
END_TEST

/*
 * The reserve first, the hypervisor second, the list last, the oldest of it
 * first.
 */
START_TEST(order)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	for (uint64_t pfn = 30; pfn < 33; pfn++)
		ck_assert_int_eq(list_page(pfn), 0);
	for (uint64_t pfn = 0; pfn < RESERVE + 2; pfn++)
		ck_assert(store(pfn, 7));
	ck_assert_uint_eq(share.counters.breaks, RESERVE);
	ck_assert_uint_eq(share.counters.unshares, 2);
	ck_assert_uint_eq(lost_count, 0);
	no_frames = true;
	for (unsigned int n = 0; n < 3; n++) {
		ck_assert(store(10 + n, 7));
		ck_assert_uint_eq(((uint8_t *)va_of(10 + n))[1], 5 + n / 2);
		ck_assert_uint_eq(lost_count, n + 1);
		ck_assert_uint_eq(lost_pfn[n], 30 + n);
		audit();
	}
	ck_assert_uint_eq(share.counters.repaid, 3);
	ck_assert_uint_eq(share.repay.count, 0);
	/*
	 * Now there is nothing: the kernel's matter, and the page stays shared.
	 */
	ck_assert(!store(13, 7));
	ck_assert_uint_eq(share.counters.break_errors, 1);
	ck_assert(gl_share_is_shared(&share, 13));
	/* A frame of the machine's is taken before a page of the list. */
	ck_assert_int_eq(list_page(40), 0);
	no_frames = false;
	ck_assert(store(13, 7));
	ck_assert_uint_eq(lost_count, 3);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[40]), 0);
	audit();
}
END_TEST

/*
 * Y1, Y2: lost once, or given back, never both; the kernel may list its page
 * again.
 */
START_TEST(once)
{
	need_repayment();
	ck_assert_int_eq(list_page(30), 0);
	ck_assert_int_eq(list_page(31), 0);
	ck_assert_int_eq(list_page(32), 0);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[31]), 0);
	ck_assert(store(10, 7));
	ck_assert(store(11, 7));
	ck_assert_uint_eq(lost_count, 2);
	ck_assert_uint_eq(lost_pfn[1], 32);
	ck_assert_int_eq(gl_repay_unregister(&share, &repay[30]), -XEN_ENOENT);
	ck_assert_int_eq(list_page(30), -XEN_EINVAL);	/* has no frame */
	ck_assert(!store(12, 7));
	ck_assert_uint_eq(((uint8_t *)va_of(31))[9], 15);
	audit();
}
END_TEST

/*
 * Y4: shared pages and read-only ones repay nothing, and wait at the end of the
 * list.
 */
START_TEST(shared)
{
	need_repayment();
	ck_assert_int_eq(list_page(15), 0);
	ck_assert_int_eq(list_page(16), 0);
	pte[33] &= ~RW;
	map_real(33);
	ck_assert_int_eq(list_page(33), 0);
	ck_assert(!store(10, 7));
	ck_assert_uint_eq(share.counters.repay_passed, 3);
	ck_assert_int_eq(list_page(34), 0);
	ck_assert(store(10, 7));
	ck_assert_uint_eq(lost_pfn[0], 34);
	ck_assert_uint_eq(share.repay.count, 3);
	ck_assert(gl_share_is_shared(&share, 15));
	/*
	 * The page that is written may be listed itself: it does not pay for
	 * its own copy.
	 */
	ck_assert(!store(15, 7));
	ck_assert_uint_eq(lost_count, 1);
	no_frames = false;
	ck_assert(store(15, 7));	/* private now, so it can repay */
	no_frames = true;
	ck_assert(store(11, 7));
	ck_assert_uint_eq(lost_count, 2);
	ck_assert_uint_eq(lost_pfn[1], 15);
	audit();
}
END_TEST

/*
 * Break first: a page that the hypervisor broke repays as one that was never
 * shared.
 */
START_TEST(broken_first)
{
	ck_assert_int_eq(gl_share_break_first(&share, NULL, 0), 0);
	need_repayment();
	no_frames = false;
	fake_break(18);
	no_frames = true;
	ck_assert(gl_share_is_shared(&share, 18));	/* once */
	ck_assert_int_eq(list_page(19), 0);
	ck_assert_int_eq(list_page(18), 0);
	ck_assert(store(10, 7));
	ck_assert_uint_eq(share.counters.repaid, 1);
	ck_assert_uint_eq(lost_count, 1);
	ck_assert_uint_eq(lost_pfn[0], 18);
	ck_assert_uint_eq(share.repay.count, 1);
	ck_assert(!gl_share_is_shared(&share, 18));
	audit();
}
END_TEST

/*
 * Y3: each refusal of the exchange leaves the page with its bytes, and listed.
 */
START_TEST(refused)
{
	uint64_t vas[2];

	need_repayment();
	ck_assert_int_eq(list_page(30), 0);
	vas[0] = share.slots[0].va;
	vas[1] = va_of(30);
	for (unsigned int n = 0; n < 2; n++) {
		fail_va = vas[n];
		ck_assert(!store(10, 7));
		fail_va = 0;
		ck_assert_uint_eq(share.counters.repay_refused, n + 1);
		ck_assert_uint_eq(share.repay.count, 1);
		ck_assert_uint_eq(*(uint8_t *)va_of(30), 15);
		ck_assert_uint_eq(lost_count, 0);
		audit();
	}
	/* Refused after that, in the break: the frame stays in the reserve. */
	fail_va = va_of(10);
	ck_assert(!store(10, 7));
	fail_va = 0;
	ck_assert_uint_eq(lost_count, 1);
	ck_assert_uint_eq(share.slots_full, 1);
	audit();
	ck_assert(store(10, 7));
	ck_assert_uint_eq(share.counters.repaid, 1);
	audit();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("repay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, order);
	tcase_add_test(tc, once);
	tcase_add_test(tc, shared);
	tcase_add_test(tc, broken_first);
	tcase_add_test(tc, refused);
	return suite_run();
}
