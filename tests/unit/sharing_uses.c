// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * Uses that a shared page cannot have, of a domain that chose break first: it
 * is given back, becomes a table, or a descriptor table (linux-pv O5).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/grant_table.h>
#include <xen/memory.h>

#include "abi/xencomm.h"
#include "fake/fake_breaks.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "pv/xencomm.h"
#include "sharing/sharing.h"
#include "unit/suite.h"

#define MANY	40u
#define PART_PAGES	64u	/* of one call, at most so many in one part */

static long give(const mfn_t *mfns, unsigned int count)
{
	return reservation(XENMEM_decrease_reservation, count, mfns);
}

static long give_one(mfn_t mfn)
{
	return give(&mfn, 1);
}

START_TEST(given_while_mapped)
{
	uint64_t pages = d->pages.total;
	bool others = _i & 1;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, others);
	ck_assert_int_eq(give_one(mfn), 1);
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	ck_assert_int_eq(!mfn_eq(fake_mfn(d, p), mfn), others);
	ck_assert_uint_eq(info().held, 0);
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_uint_eq(d->pages.total, pages - 1);
	if (others)
		ck_assert(filled(fake_page(peer, p), 7));
}
END_TEST

/* Entries that nobody named follow first. */
START_TEST(given_with_two_entries)
{
	mfn_t mfn;

	pttree_steps_max = 40;
	break_first();
	mfn = shared(p, 7, true);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RO)), 0);
	ck_assert_int_eq(give_one(mfn), 1);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 1)));
	ck_assert(writable(p));
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_int_eq(map(p + 1, 0), 0);
}
END_TEST

/* As Linux's balloon has it: the entry is cleared, then the frame is given. */
START_TEST(given_after_it_went)
{
	bool others = _i & 1;
	mfn_t mfns[MANY];
	uint64_t pages;
	unsigned int i;

	break_first();
	for (i = 0; i < MANY; i++) {
		mfns[i] = shared(p + i, 1000 * i, others);
		ck_assert_int_eq(map(p + i, 0), 0);
	}
	pages = d->pages.total;
	ck_assert_int_eq(give(mfns, MANY), MANY);
	ck_assert_uint_eq(d->pages.total, pages);
	/* told once, and nobody else's */
	ck_assert_int_eq(give_one(mfns[3]), 0);
	ck_assert_int_eq(give_one(MFN(0)), 0);
	ck_assert_int_eq(give_one(fake_mfn(peer, p + MANY)), 0);
	if (others)
		ck_assert(filled(fake_page(peer, p + 3), 3000));
}
END_TEST

/* pages that its balloon gives back in one call */
#define LINUX_LIST	512u

/*
 * Of Linux without init_on_alloc and xen_scrub_pages, where none of them is
 * written first: what else breaks meanwhile, as the map of memory does that has
 * their list, pushes no name of theirs out.
 */
START_TEST(given_beside_other_breaks)
{
	unsigned int i;
	mfn_t first;

	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH | SHARE_MODE_SOLE, 0, 0), 0);
	first = shared(p, 7, true);
	ck_assert_int_eq(map(p, 0), 0);
	for (i = 0; i < LINUX_LIST - 1 + LINUX_LIST / 2; i++) {
		uint64_t pfn = p + 10 + i % 30;

		(void)shared(pfn, 3000 + 600 * (i % 30), i < 30);
		ck_assert(sharefault(d->vcpu[0], fake_va(pfn), WRITE));
	}
	ck_assert_int_eq(give_one(first), 1);
}
END_TEST

/* One that is held by another name still is not gone. */
START_TEST(one_entry_of_two_went)
{
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RO)), 0);
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert(!ptbreak_gone_take(d, mfn));
	ck_assert_int_eq(map(p + 1, 0), 0);
	spin_lock(&d->mm);
	ck_assert(ptbreak_gone_take(d, mfn));
	ck_assert(!ptbreak_gone_take(d, mfn));
	spin_unlock(&d->mm);
}
END_TEST

START_TEST(refused_without_break_first)
{
	mfn_t mfn = shared(p, 7, true);

	ck_assert_int_eq(give_one(mfn), 0);
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_int_eq(give_one(mfn), 0);
}
END_TEST

/* --- extents of several pages (GIVE1) --- */

#define SECOND	50u		/* from a page's entry to its other one */
#define EXTRA	32u

static struct xen_memory_reservation *extent(unsigned int order)
{
	struct xen_memory_reservation *r = (void *)fake_page(d, scratch);

	*r = (struct xen_memory_reservation){
		.nr_extents = 1, .extent_order = order, .domid = DOMID_SELF,
	};
	r->extent_start.p = (void *)(fake_va(scratch) + sizeof(*r));
	return r;
}

static void may_have_more(unsigned int pages)
{
	d->pages.limit = d->pages.max += pages;
}

static long give_extent(mfn_t first, unsigned int order)
{
	*(uint64_t *)(extent(order) + 1) = mfn_n(first);
	return FAKE_CALL(op_memory, XENMEM_decrease_reservation, fake_va(scratch));
}

/* Which of so many frames it is; count: none. */
static unsigned int find(mfn_t mfn, const mfn_t *mfns, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && !mfn_eq(mfns[i], mfn); i++)
		;
	return i;
}

/* The entries of a page that may be one of the shared. */
static void unmap_both(unsigned int n)
{
	ck_assert_int_eq(map(p + n, 0), 0);
	ck_assert_int_eq(map(p + SECOND + n, 0), 0);
}

/*
 * The second page is shared, and has an entry that is not found at once: the
 * call stops there, when the first page is gone.
 */
START_TEST(given_amid_an_extent)
{
	mfn_t mfns[MANY + EXTRA];
	unsigned int i, at = MANY + EXTRA;
	uint64_t pages;

	pttree_steps_max = 40;
	break_first();
	may_have_more(EXTRA);
	ck_assert_int_eq(reservation(XENMEM_increase_reservation, EXTRA, NULL), EXTRA);
	memcpy(&mfns[MANY], fake_page(d, scratch), EXTRA * sizeof(mfns[0]));
	for (i = 0; i < MANY; i++) {
		alias(p + i, p + SECOND + i);
		mfns[i] = fake_mfn(d, p + i);
	}
	for (i = 0; i < MANY && at == MANY + EXTRA; i++)
		at = find(MFN(mfn_n(mfns[i]) - 1), mfns, MANY + EXTRA);
	ck_assert_uint_lt(at, MANY + EXTRA); /* two frames in a row */
	pages = d->pages.total + info().held;
	fake_machine.continued = 0;
	ck_assert_int_eq(give_extent(mfns[at], 1), 1);
	ck_assert_uint_gt(fake_machine.continued, 0);
	if (at < MANY)
		unmap_both(at);
	unmap_both(i - 1);
	ck_assert_uint_eq(d->pages.total + info().held, pages - 2);
}
END_TEST

/*
 * A long one is given in parts; one with a page that is refused does not count.
 */
START_TEST(given_in_parts)
{
	struct hypercall_args args = { .a = { XENMEM_decrease_reservation, fake_va(scratch) } };
	uint64_t pages = d->pages.total, before;
	mfn_t first;
	long r;

	may_have_more(128);
	extent(7);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_increase_reservation, fake_va(scratch)), 1);
	ck_assert_uint_eq(d->pages.total, pages + 128);
	fake_machine.preempt = true;
	do {
		before = d->pages.total;
		r = op_memory(&args);
		ck_assert_uint_le(before - d->pages.total, PART_PAGES);
	} while (r == -ERESTART);
	fake_machine.preempt = false;
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(d->pages.total, pages);
	extent(2);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_increase_reservation, fake_va(scratch)), 1);
	first = MFN(*(uint64_t *)(extent(0) + 1));
	ck_assert_int_eq(give_extent(mfn_add(first, 2), 0), 1);
	ck_assert_int_eq(give_extent(first, 2), 0);
	ck_assert_uint_eq(d->pages.total, pages + 1);
	ck_assert_int_eq(give_extent(mfn_add(first, 3), 0), 1);
}
END_TEST

/* --- tables --- */

/* A page of zeros that was read-only when it was shared. */
static mfn_t zeros(uint64_t pfn)
{
	struct domain *const who[] = { d, peer };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fake_run(who[i]);
		memset(fake_page(who[i], pfn), 0, PAGE_SIZE);
		ck_assert_int_eq(map(pfn, pte_make(fake_mfn(who[i], pfn), RO)), 0);
		ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single,
					   fake_va(pfn)), 0);
	}
	fake_run(d);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, pfn)), mfn_n(fake_mfn(peer, pfn)));
	return fake_mfn(d, pfn);
}

static long ext(unsigned int cmd, mfn_t mfn)
{
	struct mmuext_op *op = (void *)fake_page(d, scratch);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn_n(mfn) };
	return FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, DOMID_SELF);
}

START_TEST(pinned)
{
	const unsigned int cmds[] = {
		MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L4_TABLE,
	};
	mfn_t mfn;

	pttree_steps_max = 64;
	if (_i < 3)
		break_first();
	mfn = zeros(p);
	ck_assert_int_eq(ext(cmds[_i % 3], mfn), _i < 3 ? 0 : -EBUSY);
	ck_assert_int_eq(mfn_eq(fake_mfn(d, p), mfn), _i >= 3);
	if (_i < 3)
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, fake_mfn(d, p)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(peer, p)), mfn_n(mfn));
}
END_TEST

/* A table below another one, in a tree (0) or by a new entry of it (1). */
START_TEST(named_by_a_table)
{
	uint64_t *t = (void *)fake_page(d, p + 1), *u;
	mfn_t mfn, top = fake_mfn(d, p + 1);

	pttree_steps_max = 64;
	break_first();
	mfn = zeros(p);
	memset(t, 0, PAGE_SIZE);
	if (!_i)
		t[3] = pte_make(mfn, RO | PTE_RW);
	ck_assert_int_eq(map(p + 1, pte_make(top, RO)), 0);
	ck_assert_int_eq(ext(MMUEXT_PIN_L2_TABLE, top), 0);
	if (_i) {
		u = (void *)fake_page(d, scratch);
		u[0] = maddr_n(virt_to_maddr(&t[3]));
		u[1] = pte_make(mfn, RO | PTE_RW);
		ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1,
					   0, DOMID_SELF), 0);
	}
	ck_assert_uint_eq(mfn_n(pte_mfn(t[3])), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	fake_check();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, top), 0);
}
END_TEST

START_TEST(descriptors)
{
	uint64_t *list_of = (void *)fake_page(d, scratch);
	mfn_t mfn;

	pttree_steps_max = 40;
	break_first();
	mfn = zeros(p);
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	list_of[0] = mfn_n(mfn);
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(scratch), 512), 0);
	ck_assert_uint_eq(mfn_n(d->vcpu[0]->gdt_frames[0]), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	fake_check();
	ck_assert_int_eq(FAKE_CALL(op_set_gdt, fake_va(scratch), 0), 0);
}
END_TEST

/* K5: a copy by the name that the page had before its share was broken. */
START_TEST(copied_by_old_name)
{
	struct gnttab_copy *op = (void *)fake_page(d, scratch);
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	*op = (struct gnttab_copy){
		.source = { { .gmfn = mfn_n(mfn) }, DOMID_SELF, 0 },
		.dest = { { .gmfn = mfn_n(fake_mfn(d, p + 1)) }, DOMID_SELF, 0 },
		.len = PAGE_SIZE, .status = 99,
	};
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_copy, fake_va(scratch), 1), 0);
	ck_assert_int_eq(op->status, GNTST_okay);
	ck_assert(filled(fake_page(d, p + 1), 7));
	/* Its page goes: the name leads nowhere. */
	ck_assert_int_eq(map(p, 0), 0);
	mfn = MFN(op->source.u.gmfn);
	ck_assert_int_eq(give_one(mfn), 1);
	*op = (struct gnttab_copy){
		.source = { { .gmfn = mfn_n(mfn) }, DOMID_SELF, 0 },
		.dest = { { .gmfn = mfn_n(fake_mfn(d, p + 1)) }, DOMID_SELF, 0 },
		.len = 8, .status = 99,
	};
	ck_assert_int_eq(FAKE_CALL(op_grant_table, GNTTABOP_copy, fake_va(scratch), 1), 0);
	ck_assert_int_eq(op->status, GNTST_bad_page);
}
END_TEST

/* --- many breaks in one call (PR1) --- */

#define RUN		(p + 128)	/* pages of a run: */
#define RUN_PAGES	128u

/*
 * All of a run are shared, by nobody else; each break is whole at once, as the
 * hypervisor knows where the only entry is.
 */
static void run_shared(mfn_t *mfns)
{
	struct shareop_mode *m = (void *)fake_page(d, scratch);
	unsigned int i;

	*m = (struct shareop_mode){ .version = SHARE_MODE_VERSION, .flags = BOTH,
				    .linear_base = fake_va(0) };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(scratch), sizeof(*m)), 0);
	for (i = 0; i < RUN_PAGES; i++)
		mfns[i] = shared(RUN + i, 1000 * i + 7, false);
	this_cpu()->pte_steps = 0;	/* as at the entry of a call */
}

/* Calls until one is done; none breaks more than a part may. */
static long in_parts(hypercall_fn fn, struct hypercall_args args)
{
	struct share_dom_counters n;
	uint64_t before;
	long r;

	do {
		share_dom_counters_get(d->sharing.dom, &n);
		before = n.breaks;
		r = fn(&args);
		share_dom_counters_get(d->sharing.dom, &n);
		ck_assert_uint_le(n.breaks - before, PART_PAGES);
		while (pttree_work_left(d)) {
			before = n.breaks;
			(void)pttree_settle(d);
			share_dom_counters_get(d->sharing.dom, &n);
			ck_assert_uint_le(n.breaks - before, PART_PAGES);
		}
		this_cpu()->pte_steps = 0;
	} while (r == -ERESTART);
	ck_assert_uint_eq(n.breaks, RUN_PAGES);
	return r;
}

/* A table of writable entries for them is validated. */
START_TEST(breaks_by_a_table)
{
	struct mmuext_op *op = (void *)fake_page(d, scratch);
	uint64_t *t = (void *)fake_page(d, p);
	mfn_t mfns[RUN_PAGES], table = fake_mfn(d, p);
	unsigned int i;

	run_shared(mfns);
	memset(t, 0, PAGE_SIZE);
	for (i = 0; i < RUN_PAGES; i++)
		t[i] = pte_make(mfns[i], RW);
	ck_assert_int_eq(map(p, pte_make(table, RO)), 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(in_parts(op_mmuext, (struct hypercall_args){
		.a = { fake_va(scratch), 1, 0, DOMID_SELF } }), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, table), 0);
}
END_TEST

/* One round of an exchange; it is refused, as they are mapped. */
START_TEST(breaks_by_an_exchange)
{
	struct xen_memory_exchange *x = (void *)fake_page(d, scratch);
	mfn_t mfns[RUN_PAGES];

	run_shared(mfns);
	memcpy(fake_page(d, p), mfns, sizeof(mfns));
	*x = (struct xen_memory_exchange){
		.in = { { (void *)fake_va(p) }, RUN_PAGES, 0, 0, DOMID_SELF },
		.out = { { (void *)fake_va(p + 1) }, 1, 7, 0, DOMID_SELF },
	};
	ck_assert_int_eq(in_parts(op_memory, (struct hypercall_args){
		.a = { XENMEM_exchange, fake_va(scratch) } }), -EBUSY);
}
END_TEST

/* A buffer is registered. */
START_TEST(breaks_by_a_buffer)
{
	mfn_t mfns[RUN_PAGES];
	long number;

	run_shared(mfns);
	memcpy(fake_page(d, p), mfns, sizeof(mfns));
	number = in_parts(op_xencomm, (struct hypercall_args){
		.a = { XENCOMMOP_register, fake_va(p), RUN_PAGES } });
	ck_assert_int_gt(number, 0);
	ck_assert_int_eq(FAKE_CALL(op_xencomm, XENCOMMOP_unregister, number), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("uses");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, given_while_mapped, 0, 2);
	tcase_add_test(tc, given_with_two_entries);
	tcase_add_loop_test(tc, given_after_it_went, 0, 2);
	tcase_add_test(tc, given_beside_other_breaks);
	tcase_add_test(tc, one_entry_of_two_went);
	tcase_add_test(tc, refused_without_break_first);
	tcase_add_test(tc, given_amid_an_extent);
	tcase_add_test(tc, given_in_parts);
	tcase_add_loop_test(tc, pinned, 0, 6);
	tcase_add_loop_test(tc, named_by_a_table, 0, 2);
	tcase_add_test(tc, descriptors);
	tcase_add_test(tc, copied_by_old_name);
	tcase_add_test(tc, breaks_by_a_table);
	tcase_add_test(tc, breaks_by_an_exchange);
	tcase_add_test(tc, breaks_by_a_buffer);
	return suite_run();
}
