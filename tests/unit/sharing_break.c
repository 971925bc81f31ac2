// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/* Break first, on the host machine (SH13, SH17, SH20, K1-K4). */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "fake/fake_breaks.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "sharing/holds.h"
#include "sharing/sharing.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"

static void settle(void)
{
	uint64_t cross;

	/* Between any two parts the audit finds nothing. */
	do
		ck_assert_uint_eq(audit_machine(&cross), 0);
	while (pttree_settle(d));
	fake_recount();
}

START_TEST(fault_copies)
{
	mfn_t mfn, new;

	break_first();
	mfn = shared(p, 7, true);
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), 1));	/* a read */
	/* not present */
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), 2));
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), 0x13));	/* a fetch */
	/* writable: somebody broke it just before */
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	ck_assert(!sharefault(d->vcpu[0], HV_VIRT_START, WRITE));
	ck_assert(!sharefault(d->vcpu[0], 0x5000, WRITE));
	fake_machine.flushes = 0;
	ck_assert(sharefault(d->vcpu[0], fake_va(p) + 24, WRITE | 4));
	/* TL: S must not be read again */
	ck_assert_uint_ge(fake_machine.flushes, 1);
	ck_assert(!pttree_work_left(d));
	new = fake_mfn(d, p);
	ck_assert_uint_ne(mfn_n(new), mfn_n(mfn));
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, new)), p);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, mfn)), pfn_n(INVALID_PFN));
	ck_assert_uint_eq(*name_of(p), mfn_n(new));
	ck_assert_uint_eq(info().breaks, 1);
	ck_assert_uint_eq(info().last_breaks, 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(peer, p)), mfn_n(mfn));
	ck_assert(filled(fake_page(peer, p), 7));
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
}
END_TEST

START_TEST(fault_of_the_last)
{
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, false);
	*name_of(p) = mfn_n(mfn);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert_uint_eq(*name_of(p), mfn_n(mfn));
	ck_assert(writable(p));
	ck_assert_uint_eq(info().last_breaks, 1);
	fake_check();
}
END_TEST

/* SH17: no frame; then nothing has changed, and later it works. */
START_TEST(no_frame)
{
	void *taken = NULL, *page;
	uint64_t pages;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	pages = d->pages.total;
	while ((page = palloc_hv(0))) {
		*(void **)page = taken;
		taken = page;
	}
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_int_eq(map(p, pte_make(mfn, RW)), -ENOMEM);
	ck_assert_uint_eq(d->pages.total, pages);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert_uint_eq(*name_of(p), 0);
	fake_recount();
	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_eq(d->pages.total, pages + 1);
	ck_assert(filled(fake_page(d, p), 7));
}
END_TEST

/*
 * Without break first the refusal is the same where the guest has all the pages
 * that it may have; who could break by itself is told that it may not.
 */
START_TEST(refused_at_the_limit)
{
	mfn_t mfn = shared(p, 7, true), last = shared(p + 2, 9, false);
	struct frame *f;

	d->pages.max = d->pages.limit = d->pages.total;
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RW)), -EBUSY);
	ck_assert_int_eq(map(p + 1, pte_make(last, RW)), -EBUSY);
	ck_assert_int_eq(resolve_write(d, mfn, &f), -EBUSY);
	ck_assert_int_eq(resolve_write(d, last, &f), -EBUSY);
	ck_assert_int_eq(map(p + 2, pte_make(last, RW)), -ENOMEM);
	d->pages.max = d->pages.limit = 1024;
	ck_assert_int_eq(map(p + 2, pte_make(last, RW)), 0);
	fake_check();
}
END_TEST

/* The tables of the mode that it runs in are looked at. */
START_TEST(fault_in_user_mode)
{
	struct vcpu *v = d->vcpu[0];

	break_first();
	(void)shared(p, 7, true);
	v->kernel_mode = false;
	v->user_l4 = fake_mfn(d, p + 9);	/* not a table: nothing there */
	memset(fake_page(d, p + 9), 0, PAGE_SIZE);
	ck_assert(!sharefault(v, fake_va(p), WRITE | 4));
	v->user_l4 = v->kernel_l4;
	ck_assert(sharefault(v, fake_va(p), WRITE | 4));
	v->user_l4 = INVALID_MFN;
	v->kernel_mode = true;
	ck_assert(writable(p));
}
END_TEST

/* SH20: in refuse the fault is the guest's; without the bit always. */
START_TEST(fault_is_the_guests)
{
	mfn_t mfn = shared(p, 7, true);

	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_int_eq(clear_guest(fake_va(p), 8), -EFAULT);
	ck_assert_int_eq(map(p, 0), 0);
	break_first();
	ck_assert_int_eq(map(p, pte_make(fake_mfn(d, p + 1), RO)), 0);
	ck_assert_int_eq(map(p + 1, 0), 0);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
	mfn = fake_mfn(d, p);
	ck_assert(!(*fake_pte(d, p) & PTE_AVL_SHARED));
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
}
END_TEST

/* An output of a hypercall; the array in a shared page (SH13) works too. */
START_TEST(outputs)
{
	struct shareop_info *at;

	break_first();
	(void)shared(p, 7, true);
	(void)shared(p + 1, 9, true);
	ck_assert_int_eq(clear_guest(fake_va(p) + 4088, 16), 0);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[511], 0);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[510], 7 + 510);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p + 1))[0], 0);
	ck_assert(filled(fake_page(peer, p), 7));
	ck_assert(filled(fake_page(peer, p + 1), 9));
	fake_check();
	(void)shared(p + 2, 11, true);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_info, fake_va(p + 2),
				   sizeof(*at)), 0);
	at = (void *)fake_page(d, p + 2);
	ck_assert_uint_eq(at->version, SHARE_ABI_VERSION);
	ck_assert(filled(fake_page(peer, p + 2), 11));
}
END_TEST

/* K1, K2: in parts of few entries, the audit after each. */
START_TEST(aliases_follow)
{
	bool others = _i & 1;
	mfn_t mfn, new;

	pttree_steps_max = _i & 2 ? 100 : 512;
	break_first();
	mfn = aliases(7, others);
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	ck_assert(pttree_work_left(d));
	settle();
	new = fake_mfn(d, p);
	ck_assert_int_eq(!mfn_eq(new, mfn), others);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(new));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(new));
	ck_assert(writable(p) && writable(p + 1));
	ck_assert(!(*fake_pte(d, p + 2) & (PTE_RW | PTE_AVL_SHARED)));
	ck_assert_uint_eq(info().held, 0);
	ck_assert_uint_eq(info().breaks, 3);
	ck_assert_uint_eq(info().last_breaks, others ? 0 : 3);
	ck_assert(filled(fake_page(d, p), 7));
	if (others)
		ck_assert(filled(fake_page(peer, p), 7));
}
END_TEST

/* TL2, SH2: no CPU has an old entry when the guest sees the new ones. */
START_TEST(flushed_when_all_follow)
{
	break_first();
	(void)aliases(7, _i);
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	d->cpu_mask |= 4;
	fake_machine.flushed = 0;
	while (pttree_settle(d))
		;
	ck_assert_uint_eq(fake_machine.flushed & d->cpu_mask, 1 | 4);
	settle();
}
END_TEST

/* SH6: it was held when it was resolved, but that was before the lock. */
START_TEST(dropped_meanwhile)
{
	struct frame *f;
	mfn_t mfn;

	break_first();
	mfn = shared(p, 7, true);
	ck_assert_int_eq(map(p, 0), 0);
	spin_lock(&d->mm);
	ck_assert_int_eq(ptbreak_write(d, NULL, 0, mfn, &f), -EPERM);
	spin_unlock(&d->mm);
	settle();
	ck_assert(filled(fake_page(peer, p), 7));
}
END_TEST

/* By a new entry elsewhere: the call's own entry and all old ones. */
START_TEST(new_entry_breaks)
{
	bool others = _i & 1;
	mfn_t mfn, new;

	break_first();
	mfn = aliases(7, others);
	ck_assert_int_eq(map(p + 3, pte_make(mfn, RW)), 0);
	new = fake_mfn(d, p + 3);
	ck_assert_int_eq(!mfn_eq(new, mfn), others);
	ck_assert(writable(p + 3) && writable(p) && writable(p + 1));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(new));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(new));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(new));
	ck_assert_uint_eq(*name_of(p), others ? mfn_n(new) : 0);
	fake_check();
}
END_TEST

/* A frame that is named, and written, with no entry at hand. */
START_TEST(named_by_frame)
{
	bool others = _i & 1;
	mfn_t mfn, new;
	uint64_t *u = (void *)fake_page(d, scratch);

	break_first();
	mfn = aliases(7, others);
	if (_i & 2) {
		*(struct mmuext_op *)u = (struct mmuext_op){
			.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = mfn_n(mfn) };
		ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0,
					   DOMID_SELF), 0);
	} else {
		u[0] = mfn_n(mfn) << PAGE_SHIFT | 80;
		u[1] = 0;
		ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1,
					   0, DOMID_SELF), 0);
	}
	new = fake_mfn(d, p);
	ck_assert_int_eq(!mfn_eq(new, mfn), others);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(new));
	ck_assert(writable(p) && writable(p + 1));
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[10], 0);
	if (others)
		ck_assert(filled(fake_page(peer, p), 7));
	fake_check();
	/* Who did not choose it is refused. */
	ck_assert_int_eq(map(p + 2, 0), 0);
	ck_assert_int_eq(offer(p, p + 1), SHARE_DONE);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, 0, 0, 0), 0);
	u[0] = mfn_n(fake_mfn(d, p)) << PAGE_SHIFT;
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
				   DOMID_SELF), -EBUSY);
}
END_TEST

/*
 * A tree with a writable entry for a shared page, beside a read-only one that
 * was taken.
 */
START_TEST(table_breaks)
{
	mfn_t table = fake_mfn(d, p + 5), mfn, new;
	pte_t *t = (void *)fake_page(d, p + 5);
	struct mmuext_op *op = (void *)fake_page(d, scratch);

	pttree_steps_max = 50;
	break_first();
	mfn = aliases(7, true);
	memset(t, 0, PAGE_SIZE);
	t[5] = pte_make(mfn, RO);
	t[300] = pte_make(mfn, RW);
	t[400] = pte_make(mfn, RO);	/* K5: behind it */
	t[401] = pte_make(mfn, RW);
	ck_assert_int_eq(map(p + 5, pte_make(table, RO)), 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE,
				  .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
	new = fake_mfn(d, p);
	ck_assert_uint_ne(mfn_n(new), mfn_n(mfn));
	ck_assert_uint_eq(mfn_n(pte_mfn(t[5])), mfn_n(new));
	ck_assert_uint_eq(mfn_n(pte_mfn(t[300])), mfn_n(new));
	ck_assert_uint_eq(mfn_n(pte_mfn(t[400])), mfn_n(new));
	ck_assert_uint_eq(mfn_n(pte_mfn(t[401])), mfn_n(new));
	ck_assert_uint_eq(t[5] & (PTE_RW | PTE_AVL_SHARED), 0);
	ck_assert_uint_eq(t[300] & (PTE_RW | PTE_AVL_SHARED), PTE_RW);
	fake_check();
	*op = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE,
				  .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
}
END_TEST

static long copy_to(uint64_t pfn, mfn_t from)
{
	*(struct mmuext_op *)fake_page(d, scratch) = (struct mmuext_op){
		.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = mfn_n(fake_mfn(d, pfn)),
		.arg2.src_mfn = mfn_n(from),
	};
	return FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, DOMID_SELF);
}

/* K5: for the last names, as long as their page is there. */
START_TEST(old_names)
{
	mfn_t mfn, new, first;
	unsigned int i;

	break_first();
	first = shared(p + 1, 2000, true);
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	mfn = shared(p, 7, true);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	new = fake_mfn(d, p);
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(new));
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RW)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(new));
	fake_check();
	/* To read, too. */
	ck_assert_int_eq(copy_to(p + 9, mfn), 0);
	ck_assert(filled(fake_page(d, p + 9), 7));
	/* The frame stands for another page since. */
	ck_assert_int_eq(m2p_set(&d->m2p, new, PFN(p + 7)), 0);
	ck_assert_int_eq(map(p + 3, pte_make(mfn, RO)), -EPERM);
	ck_assert_int_eq(copy_to(p + 9, mfn), -EPERM);
	ck_assert_int_eq(m2p_set(&d->m2p, new, PFN(p)), 0);
	/*
	 * The neighbour's frame, a page that is gone, one that was shared
	 * again.
	 */
	ck_assert_int_eq(map(p + 3, pte_make(fake_mfn(peer, p + 5), RO)),
			 -EPERM);
	ck_assert_int_eq(map(p + 2, 0), 0);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
	/* the neighbour still has it */
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(mfn));
	ck_assert_int_eq(map(p + 2, pte_make(new, RO)), -EPERM);
	ck_assert_int_eq(map(p + 2, 0), 0);
	/* Names are forgotten, the oldest first. */
	ck_assert_int_eq(map(p + 2, pte_make(first, RO)), 0);
	for (i = 0; i < RECENT_NAMES - 1; i++) {
		uint64_t pfn = p + 10 + i % 30;

		ck_assert_int_eq(map(p + 2, pte_make(first, RO)), 0);
		(void)shared(pfn, 3000 + 600 * (i % 30), i < 30);
		ck_assert(sharefault(d->vcpu[0], fake_va(pfn), WRITE));
	}
	ck_assert_int_eq(map(p + 2, pte_make(first, RO)), -EPERM);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, SHARE_MODE_ONE_PFN, 0,
				   0), 0);
	ck_assert_int_eq(map(p + 3, pte_make(mfn, RO)), 0);	/* held */
}
END_TEST

/*
 * Two pages with aliases, broken by one copy: K3; and more of them than there
 * is room for.
 */
START_TEST(many_at_once)
{
	uint64_t pages = _i ? RENAMES_MAX + 1 : 5, i;

	break_first();
	for (i = 0; i < pages; i++) {
		mfn_t mfn = fake_mfn(d, p + i);

		fill(d, p + i, 1000 * i);
		ck_assert_int_eq(map(p + 50 + i, pte_make(mfn, RW)), 0);
		ck_assert_int_eq(offer(p + i, p + 50 + i), SHARE_DONE);
	}
	for (i = 0; i < pages; i++)
		ck_assert_int_eq(clear_guest(fake_va(p + i), 8),
				 i < RENAMES_MAX ? 0 : -EFAULT);
	settle();
	for (i = 0; i < pages; i++) {
		bool broken = i < RENAMES_MAX;

		ck_assert_uint_eq(mfn_n(fake_mfn(d, p + i)), mfn_n(fake_mfn(d, p + 50 + i)));
		ck_assert(writable(p + i) == broken);
		ck_assert(writable(p + 50 + i) == broken);
	}
}
END_TEST

/* In parts, until the search is beyond this slot of the table. */
static void settle_beyond(mfn_t table, unsigned int slot)
{
	while (!d->pending.renames.page || !mfn_eq(frame_to_mfn(d->pending.renames.page), table) ||
	       d->pending.renames.slot <= slot)
		ck_assert(pttree_settle(d));
}

/* K3: the search has passed the entry that a later break looks for. */
START_TEST(one_more_behind_the_search)
{
	mfn_t table = virt_to_mfn(fake_pte(d, p + 40));

	pttree_steps_max = 10;
	break_first();
	alias(p, p + 40);
	alias(p + 1, p + 300);
	ck_assert_uint_eq(mfn_n(virt_to_mfn(fake_pte(d, p + 300))), mfn_n(table));
	ck_assert_int_eq(clear_guest(fake_va(p + 1), 8), 0);
	settle_beyond(table, 60);
	ck_assert_int_eq(clear_guest(fake_va(p), 8), 0);
	settle();
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 40)));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(fake_mfn(d, p + 300)));
}
END_TEST

/*
 * K3: of a frame that was taken over, a read-only entry is passed twice; one to
 * change is behind.
 */
START_TEST(read_only_entry_passed_twice)
{
	mfn_t table = virt_to_mfn(fake_pte(d, p + 40));

	pttree_steps_max = 10;
	break_first();
	alias(p, p + 300);
	ck_assert_int_eq(map(p + 40, pte_make(fake_mfn(d, p), RO)), 0);
	alias(p + 1, p + 301);
	ck_assert_int_eq(clear_guest(fake_va(p), 8), 0);
	settle_beyond(table, 60);
	ck_assert_int_eq(clear_guest(fake_va(p + 1), 8), 0);
	settle();
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 300)));
	ck_assert(writable(p) && writable(p + 300));
	ck_assert(writable(p + 1) && writable(p + 301));
	ck_assert(!(*fake_pte(d, p + 40) & (PTE_RW | PTE_AVL_SHARED)));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 40)));
}
END_TEST

/* One output, written through both names of the page in one call. */
START_TEST(second_name_in_the_same_call)
{
	break_first();
	(void)aliases(7, _i);
	ck_assert_int_eq(clear_guest(fake_va(p), 8), 0);
	ck_assert_int_eq(clear_guest(fake_va(p + 1) + 8, 8), 0);
	ck_assert(pttree_work_left(d));
	/* K1: p + 2 is left. */
	ck_assert_uint_eq(d->pending.renames.rename[0].left, 1);
	/* K2: nothing new meanwhile. */
	ck_assert_int_eq(op_update_va_mapping(&(struct hypercall_args){
				.a = { fake_va(p + 3), *fake_pte(d, p) } }),
			 -ERESTART);
	ck_assert_int_eq(op_share(&(struct hypercall_args){
				.a = { SHAREOP_single, fake_va(p + 3) } }),
			 -ERESTART);
	settle();
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 1)));
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[0], 0);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[1], 0);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[2], 9);
}
END_TEST

/* It dies, and is taken to pieces, between two parts. */
START_TEST(dies_half_way)
{
	unsigned int parts = _i / 2;

	pttree_steps_max = 40;
	break_first();
	(void)aliases(7, _i & 1);
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	while (parts--)
		(void)pttree_settle(d);
	ck_assert(pttree_work_left(d));
	fake_end(d);
	if (_i & 1)
		ck_assert(filled(fake_page(peer, p), 7));
	d = fake_domain("g", 200);
}
END_TEST

/* Page n of the list is shared, by peer too. */
static void share_list_page(unsigned int n)
{
	fill(d, list + n, 77 + n);
	fill(peer, list + n, 77 + n);
	ck_assert_int_eq(offer(list + n, 0), SHARE_DONE);
	fake_run(peer);
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single,
				   fake_va(list + n)), 0);
	fake_run(d);
}

/*
 * K6: a page of the list that is shared itself, from before the list was given
 * (0) or since.
 */
START_TEST(list_page_is_shared)
{
	const unsigned int n = p / 512;

	if (_i)
		break_first();
	else
		ck_assert_int_eq(mode_call(SHARE_MODE_VERSION,
					   SHARE_MODE_ONE_PFN, 0, 0), 0);
	share_list_page(n);
	(void)shared(p, 7, true);
	(void)shared(p + 1, 8, false);
	if (!_i)
		break_first();
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	(void)sharefault(d->vcpu[0], fake_va(list + n), WRITE);
	ck_assert(writable(list + n));
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_eq(*name_of(list + n), mfn_n(fake_mfn(d, list + n)));
	ck_assert(filled(fake_page(peer, list + n), 77 + n));
	ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	fake_check();
}
END_TEST

/*
 * K6: the list's page was broken just before, by another name, and its own
 * entry is not yet found.
 */
START_TEST(list_page_half_broken)
{
	const unsigned int n = p / 512;

	pttree_steps_max = 40;
	break_first();
	fill(d, list + n, 77);
	ck_assert_int_eq(map(p + 9, pte_make(fake_mfn(d, list + n), RW)), 0);
	ck_assert_int_eq(offer(list + n, p + 9), SHARE_DONE);
	(void)shared(p, 7, true);
	ck_assert_int_eq(clear_guest(fake_va(p + 9), 8), 0);
	ck_assert_int_eq(clear_guest(fake_va(p), 8), 0);
	settle();
	ck_assert_uint_eq(mfn_n(fake_mfn(d, list + n)), mfn_n(fake_mfn(d, p + 9)));
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
}
END_TEST

static void rename_page(uint64_t pfn, uint64_t name)
{
	uint64_t *u = (void *)fake_page(d, scratch);

	u[0] = maddr_n(virt_to_maddr(fake_page(d, pfn))) | MMU_MACHPHYS_UPDATE;
	u[1] = name;
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
}

/* K6: two pages that have each other's name have no first one. */
START_TEST(list_in_a_circle)
{
	rename_page(list, 1000);
	rename_page(list + 1, 400);
	break_first();
	share_list_page(0);
	share_list_page(1);
	ck_assert(!sharefault(d->vcpu[0], fake_va(list), WRITE));
	ck_assert(!sharefault(d->vcpu[0], fake_va(list + 1), WRITE));
	ck_assert(!writable(list) && !writable(list + 1));
	fake_check();
}
END_TEST

/*
 * K6: likewise, but the list's second page leads back to a page that nobody
 * else holds: it must not be broken behind the back of the break that asks.
 */
START_TEST(list_in_a_circle_of_the_last)
{
	struct frame *f;

	rename_page(list, 1000);
	rename_page(list + 1, 400);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), 0);
	share_list_page(1);
	fill(d, list, 99);
	ck_assert_int_eq(offer(list, 0), SHARE_DONE);
	(void)shared(p, 7, false);	/* for room */
	break_first();
	ck_assert_int_eq(resolve_write(d, fake_mfn(d, list), &f), -EBUSY);
	settle();
	fake_check();
}
END_TEST

/* The list: not mapped, read-only, too short, or in the page that breaks. */
START_TEST(list_is_not_there)
{
	mfn_t own = fake_mfn(d, list + 1), new;

	break_first();
	(void)shared(p, 7, true);
	ck_assert_uint_eq(p / 512, 1);
	ck_assert_int_eq(map(list + 1, _i == 1 ? pte_make(own, RO) : 0), 0);
	if (_i == 2)
		ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH,
					   fake_va(list), p), 0);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert(writable(p));
	ck_assert_int_eq(map(list + 1, pte_make(own, RW)), 0);
	ck_assert_uint_eq(*name_of(p), 0);
	*name_of(0) = 0;
	fill(peer, list + 1, 77);
	fill(d, list + 1, 77);
	ck_assert_int_eq(offer(list + 1, 0), SHARE_DONE);
	fake_run(peer);
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single,
				   fake_va(list + 1)), 0);
	fake_run(d);
	ck_assert(sharefault(d->vcpu[0], fake_va(list + 1), WRITE));
	new = fake_mfn(d, list + 1);
	ck_assert_uint_eq(*name_of(list + 1), _i == 2 ? 77 + (list + 1) % 512 :
			  mfn_n(new));
	ck_assert(filled(fake_page(peer, list + 1), 77));
}
END_TEST

/* Random work of two domains, one breaking first; checked all the way. */
START_TEST(random_work)
{
	unsigned int i;

	srand(_i + 1);
	pttree_steps_max = 64;
	break_first();
	for (i = 0; i < 600; i++) {
		uint64_t pfn = p + rand() % 30, alias = p + 40 + rand() % 10;
		pte_t e = *fake_pte(d, pfn);

		fake_run(rand() % 3 ? d : peer);
		switch (rand() % 6) {
		case 0: case 1:
			e = *fake_pte(current_vcpu()->domain, pfn);
			if (e & PTE_RW)
				fill(current_vcpu()->domain, pfn, rand() % 20);
			(void)FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn));
			break;
		case 2:
			fake_run(d);
			(void)map(alias, pte_make(pte_mfn(e), RO));
			break;
		case 3:
			fake_run(d);
			(void)map(alias, rand() % 2 ? 0 :
				  pte_make(pte_mfn(e), RW));
			break;
		case 4:
			fake_run(d);
			(void)!clear_guest(fake_va(pfn), 8);
			settle();
			break;
		default:
			fake_run(d);
			(void)offer(pfn, alias);
		}
		if (i % 20 == 0)
			fake_check();
	}
	fake_run(d);
}
END_TEST

static void add_break_first(TCase *tc)
{
	tcase_add_test(tc, fault_copies);
	tcase_add_test(tc, fault_of_the_last);
	tcase_add_test(tc, no_frame);
	tcase_add_test(tc, refused_at_the_limit);
	tcase_add_test(tc, fault_in_user_mode);
	tcase_add_test(tc, fault_is_the_guests);
	tcase_add_test(tc, outputs);
	tcase_add_loop_test(tc, aliases_follow, 0, 4);
	tcase_add_loop_test(tc, flushed_when_all_follow, 0, 2);
	tcase_add_test(tc, dropped_meanwhile);
	tcase_add_loop_test(tc, new_entry_breaks, 0, 2);
	tcase_add_loop_test(tc, named_by_frame, 0, 4);
	tcase_add_test(tc, table_breaks);
	tcase_add_test(tc, old_names);
	tcase_add_loop_test(tc, many_at_once, 0, 2);
	tcase_add_test(tc, one_more_behind_the_search);
	tcase_add_test(tc, read_only_entry_passed_twice);
	tcase_add_loop_test(tc, second_name_in_the_same_call, 0, 2);
	tcase_add_loop_test(tc, dies_half_way, 0, 6);
	tcase_add_loop_test(tc, list_is_not_there, 0, 3);
	tcase_add_loop_test(tc, list_page_is_shared, 0, 2);
	tcase_add_test(tc, list_page_half_broken);
	tcase_add_test(tc, list_in_a_circle);
	tcase_add_test(tc, list_in_a_circle_of_the_last);
	tcase_add_loop_test(tc, random_work, 0, 4);
}

int main(void)
{
	TCase *tc = suite_case("sharing");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	add_break_first(tc);
	return suite_run();
}
