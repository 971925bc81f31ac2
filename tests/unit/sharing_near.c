// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * Where memory is in pieces, a domain's single pages lie together: of each
 * 2 MiB that it has a frame of, its M2P view needs a page.
 */
#include <check.h>
#include <port.h>

#include "fake/fake_breaks.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "sharing/ownpage.h"
#include "unit/suite.h"

#define PAGES	64u
#define PIECE	512u

static mfn_t got[2][PAGES];

/* Every third frame is free, of all memory; returns what is kept, as a list. */
static void **memory_scatter(void)
{
	void **kept = NULL, **next, *page, **third = NULL;

	while ((page = palloc_hv(0))) {
		next = page;
		if (mfn_n(virt_to_mfn(page)) % 3) {
			*next = kept;
			kept = next;
		} else {
			*next = third;
			third = next;
		}
	}
	for (; third; third = next) {
		next = *third;
		palloc_hv_free(third, 0);
	}
	return kept;
}

static void memory_gather(void **kept)
{
	void **next;

	for (; kept; kept = next) {
		next = *kept;
		palloc_hv_free(kept, 0);
	}
}

static unsigned int pieces(const mfn_t *mfns)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGES; i++) {
		unsigned int before = 0;

		while (before < i && mfn_n(mfns[before]) / PIECE != mfn_n(mfns[i]) / PIECE)
			before++;
		n += before == i;
	}
	return n;
}

static mfn_t take(struct domain *x, bool copy, pfn_t pfn, mfn_t shared)
{
	mfn_t mfn = copy ? ownpage_copy(x, shared, pfn) : domain_pages_prepare(x, 0);

	ck_assert(!mfn_eq(mfn, INVALID_MFN));
	return mfn;
}

static void give(struct domain *x, bool copy, mfn_t mfn)
{
	if (!copy) {
		domain_pages_cancel(x, mfn, 0);
		return;
	}
	m2p_clear(&x->m2p, mfn);
	palloc_hv_free(mfn_to_virt(mfn), 0);
}

/* Breaks by copy, and new pages: of two domains by turns. */
START_TEST(domains_keep_apart)
{
	mfn_t same = shared(p, 7, true);
	struct domain *who[2] = { d, peer };
	bool copy = _i;
	void **kept;

	domain_set_overcommit(true);
	d->pages.limit += PAGES;
	peer->pages.limit += PAGES;
	kept = memory_scatter();
	for (unsigned int i = 0; i < PAGES; i++)
		for (unsigned int x = 0; x < 2; x++)
			got[x][i] = take(who[x], copy, PFN(3000 + i), same);
	for (unsigned int x = 0; x < 2; x++)
		ck_assert_uint_le(pieces(got[x]), 2);
	for (unsigned int i = 0; i < PAGES; i++)
		for (unsigned int x = 0; x < 2; x++)
			give(who[x], copy, got[x][i]);
	memory_gather(kept);
	d->pages.limit -= PAGES;
	peer->pages.limit -= PAGES;
	domain_set_overcommit(false);
	fake_check();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("near");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, domains_keep_apart, 0, 2);
	return suite_run();
}
