// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * The last holder without a copy (SH8), quota (SH17), and what SHAREOP_mode
 * takes and refuses.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "fake/fake_breaks.h"
#include "dom/promise.h"
#include "mm/palloc.h"
#include "offer/mode.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/traps.h"
#include "sharing/holds.h"
#include "unit/suite.h"
#include "x86/guestcopy.h"

/* --- a writable entry for the last holder (refuse) --- */

START_TEST(last_holder_maps_writable)
{
	mfn_t mfn = shared(p, 7, false);
	uint64_t pages = d->pages.total;

	ck_assert_int_eq(map(p, pte_make(mfn, RW)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	ck_assert_uint_eq(d->pages.total, pages + 1);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, mfn)), p);
	ck_assert_uint_eq(info().last_breaks, 1);
	ck_assert_uint_eq(info().breaks, 1);
	ck_assert_uint_eq(info().held, 0);
	fake_check();
}
END_TEST

START_TEST(last_holder_by_mmu_update)
{
	mfn_t mfn = shared(p, 7, false);
	uint64_t *u = (void *)fake_page(d, scratch);

	u[0] = maddr_n(virt_to_maddr(fake_pte(d, p))) | MMU_PT_UPDATE_PRESERVE_AD;
	u[1] = pte_make(mfn, RW);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
	ck_assert(writable(p) && mfn_eq(fake_mfn(d, p), mfn));
	fake_check();
}
END_TEST

/* SH8: others hold it; or we map it twice; or it is another entry. */
START_TEST(not_the_last)
{
	mfn_t mfn = shared(p, 7, true), own = shared(p + 1, 8, false);

	ck_assert_int_eq(map(p, pte_make(mfn, RW)), -EBUSY);
	ck_assert_int_eq(map(p + 2, pte_make(own, RW)), -EBUSY);
	ck_assert_int_eq(map(p + 2, pte_make(own, RO)), 0);
	ck_assert_int_eq(map(p + 1, pte_make(own, RW)), -EBUSY);
	ck_assert_int_eq(map(p + 2, 0), 0);
	ck_assert_int_eq(map(p + 1, pte_make(own, RW)), 0);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert(filled(fake_page(peer, p), 7));
	fake_check();
}
END_TEST

START_TEST(no_quota)
{
	mfn_t mfn = shared(p, 7, false), other = shared(p + 1, 8, true);

	if (_i)
		/* one page of each: as well as if asked for first */
		d->breaks.flags = BOTH;
	fill_quota();
	ck_assert_int_eq(map(p, pte_make(mfn, RW)), -ENOMEM);
	ck_assert_int_eq(map(p + 1, pte_make(other, RW)), -ENOMEM);
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert(!sharefault(d->vcpu[0], fake_va(p + 1), WRITE));
	ck_assert_int_eq(clear_guest(fake_va(p), 8), -EFAULT);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert_uint_eq(info().held, 2);
	fake_check();
}
END_TEST

/* --- the mode --- */

START_TEST(mode_refusals)
{
	const uint32_t v = SHARE_MODE_VERSION;
	uint64_t va = fake_va(list);

	ck_assert_int_eq(mode_call(v + 1, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(mode_call(0, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(mode_call(v, 32, 0, 0), -EINVAL);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_BREAK_FIRST, 0, 0), -EINVAL);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_ONE_PFN, va, 1), -EINVAL);
	ck_assert_int_eq(mode_call(v, BOTH, va, 0), -EINVAL);
	ck_assert_int_eq(mode_call(v, BOTH, va + 4, 1), -EINVAL);
	ck_assert_int_eq(mode_call(v, BOTH, va, ~0UL / 8 + 2), -EINVAL);
	ck_assert_int_eq(mode_call(v, BOTH, HV_VIRT_START - 8, 2), -EINVAL);
	ck_assert_int_eq(mode_call(v, BOTH, HV_VIRT_START, 1), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(scratch),
				   sizeof(struct shareop_mode), 1), -EINVAL);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, 0x5000,
				   sizeof(struct shareop_mode)), -EFAULT);
	ck_assert_uint_eq(d->breaks.flags, 0);
	(void)shared(p, 7, false);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_ONE_PFN, 0, 0), -EBUSY);
	ck_assert_int_eq(mode_call(v, BOTH, va, 8), -EBUSY);
	ck_assert_int_eq(mode_call(v, 0, 0, 0), 0);
	ck_assert_int_eq(map(p, 0), 0);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_ONE_PFN, 0, 0), 0);
	(void)shared(p + 1, 7, false);
	ck_assert_int_eq(mode_call(v, BOTH, va, 8), 0);
	ck_assert_uint_eq(d->breaks.p2m, va);
	ck_assert_int_eq(mode_call(v, 0, 0, 0), 0);
	ck_assert_uint_eq(d->breaks.p2m_entries, 0);
}
END_TEST

static long mode_bytes(const struct shareop_mode *m, uint64_t bytes)
{
	struct shareop_mode *at = (void *)fake_page(d, scratch);

	*at = *m;
	return FAKE_CALL(op_share, SHAREOP_mode, fake_va(scratch), bytes);
}

/* Callers of version 1 have what they had: 24 bytes, two flags. */
START_TEST(mode_versions)
{
	struct shareop_mode m = {
		SHARE_MODE_V1, BOTH, fake_va(list), 512, fake_va(p),
	};
	uint64_t *after = (uint64_t *)fake_page(d, scratch) + 4;

	after[0] = after[1] = 0;
	ck_assert_int_eq(mode_bytes(&m, 24), 0);
	ck_assert_uint_eq(d->breaks.flags, BOTH);
	ck_assert_uint_eq(d->breaks.p2m, fake_va(list));
	ck_assert_uint_eq(d->breaks.linear_base, 0);
	ck_assert_int_eq(mode_bytes(&m, 32), -EINVAL);
	m.flags |= SHARE_MODE_SOLE;
	ck_assert_int_eq(mode_bytes(&m, 24), -EINVAL);
	m.version = SHARE_MODE_VERSION;
	m.flags = BOTH;
	ck_assert_int_eq(mode_bytes(&m, 24), -EINVAL);
	ck_assert_int_eq(mode_bytes(&m, 31), -EINVAL);
	ck_assert_int_eq(mode_bytes(&m, PAGE_SIZE + 8), -EINVAL);
	ck_assert_int_eq(mode_bytes(&m, 32), 0);
	ck_assert_uint_eq(d->breaks.linear_base, fake_va(p));
	ck_assert_int_eq(mode_bytes(&m, 48), 0);
	after[1] = 1;
	ck_assert_int_eq(mode_bytes(&m, 40), 0);
	ck_assert_int_eq(mode_bytes(&m, 48), -EINVAL);
}
END_TEST

/* A linear base: of a page, in the guest's range, with break first. */
START_TEST(mode_linear_base)
{
	struct shareop_mode m = { SHARE_MODE_VERSION, BOTH, 0, 0, 0 };
	const uint64_t bad[] = { fake_va(p) + 8, HV_VIRT_START, 1UL << 47 };
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(bad); i++) {
		m.linear_base = bad[i];
		ck_assert_int_eq(mode_bytes(&m, 32), -EINVAL);
	}
	m.linear_base = fake_va(p);
	ck_assert_int_eq(mode_bytes(&m, 32), 0);
	m.flags = SHARE_MODE_ONE_PFN;
	ck_assert_int_eq(mode_bytes(&m, 32), -EINVAL);
	m.linear_base = 0;
	ck_assert_int_eq(mode_bytes(&m, 32), 0);
	ck_assert_uint_eq(d->breaks.linear_base, 0);
}
END_TEST

/* What others hold, and other contents, are as before. */
START_TEST(one_pfn)
{
	mfn_t mfn;

	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, SHARE_MODE_ONE_PFN, 0,
				   0), 0);
	mfn = shared(p, 7, true);
	fill(d, p + 1, 7);
	ck_assert_int_eq(offer(p + 1, 0), SHARE_HELD);
	ck_assert(writable(p + 1));
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(p + 1)),
			 -EEXIST);
	fill(peer, p + 1, 7);	/* who did not ask */
	fake_run(peer);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(p + 1)),
			 mfn_n(mfn));
	fake_run(d);
	ck_assert_int_eq(map(p, pte_make(fake_mfn(d, p + 2), RW)), 0);
	ck_assert_int_eq(offer(p + 1, 0), SHARE_DONE);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p + 1)), mfn_n(mfn));
}
END_TEST

/* Equal pages in one batch, and replicas of their content; asked for or not. */
START_TEST(replicas_in_a_batch)
{
	const uint32_t v = SHARE_MODE_VERSION;
	struct shareop_entry *e = (void *)fake_page(d, scratch);
	unsigned int i, j;

	ck_assert_int_eq(mode_call(v, SHARE_MODE_REPLICAS, 0, 0), -EINVAL);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_ONE_PFN | SHARE_MODE_REPLICAS,
				   0, 0), 0);
	for (i = 0; i < 9; i++) {
		fill(d, p + i, i / 3);
		e[i] = (struct shareop_entry){ .pte = { fake_va(p + i) },
					     .nr_ptes = 1, .status = 99 };
	}
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   9), 0);
	for (i = 0; i < 9; i++) {
		ck_assert_int_eq(e[i].status, SHARE_DONE);
		ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, MFN(e[i].mfn))), p + i);
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(e[i].mfn, e[j].mfn);
	}
	ck_assert_uint_eq(info().held, 9);
	ck_assert_int_eq(mode_call(v, SHARE_MODE_ONE_PFN, 0, 0), 0);
	fill(d, p + 9, 1);
	ck_assert_int_eq(offer(p + 9, 0), SHARE_HELD);
	fake_check();
}
END_TEST

/* Equal pages in one batch: the first has the content. */
START_TEST(one_pfn_in_a_batch)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);
	unsigned int i;

	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, SHARE_MODE_ONE_PFN, 0,
				   0), 0);
	for (i = 0; i < 9; i++) {
		fill(d, p + i, i / 3);
		e[i] = (struct shareop_entry){ .pte = { fake_va(p + i) },
					     .nr_ptes = 1, .status = 99 };
	}
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   9), 0);
	for (i = 0; i < 9; i++)
		ck_assert_int_eq(e[i].status, i % 3 ? SHARE_HELD : SHARE_DONE);
	ck_assert_uint_eq(info().held, 3);
	ck_assert_uint_eq(info().refused, 6);
}
END_TEST

/*
 * The operator chose break first: nothing is broken for the guest, and no name
 * of its list gets stale, before it told where the list is (0) or that it has
 * none (1).
 */
START_TEST(operators_choice)
{
	uint64_t entries = _i ? 0 : LIST_PAGES * 512;
	mfn_t mfn;

	mode_break_first(d);
	mfn = shared(p, 7, true);
	*name_of(p) = mfn_n(mfn);
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_int_eq(clear_guest(fake_va(p), 8), -EFAULT);
	ck_assert_int_eq(map(p, pte_make(mfn, RW)), -EBUSY);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	fill(d, p + 1, 7);
	ck_assert_int_eq(offer(p + 1, 0), SHARE_HELD);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, 32, 0, 0), -EINVAL);
	ck_assert(!sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, 0,
				   entries ? fake_va(list) : 0, entries), 0);
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert(writable(p) && filled(fake_page(d, p), 7));
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert_uint_eq(*name_of(p), entries ? mfn_n(fake_mfn(d, p)) : mfn_n(mfn));
	fake_check();
}
END_TEST

/*
 * No two free frames in a row, as where many guests have shared: break first
 * can be chosen all the same.  And where there are fewer frames than it needs,
 * it is refused, and all come back.
 */
START_TEST(memory_in_pieces)
{
	static void *page[1 << 15];
	unsigned int count = 0, i, most = _i ? 3 : 64, left = 0;

	domain_set_overcommit(true);
	while (count < 1 << 15 && (page[count] = palloc_hv(0)))
		count++;
	for (i = 0; i < count && left < most; i++)
		if (mfn_n(virt_to_mfn(page[i])) % 2 && ++left) {
			palloc_hv_free(page[i], 0);
			page[i] = NULL;
		}
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, 0, 0), _i ? -ENOMEM : 0);
	if (_i)
		ck_assert_uint_eq(palloc_free_count(), left);
	for (i = 0; i < count; i++)
		if (page[i])
			palloc_hv_free(page[i], 0);
	domain_set_overcommit(false);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("mode");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, last_holder_maps_writable);
	tcase_add_test(tc, last_holder_by_mmu_update);
	tcase_add_test(tc, not_the_last);
	tcase_add_loop_test(tc, no_quota, 0, 2);
	tcase_add_test(tc, mode_refusals);
	tcase_add_test(tc, mode_versions);
	tcase_add_test(tc, mode_linear_base);
	tcase_add_test(tc, one_pfn);
	tcase_add_test(tc, one_pfn_in_a_batch);
	tcase_add_test(tc, replicas_in_a_batch);
	tcase_add_loop_test(tc, operators_choice, 0, 2);
	tcase_add_loop_test(tc, memory_in_pieces, 0, 2);
	return suite_run();
}
