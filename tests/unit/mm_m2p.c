/* links: hv/mm/m2p.c hv/mm/palloc.c hv/mm/buddy.c hv/mm/framepool.c hv/mm/objpool.c hv/mm/frame.c tests/port/port.c tests/fake/fake_ram.c */
/* SPDX-License-Identifier: MIT */
/* A domain's view of the M2P, and its descriptor area. */
#include <check.h>
#include <errno.h>
#include <port.h>

#include "fake/fake_ram.h"
#include "mm/above.h"
#include "mm/framepool.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "unit/suite.h"
#include "x86/tlb.h"

#define M2P_FRAMES ((M2P_VIRT_END - M2P_VIRT) / 8)

static struct m2p_view view;
static unsigned int flushes;
static uint64_t flushed;
static uint64_t free_when_flushed, leaves_when_flushed;

/* What a leaf was is not free before, and is not in the view. */
void tlb_flush_mask(uint64_t cpu_mask)
{
	flushes++;
	flushed = cpu_mask;
	free_when_flushed = palloc_free_count();
	leaves_when_flushed = view.leaf_count;
}

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	ck_abort_msg("nobody puts a frame here");
}

static void start(void)
{
	fake_ram_start();
}

static void setup(void)
{
	ck_assert_int_eq(m2p_view_init(&view), 0);
	flushes = 0;
}

static void teardown(void)
{
	m2p_view_fini(&view);
	m2p_view_fini(&view);	/* harmless */
	ck_assert_uint_eq(palloc_free_count(), fake_free_at_start);
}

START_TEST(set_get_clear)
{
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(5))), pfn_n(INVALID_PFN));
	ck_assert_int_eq(m2p_set(&view, MFN(5), PFN(77)), 0);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(5))), 77);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(4))), pfn_n(INVALID_PFN));
	ck_assert_int_eq(m2p_set(&view, MFN(5), PFN(78)), 0);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(5))), 78);
	m2p_clear(&view, MFN(5));
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(5))), pfn_n(INVALID_PFN));
	ck_assert_uint_eq(view.leaf_count, 1);
}
END_TEST

/* Sparse: a leaf for 512 frames, tables where wanted, clearing makes none. */
START_TEST(sparse)
{
	uint64_t before = palloc_free_count();

	m2p_clear(&view, MFN(123456));
	ck_assert_uint_eq(palloc_free_count(), before);
	for (mfn_t mfn = MFN(0); mfn_n(mfn) < 1024; mfn = mfn_add(mfn, 1))
		ck_assert_int_eq(m2p_set(&view, mfn, PFN(2 * mfn_n(mfn))), 0);
	ck_assert_uint_eq(view.leaf_count, 2);
	ck_assert_uint_eq(before - palloc_free_count(), 4);
	ck_assert_int_eq(m2p_set(&view, MFN(M2P_FRAMES - 1), PFN(9)), 0);
	ck_assert_uint_eq(before - palloc_free_count(), 7);
	for (mfn_t mfn = MFN(0); mfn_n(mfn) < 1024; mfn = mfn_add(mfn, 1))
		ck_assert_uint_eq(pfn_n(m2p_get(&view, mfn)), 2 * mfn_n(mfn));
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(M2P_FRAMES - 1))), 9);
}
END_TEST

/*
 * From any frame to the next one with a leaf, over absent tables of each level.
 */
START_TEST(leaf_from)
{
	static const mfn_t set[] = { MFN(700), MFN(1UL << 20), MFN(3UL << 30), MFN(M2P_FRAMES - 1) };
	mfn_t from = MFN(0);

	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(0), INVALID_MFN)), ~0UL);
	for (unsigned int i = 0; i < ARRAY_COUNT(set); i++)
		ck_assert_int_eq(m2p_set(&view, set[i], PFN(5)), 0);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(1000), INVALID_MFN)), 1000);
	/* None that begins at the end, at any level. */
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(0), MFN(512))), ~0UL);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(0), MFN(513))), 512);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(1024), MFN(1UL << 20))), ~0UL);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(1024), MFN((1UL << 20) + 1))), 1UL << 20);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(2UL << 20), MFN(3UL << 30))), ~0UL);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(5), MFN(5))), ~0UL);
	for (unsigned int i = 0; i < ARRAY_COUNT(set); i++) {
		from = m2p_leaf_from(&view, from, INVALID_MFN);
		ck_assert_uint_eq(mfn_n(from), mfn_n(set[i]) / 512 * 512);
		from = mfn_add(from, 512);
	}
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, from, INVALID_MFN)), ~0UL);
	ck_assert_uint_eq(mfn_n(m2p_leaf_from(&view, MFN(~0UL), INVALID_MFN)), ~0UL);
}
END_TEST

START_TEST(out_of_range)
{
	static const mfn_t bad[] = { MFN(M2P_FRAMES), MFN(M2P_FRAMES + 1), MFN(1UL << 52),
				     INVALID_MFN };

	for (unsigned int i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(m2p_set(&view, bad[i], PFN(1)), -ENOMEM);
		ck_assert_uint_eq(pfn_n(m2p_get(&view, bad[i])), pfn_n(INVALID_PFN));
		m2p_clear(&view, bad[i]);
	}
}
END_TEST

/* -ENOMEM at each level, with what was there unharmed, and nothing lost. */
START_TEST(no_memory)
{
	void *kept[8];
	mfn_t rest[FAKE_FRAMES], mfn;
	unsigned int n = 0, i;

	ck_assert_int_eq(m2p_set(&view, MFN(1), PFN(11)), 0);
	for (i = 0; i < (unsigned int)_i; i++)
		kept[i] = palloc_hv(0);
	while (!mfn_eq(mfn = fake_owned(1, 0), INVALID_MFN))
		rest[n++] = mfn;
	for (i = 0; i < (unsigned int)_i; i++)
		palloc_hv_free(kept[i], 0);
	/* Another L2: an L2, an L1 and a leaf are wanted. */
	ck_assert_int_eq(m2p_set(&view, MFN(1UL << 28), PFN(22)), _i < 3 ? -ENOMEM : 0);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(1))), 11);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(1UL << 28))), _i < 3 ? pfn_n(INVALID_PFN) : 22);
	ck_assert_uint_eq(palloc_free_count(), 0);
	ck_assert_int_eq(m2p_set(&view, MFN(600), PFN(1)), -ENOMEM);
	ck_assert_int_eq(m2p_set(&view, MFN(2), PFN(12)), 0);
	ck_assert_ptr_null(m2p_perdom_pte(&view, 0));
	while (n) {
		struct frame *f = mfn_to_frame(rest[--n]);

		f->state &= ~(FRAME_ALLOCATED | FRAME_REF_MASK);
		palloc_free_frame(f);
	}
	ck_assert_int_eq(m2p_set(&view, MFN(1UL << 28), PFN(22)), 0);
}
END_TEST

/* Guests read the view and cannot write it; the leaf does not hold code. */
START_TEST(rights)
{
	pte_t l3e, l2e, l1e;

	ck_assert_int_eq(m2p_set(&view, MFN(700), PFN(1)), 0);
	l3e = view.l3[0];
	l2e = ((pte_t *)mfn_to_virt(pte_mfn(l3e)))[0];
	l1e = ((pte_t *)mfn_to_virt(pte_mfn(l2e)))[1];
	ck_assert_uint_eq(l3e & (PTE_P | PTE_RW | PTE_US), PTE_P | PTE_US);
	ck_assert_uint_eq(l2e & (PTE_P | PTE_RW | PTE_US), PTE_P | PTE_US);
	ck_assert_uint_eq(l1e & (PTE_P | PTE_RW | PTE_US | PTE_NX),
			  PTE_P | PTE_US | PTE_NX);
	ck_assert_uint_eq(pfn_n(((pfn_t *)mfn_to_virt(pte_mfn(l1e)))[188]), 1);
}
END_TEST

/*
 * The descriptor area is the hypervisor's, and its pages are not freed with it.
 */
START_TEST(descriptor_area)
{
	void *page = palloc_hv(0);
	pte_t *first = m2p_perdom_pte(&view, 0), *other;

	ck_assert_ptr_nonnull(first);
	*first = pte_make(virt_to_mfn(page), PTE_P | PTE_RW);
	ck_assert_ptr_eq(m2p_perdom_pte(&view, 31), first + 31);
	other = m2p_perdom_pte(&view, 512);
	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_null(m2p_perdom_pte(&view, 512 * 512));
	ck_assert_ptr_null(m2p_perdom_pte(&view, ~0u));
	ck_assert_uint_eq(view.l3[PERDOM_L3_SLOT] & PTE_US, 0);
	/* No frame number leads the M2P's side into it. */
	ck_assert_int_eq(m2p_set(&view, MFN(M2P_FRAMES - 1), PFN(3)), 0);
	ck_assert_uint_eq(*first, pte_make(virt_to_mfn(page), PTE_P | PTE_RW));
	m2p_view_fini(&view);
	ck_assert_int_eq(fake_kind(virt_to_mfn(page)), FRAME_HV);
	palloc_hv_free(page, 0);
}
END_TEST

/*
 * PR1: the end comes in parts of 64 pages at most, and gives every page back.
 */
START_TEST(end_in_parts)
{
	uint64_t before, left = palloc_free_count();
	unsigned int parts = 0;
	bool more = true;

	for (mfn_t leaf = MFN(0); mfn_n(leaf) < 300; leaf = mfn_add(leaf, 1))
		ck_assert_int_eq(m2p_set(&view, MFN(mfn_n(leaf) * 512 * 2), PFN(1)), 0);
	ck_assert_int_eq(m2p_set(&view, MFN(M2P_FRAMES - 1), PFN(1)), 0);
	ck_assert_ptr_nonnull(m2p_perdom_pte(&view, 0));
	ck_assert_ptr_nonnull(m2p_perdom_pte(&view, 5 * 512));
	before = palloc_free_count();
	while (more) {
		more = m2p_view_reap(&view);
		ck_assert_uint_le(palloc_free_count() - before, 64);
		before = palloc_free_count();
		parts++;
		/* What is gone is not named any more. */
		for (unsigned int i = 0; more && i < 300; i++)
			(void)m2p_get(&view, MFN(i * 512 * 2));
	}
	/* 308 pages, and 4 L3 entries' worth of places where there is none. */
	ck_assert_uint_ge(parts, 5);
	ck_assert_uint_le(parts, 12);
	ck_assert_uint_eq(palloc_free_count(), left + 1);	/* l3, too */
	ck_assert(!m2p_view_reap(&view));
}
END_TEST

/* --- leaves without a name --- */

static void name(unsigned int leaf, unsigned int at)
{
	ck_assert_int_eq(m2p_set(&view, MFN(leaf * 512 + at), PFN(leaf)), 0);
}

static void unname(unsigned int leaf, unsigned int at)
{
	m2p_clear(&view, MFN(leaf * 512 + at));
}

static bool has_leaf(unsigned int leaf)
{
	return mfn_n(m2p_leaf_from(&view, MFN(leaf * 512), INVALID_MFN)) == leaf * 512;
}

/* M2P3: those that are empty go together, after the domain's CPUs' flush. */
START_TEST(empty_leaves_go)
{
	uint64_t cpus = 5, free;

	view.cpus = &cpus;
	for (unsigned int i = 0; i < 3 * M2P_EMPTY; i++)
		name(i, i);
	free = palloc_free_count();
	for (unsigned int i = 0; i < M2P_EMPTY; i++)
		unname(i, i);
	ck_assert_uint_eq(flushes, 0);
	ck_assert_uint_eq(view.leaf_count, 3 * M2P_EMPTY);
	unname(M2P_EMPTY, M2P_EMPTY);
	ck_assert_uint_eq(flushes, 1);
	ck_assert_uint_eq(flushed, 5);
	ck_assert_uint_eq(free_when_flushed, free);
	ck_assert_uint_eq(leaves_when_flushed, 2 * M2P_EMPTY);
	ck_assert_uint_eq(view.leaf_count, 2 * M2P_EMPTY);
	ck_assert_uint_eq(view.page_count, 2 * M2P_EMPTY + 2);
	ck_assert_uint_eq(palloc_free_count(), free + M2P_EMPTY);
	for (unsigned int i = 0; i < 3 * M2P_EMPTY; i++) {
		ck_assert_int_eq(has_leaf(i), i >= M2P_EMPTY);
		ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(i * 512 + i))),
				  i > M2P_EMPTY ? i : pfn_n(INVALID_PFN));
	}
	/* One that went comes again, whole. */
	name(3, 7);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(3 * 512 + 7))), 3);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(3 * 512 + 3))), pfn_n(INVALID_PFN));
}
END_TEST

/* M2P4: what has a name stays, however often it was empty. */
START_TEST(used_leaves_stay)
{
	for (unsigned int i = 0; i < 2 * M2P_EMPTY; i++)
		name(i, 0);
	name(2, 1);
	unname(2, 1);
	name(2, 1);
	unname(2, 9);		/* had none */
	unname(2, 0);
	unname(2, 0);
	unname(3, 0);
	name(3, 5);		/* was empty, is not */
	for (unsigned int i = 4; i < 2 * M2P_EMPTY; i++)
		unname(i, 0);
	ck_assert_uint_eq(flushes, 0);	/* nobody's CPUs */
	ck_assert_uint_eq(view.leaf_count, 2 * M2P_EMPTY - (M2P_EMPTY - 1));
	ck_assert(has_leaf(0) && has_leaf(1) && has_leaf(2) && has_leaf(3) && !has_leaf(4));
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(2 * 512 + 1))), 2);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(3 * 512 + 5))), 3);
}
END_TEST

/*
 * A name over another one is one name; so all leaves but those that are kept
 * go, and are not found any more.
 */
START_TEST(names_over_names)
{
	for (unsigned int i = 0; i <= M2P_EMPTY; i++) {
		name(i, 0);
		ck_assert_int_eq(m2p_set(&view, MFN(i * 512), PFN(78)), 0);
		m2p_begin(&view);
		ck_assert_int_eq(m2p_put_first(&view, MFN(i * 512), PFN(79)), 0);
		m2p_end(&view);
		ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(i * 512))), 78);
	}
	for (unsigned int i = 0; i <= M2P_EMPTY; i++)
		unname(i, 0);
	ck_assert_uint_eq(view.leaf_count, 1);
	for (unsigned int i = 0; i < M2P_EMPTY; i++) {
		ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(i * 512))), pfn_n(INVALID_PFN));
		name(i, 3);
		ck_assert(has_leaf(i));
	}
}
END_TEST

/* A name that comes and goes costs neither a leaf nor a flush. */
START_TEST(flapping_is_cheap)
{
	uint64_t cpus = 1, free;

	view.cpus = &cpus;
	for (unsigned int i = 0; i < M2P_EMPTY; i++)
		name(i, 0);
	free = palloc_free_count();
	for (unsigned int i = 0; i < 100 * M2P_EMPTY; i++) {
		unname(i % M2P_EMPTY, 0);
		name(i % M2P_EMPTY, 0);
	}
	ck_assert_uint_eq(flushes, 0);
	ck_assert_uint_eq(palloc_free_count(), free);
}
END_TEST

static unsigned int asked;

static bool one_more(struct m2p_view *unused)
{
	asked++;
	return true;
}

/* M2P5: a leaf that comes again was paid for. */
START_TEST(paid_once)
{
	view.more = one_more;
	for (unsigned int round = 0; round < 20; round++)
		for (unsigned int i = 0; i < 4 * M2P_EMPTY; i++) {
			name(i, 0);
			unname(i, 0);
		}
	ck_assert_uint_le(view.leaf_count, M2P_EMPTY + 1);
	ck_assert_uint_le(asked, M2P_EMPTY + 1 + 2);	/* and two tables */
	ck_assert_uint_eq(view.granted, asked);
	view.more = NULL;
}
END_TEST

/* A leaf goes where it came from. */
START_TEST(leaf_goes_home)
{
	struct frame_pool *p = frame_pool_join(9, false, 64);
	uint64_t free;

	ck_assert_ptr_nonnull(p);
	name(0, 0);
	view.from = p;
	for (unsigned int i = 1; i <= M2P_EMPTY; i++)
		name(i, 0);
	free = palloc_free_count();
	for (unsigned int i = 0; i <= M2P_EMPTY; i++)
		unname(i, 0);
	ck_assert_uint_eq(palloc_free_count(), free + M2P_EMPTY);
	m2p_view_fini(&view);
	frame_pool_stop(p, 64);
	while (frame_pool_give_part(p) == MORE)
		;
	frame_pool_leave(p);
}
END_TEST

/* Names go while the view does, and after it. */
START_TEST(names_go_with_the_view)
{
	const unsigned int leaves = 300;

	for (unsigned int i = 0; i < leaves; i++)
		name(i, 0);
	for (unsigned int i = 0; i < M2P_EMPTY; i++)
		unname(i, 0);
	ck_assert_int_eq(m2p_view_reap(&view), MORE);
	ck_assert(!has_leaf(0));
	for (unsigned int i = M2P_EMPTY; i < leaves - 20; i++)
		unname(i, 0);
	while (m2p_view_reap(&view) == MORE)
		unname(leaves - 1, 0);
	unname(leaves - 1, 0);
	ck_assert_uint_eq(view.leaf_count, 0);
	ck_assert_uint_eq(pfn_n(m2p_get(&view, MFN(5))), pfn_n(INVALID_PFN));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("m2p");

	tcase_add_unchecked_fixture(tc, start, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, set_get_clear);
	tcase_add_test(tc, sparse);
	tcase_add_test(tc, leaf_from);
	tcase_add_test(tc, out_of_range);
	tcase_add_loop_test(tc, no_memory, 0, 4);
	tcase_add_test(tc, rights);
	tcase_add_test(tc, descriptor_area);
	tcase_add_test(tc, end_in_parts);
	tcase_add_test(tc, empty_leaves_go);
	tcase_add_test(tc, used_leaves_stay);
	tcase_add_test(tc, names_over_names);
	tcase_add_test(tc, flapping_is_cheap);
	tcase_add_test(tc, paid_once);
	tcase_add_test(tc, leaf_goes_home);
	tcase_add_test(tc, names_go_with_the_view);
	return suite_run();
}
