/* SPDX-License-Identifier: MIT */
// links: @machine
/*
 * Promises of memory: with everything promised, each guest gets all that is its
 * own whatever the others do (SH29, SH30 on the host; ME5).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "fake/fake_machine.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "sharing/sharing.h"
#include "unit/suite.h"

#define DOMAINS_MAX	8
#define BUDGET		400u

static struct domain *dom[DOMAINS_MAX];
static unsigned int count;

static void setup(void)
{
	fake_machine_start();
	for (count = 0; count < DOMAINS_MAX; count++) {
		dom[count] = fake_domain("g", BUDGET);
		if (!dom[count])
			break;
	}
	ck_assert_uint_ge(count, 3);
	ck_assert_uint_lt(count, DOMAINS_MAX);
	fake_check();
}

static void teardown(void)
{
	while (count--) {
		fake_end(dom[count]);
		fake_check();
	}
	domain_set_overcommit(false);
}

/* Pages that are shared, the number of the domain's budget. */
static uint64_t first_pfn(struct domain *d)
{
	return fake_free_pfn(d);
}

static void fill(struct domain *d, uint64_t pfn, uint64_t content)
{
	uint64_t *page = (void *)fake_page(d, pfn);

	for (unsigned int i = 0; i < 512; i++)
		page[i] = content * 1000 + i;
}

/* Offer BUDGET pages; content of each: base + its number. */
static void share_all(struct domain *d, uint64_t base)
{
	uint64_t pfn = first_pfn(d);

	fake_run(d);
	for (unsigned int i = 0; i < BUDGET; i++) {
		fill(d, pfn + i, base + i);
		ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single,
					   fake_va(pfn + i)), 0);
		reclaim_flush();
	}
}

/* SHARE_DONE or why not. */
static int break_page(struct domain *d, uint64_t pfn)
{
	struct shareop_entry *e = (void *)fake_page(d, first_pfn(d) + BUDGET + 1);

	*e = (struct shareop_entry){ .pte = { fake_va(pfn) }, .nr_ptes = 1 };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare,
				   fake_va(first_pfn(d) + BUDGET + 1), 1, 0), 0);
	reclaim_flush();
	return e->status;
}

static unsigned int break_all(struct domain *d)
{
	unsigned int done = 0;

	fake_run(d);
	for (unsigned int i = 0; i < BUDGET; i++) {
		int r = break_page(d, first_pfn(d) + i);

		ck_assert(r == SHARE_DONE || r == SHARE_NO_MEMORY);
		done += r == SHARE_DONE;
	}
	return done;
}

static long reservation(struct domain *d, unsigned int op, uint64_t extents,
			unsigned int order)
{
	struct xen_memory_reservation *r;
	uint64_t pfn = first_pfn(d) + BUDGET + 2;
	uint64_t *list = (uint64_t *)fake_page(d, pfn);

	fake_run(d);
	r = (void *)(list + 500);
	*r = (struct xen_memory_reservation){
		.extent_start.p = op == XENMEM_increase_reservation ? NULL :
				  (void *)fake_va(pfn),
		.nr_extents = extents, .extent_order = order,
		.domid = DOMID_SELF };
	return FAKE_CALL(op_memory, op, fake_va(pfn) + 4000);
}

/* Each takes back all that it gave up, in any order, and nobody is short. */
START_TEST(every_credit)
{
	for (unsigned int i = 0; i < count; i++)
		share_all(dom[i], i < 2 ? 0 : i * BUDGET);
	fake_check();
	for (unsigned int i = 0; i < count; i++) {
		/* The first ones by memory_op, the others by breaks. */
		if (i == 0) {
			ck_assert_int_eq(reservation(dom[i],
				XENMEM_increase_reservation, BUDGET + 1, 0),
				BUDGET);
			ck_assert_uint_eq(dom[i]->pages.total, dom[i]->pages.max);
		} else {
			ck_assert_uint_eq(break_all(dom[i]), BUDGET);
		}
		fake_check();
	}
}
END_TEST

/*
 * A domain that is over its promise of view pages asks; refused, its own call
 * fails.
 */
START_TEST(view_pays)
{
	struct domain *d = dom[0];
	uint64_t left = domain_promise_left(), commit = d->promised;
	mfn_t mfn = MFN(1UL << 28);

	/* What is promised cannot be had by anybody. */
	ck_assert(!domain_promise_raise(d, left + 1));
	ck_assert_uint_eq(d->promised, commit);
	ck_assert(domain_promise_raise(d, left));
	ck_assert_uint_eq(domain_promise_left(), 0);
	d->m2p.promised = d->m2p.page_count;
	ck_assert_int_eq(m2p_set(&d->m2p, mfn, PFN(1)), -ENOMEM);
	domain_promise_lower(d, 2);
	/* wants 3 */
	ck_assert_int_eq(m2p_set(&d->m2p, mfn, PFN(1)), -ENOMEM);
	domain_promise_lower(d, 1);
	ck_assert_int_eq(m2p_set(&d->m2p, mfn, PFN(1)), 0);
	ck_assert_uint_eq(domain_promise_left(), 0);
	m2p_clear(&d->m2p, mfn);
	d->m2p.promised += 20;
	for (unsigned int i = 0; i < count; i++)
		share_all(dom[i], i);
	for (unsigned int i = 0; i < count; i++)
		ck_assert_uint_eq(break_all(dom[i]), BUDGET);
}
END_TEST

static uint64_t most_with(unsigned int cpus)
{
	uint64_t promised, most, boot;

	cpu_count = cpus;
	domain_promises(&promised, &most, &boot);
	cpu_count = 1;
	return most;
}

/*
 * Frames that wait for a flush: a long call stops at its next look, so they
 * stay few; so many of each CPU's are promised to nobody.
 */
START_TEST(few_wait)
{
	struct domain *d = dom[0];
	uint64_t *list = (uint64_t *)fake_page(d, first_pfn(d) + BUDGET + 2);

	fake_run(d);
	for (unsigned int i = 0; i < RECLAIM_OWNED; i++)
		list[i] = mfn_n(fake_mfn(d, first_pfn(d) + i));
	for (unsigned int i = 0; i < RECLAIM_OWNED; i++)
		ck_assert_int_eq(FAKE_CALL(op_update_va_mapping,
					   fake_va(first_pfn(d) + i), 0, 0), 0);
	this_cpu()->need_resched = 0;
	ck_assert_int_eq(reservation(d, XENMEM_decrease_reservation,
				     RECLAIM_OWNED - 1, 0), RECLAIM_OWNED - 1);
	ck_assert_uint_eq(this_cpu()->need_resched, 0);
	reclaim_flush_all();
	memmove(list, list + RECLAIM_OWNED - 1, 8);
	ck_assert_int_eq(reservation(d, XENMEM_decrease_reservation, 1, 0), 1);
	reclaim_flush_all();
	/* Taken again in one piece, and given back in one call's part. */
	ck_assert_int_eq(reservation(d, XENMEM_populate_physmap, 1, 7), 1);
	ck_assert_int_eq(reservation(d, XENMEM_decrease_reservation, 1, 7), 1);
	ck_assert_uint_ne(this_cpu()->need_resched, 0);
	ck_assert_uint_le(RECLAIM_WAITING, 1024);
	ck_assert_uint_eq(most_with(1) - most_with(3), 2 * RECLAIM_WAITING);
	this_cpu()->need_resched = 0;
}
END_TEST

/* All pages that a view of this machine can have, so that breaks need none. */
static void view_complete(struct domain *d)
{
	for (mfn_t mfn = MFN(0); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 512)) {
		pfn_t pfn = m2p_get(&d->m2p, mfn);

		ck_assert_int_eq(m2p_set(&d->m2p, mfn, PFN(1)), 0);
		ck_assert_int_eq(m2p_set(&d->m2p, mfn, pfn), 0);
	}
}

/*
 * The same guests and one more, with overcommit on: the breaks that succeed are
 * as many as there are frames, each other one is refused, and who is refused
 * has lost nothing.
 */
START_TEST(overcommitted)
{
	uint64_t free;
	unsigned int done = 0;
	struct domain *more;

	for (unsigned int i = 0; i < count; i++)
		share_all(dom[i], 0);
	domain_set_overcommit(true);
	more = fake_domain("g", BUDGET);
	ck_assert_ptr_nonnull(more);
	dom[count++] = more;
	share_all(more, 0);
	/* Take the rest away, but 100 frames. */
	for (unsigned int i = 0; i < count; i++)
		view_complete(dom[i]);
	while (palloc_free_count() > 100)
		ck_assert(palloc_hv(0));
	reclaim_flush_all();
	free = palloc_free_count();
	for (unsigned int i = 0; i < count; i++)
		done += break_all(dom[i]);
	ck_assert_uint_eq(done, free);
	ck_assert_uint_eq(palloc_free_count(), 0);
	ck_assert_int_eq(reservation(dom[0], XENMEM_increase_reservation, 1, 0),
			 0);
	/* the frames that were taken away are not known to anybody */
	exit(0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("promise");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_credit);
	tcase_add_test(tc, view_pays);
	tcase_add_test(tc, few_wait);
	tcase_add_exit_test(tc, overcommitted, 0);
	return suite_run();
}
