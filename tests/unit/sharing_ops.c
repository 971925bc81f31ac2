// SPDX-License-Identifier: MIT
// links: @machine
/*
 * The sharing hypercall on the host machine: results, order, undo, counts
 * (SH1-SH32, I10-I14).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "fake/fake_machine.h"
#include "mm/pagetype.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/mmu.h"
#include "sharing/sharing.h"
#include "unit/suite.h"
#include "x86/pte.h"

#define RW (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RO (PTE_P | PTE_US | PTE_A)

static struct domain *d, *peer;
static uint64_t p;		/* pfn of a run of plain pages */

static void start(const char *group, uint64_t budget)
{
	fake_machine_start();
	peer = fake_domain(group, budget);
	d = fake_domain(group, budget);
	p = fake_free_pfn(d);
}

static void setup(void)
{
	start("g", 200);
}

static void teardown(void)
{
	fake_check();
	fake_end(d);
	fake_check();
	fake_end(peer);
	fake_check();
}

static void fill(struct domain *dom, uint64_t pfn, uint64_t content)
{
	uint64_t *page = (void *)fake_page(dom, pfn);
	unsigned int i;

	for (i = 0; i < 512; i++)
		page[i] = content + i;
}

static long single(uint64_t pfn)
{
	long r = FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn), 0, 0);

	reclaim_flush();	/* as on the way back to the guest */
	return r;
}

static struct shareop_entry *entries(void)
{
	return (void *)fake_page(d, p + 100);
}

static long batch(unsigned int op, uint64_t count)
{
	struct hypercall_args a = { .a = { op, fake_va(p + 100), count, 0 } };
	long r;

	do
		r = op_share(&a);
	while (r == -ERESTART);
	reclaim_flush();
	return r;
}

static struct shareop_entry name_one(uint64_t name)
{
	return (struct shareop_entry){ .pte = { name }, .nr_ptes = 1,
				     .status = 99 };
}

/* One entry by va; its result. */
static int offer(uint64_t va)
{
	entries()[0] = name_one(va);
	ck_assert_int_eq(batch(SHAREOP_batch, 1), 0);
	fake_recount();
	return entries()[0].status;
}

static int unshare(uint64_t va)
{
	entries()[0] = name_one(va);
	ck_assert_int_eq(batch(SHAREOP_unshare, 1), 0);
	fake_recount();
	return entries()[0].status;
}

static long map(uint64_t pfn, pte_t e)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0);
}

static struct shareop_info info(void)
{
	uint64_t at = fake_va(p + 101);

	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_info, at,
				   sizeof(struct shareop_info)), 0);
	return *(struct shareop_info *)fake_page(d, p + 101);
}

START_TEST(single_page)
{
	mfn_t old = fake_mfn(d, p);
	uint64_t before = d->pages.total;
	long mfn;

	/* What a kernel asks before it shares pages that lose their entries. */
	ck_assert_uint_eq(info().flags, SHARE_INFO_LAST_BREAKS);
	fill(d, p, 7);
	mfn = single(p);
	ck_assert_int_gt(mfn, 0);
	ck_assert_uint_ne(mfn, mfn_n(old));		/* SH26 */
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn);
	ck_assert_uint_eq(*fake_pte(d, p) & (PTE_RW | PTE_AVL_SHARED),
			  PTE_AVL_SHARED);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[511], 7 + 511);
	ck_assert_uint_eq(d->pages.total, before - 1);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, MFN(mfn))), p);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, old)), pfn_n(INVALID_PFN));
	ck_assert_int_eq(single(p), -EEXIST);
	ck_assert_uint_eq(info().held, 1);
	ck_assert_uint_eq(info().offered, 1);
}
END_TEST

START_TEST(two_domains_one_frame)
{
	long mine, theirs;

	fill(d, p, 7);
	fill(peer, p, 7);
	mine = single(p);
	fake_run(peer);
	theirs = single(p);
	ck_assert_int_eq(mine, theirs);
	/*
	 * SH21: one more mapping; SH8: never writable; SH10 is frames_not_held.
	 */
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(p + 1),
				   pte_make(MFN(mine), RO), 0), 0);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(p + 1),
				   pte_make(MFN(mine), RW), 0), -EBUSY);
	ck_assert(!(*fake_pte(peer, p + 1) & PTE_AVL_SHARED));
	fake_recount();
	fake_run(d);
}
END_TEST

/*
 * SH6: whatever call names a frame that we do not hold; the content above all.
 */
static void check_not_ours(mfn_t theirs)
{
	struct mmuext_op *op = (void *)fake_page(d, p + 101);
	struct mmu_update *update = (void *)fake_page(d, p + 101);

	*op = (struct mmuext_op){ .cmd = MMUEXT_COPY_PAGE,
				  .arg1.mfn = mfn_n(fake_mfn(d, p + 2)),
				  .arg2.src_mfn = mfn_n(theirs) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(p + 101), 1, 0,
				   DOMID_SELF), -EPERM);
	*update = (struct mmu_update){
		(mfn_n(theirs) << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 77 };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(p + 101), 1, 0,
				   DOMID_SELF), -EPERM);
	*update = (struct mmu_update){ mfn_n(theirs) << PAGE_SHIFT, 77 };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(p + 101), 1, 0,
				   DOMID_SELF), -EPERM);
	ck_assert_int_eq(map(p + 1, pte_make(theirs, RO)), -EPERM);
	ck_assert_int_eq(map(p + 1, pte_make(theirs, RW)), -EPERM);
}

START_TEST(frames_not_held)
{
	long theirs;

	fake_run(peer);
	fill(peer, p, 7);
	theirs = single(p);
	fake_run(d);
	check_not_ours(MFN(theirs));
	/* SH9: held, dropped, gone for us. */
	fill(d, p, 7);
	ck_assert_int_eq(single(p), theirs);
	ck_assert_int_eq(map(p, 0), 0);
	check_not_ours(MFN(theirs));
}
END_TEST

START_TEST(aliases)
{
	mfn_t mfn = fake_mfn(d, p);

	fill(d, p, 1);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RW)), 0);
	ck_assert_int_eq(offer(fake_va(p)), SHARE_OTHER_WRITABLE);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RO)), 0);
	ck_assert_int_eq(offer(fake_va(p)), SHARE_OTHER_MAPPING);
	ck_assert_uint_eq(*fake_pte(d, p) & PTE_RW, PTE_RW);	/* undone */
	/* SH12: each in an entry of its own; neither has all names. */
	entries()[0] = (struct shareop_entry){ .pte = { fake_va(p) }, .nr_ptes = 1 };
	entries()[1] = (struct shareop_entry){ .pte = { fake_va(p + 1) }, .nr_ptes = 1 };
	ck_assert_int_eq(batch(SHAREOP_batch, 2), 0);
	ck_assert_int_eq(entries()[0].status, SHARE_OTHER_MAPPING);
	ck_assert_int_eq(entries()[1].status, SHARE_OTHER_MAPPING);
	ck_assert_uint_eq(*fake_pte(d, p) & PTE_RW, PTE_RW);
	entries()[0] = (struct shareop_entry){
		.pte = { fake_va(p), fake_va(p + 1) }, .nr_ptes = 2 };
	ck_assert_int_eq(batch(SHAREOP_batch, 1), 0);
	ck_assert_int_eq(entries()[0].status, SHARE_DONE);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(fake_mfn(d, p + 1)));
	ck_assert_uint_eq(*fake_pte(d, p) & PTE_AVL_SHARED, PTE_AVL_SHARED);
	ck_assert_uint_eq(*fake_pte(d, p + 1) & PTE_AVL_SHARED, 0);
	ck_assert_uint_eq(info().mappings, 2);
}
END_TEST

START_TEST(refusals)
{
	mfn_t l1 = virt_to_mfn(fake_pte(d, p));
	mfn_t mfn = fake_mfn(d, p);
	maddr_t at = virt_to_maddr(fake_pte(d, p));

	ck_assert_int_eq(offer(fake_va(p) + 8), SHARE_BAD_PTE);
	ck_assert_int_eq(offer(HV_VIRT_START), SHARE_BAD_PTE);
	ck_assert_int_eq(offer(1UL << 47), SHARE_BAD_PTE);
	ck_assert_int_eq(offer(0x5000), SHARE_NOT_MAPPED);
	ck_assert_int_eq(map(p + 1, 0), 0);
	ck_assert_int_eq(offer(fake_va(p + 1)), SHARE_NOT_MAPPED);
	ck_assert_int_eq(map(p + 1, pte_make(l1, RO)), 0);
	ck_assert_int_eq(offer(fake_va(p + 1)), SHARE_TYPE);
	ck_assert_int_eq(map(p + 1, pte_make(virt_to_mfn(d->shared_info),
					     RW)), 0);
	ck_assert_int_eq(offer(fake_va(p + 1)), SHARE_NOT_OWNED);
	/* By machine address of the entry. */
	ck_assert_int_eq(offer((maddr_n(at) + 4) | SHARE_PTE_MADDR), SHARE_BAD_PTE);
	ck_assert_int_eq(offer((mfn_n(mfn) << 12) | SHARE_PTE_MADDR), SHARE_BAD_PTE);
	ck_assert_int_eq(offer((mfn_n(fake_mfn(peer, p)) << 12) | SHARE_PTE_MADDR),
			 SHARE_BAD_PTE);
	ck_assert_int_eq(offer((1UL << 50) | SHARE_PTE_MADDR), SHARE_BAD_PTE);
	ck_assert_int_eq(unshare(fake_va(p)), SHARE_NOT_SHARED);
	ck_assert_int_eq(offer(maddr_n(at) | SHARE_PTE_MADDR), SHARE_DONE);
	ck_assert_int_eq(offer(maddr_n(at) | SHARE_PTE_MADDR), SHARE_ALREADY);
	ck_assert_int_eq(single(p + 200 * 4096), -ENOENT);
	ck_assert_int_eq(FAKE_CALL(op_share, 77), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(p), 1),
			 -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_info, fake_va(p + 101),
				   8), -EINVAL);
}
END_TEST

/* SH12 */
/*
 * SH12; PR6: each status is written once, however often the call is continued.
 */
START_TEST(batches)
{
	struct shareop_entry *e = entries();
	unsigned int i;

	ck_assert_int_eq(batch(SHAREOP_batch, 0), -EINVAL);
	ck_assert_int_eq(batch(SHAREOP_batch, SHARE_BATCH_MAX + 1), -EINVAL);
	ck_assert_int_eq(batch(SHAREOP_batch, ~0u), -EINVAL);
	for (i = 0; i < 90; i++) {
		fill(d, p + i, i % 10);
		e[i] = name_one(fake_va(p + i));
	}
	e[20].pte[0] = 0x5000;			/* bad in the middle */
	e[21].nr_ptes = 0;
	e[22].nr_ptes = SHARE_NAMES_MAX + 1;
	e[23].reserved = 1;
	e[31].pte[0] = e[30].pte[0];		/* a va twice */
	e[40].pte[1] = e[40].pte[0];		/* a name twice in one */
	e[40].nr_ptes = 2;
	e[41].pte[1] = fake_va(p + 95);		/* another page as well */
	e[41].nr_ptes = 2;
	fake_machine.preempt = true;
	ck_assert_int_eq(batch(SHAREOP_batch, 90), 0);
	fake_machine.preempt = false;
	for (i = 0; i < 90; i++) {
		int want = i == 20 ? SHARE_NOT_MAPPED :
			   (i >= 21 && i <= 23) || i == 40 || i == 41 ?
			   SHARE_BAD_PTE :
			   i == 31 ? SHARE_OTHER_MAPPING : SHARE_DONE;

		if (i == 31)	/* both name the page: one of them is done */
			ck_assert_int_ne(e[30].status == SHARE_DONE,
					 e[31].status == SHARE_DONE);
		else if (i != 30)
			ck_assert_int_eq(e[i].status, want);
	}
	ck_assert_uint_eq(info().held, 10);
}
END_TEST

/* SH13: the array itself becomes read-only, or was. */
START_TEST(array_in_the_page)
{
	struct shareop_entry *e = entries();

	e[0] = name_one(fake_va(p + 100));
	ck_assert_int_eq(batch(SHAREOP_batch, 1), -EFAULT);
	fake_recount();
	ck_assert_int_eq(batch(SHAREOP_batch, 1), -EFAULT);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, HV_VIRT_START, 1),
			 -EFAULT);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, 0x5000, 1),
			 -EFAULT);
}
END_TEST

/*
 * Order: what is written before the flush is what is shared (design decision
 * 3).
 */
static uint8_t *stale;

static void write_while_stale(void)
{
	/* SH2: only what a TLB still has can be written through. */
	ck_assert(!(*fake_pte(d, p) & PTE_RW));
	stale[123]++;
}

START_TEST(flush_before_hash)
{
	fill(d, p, 3);
	stale = fake_page(d, p);
	fake_machine.on_flush = write_while_stale;
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(p)), 0);
	fake_machine.on_flush = NULL;
	ck_assert_uint_eq(fake_page(d, p)[123], (uint8_t)(stale[123]));
	ck_assert_uint_ne(fake_page(d, p)[123],
			  ((uint8_t *)(uint64_t[]){ 3 + 15 })[3]);
	fake_run(d);
}
END_TEST

/* The frame that was given up is nobody's until the TLBs were flushed (TL2). */
START_TEST(old_frame_waits_for_flush)
{
	mfn_t old = fake_mfn(d, p);

	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(p)), 0);
	ck_assert_uint_eq(fake_kind(old), FRAME_HV);
	reclaim_flush();
	ck_assert(fake_kind(old) == FRAME_FREE || fake_kind(old) == FRAME_POOL);
}
END_TEST

START_TEST(last_holder_keeps_the_frame)
{
	long mfn;

	fill(d, p, 7);
	mfn = single(p);
	ck_assert_int_eq(unshare(fake_va(p)), SHARE_DONE);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn);		/* no copy */
	ck_assert_uint_eq(*fake_pte(d, p) & (PTE_RW | PTE_AVL_SHARED), PTE_RW);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, MFN(mfn))), p);
	ck_assert_uint_eq(d->pages.total, FAKE_PAGES);
	ck_assert_uint_eq(info().last_breaks, 1);
	ck_assert_uint_eq(info().held, 0);
}
END_TEST

/* Page p is shared by both domains; its frame. */
static long held_by_both(void)
{
	long mfn;

	fill(d, p, 7);
	fill(peer, p, 7);
	mfn = single(p);
	fake_run(peer);
	ck_assert_int_eq(single(p), mfn);
	fake_run(d);
	return mfn;
}

START_TEST(break_copies)
{
	long mfn = held_by_both();

	ck_assert_int_eq(unshare(fake_va(p)), SHARE_DONE);
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p))[5], 12);
	ck_assert_uint_eq(mfn_n(fake_mfn(peer, p)), mfn);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, MFN(mfn))), pfn_n(INVALID_PFN));
}
END_TEST

static bool no_more(struct m2p_view *view)
{
	return false;
}

/* The M2P view cannot name the frame that was drawn: the page stays. */
START_TEST(no_memory_for_the_name)
{
	bool (*more)(struct m2p_view *view) = d->m2p.more;
	uint64_t promised = d->m2p.promised, i;
	mfn_t mfn = INVALID_MFN;
	long r = 0;

	d->m2p.promised = d->m2p.page_count;
	d->m2p.more = no_more;
	for (i = 0; i < 60 && r >= 0; i++) {
		fill(d, p + i, 100 * i);
		mfn = fake_mfn(d, p + i);
		r = single(p + i);
	}
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + i - 1)), mfn_n(mfn));
	ck_assert(*fake_pte(d, p + i - 1) & PTE_RW);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, mfn)), p + i - 1);
	fake_check();
	d->m2p.promised = promised;
	d->m2p.more = more;
	ck_assert_int_gt(single(p + i - 1), 0);
}
END_TEST

/* The quota is full again: no page for a break, and nothing changed. */
START_TEST(break_over_quota)
{
	uint64_t *extent = (void *)fake_page(d, p + 101);
	struct xen_memory_reservation *r = (void *)(extent + 8);

	fill(d, p, 7);
	ck_assert_int_gt(single(p), 0);
	*r = (struct xen_memory_reservation){ .nr_extents = 2,
					      .domid = DOMID_SELF };
	r->extent_start.p = (void *)fake_va(p + 101);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_increase_reservation,
				   fake_va(p + 101) + 64), 1);
	ck_assert_int_eq(unshare(fake_va(p)), SHARE_NO_MEMORY);
	ck_assert_uint_eq(info().held, 1);
}
END_TEST

/* No frame for a copy: nothing changed, the quota neither. */
START_TEST(break_without_a_frame)
{
	uint64_t pages;
	long mfn = held_by_both();

	pages = d->pages.total;
	fake_memory_take(0);
	ck_assert_int_eq(unshare(fake_va(p)), SHARE_NO_MEMORY);
	ck_assert_uint_eq(d->pages.total, pages);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn);
	fake_memory_give();
	ck_assert_int_eq(unshare(fake_va(p)), SHARE_DONE);
	ck_assert_uint_eq(d->pages.total, pages + 1);
}
END_TEST

START_TEST(guest_side_break)
{
	mfn_t mine;

	fill(d, p, 7);
	ck_assert_int_gt(single(p), 0);
	mine = fake_mfn(d, p + 1);
	ck_assert_int_eq(map(p, pte_make(mine, RW)), 0);
	fake_recount();
	ck_assert_uint_eq(info().breaks, 1);
	ck_assert_uint_eq(info().held, 0);
}
END_TEST

/* Groups: equal pages, no common frame (I13). */
START_TEST(groups_apart)
{
	struct domain *alone = fake_domain("", 50);
	long theirs, mine;

	fill(alone, p, 7);
	theirs = single(p);
	fake_run(d);
	fill(d, p, 7);
	mine = single(p);
	ck_assert_int_ne(mine, theirs);
	check_not_ours(MFN(theirs));
	fake_check();
	fake_end(alone);
	fake_run(d);
}
END_TEST

START_TEST(budget)
{
	unsigned int i;

	fake_end(d);
	d = fake_domain("g", 3);
	for (i = 0; i < 4; i++) {
		fill(d, p + i, 1000 * i);
		ck_assert_int_eq(offer(fake_va(p + i)),
				 i < 3 ? SHARE_DONE : SHARE_LIMIT);
	}
	fill(d, p + 3, 0);	/* another mapping of what is held is free */
	ck_assert_int_eq(offer(fake_va(p + 3)), SHARE_DONE);
	ck_assert_int_eq(unshare(fake_va(p + 1)), SHARE_DONE);
	ck_assert_int_eq(offer(fake_va(p + 1)), SHARE_DONE);
}
END_TEST

/* DD2: a domain all of whose free pages are shared dies completely. */
START_TEST(dies_shared)
{
	struct shareop_entry *e = entries();
	unsigned int i;

	for (i = 0; i < 90; i++) {
		fill(d, p + i, i);
		fill(peer, p + i, i);
		e[i] = name_one(fake_va(p + i));
	}
	ck_assert_int_eq(batch(SHAREOP_batch, 90), 0);
	memcpy(fake_page(peer, p + 100), e, 90 * sizeof(*e));
	fake_run(peer);
	ck_assert_int_eq(batch(SHAREOP_batch, 90), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(peer, p + 5)), mfn_n(fake_mfn(d, p + 5)));
	fake_run(d);
}
END_TEST

/* Random work of two domains, checked all the way (I10-I14, I3, I4). */
START_TEST(random_work)
{
	unsigned int i;

	srand(_i + 1);
	for (i = 0; i < 1500; i++) {
		uint64_t pfn = p + rand() % 40, q = p + 50 + rand() % 10;

		fake_run(rand() % 2 ? d : peer);
		switch (rand() % 6) {
		case 0: case 1:
			if (*fake_pte(current_vcpu()->domain, pfn) & PTE_RW)
				fill(current_vcpu()->domain, pfn, rand() % 5);
			(void)single(pfn);
			break;
		case 2:
			(void)map(q, pte_make(fake_mfn(current_vcpu()->domain,
						       pfn), RO));
			break;
		case 3:
			(void)map(q, 0);
			break;
		default: {
			struct shareop_entry *e = (void *)fake_page(
				current_vcpu()->domain, p + 100);

			e[0] = name_one(fake_va(pfn));
			ck_assert_int_eq(batch(SHAREOP_unshare, 1), 0);
		}
		}
		if (i % 50 == 0)
			fake_check();
	}
	fake_run(d);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("sharing");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, single_page);
	tcase_add_test(tc, two_domains_one_frame);
	tcase_add_test(tc, frames_not_held);
	tcase_add_test(tc, aliases);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, batches);
	tcase_add_test(tc, array_in_the_page);
	tcase_add_test(tc, flush_before_hash);
	tcase_add_test(tc, old_frame_waits_for_flush);
	tcase_add_test(tc, last_holder_keeps_the_frame);
	tcase_add_test(tc, break_copies);
	tcase_add_test(tc, no_memory_for_the_name);
	tcase_add_test(tc, break_over_quota);
	tcase_add_test(tc, break_without_a_frame);
	tcase_add_test(tc, guest_side_break);
	tcase_add_test(tc, groups_apart);
	tcase_add_test(tc, budget);
	tcase_add_test(tc, dies_shared);
	tcase_add_loop_test(tc, random_work, 0, 4);
	return suite_run();
}
