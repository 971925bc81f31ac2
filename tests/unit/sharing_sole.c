// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * SHARE_MODE_SOLE: a held frame gets no second entry, however an entry comes
 * to be; so a table that nobody counts never has a shared frame's name.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "fake/fake_breaks.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/resolve.h"
#include "pv/traps.h"
#include "unit/suite.h"

#define SOLE (BOTH | SHARE_MODE_SOLE)

static void sole(void)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, SOLE, 0, 0), 0);
}

static long by_mmu_update(uint64_t pfn, pte_t e)
{
	uint64_t *u = (void *)fake_page(d, scratch);

	u[0] = maddr_n(virt_to_maddr(fake_pte(d, pfn))) | MMU_PT_UPDATE_PRESERVE_AD;
	u[1] = e;
	return FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0, DOMID_SELF);
}

/* An emulated store that saw `old` there. */
static long store_over(uint64_t pfn, pte_t old, pte_t e)
{
	long r;

	spin_lock(&d->mm);
	r = ptcheck_entry_swap(d, fake_pte(d, pfn), old, e);
	spin_unlock(&d->mm);
	while (pttree_settle(d))
		;
	return r;
}

static long by_store(uint64_t pfn, pte_t e)
{
	return store_over(pfn, *fake_pte(d, pfn), e);
}

static long pin(unsigned int cmd, uint64_t pfn)
{
	struct mmuext_op *op = (void *)fake_page(d, scratch);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn_n(fake_mfn(d, pfn)) };
	return FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, DOMID_SELF);
}

/* p is d's own, as it was when it was offered; what it held is held no more. */
static void check_broken(mfn_t was, bool others)
{
	mfn_t now = fake_mfn(d, p);

	ck_assert_int_eq(!mfn_eq(now, was), others);
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, now)), p);
	ck_assert_uint_eq(info().held, 0);
	if (others)
		ck_assert(filled(fake_page(peer, p), 7));
	fake_check();
}

static long (*const ways[])(uint64_t pfn, pte_t e) = {
	map, by_mmu_update, by_store,
};

START_TEST(second_entry)
{
	bool others = _i & 1;
	mfn_t mfn;

	sole();
	mfn = shared(p, 7, others);
	ck_assert_int_eq(ways[_i / 2](p + 2, pte_make(mfn, RO)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_eq(*fake_pte(d, p + 2) & (PTE_RW | PTE_AVL_SHARED), 0);
	check_broken(mfn, others);
}
END_TEST

/* The entry that it has may be written as it is: nothing breaks. */
START_TEST(the_entry_itself)
{
	mfn_t mfn;

	sole();
	mfn = shared(p, 7, true);
	ck_assert_int_eq(map(p, pte_make(mfn, RO & ~PTE_A)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert(*fake_pte(d, p) & PTE_AVL_SHARED);
	ck_assert_uint_eq(info().held, 1);
	ck_assert_uint_eq(info().breaks, 0);
}
END_TEST

/* The table, a plain page, gets an entry as a kernel writes it. */
static pte_t *table_of(uint64_t pfn)
{
	pte_t *t = (void *)fake_page(d, pfn);

	memset(t, 0, PAGE_SIZE);
	ck_assert_int_eq(map(pfn, pte_make(fake_mfn(d, pfn), RO)), 0);
	return t;
}

/* As fork() and exec() have it: a table is filled, then pinned. */
START_TEST(validated_table)
{
	bool others = _i & 1;
	mfn_t mfn;
	pte_t *t;

	pttree_steps_max = _i & 2 ? 50 : 512;
	sole();
	mfn = shared(p, 7, others);
	t = table_of(p + 5);
	t[5] = t[300] = pte_make(mfn, RO);
	ck_assert_int_eq(pin(MMUEXT_PIN_L1_TABLE, p + 5), 0);
	ck_assert_uint_eq(mfn_n(pte_mfn(t[5])), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_eq(mfn_n(pte_mfn(t[300])), mfn_n(fake_mfn(d, p)));
	check_broken(mfn, others);
	ck_assert_int_eq(pin(MMUEXT_UNPIN_TABLE, p + 5), 0);
}
END_TEST

/*
 * As exit() has it: the table is unpinned first, and read afterwards through
 * the M2P.  Whoever writes the page meanwhile must not change what it says.
 */
START_TEST(table_read_after_unpin)
{
	mfn_t mfn;
	pte_t *t;

	sole();
	mfn = shared(p, 7, true);
	t = table_of(p + 5);
	ck_assert_int_eq(pin(MMUEXT_PIN_L1_TABLE, p + 5), 0);
	((uint64_t *)fake_page(d, scratch))[0] = maddr_n(virt_to_maddr(&t[9]));
	((uint64_t *)fake_page(d, scratch))[1] = pte_make(mfn, RO);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
	ck_assert_int_eq(pin(MMUEXT_UNPIN_TABLE, p + 5), 0);
	*(uint64_t *)fake_page(d, scratch) = 0;
	(void)sharefault(d->vcpu[0], fake_va(p), WRITE);
	while (pttree_settle(d))
		;
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, pte_mfn(t[9]))), p);
	ck_assert_uint_eq(mfn_n(pte_mfn(t[9])), mfn_n(fake_mfn(d, p)));
}
END_TEST

/*
 * A page that has two entries is offered with both; a third one breaks it, and
 * so does a write, for both.
 */
START_TEST(offer_of_two_names)
{
	mfn_t mfn;

	sole();
	fill(d, p, 7);
	ck_assert_int_eq(map(p + 1, pte_make(fake_mfn(d, p), RW)), 0);
	ck_assert_int_eq(offer(p, p + 1), SHARE_DONE);
	mfn = fake_mfn(d, p);
	peer_offers(p, 7);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(mfn));
	if (_i)
		ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	else
		ck_assert(sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	while (pttree_settle(d))
		;
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(fake_mfn(d, p)));
	ck_assert(writable(p + 1));
	if (_i)
		ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(fake_mfn(d, p)));
	check_broken(mfn, true);
}
END_TEST

/* SH17: no frame; then nothing has changed. */
START_TEST(no_frame)
{
	void *taken = NULL, *page;
	mfn_t mfn;

	sole();
	mfn = shared(p, 7, true);
	while ((page = palloc_hv(0))) {
		*(void **)page = taken;
		taken = page;
	}
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), -ENOMEM);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p + 2)), mfn_n(mfn));
	fake_recount();
	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	check_broken(mfn, true);
}
END_TEST

START_TEST(mode)
{
	const uint32_t v = SHARE_MODE_VERSION;

	ck_assert_int_eq(mode_call(v, SHARE_MODE_SOLE, 0, 0), -EINVAL);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_SOLE | SHARE_MODE_ONE_PFN, 0,
				   0), -EINVAL);
	ck_assert_int_eq(mode_call(v, BOTH, 0, 0), 0);
	(void)shared(p, 7, true);
	ck_assert_int_eq(mode_call(v, SOLE, 0, 0), -EBUSY);
	ck_assert_uint_eq(d->breaks.flags, BOTH);
	ck_assert_int_eq(map(p, 0), 0);
	sole();
	(void)shared(p + 1, 8, true);
	sole();
	ck_assert_int_eq(mode_call(v, BOTH, 0, 0), 0);
	ck_assert_uint_eq(d->breaks.flags, BOTH);
}
END_TEST

/* --- the linear map --- */

/* With the list, and a linear map that starts there. */
static void told(uint32_t flags, uint64_t base)
{
	struct shareop_mode *m = (void *)fake_page(d, scratch);

	*m = (struct shareop_mode){
		.version = SHARE_MODE_VERSION, .flags = flags,
		.p2m = fake_va(list), .p2m_entries = LIST_PAGES * 512,
		.linear_base = base,
	};
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(scratch),
				   sizeof(*m)), 0);
}

/* The call alone, without the search that follows on the way out. */
static long map_only(uint64_t pfn, pte_t e)
{
	return op_update_va_mapping(&(struct hypercall_args){
			.a = { fake_va(pfn), e } });
}

/* K7: nothing is left to look for, whatever the domain's memory. */
START_TEST(linear_entry_at_once)
{
	bool others = _i & 1;
	mfn_t mfn;

	told(SOLE, fake_va(0));
	mfn = shared(p, 7, others);
	d->cpu_mask |= 4;
	fake_machine.flushed = 0;
	ck_assert_int_eq(map_only(p + 2, pte_make(mfn, RO)), 0);
	ck_assert(!pttree_work_left(d));
	if (others)
		ck_assert_uint_eq(fake_machine.flushed & 5, 5);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(fake_mfn(d, p)));
	check_broken(mfn, others);
	if (others)
		ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
}
END_TEST

/* TL2: named by its frame, so that nobody else flushes for an entry. */
START_TEST(linear_entry_is_flushed)
{
	struct frame *f;
	mfn_t mfn;

	told(SOLE, fake_va(0));
	mfn = shared(p, 7, true);
	d->cpu_mask |= 4;
	fake_machine.flushed = 0;
	ck_assert_int_eq(resolve_write(d, mfn, &f), 0);
	ck_assert_uint_eq(fake_machine.flushed & 5, 5);
	ck_assert_uint_eq(mfn_n(frame_to_mfn(f)), mfn_n(fake_mfn(d, p)));
	frame_put(f);
	ck_assert(!pttree_work_left(d));
	check_broken(mfn, true);
}
END_TEST

/* An entry that is not there, or names another frame, is no linear map. */
START_TEST(linear_base_is_a_lie)
{
	const uint64_t lies[] = {
		fake_va(1), fake_va(5000), (1UL << 47) - PAGE_SIZE,
		0 - (p << PAGE_SHIFT), fake_va(0) - PAGE_SIZE, PAGE_SIZE,
	};
	bool others = _i & 1;
	mfn_t mfn;

	told(SOLE, lies[_i / 2]);
	mfn = shared(p, 7, others);
	ck_assert_int_eq(map_only(p + 2, pte_make(mfn, RO)), 0);
	ck_assert(pttree_work_left(d));
	while (pttree_settle(d))
		;
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(fake_mfn(d, p)));
	check_broken(mfn, others);
}
END_TEST

/* The page's own number is a lie: an address that wraps round. */
START_TEST(pfn_is_a_lie)
{
	uint64_t *u = (void *)fake_page(d, scratch);
	const uint64_t pfns[] = { 1UL << 51, 1UL << 52, 0x7ffffffff, p + 1 };
	mfn_t mfn;

	told(SOLE, fake_va(0));
	fill(d, p, 7);
	u[0] = maddr_n(virt_to_maddr(fake_page(d, p))) | MMU_MACHPHYS_UPDATE;
	u[1] = pfns[_i];
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
	mfn = fake_mfn(d, p);
	ck_assert_int_eq(map(p + 2, pte_make(mfn, RO)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 2)), mfn_n(fake_mfn(d, p)));
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	ck_assert_uint_eq(info().held, 0);
	fake_check();
}
END_TEST

/* Of a page with two entries more, one is found there; at hand, itself. */
START_TEST(linear_and_another)
{
	mfn_t mfn;

	told(BOTH, fake_va(0));
	fill(d, p, 7);
	ck_assert_int_eq(map(p + 1, pte_make(fake_mfn(d, p), RW)), 0);
	ck_assert_int_eq(offer(p, p + 1), SHARE_DONE);
	mfn = fake_mfn(d, p);
	ck_assert_int_eq(map_only(p + (_i ? 0 : 2), pte_make(mfn, RW)), 0);
	ck_assert(pttree_work_left(d));
	while (pttree_settle(d))
		;
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(fake_mfn(d, p)));
	ck_assert(writable(p + 1));
	check_broken(mfn, false);
}
END_TEST

/* K3: it stays read-only, and is met again; the other is behind. */
START_TEST(linear_stays_and_another)
{
	struct frame *f;
	mfn_t mfn;

	told(BOTH, fake_va(0));
	mfn = fake_mfn(d, p);
	fill(d, p, 7);
	ck_assert_int_eq(map(p + 300, pte_make(mfn, RW)), 0);
	ck_assert_int_eq(map(p, pte_make(mfn, RO)), 0);
	ck_assert_int_eq(offer(p, p + 300), SHARE_DONE);
	ck_assert_int_eq(resolve_write(d, fake_mfn(d, p), &f), 0);
	ck_assert(pttree_work_left(d));
	while (pttree_settle(d))
		;
	frame_put(f);
	ck_assert(writable(p + 300) && !writable(p));
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 300)), mfn_n(fake_mfn(d, p)));
	fake_check();
}
END_TEST

/* The last one; an emulated store that saw another entry is made again. */
static void clear_last(unsigned int way, uint64_t pfn, bool changes)
{
	if (ways[way] == by_store && changes)
		ck_assert_int_eq(by_store(pfn, 0), -EAGAIN);
	ck_assert_int_eq(ways[way](pfn, 0), 0);
}

/*
 * K9: as Linux has it when it frees what it had write-protected: the page's
 * entry goes, and comes back under the name that the list has.
 */
START_TEST(last_entry_goes)
{
	bool others = _i & 1, read_only = _i & 2, two = _i & 4;
	unsigned int way = _i / 8;
	mfn_t mfn;

	told(SOLE, fake_va(0));
	fill(d, p, 7);
	if (two)
		ck_assert_int_eq(map(p + 1, pte_make(fake_mfn(d, p), RO)), 0);
	if (read_only)
		ck_assert_int_eq(map(p, pte_make(fake_mfn(d, p), RO)), 0);
	ck_assert_int_eq(offer(p, two ? p + 1 : 0), SHARE_DONE);
	mfn = fake_mfn(d, p);
	if (others)
		peer_offers(p, 7);
	if (two) {
		ck_assert_int_eq(ways[way](p + 1, 0), 0);
		ck_assert_uint_eq(info().held, 1);
	}
	clear_last(way, p, others || !read_only);
	ck_assert_uint_eq(*fake_pte(d, p), 0);
	ck_assert_uint_eq(info().held, 0);
	ck_assert_int_eq(*name_of(p) != mfn_n(mfn), others);
	ck_assert_int_eq(map(p, pte_make(MFN(*name_of(p)), RW)), 0);
	check_broken(mfn, others);
}
END_TEST

/* What goes for good is given back under the name that it had. */
START_TEST(last_entry_of_a_page_given_back)
{
	uint64_t before = info().tot_pages;
	struct frame *f;
	mfn_t mfn;

	told(SOLE, fake_va(0));
	mfn = shared(p, 7, true);
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_uint_eq(info().tot_pages, before);
	ck_assert_int_eq(resolve_give(d, mfn, &f), 0);
	ck_assert_uint_eq(mfn_n(frame_to_mfn(f)), *name_of(p));
	frame_put(f);
	fake_check();
}
END_TEST

/* No frame: the entry goes all the same, and the page with it. */
START_TEST(last_entry_without_a_frame)
{
	void *taken = NULL, *page;

	told(SOLE, fake_va(0));
	(void)shared(p, 7, true);
	while ((page = palloc_hv(0))) {
		*(void **)page = taken;
		taken = page;
	}
	/* A store that saw it before another CPU used it (WRITE3). */
	ck_assert_int_eq(store_over(p, *fake_pte(d, p) ^ PTE_A, 0), -EAGAIN);
	ck_assert_uint_eq(info().held, 1);
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_uint_eq(*fake_pte(d, p), 0);
	ck_assert_uint_eq(info().held, 0);
	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
	fake_recount();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("sole");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, second_entry, 0, 2 * ARRAY_COUNT(ways));
	tcase_add_test(tc, the_entry_itself);
	tcase_add_loop_test(tc, validated_table, 0, 4);
	tcase_add_test(tc, table_read_after_unpin);
	tcase_add_loop_test(tc, offer_of_two_names, 0, 2);
	tcase_add_test(tc, no_frame);
	tcase_add_test(tc, mode);
	tcase_add_loop_test(tc, linear_entry_at_once, 0, 2);
	tcase_add_test(tc, linear_entry_is_flushed);
	tcase_add_loop_test(tc, linear_base_is_a_lie, 0, 12);
	tcase_add_loop_test(tc, pfn_is_a_lie, 0, 4);
	tcase_add_loop_test(tc, linear_and_another, 0, 2);
	tcase_add_test(tc, linear_stays_and_another);
	tcase_add_loop_test(tc, last_entry_goes, 0, 8 * ARRAY_COUNT(ways));
	tcase_add_test(tc, last_entry_of_a_page_given_back);
	tcase_add_test(tc, last_entry_without_a_frame);
	return suite_run();
}
