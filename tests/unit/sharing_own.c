// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * SHARE_MODE_OWN_QUOTA (OWN1, OWN2): holds are charged to the domain's quota,
 * and what is promised to it is what it has.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "audit/audit.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "fake/fake_breaks.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"

#define OWN (BOTH | SHARE_MODE_OWN_QUOTA)

static long more(unsigned int count)
{
	return reservation(XENMEM_increase_reservation, count, NULL);
}

static long give_page(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(d, pfn);

	ck_assert_int_eq(map(pfn, 0), 0);
	return reservation(XENMEM_decrease_reservation, 1, &mfn);
}

static void own(void)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, OWN, 0, 0), 0);
}

static void audited(void)
{
	uint64_t cross;

	ck_assert_uint_eq(audit_machine(&cross), 0);
}

/* The room for past names comes with the first of both, and stays. */
static uint64_t left_before(void)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), 0);
	return domain_promise_left();
}

/* A budget of none is enough; what was promised for one is the machine's. */
START_TEST(budget_goes_back)
{
	uint64_t left = left_before(), budget = d->sharing.budget;
	uint64_t gap = d->pages.max - d->pages.total;

	own();
	ck_assert_uint_eq(domain_promise_left(), left + budget + gap - OWN_MARGIN);
	audited();
	(void)shared(p, 7, true);
	ck_assert_uint_eq(info().budget, d->pages.max);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), -EBUSY);
	ck_assert_uint_eq(domain_promise_left(), left + budget + gap - OWN_MARGIN);
	audited();
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), 0);
	ck_assert_uint_eq(domain_promise_left(), left);
	ck_assert_uint_eq(info().budget, budget);
}
END_TEST

/* More than its budget; and each page can be had back, all others be what. */
START_TEST(holds_are_not_limited)
{
	unsigned int i, most = 90;

	fake_end(d);
	d = fake_domain("g", 4);
	own();
	for (i = 0; i < most; i++)
		(void)shared(p + i, 1000 * i, i % 2);
	ck_assert_uint_eq(info().held, most);
	audited();
	for (i = 0; i < most; i++)
		ck_assert(sharefault(d->vcpu[0], fake_va(p + i), WRITE));
	ck_assert_uint_eq(info().held, 0);
	audited();
}
END_TEST

/* OWN1: what a hold saved cannot be allocated again. */
START_TEST(quota_counts_holds)
{
	uint64_t gap = d->pages.max - d->pages.total;
	unsigned int i;

	own();
	for (i = 0; i < 10; i++)
		(void)shared(p + i, 1000 * i, true);
	ck_assert_uint_eq(d->pages.held, 10);
	ck_assert_int_eq(more(gap + 1), gap);
	ck_assert_int_eq(more(1), 0);
	audited();
	/* a break is no page more */
	for (i = 0; i < 10; i++)
		ck_assert(sharefault(d->vcpu[0], fake_va(p + i), WRITE));
	ck_assert_uint_eq(d->pages.total, d->pages.max);
	audited();
}
END_TEST

/* OWN2: what it gives back is promised to nobody, and had again while it is. */
START_TEST(promise_shrinks)
{
	uint64_t left, taken;

	own();
	(void)shared(p, 7, true);
	left = domain_promise_left();
	ck_assert_int_eq(give_page(p + 1), 1);
	ck_assert_uint_eq(domain_promise_left(), left + 1);
	ck_assert_int_eq(give_page(p), 1);	/* a hold */
	ck_assert_uint_eq(domain_promise_left(), left + 2);
	audited();
	taken = domain_promise_left();
	ck_assert(domain_promise_raise(peer, taken));
	ck_assert_int_eq(more(1), 0);
	domain_promise_lower(peer, 1);
	ck_assert_int_eq(more(2), 1);
	ck_assert_uint_eq(domain_promise_left(), 0);
	domain_promise_lower(peer, taken - 1);
	audited();
}
END_TEST

/* There is no memory for what it would be promised. */
START_TEST(no_promise)
{
	uint64_t left = left_before(), taken;

	own();
	taken = domain_promise_left();
	ck_assert(domain_promise_raise(peer, taken));
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), -ENOSPC);
	ck_assert(d->pages.own && (d->breaks.flags & SHARE_MODE_OWN_QUOTA));
	audited();
	domain_promise_lower(peer, taken);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), 0);
	ck_assert_uint_eq(domain_promise_left(), left);
	audited();
}
END_TEST

/* It dies with holds, or with a break half done. */
START_TEST(dies)
{
	own();
	pttree_steps_max = 40;
	fill(d, p, 7);
	ck_assert_int_eq(map(p + 1, pte_make(fake_mfn(d, p), RW)), 0);
	ck_assert_int_eq(offer(p, p + 1), SHARE_DONE);
	(void)shared(p + 2, 8, true);
	if (_i)
		ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_int_eq(pttree_work_left(d), _i);
	audited();
	fake_end(d);
	audited();
	d = fake_domain("g", 200);
}
END_TEST

static void *frames_take(void)
{
	void *taken = NULL, *page;

	while ((page = palloc_hv(0))) {
		*(void **)page = taken;
		taken = page;
	}
	return taken;
}

static void frames_give(void *taken)
{
	void *page;

	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
}

static long map_only(uint64_t pfn, pte_t e)
{
	return op_update_va_mapping(&(struct hypercall_args){
			.a = { fake_va(pfn), e } });
}

/*
 * K4: with overcommit on (1) it waits for a frame, and has it when one is free;
 * with overcommit off (0), or without its own quota (2), it does not.
 */
START_TEST(waits_for_a_frame)
{
	bool waits = _i == 1;
	void *taken;
	mfn_t mfn;

	domain_set_overcommit(_i);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, _i == 2 ? BOTH : OWN, 0,
				   0), 0);
	mfn = shared(p, 7, true);
	taken = frames_take();
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE) == waits);
	ck_assert_int_eq(map_only(p + 2, pte_make(mfn, RW)),
			 waits ? -ERESTART : -ENOMEM);
	ck_assert_int_eq(clear_guest(fake_va(p), 8), -EFAULT);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert(!pttree_work_left(d));
	fake_recount();
	frames_give(taken);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	domain_set_overcommit(false);
}
END_TEST

/* Without it, one hold may stand for many pages: each can be had again. */
START_TEST(limit_leaves_credits)
{
	uint64_t max = d->pages.max, left = domain_promise_left(), i;

	for (i = 0; i < 20; i++) {
		fill(d, p + i, 7);
		ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(p + i)), 0);
	}
	ck_assert_uint_eq(info().held, 1);
	ck_assert(domain_promise_limit(d, 10));
	ck_assert_uint_eq(d->pages.max, max);
	ck_assert_uint_eq(domain_promise_left(), left);
	domain_pages_settle(d);
	ck_assert_uint_eq(d->pages.max, max);
	audited();
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, 0, 0, 0), 0);
	for (i = 0; i < 20; i++) {
		struct shareop_entry *e = (void *)fake_page(d, scratch);

		*e = (struct shareop_entry){ .pte = { fake_va(p + i) }, .nr_ptes = 1 };
		ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare, fake_va(scratch), 1), 0);
		ck_assert_int_eq(e->status, SHARE_DONE);
	}
	audited();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("own");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, budget_goes_back);
	tcase_add_test(tc, holds_are_not_limited);
	tcase_add_test(tc, quota_counts_holds);
	tcase_add_test(tc, promise_shrinks);
	tcase_add_test(tc, no_promise);
	tcase_add_loop_test(tc, dies, 0, 2);
	tcase_add_loop_test(tc, waits_for_a_frame, 0, 3);
	tcase_add_test(tc, limit_leaves_credits);
	return suite_run();
}
