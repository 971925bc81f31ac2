// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c tests/fake/fake_grants.c
/*
 * What changes behind the audit's place is told to its tally (TALLY1, TALLY2;
 * hv/dom/tally.h): each way to change an entry, with all tables walked and with
 * none; and what is wrong before, at and behind the place is found.
 */
#include <check.h>
#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "audit/audit.h"
#include "audit/audit_private.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "fake/fake_breaks.h"
#include "fake/fake_grants.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "sharing/sharing.h"
#include "unit/suite.h"

#define L1S 3u

static void begin(void)
{
	setup();
	fake_machine.slow = true;	/* each part is a stop */
	audit_units_max = 700;
	break_first();
}

/* --- an audit that stops where it is asked to --- */

/* All of d's tables were walked, and none of its frames is compared. */
static bool is_behind(void)
{
	return d->tally && mfn_eq(d->tally->place, frame_max_mfn) &&
	       mfn_n(d->tally->foreign_place) == 0;
}

static bool is_before(void)
{
	return d->tally && !mfn_n(d->tally->place);
}

/* Some were: the one that maps the plain pages, and these. */
static bool is_at(void)
{
	uint64_t past = MAX(mfn_n(virt_to_mfn(fake_pte(d, p))), mfn_n(fake_mfn(d, p + 100)));

	return d->tally && mfn_n(d->tally->place) > past &&
	       mfn_n(d->tally->place) < mfn_n(frame_max_mfn);
}

/* `then` comes when it is `when`; the errors. */
static uint64_t audit_with(bool (*when)(void), void (*then)(void), char **text)
{
	struct audit_result a = { 0 };
	FILE *kept = stderr;
	bool done = false;
	size_t bytes;

	stderr = open_memstream(text, &bytes);
	while (audit_part(&a)) {
		if (done || !when())
			continue;
		then();
		reclaim_flush();
		done = true;
	}
	fclose(stderr);
	stderr = kept;
	ck_assert_msg(done, "the audit came to no such place");
	return a.errors;
}

static void clean(bool (*when)(void), void (*then)(void), const char *what)
{
	char *text;
	uint64_t errors = audit_with(when, then, &text);

	ck_assert_msg(!errors, "%s: %s", what, text);
	free(text);
}

/* Both, one after the other: there and back. */
static void both_ways(void (*there)(void), void (*back)(void), const char *what)
{
	clean(is_behind, there, what);
	clean(is_behind, back, what);
	clean(is_at, there, what);
	clean(is_at, back, what);
	clean(is_before, there, what);
	clean(is_before, back, what);
}

/* --- L1 entries --- */

static mfn_t page_mfn;

static void make_read_only(void)
{
	ck_assert_int_eq(map(p, pte_make(page_mfn, RO)), 0);
}

static void make_writable(void)
{
	ck_assert_int_eq(map(p, pte_make(page_mfn, RW)), 0);
}

static void unmap_it(void)
{
	ck_assert_int_eq(map(p, 0), 0);
}

START_TEST(entries)
{
	page_mfn = fake_mfn(d, p);
	both_ways(make_read_only, make_writable, "read-only");
	both_ways(unmap_it, make_writable, "unmapped");
}
END_TEST

static void mode_again(void)
{
	break_first();
	make_read_only();
}

/* What the mode changes of WATCH_* leaves the audit's. */
START_TEST(modes)
{
	page_mfn = fake_mfn(d, p);
	clean(is_behind, mode_again, "the mode, and an entry");
}
END_TEST

/* --- whole tables, entries above, linear ones --- */

static mfn_t l1[L1S], l2;

static long ext(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op *op = (void *)fake_page(d, scratch);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn_n(mfn) };
	return FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, DOMID_SELF);
}

static long update(mfn_t table, unsigned int slot, pte_t e)
{
	struct mmu_update *req = (void *)fake_page(d, scratch);

	*req = (struct mmu_update){ (mfn_n(table) << PAGE_SHIFT) + slot * 8, e };
	return FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0, DOMID_SELF);
}

static mfn_t retire(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(d, pfn);

	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	ck_assert_int_eq(map(pfn, pte_make(mfn, RO)), 0);
	return mfn;
}

static void tree_make(void)
{
	unsigned int i, slot;

	l2 = retire(p + 40);
	for (i = 0; i < L1S; i++) {
		l1[i] = retire(p + 41 + i);
		for (slot = 0; slot < 100; slot++)
			((pte_t *)mfn_to_virt(l1[i]))[slot * 5] =
				pte_make(fake_mfn(d, p + slot % 7), slot % 3 ? RW : RO);
		((pte_t *)mfn_to_virt(l2))[i * 100] = pte_make(l1[i], RW);
	}
}

static void pin(void)
{
	ck_assert_int_eq(ext(MMUEXT_PIN_L2_TABLE, l2), 0);
}

static void unpin(void)
{
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, l2), 0);
}

static void upper_clear(void)
{
	ck_assert_int_eq(update(l2, 0, 0), 0);
}

static void upper_set(void)
{
	ck_assert_int_eq(update(l2, 0, pte_make(l1[0], RW)), 0);
}

static void linear_set(void)
{
	ck_assert_int_eq(update(l2, 7, pte_make(l2, RO)), 0);
	ck_assert_int_eq(update(d->vcpu[0]->kernel_l4, 9,
				pte_make(d->vcpu[0]->kernel_l4, RO)), 0);
}

static void linear_clear(void)
{
	ck_assert_int_eq(update(l2, 7, 0), 0);
	ck_assert_int_eq(update(d->vcpu[0]->kernel_l4, 9, 0), 0);
}

START_TEST(tables)
{
	tree_make();
	both_ways(pin, unpin, "a tree");
	pin();
	both_ways(upper_clear, upper_set, "an entry above");
	both_ways(linear_set, linear_clear, "a linear entry");
	unpin();
}
END_TEST

/* A tree that is half-way at each stop, and undone or not. */
static void a_part_each(struct audit_result *a)
{
	while (pttree_work_left(d)) {
		ck_assert_int_eq(audit_part(a), MORE);
		pttree_steps_max = 90;
		(void)pttree_settle(d);
		this_cpu()->pte_steps = 0;
	}
	pttree_steps_max = 512;
}

START_TEST(half_way)
{
	struct audit_result a = { 0 };
	struct mmuext_op *op = (void *)fake_page(d, scratch);
	struct hypercall_args args = { .a = { fake_va(scratch), 1, 0, DOMID_SELF } };

	tree_make();
	while (!(_i ? is_behind() : is_before()))
		ck_assert_int_eq(audit_part(&a), MORE);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L2_TABLE, .arg1.mfn = mfn_n(l2) };
	pttree_steps_max = 90;
	(void)op_mmuext(&args);
	audit_units_max = 100;
	a_part_each(&a);
	pin();
	*op = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = mfn_n(l2) };
	args = (struct hypercall_args){ .a = { fake_va(scratch), 1, 0, DOMID_SELF } };
	pttree_steps_max = 90;
	(void)op_mmuext(&args);
	a_part_each(&a);
	while (audit_part(&a))
		;
	ck_assert_uint_eq(a.errors, 0);
}
END_TEST

/* --- shared pages --- */

static void offers(void)
{
	fill(d, p, 7);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
}

static void unshares(void)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);

	*e = (struct shareop_entry){ .pte = { fake_va(p) }, .nr_ptes = 1 };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare, fake_va(scratch), 1), 0);
	ck_assert_int_eq(e->status, SHARE_DONE);
}

static void breaks(void)
{
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	while (pttree_settle(d))
		;
}

static void aliases_break(void)
{
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert(pttree_work_left(d));
	while (pttree_settle(d))
		;
}

START_TEST(shares)
{
	both_ways(offers, unshares, "a sole holder");
	both_ways(offers, breaks, "a sole holder breaks");
	(void)peer_offers(p, 7);
	both_ways(offers, unshares, "one of two");
	both_ways(offers, breaks, "one of two breaks");
}
END_TEST

static void offer_is_refused(void)
{
	offers();
	ck_assert_int_eq(map(p + 1, 0), 0);
	ck_assert_int_eq(offer(p + 1, 0), SHARE_NOT_MAPPED);
}

START_TEST(refused)
{
	clean(is_behind, offer_is_refused, "an offer that is refused");
}
END_TEST

/* The last entry goes: the page is the domain's own first (SHARE_MODE_SOLE). */
START_TEST(sole)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH | SHARE_MODE_SOLE, 0, 0), 0);
	page_mfn = fake_mfn(d, p);
	if (_i)
		make_read_only();
	(void)shared(p, 7, true);
	clean(is_behind, unmap_it, "the last entry");
}
END_TEST

START_TEST(shares_of_many_names)
{
	(void)aliases(9, _i & 1);
	clean(_i & 2 ? is_behind : is_before, aliases_break, "three names");
}
END_TEST

/* --- marked entries --- */

static uint32_t handle, second;

static void grant_maps(void)
{
	fake_run(d);
	ck_assert_int_eq(g_map(peer, 9, p + 1, GNTMAP_host_map, &handle), 0);
	ck_assert_int_eq(g_map(peer, 9, p + 2, GNTMAP_host_map, &second), 0);
}

static void grant_unmaps(void)
{
	ck_assert_int_eq(g_unmap(p + 1, handle), 0);
	ck_assert_int_eq(map(p + 2, 0), 0);
}

static void grant_maps_over(void)
{
	grant_maps();
	handle = second;	/* the first is gone with its entry */
	ck_assert_int_eq(g_map(peer, 9, p + 2, GNTMAP_host_map, &second), 0);
	ck_assert_int_eq(g_map(peer, 9, p + 1, GNTMAP_host_map, &handle), 0);
}

static void grant_moves(void)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = fake_va(p + 2), .new_addr = fake_va(p + 3), .handle = second,
	};

	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, 0);
	page_mfn = fake_mfn(d, p + 2);
}

static void grant_moves_back(void)
{
	ck_assert_int_eq(map(p + 3, pte_make(page_mfn, RW)), 0);
	ck_assert_int_eq(map(p + 2, 0), 0);
	ck_assert_int_eq(g_map(peer, 9, p + 2, GNTMAP_host_map, &second), 0);
}

START_TEST(grants)
{
	g_setup(peer, 1);
	fake_run(d);
	g_grant(peer, 9, p, d, false);
	both_ways(grant_maps, grant_unmaps, "a grant");
	both_ways(grant_maps_over, grant_unmaps, "a grant over another");
	grant_maps();
	both_ways(grant_moves, grant_moves_back, "an entry in a grant's place");
	grant_unmaps();
}
END_TEST

static struct domain *first;
static uint64_t spare;

static long first_maps(uint64_t pfn, mfn_t mfn)
{
	struct mmu_update *req;
	long r;

	fake_run(first);
	req = (void *)fake_page(first, spare);
	*req = (struct mmu_update){
		maddr_n(virt_to_maddr(fake_pte(first, pfn))),
		mfn_n(mfn) ? pte_make(mfn, RW) : 0 };
	r = FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0,
		      mfn_n(mfn) ? d->id : DOMID_SELF);
	reclaim_flush();
	fake_run(d);
	return r;
}

static void foreign_maps(void)
{
	ck_assert_int_eq(first_maps(spare + 1, fake_mfn(d, p)), 0);
}

static void foreign_unmaps(void)
{
	ck_assert_int_eq(first_maps(spare + 1, MFN(0)), 0);
}

/* All of the first domain's tables were walked, too. */
static bool is_behind_all(void)
{
	return d->tally && first->tally_foreign &&
	       mfn_eq(d->tally->foreign_place, frame_max_mfn);
}

/* Its tables are walked for d's, and not yet the one of these entries. */
static bool is_before_of_first(void)
{
	return d->tally && first->tally_foreign && d->tally->mapper == first->id &&
	       mfn_n(d->tally->foreign_place) <= mfn_n(virt_to_mfn(fake_pte(first, spare)));
}

static void foreign_maps_more(void)
{
	ck_assert_int_eq(first_maps(spare + 2, fake_mfn(d, p + 1)), 0);
}

static void foreign_unmaps_more(void)
{
	ck_assert_int_eq(first_maps(spare + 2, MFN(0)), 0);
}

/* The first domain's own tables; its totals come when all were. */
static bool is_at_of_first(void)
{
	return first->tally && mfn_n(first->tally->place) < mfn_n(frame_max_mfn) &&
	       mfn_n(first->tally->place) > mfn_n(virt_to_mfn(fake_pte(first, spare)));
}

static bool is_behind_of_first(void)
{
	return first->tally && mfn_eq(first->tally->place, frame_max_mfn);
}

/* For d's: one of the two tables of these entries was walked. */
static bool is_between_of_first(void)
{
	mfn_t one = virt_to_mfn(fake_pte(first, spare - 1));
	mfn_t other = virt_to_mfn(fake_pte(first, spare + 1));
	uint64_t place = d->tally ? mfn_n(d->tally->foreign_place) : 0;

	return place && d->tally->mapper == first->id &&
	       place > MIN(mfn_n(one), mfn_n(other)) && place <= MAX(mfn_n(one), mfn_n(other));
}

static uint64_t place_of_grant, place_of_foreign;

/* The foreign entry goes to a grant's place in another table. */
static void foreign_moves(void)
{
	struct gnttab_unmap_and_replace op = {
		.host_addr = fake_va(place_of_grant), .new_addr = fake_va(place_of_foreign),
		.handle = handle,
	};

	fake_run(first);
	ck_assert_int_eq(G_ONE(GNTTABOP_unmap_and_replace, &op), 0);
	ck_assert_int_eq(op.status, 0);
	fake_run(d);
}

START_TEST(foreign_to_another_table)
{
	first = fake_domain_first("first", 0);
	spare = fake_free_pfn(first);
	place_of_grant = _i % 2 ? spare - 1 : spare + 1;
	place_of_foreign = _i % 2 ? spare + 1 : spare - 1;
	g_setup(peer, 1);
	g_grant(peer, 9, p, first, false);
	fake_run(first);
	ck_assert_int_eq(g_map(peer, 9, place_of_grant, GNTMAP_host_map, &handle), 0);
	fake_run(d);
	ck_assert_int_eq(first_maps(place_of_foreign, fake_mfn(d, p)), 0);
	if (_i >= 2) {		/* only the likeness of one */
		pte_t like = *fake_pte(first, place_of_foreign) & ~PTE_P;

		ck_assert_int_eq(first_maps(place_of_foreign, MFN(0)), 0);
		*fake_pte(first, place_of_foreign) = like;
		foreign_maps_more();	/* its tables are looked through */
	}
	clean(is_between_of_first, foreign_moves, "a foreign entry moves");
	ck_assert_int_eq(first_maps(place_of_grant, MFN(0)), 0);
	foreign_unmaps_more();
	fake_end(first);
}
END_TEST

START_TEST(foreign)
{
	first = fake_domain_first("first", 0);
	spare = fake_free_pfn(first);
	fake_run(d);
	both_ways(foreign_maps, foreign_unmaps, "a foreign entry");
	clean(is_behind_all, foreign_maps, "a foreign entry");
	clean(is_behind_all, foreign_unmaps, "a foreign entry");
	clean(is_behind_of_first, foreign_maps, "a foreign entry of the first's");
	clean(is_behind_of_first, foreign_unmaps, "a foreign entry of the first's");
	page_mfn = fake_mfn(d, p);
	/* One stays while another one's frames are counted. */
	foreign_maps();
	both_ways(make_read_only, make_writable, "beside a foreign entry");
	clean(is_before_of_first, foreign_maps_more, "a foreign entry before the place");
	clean(is_before_of_first, foreign_unmaps_more, "a foreign entry before the place");
	clean(is_at_of_first, foreign_maps_more, "a foreign entry at the first's");
	clean(is_at_of_first, foreign_unmaps_more, "a foreign entry at the first's");
	foreign_unmaps();
	fake_end(first);
}
END_TEST

/* --- pages --- */

static void balloon(void)
{
	static uint64_t gone;
	uint64_t pfn = p + 3 + gone++;

	page_mfn = fake_mfn(d, pfn);
	ck_assert_int_eq(map(pfn, 0), 0);
	ck_assert_int_eq(reservation(XENMEM_decrease_reservation, 1, &page_mfn), 1);
}

static void deflate(void)
{
	ck_assert_int_eq(reservation(XENMEM_increase_reservation, 1, NULL), 1);
}

START_TEST(pages)
{
	both_ways(balloon, deflate, "a page");
}
END_TEST

static void (*const comings[][2])(void) = {
	{ balloon, deflate }, { offers, unshares }, { offers, breaks },
};

/* At each stop, for else the second walk, of all frames, makes up for it. */
START_TEST(pages_all_the_time)
{
	struct audit_result a = { 0 };
	unsigned int n = 0;

	if (_i == 2)
		(void)peer_offers(p, 7);

	while (audit_part(&a)) {
		if (!d->tally || n == 160)
			continue;
		comings[_i][n++ % 2]();
		reclaim_flush();
	}
	ck_assert_uint_eq(a.errors, 0);
	ck_assert_uint_ge(n, 10);
}
END_TEST

/*
 * A page far from all that the domain's view names: its window is walked again,
 * all of it; and nobody counts while the counts are emptied.
 */
START_TEST(leafless)
{
	struct audit_result a = { 0 };
	void *page = NULL, *taken = NULL;

	balloon();	/* there is room for one more */
	do {
		if (page)
			*(void **)page = taken;
		taken = page;
		page = palloc_hv(0);
		ck_assert_ptr_nonnull(page);
	} while (mfn_eq(m2p_leaf_from(&d->m2p, virt_to_mfn(page), INVALID_MFN), virt_to_mfn(page)));
	ck_assert(domain_quota_take(d));
	domain_pages_publish(d, virt_to_mfn(page), 0);
	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
	page_mfn = fake_mfn(d, p);
	audit_units_max = 100;
	for (unsigned int n = 0; audit_part(&a); n++)
		n % 2 ? make_writable() : make_read_only();
	ck_assert_uint_eq(a.errors, 0);
	make_writable();
}
END_TEST

/* --- what is wrong --- */

static uint64_t *wrong, value;

static void do_wrong(void)
{
	uint64_t was = *wrong;

	*wrong = value;
	value = was;
}

/* `rule`, and no other, wherever the audit is when it comes to be. */
static void found(bool (*when)(void), const char *rule, uint64_t *where, uint64_t what)
{
	char *text, wanted[20];
	uint64_t errors;

	wrong = where;
	value = what;
	errors = audit_with(when, do_wrong, &text);
	snprintf(wanted, sizeof(wanted), "audit: %s", rule);
	ck_assert_msg(errors == 1 && strstr(text, wanted), "not %s: %lu: %s", rule,
		      errors, text);
	free(text);
	do_wrong();
}

static void unmap_of(uint64_t pfn)
{
	page_mfn = fake_mfn(d, pfn);
	ck_assert_int_eq(map(pfn, 0), 0);
}

START_TEST(errors)
{
	static bool (*const places[])(void) = { is_before, is_at, is_behind };
	bool (*when)(void) = places[_i];
	mfn_t shared_mfn = peer_offers(p + 5, 77);
	struct frame *f = mfn_to_frame(fake_mfn(d, p));
	pte_t *pte;

	found(when, "I3", &f->state, f->state + 1);
	found(when, "I3", &f->state, f->state - 1);
	found(when, "I4", &f->type, f->type + 1);
	unmap_of(p + 9);
	f = mfn_to_frame(page_mfn);
	found(when, "I3", &f->state, f->state + 1);
	found(when, "I3", &mfn_to_frame(virt_to_mfn(d->shared_info))->state,
	      mfn_to_frame(virt_to_mfn(d->shared_info))->state + 1);
	/* Compared when the last page was seen, just before is_behind(). */
	if (when != is_behind)
		found(when, "I10", &d->pages.total, d->pages.total + 1);
	ck_assert_uint_eq(mfn_n(shared(p + 6, 77, false)), mfn_n(shared_mfn));
	/* An entry that nobody told of; behind it is for the next audit. */
	pte = fake_pte(d, p + 6);
	if (when == is_before)
		found(when, "I12", pte, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("behind");

	tcase_add_checked_fixture(tc, begin, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, entries);
	tcase_add_test(tc, modes);
	tcase_add_test(tc, tables);
	tcase_add_loop_test(tc, half_way, 0, 2);
	tcase_add_test(tc, shares);
	tcase_add_test(tc, refused);
	tcase_add_loop_test(tc, sole, 0, 2);
	tcase_add_loop_test(tc, shares_of_many_names, 0, 4);
	tcase_add_test(tc, grants);
	tcase_add_test(tc, foreign);
	tcase_add_loop_test(tc, foreign_to_another_table, 0, 4);
	tcase_add_test(tc, pages);
	tcase_add_loop_test(tc, pages_all_the_time, 0, ARRAY_COUNT(comings));
	tcase_add_test(tc, leafless);
	tcase_add_loop_test(tc, errors, 0, 3);
	return suite_run();
}
