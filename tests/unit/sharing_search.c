// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c tests/fake/fake_grants.c
/*
 * The search for a broken page's other entries: who waits, and where (K2, K8).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "audit/audit.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/pages.h"
#include "fake/fake_breaks.h"
#include "fake/fake_grants.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/ptbreak.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"

static void see_work_left(void)
{
	ck_assert(pttree_work_left(d));
}

/* K2: the first domain may do the rest, while a guest of one vCPU waits. */
START_TEST(nobody_goes_on_before_the_flush)
{
	break_first();
	(void)aliases(7, _i);
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	fake_machine.flushes = 0;
	fake_machine.on_flush = see_work_left;
	while (pttree_settle(d))
		;
	fake_machine.on_flush = NULL;
	ck_assert_uint_gt(fake_machine.flushes, 0);
	ck_assert(!pttree_work_left(d));
	fake_recount();
}
END_TEST

/* A frame's number may come back as another domain's: such an entry stays. */
START_TEST(marked_entries_stay)
{
	pte_t marked, *pte = fake_pte(d, p - 1), was = *pte;
	mfn_t mfn;

	break_first();
	mfn = aliases(7, true);
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	marked = pte_make(mfn, RO) | (_i ? PTE_AVL_GRANT : PTE_AVL_FOREIGN);
	*pte = marked;
	while (pttree_settle(d))
		;
	ck_assert_uint_eq(*pte, marked);
	*pte = was;
	fake_recount();
}
END_TEST

/* How many parts of so many steps the search for p's other entry takes. */
static unsigned int parts_of(uint64_t pfn, uint64_t second)
{
	unsigned int parts = 0;

	alias(pfn, second);
	peer_offers(pfn, pfn * 1000);
	ck_assert_int_eq(clear_guest(fake_va(pfn), 8), 0);
	while (pttree_settle(d))
		parts++;
	ck_assert_uint_eq(mfn_n(fake_mfn(d, pfn)), mfn_n(fake_mfn(d, second)));
	return parts;
}

static mfn_t last_page(void)
{
	struct frame *f = NULL;
	mfn_t last = MFN(0);

	while ((f = domain_page_after(d, f)))
		last = frame_to_mfn(f);
	return last;
}

/* K8: also when what was the table is none any more. */
START_TEST(search_begins_where_one_was_found)
{
	break_first();
	ck_assert_uint_gt(parts_of(p, p + 300), 0);
	pttree_steps_max = PT_SLOTS + 1;
	ck_assert_uint_eq(parts_of(p + 1, p + 301), 0);
	d->pending.renames.likely = mfn_n(last_page());
	ck_assert_uint_gt(parts_of(p + 2, p + 302), 0);
	d->pending.renames.likely = mfn_n(virt_to_mfn(fake_pte(peer, p + 3)));
	ck_assert_uint_gt(parts_of(p + 3, p + 303), 0);
	fake_check();
}
END_TEST

/*
 * K2: another vCPU, in its call since before, moves no entry to a place that
 * the search has seen; it does so afterwards.
 */
START_TEST(no_entry_moves_meanwhile)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = fake_va(p + 20), .new_addr = fake_va(p + 300),
	};
	struct hypercall_args args = {
		.a = { GNTTABOP_unmap_and_replace, fake_va(scratch), 1 },
	};
	const struct pt_renames *b = &d->pending.renames;

	g_setup(peer, 1);
	g_grant(peer, 9, p + 60, d, false);
	fake_run(d);
	break_first();
	ck_assert_int_eq(g_map(peer, 9, p + 20, GNTMAP_host_map, &op.handle), 0);
	alias(p, p + 300);
	if (_i)
		peer_offers(p, p * 1000);	/* d gets a copy */
	pttree_steps_max = 10;
	memcpy(fake_page(d, scratch), &op, sizeof(op));
	ck_assert_int_eq(clear_guest(fake_va(p), 8), 0);
	while (!b->page || !mfn_eq(frame_to_mfn(b->page), virt_to_mfn(fake_pte(d, p))) ||
	       b->slot <= pt_slot(op.host_addr, 1))
		ck_assert(pttree_settle(d));
	ck_assert_int_eq(op_grant_table(&args), -ERESTART);
	while (pttree_settle(d))
		;
	fake_recount();
	ck_assert_int_eq(op_grant_table(&args), 0);
	memcpy(&op, fake_page(d, scratch), sizeof(op));
	ck_assert_int_eq(op.status, GNTST_okay);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 20)));
	ck_assert(writable(p + 20));
}
END_TEST

/* Parts of the search behind a write to a page with a read-only entry, too. */
static unsigned int parts_read_only(uint64_t pfn)
{
	unsigned int parts = 0;
	mfn_t mfn = shared(pfn, pfn * 1000, false);

	ck_assert_int_eq(map(pfn + 300, pte_make(mfn, RO)), 0);
	ck_assert_uint_eq(info().mappings, 2);
	ck_assert_int_eq(clear_guest(fake_va(pfn), 8), 0);
	while (pttree_settle(d))
		parts++;
	ck_assert(writable(pfn));
	ck_assert_uint_eq(*fake_pte(d, pfn + 300) & (PTE_ADDR_MASK | PTE_P | PTE_RW), pte_make(mfn, PTE_P));
	return parts;
}

/* K3: an entry that stays as it is ends the search, too. */
START_TEST(search_ends_at_a_read_only_one)
{
	break_first();
	ck_assert_uint_gt(parts_read_only(p), 0);
	pttree_steps_max = PT_SLOTS + 1;
	ck_assert_uint_eq(parts_read_only(p + 1), 0);
	fake_check();
}
END_TEST

/*
 * K3: the entry that is being made is read-only, as those that stay are; one to
 * change is behind.
 */
START_TEST(search_goes_on_behind_the_new_one)
{
	mfn_t mfn;

	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH | SHARE_MODE_SOLE, 0, 0), 0);
	alias(p + 1, p + 300);
	mfn = fake_mfn(d, p + 1);
	ck_assert_int_eq(map(p, pte_make(mfn, RO)), 0);
	while (pttree_settle(d))
		;
	ck_assert(writable(p + 1) && writable(p + 300) && !writable(p));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 300)), mfn_n(mfn));
	fake_recount();
}
END_TEST

/* A name that is asked for when the view that says whether it holds is gone. */
START_TEST(name_of_the_dying)
{
	domid_hv_t id = d->id;
	struct domain *held;
	mfn_t old;

	break_first();
	old = shared(p, 7, true);
	ck_assert_int_eq(clear_guest(fake_va(p), 8), 0);
	spin_lock(&d->mm);
	ck_assert(mfn_eq(ptbreak_name_now(d, old), fake_mfn(d, p)));
	spin_unlock(&d->mm);
	fake_run(NULL);
	domain_end(d);
	while ((held = domain_find(id))) {
		spin_lock(&d->mm);
		ck_assert(mfn_eq(ptbreak_name_now(d, old), INVALID_MFN));
		spin_unlock(&d->mm);
		domain_put(held);
		(void)reaper_step();
	}
	fake_forget(d);
	d = fake_domain("g", 200);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("search");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, nobody_goes_on_before_the_flush, 0, 2);
	tcase_add_loop_test(tc, marked_entries_stay, 0, 2);
	tcase_add_loop_test(tc, no_entry_moves_meanwhile, 0, 2);
	tcase_add_test(tc, search_begins_where_one_was_found);
	tcase_add_test(tc, search_ends_at_a_read_only_one);
	tcase_add_test(tc, search_goes_on_behind_the_new_one);
	tcase_add_test(tc, name_of_the_dying);
	return suite_run();
}
