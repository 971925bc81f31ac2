/* links: hv/mm/palloc.c hv/mm/buddy.c hv/mm/framepool.c hv/mm/objpool.c hv/mm/frame.c tests/port/port.c tests/fake/fake_ram.c */
/* SPDX-License-Identifier: MIT */
/* The buddy allocator, PALLOC1-PALLOC3. */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_ram.h"
#include "mm/above.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "unit/suite.h"

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	ck_abort_msg("nobody puts a frame here");
}

static void start(void)
{
	fake_ram_start();
}

/* PALLOC1, F1: recount, and look at every free frame. */
static void check_free(uint64_t out)
{
	uint64_t free = 0;
	mfn_t mfn;

	for (mfn = MFN(FAKE_RESERVED); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1)) {
		if (!frame_valid(mfn))
			continue;
		if (fake_kind(mfn) != FRAME_FREE && fake_kind(mfn) != FRAME_POOL)
			continue;
		free++;
		if (fake_ref(mfn) || mfn_to_frame(mfn)->type)
			ck_abort_msg("F1: %lx", (long)mfn_n(mfn));
	}
	ck_assert_uint_eq(palloc_free_count(), free);
	ck_assert_uint_eq(palloc_free_count(), fake_free_at_start - out);
}

/* PALLOC2 */
static void check_zero(const void *page, unsigned int order)
{
	static const uint8_t zero[PAGE_SIZE];

	for (unsigned int i = 0; i < 1u << order; i++)
		ck_assert(!memcmp((const uint8_t *)page + i * PAGE_SIZE, zero,
				  PAGE_SIZE));
}

/* As a domain leaves them: a class stays when the last use went. */
static void give_back(mfn_t mfn, unsigned int order)
{
	for (mfn_t i = mfn; mfn_n(i) < mfn_n(mfn) + (1UL << order); i = mfn_add(i, 1)) {
		mfn_to_frame(i)->type = (uint64_t)CLASS_L2 << TYPE_CLASS_SHIFT;
		mfn_to_frame(i)->state &= ~(FRAME_ALLOCATED | FRAME_REF_MASK);
		palloc_free_frame(mfn_to_frame(i));
	}
}

START_TEST(counts_at_start)
{
	ck_assert_uint_eq(palloc_total_count(), fake_free_at_start);
	ck_assert_uint_eq(fake_free_at_start, 0x1800 - FAKE_RESERVED +
			  FAKE_FRAMES - 0x1900);
	check_free(0);
}
END_TEST

#define END	(FAKE_RESERVED + 0x125UL)	/* within a block */

/* All that is below is found, nothing that is not, whatever is free beside. */
START_TEST(below)
{
	unsigned int order = _i ? 4 : 0, got = 0;
	mfn_t end = MFN(END);
	uint64_t free = 0, i;
	void *p, *last = NULL;

	for (i = FAKE_RESERVED; i + (1UL << order) <= END; i += 1UL << order)
		free += !(i & ((1UL << order) - 1));
	while ((p = palloc_hv_below(order, end))) {
		ck_assert_uint_le(mfn_n(virt_to_mfn(p)) + (1UL << order), END);
		check_zero(p, order);
		got++;
		*(void **)p = last;
		last = p;
	}
	ck_assert_uint_gt(free, 10);
	ck_assert_uint_eq(got, free);
	check_free(free << order);
	ck_assert_ptr_null(palloc_hv_below(order, MFN(0)));
	p = palloc_hv_below(order, MFN(FAKE_FRAMES));
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_ge(mfn_n(virt_to_mfn(p)), END - 15);
	palloc_hv_free(p, order);
	for (; last; last = p) {
		p = *(void **)last;
		palloc_hv_free(last, order);
	}
	check_free(0);
}
END_TEST

/* Natural alignment, zeroes, exact counts, and dirt is scrubbed (ME7). */
START_TEST(orders)
{
	unsigned int order = _i;

	for (int round = 0; round < 2; round++) {
		uint8_t *p = palloc_hv(order);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(mfn_n(virt_to_mfn(p)) & ((1UL << order) - 1), 0);
		check_zero(p, order);
		check_free(1UL << order);
		for (uint64_t i = 0; i < 1UL << order; i++)
			ck_assert_int_eq(fake_kind(mfn_add(virt_to_mfn(p), i)), FRAME_HV);
		memset(p, 0xee, PAGE_SIZE << order);
		palloc_hv_free(p, order);
		check_free(0);
	}
}
END_TEST

/*
 * A dirty frame with the bytes of another: all of them, and it is as any of the
 * hypervisor's.
 */
START_TEST(copies)
{
	mfn_t from = fake_owned(3, 0), mfn;
	uint8_t *page = palloc_hv(0);

	memset(page, 0xaa, PAGE_SIZE);
	palloc_hv_free(page, 0);
	memset(mfn_to_virt(from), 0x5a, PAGE_SIZE);
	mfn = palloc_hv_copy(from, NULL);
	/* the last one freed */
	ck_assert_uint_eq(mfn_n(mfn), mfn_n(virt_to_mfn(page)));
	ck_assert(!memcmp(mfn_to_virt(mfn), mfn_to_virt(from), PAGE_SIZE));
	ck_assert_uint_eq(fake_kind(mfn), FRAME_HV);
	ck_assert_uint_eq(fake_ref(mfn), 1);
	check_free(2);
	palloc_hv_free(mfn_to_virt(mfn), 0);
	give_back(from, 0);
	check_free(0);
	page = palloc_hv(0);
	check_zero(page, 0);
	palloc_hv_free(page, 0);
	while (!mfn_eq(fake_owned(2, 0), INVALID_MFN))
		;
	ck_assert_uint_eq(mfn_n(palloc_hv_copy(from, NULL)), mfn_n(INVALID_MFN));
}
END_TEST

START_TEST(too_large)
{
	ck_assert_ptr_null(palloc_hv(13));
	ck_assert_ptr_null(palloc_hv(PALLOC_MAX_ORDER));
	ck_assert_uint_eq(mfn_n(fake_owned(3, PALLOC_MAX_ORDER)), mfn_n(INVALID_MFN));
	check_free(0);
}
END_TEST

/* Every frame can be had, no frame twice, and all of them merge again. */
START_TEST(exhaustion)
{
	uint8_t *taken = calloc(FAKE_FRAMES, 1);
	mfn_t mfn;
	uint64_t n = 0;

	while (!mfn_eq(mfn = fake_owned(3, 0), INVALID_MFN)) {
		ck_assert(frame_valid(mfn) && mfn_n(mfn) >= FAKE_RESERVED);
		ck_assert_uint_eq(taken[mfn_n(mfn)], 0);
		ck_assert_uint_eq(frame_state_owner(mfn_to_frame(mfn)->state), 3);
		taken[mfn_n(mfn)] = 1;
		n++;
	}
	ck_assert_uint_eq(n, fake_free_at_start);
	ck_assert_ptr_null(palloc_hv(0));
	ck_assert_ptr_null(palloc_heap(3, 0, true));
	/* Back in an order that splits buddies. */
	for (mfn_t step = MFN(0); mfn_n(step) < 7; step = mfn_add(step, 1))
		for (mfn = step; mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 7))
			if (taken[mfn_n(mfn)])
				give_back(mfn, 0);
	check_free(0);
	/* 0x400 .. 0x7ff, 0x800 .. 0xfff, 0x1000 .. 0x17ff, 0x1a00 .. */
	ck_assert_uint_eq(mfn_n(fake_owned(3, 11)) & 0x7ff, 0);
	ck_assert_uint_eq(mfn_n(fake_owned(3, 11)) & 0x7ff, 0);
	free(taken);
}
END_TEST

/* PALLOC1 and PALLOC2 over a random history. */
START_TEST(random_history)
{
	struct {
		mfn_t mfn;
		unsigned int order;
	} held[64] = { 0 };
	uint64_t out = 0;

	for (int step = 0; step < 3000; step++) {
		unsigned int i = rand() % 64;

		if (mfn_n(held[i].mfn)) {
			give_back(held[i].mfn, held[i].order);
			out -= 1UL << held[i].order;
			held[i].mfn = MFN(0);
			continue;
		}
		held[i].order = rand() % 8;
		held[i].mfn = fake_owned(5, held[i].order);
		ck_assert_uint_ne(mfn_n(held[i].mfn), mfn_n(INVALID_MFN));
		check_zero(mfn_to_virt(held[i].mfn), held[i].order);
		memset(mfn_to_virt(held[i].mfn), 0xbb, PAGE_SIZE << held[i].order);
		out += 1UL << held[i].order;
		if (step % 100 == 0)
			check_free(out);
	}
	for (unsigned int i = 0; i < 64; i++)
		if (mfn_n(held[i].mfn))
			give_back(held[i].mfn, held[i].order);
	check_free(0);
	/* It all merged: the largest aligned block is there. */
	ck_assert_uint_ne(mfn_n(fake_owned(5, 11)), mfn_n(INVALID_MFN));
}
END_TEST

/*
 * Lists as domains free their pages: rows upwards and downwards, single pages,
 * in any mixture; all merges, and what is not in the list is not freed.
 */
START_TEST(lists)
{
	mfn_t base = fake_owned(5, 8);

	ck_assert_uint_ne(mfn_n(base), mfn_n(INVALID_MFN));
	for (unsigned int kept = 1UL << 8, list; kept; ) {
		unsigned int at = 0, count = 0;

		for (list = 0; at < 1u << 8 && count < 60; at++) {
			/* rows of 16, by turns upwards and downwards */
			mfn_t mfn = mfn_add(base, at / 16 % 2 ? at ^ 15 : at);
			struct frame *f = mfn_to_frame(mfn);

			if (fake_kind(mfn) != FRAME_OWNED || (kept > 64 && rand() % 3 == 0))
				continue;
			f->state &= ~(FRAME_ALLOCATED | FRAME_REF_MASK);
			f->next = list;
			list = frame_link(mfn);
			count++;
		}
		palloc_free_list(list);
		kept -= count;
		check_free(kept);
	}
	ck_assert_uint_ne(mfn_n(fake_owned(5, 11)), mfn_n(INVALID_MFN));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("palloc");

	srand(1);
	tcase_add_unchecked_fixture(tc, start, NULL);
	tcase_add_test(tc, counts_at_start);
	tcase_add_loop_test(tc, below, 0, 2);
	tcase_add_loop_test(tc, orders, 0, 12);
	tcase_add_test(tc, copies);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, exhaustion);
	tcase_add_test(tc, random_history);
	tcase_add_loop_test(tc, lists, 0, 10);
	return suite_run();
}
