// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/* What a break needs: a frame, a name for it, and an owner that lives (K4). */
#include <check.h>
#include <port.h>
#include <xen/memory.h>

#include "fake/fake_breaks.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/traps.h"
#include "unit/suite.h"

/* The only free frame is one that waits on this CPU for its flush. */
START_TEST(frame_waits_for_its_flush)
{
	mfn_t mine = fake_mfn(d, p + 5);
	pte_t *pte = fake_pte(d, p + 5);
	uint64_t pages;

	break_first();
	(void)shared(p, 7, true);
	ck_assert_int_eq(map(p + 5, 0), 0);
	pages = d->pages.total;
	fake_memory_take(0);
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_int_eq(reservation(XENMEM_decrease_reservation, 1, &mine), 1);
	ck_assert_uint_eq(palloc_free_count(), 0);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mine));
	ck_assert_uint_eq(d->pages.total, pages);
	ck_assert(!*pte && filled(fake_page(d, p), 7));
	fake_memory_give();
}
END_TEST

static bool no_more(struct m2p_view *view)
{
	return false;
}

/* The copy's frame cannot be named: it goes back, and nothing has changed. */
START_TEST(copy_without_a_name)
{
	bool (*more)(struct m2p_view *view) = d->m2p.more;
	uint64_t pages, free, promised = d->m2p.promised;
	void *taken = NULL, *page;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	pages = d->pages.total;
	/* Up to a frame that d's view has no leaf for. */
	while ((page = palloc_hv_near(&d->pages.place)) &&
	       mfn_eq(m2p_leaf_from(&d->m2p, virt_to_mfn(page), INVALID_MFN), virt_to_mfn(page))) {
		*(void **)page = taken;
		taken = page;
	}
	ck_assert(page);
	palloc_hv_free(page, 0);
	d->m2p.more = no_more;
	d->m2p.promised = 0;
	free = palloc_free_count();
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_eq(palloc_free_count(), free);
	ck_assert_uint_eq(d->pages.total, pages);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	d->m2p.more = more;
	d->m2p.promised = promised;
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
}
END_TEST

/* END6: the pages of a domain that ends get no more. */
START_TEST(page_for_the_dying)
{
	uint64_t pages;

	break_first();
	(void)shared(p, 7, true);
	pages = d->pages.total;
	WRITE_ONCE(d->state, DOM_DYING);
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_eq(d->pages.total, pages);
	WRITE_ONCE(d->state, DOM_RUNNING);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("sharing");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, frame_waits_for_its_flush);
	tcase_add_test(tc, copy_without_a_name);
	tcase_add_test(tc, page_for_the_dying);
	return suite_run();
}
