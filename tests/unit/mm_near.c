/* links: hv/mm/palloc.c hv/mm/buddy.c hv/mm/framepool.c hv/mm/objpool.c hv/mm/frame.c tests/port/port.c tests/fake/fake_ram.c */
/* SPDX-License-Identifier: MIT */
/*
 * Single frames near the last one, where memory is in pieces: those of one
 * owner are to lie in few runs of 2 MiB, for each costs a page of its M2P view.
 */
#include <check.h>
#include <port.h>
#include <stdlib.h>

#include "fake/fake_ram.h"
#include "mm/above.h"
#include "mm/framepool.h"
#include "mm/palloc.h"
#include "unit/suite.h"

#define PIECE	512u
#define PIECES	(FAKE_FRAMES / PIECE)
#define FIRST	2u		/* of the whole pieces, to LAST */
#define LAST	11u

static struct palloc_place place;

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	ck_abort_msg("nobody puts a frame here");
}

static void give(unsigned int piece, unsigned int at)
{
	palloc_hv_free(mfn_to_virt(MFN(piece * PIECE + at)), 0);
}

/* Nothing is free. */
static void start(void)
{
	fake_ram_start();
	while (palloc_hv(0))
		;
	place.next = 0;
}

static unsigned int take(struct palloc_place *p)
{
	void *page = palloc_hv_near(p);

	ck_assert_ptr_nonnull(page);
	ck_assert(!((uint64_t *)page)[511]);
	((uint64_t *)page)[511] = 1;
	ck_assert_int_eq(fake_kind(virt_to_mfn(page)), FRAME_HV);
	return mfn_n(virt_to_mfn(page));
}

/* Every third frame of all whole pieces, one of each by turns. */
static unsigned int scatter(void)
{
	unsigned int count = 0;

	for (unsigned int at = 0; at < PIECE; at += 3)
		for (unsigned int piece = FIRST; piece <= LAST; piece++, count++)
			give(piece, at);
	return count;
}

static unsigned int pieces_with(const unsigned int *counts)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PIECES; i++)
		n += counts[i] != 0;
	return n;
}

/* A piece is used up before the next one is begun: several owners, by turns. */
START_TEST(owners_keep_apart)
{
	unsigned int counts[3][PIECES] = { 0 }, free = scatter(), each = PIECE / 3;
	struct palloc_place places[3] = { 0 };

	for (unsigned int i = 0; i < each * 2; i++)
		for (unsigned int owner = 0; owner < 3; owner++, free--)
			counts[owner][take(&places[owner]) / PIECE]++;
	for (unsigned int owner = 0; owner < 3; owner++)
		ck_assert_uint_le(pieces_with(counts[owner]), 3);
	while (free--)
		take(&places[0]);
	ck_assert_ptr_null(palloc_hv_near(&places[0]));
	ck_assert_ptr_null(palloc_hv_near(&places[1]));
	ck_assert_uint_eq(palloc_free_count(), 0);
}
END_TEST

/* The first is where most is free in a row, then all of its piece, upwards. */
START_TEST(begins_where_most_is_free)
{
	unsigned int last = 0;

	scatter();
	for (unsigned int at = 64; at < 96; at++)
		if (at % 3)
			give(7, at);
	for (unsigned int i = 0; i < PIECE / 3 + 1 + 22; i++) {
		unsigned int mfn = take(&place);

		ck_assert_uint_eq(mfn / PIECE, 7);
		if (i)
			ck_assert_uint_gt(mfn, last);
		else
			ck_assert_uint_eq(mfn, 7 * PIECE + 64);
		last = i ? mfn : 0;
	}
	ck_assert_uint_ne(take(&place) / PIECE, 7);
}
END_TEST

/* A block that has grown over the place begins below it. */
START_TEST(block_grew)
{
	for (unsigned int at = 8; at < 16; at++)
		give(5, at);
	for (unsigned int at = 32; at < 64; at++)
		give(6, at);
	place.next = 5 * PIECE + 12;
	for (unsigned int at = 8; at < 16; at++)
		ck_assert_uint_eq(take(&place), 5 * PIECE + at);
	for (unsigned int at = 32; at < 64; at++)
		ck_assert_uint_eq(take(&place), 6 * PIECE + at);
	ck_assert_ptr_null(palloc_hv_near(&place));
}
END_TEST

/* 2 MiB that are free stay so while there is less; then the place is there. */
START_TEST(whole_pieces_last)
{
	for (unsigned int at = 0; at < PIECE; at++)
		give(4, at);
	give(9, 77);
	give(3, 500);
	/* It was once in the piece that is free now. */
	place.next = 4 * PIECE + 100;
	for (unsigned int i = 0; i < 2; i++)
		ck_assert_uint_ne(take(&place) / PIECE, 4);
	for (unsigned int at = 0; at < PIECE; at++)
		ck_assert_uint_eq(take(&place), 4 * PIECE + at);
	ck_assert_uint_eq(place.next, 0);
	ck_assert_ptr_null(palloc_hv_near(&place));
	give(4, 0);
	ck_assert_uint_eq(take(&place), 4 * PIECE);
}
END_TEST

/* A copy comes from the place, too. */
START_TEST(copies)
{
	mfn_t mfn;

	give(8, 10);
	give(2, 20);
	place.next = 8 * PIECE;
	mfn = palloc_hv_copy(MFN(3 * PIECE), &place);
	ck_assert_uint_eq(mfn_n(mfn), 8 * PIECE + 10);
	mfn = palloc_hv_copy(MFN(3 * PIECE), &place);
	ck_assert_uint_eq(mfn_n(mfn), 2 * PIECE + 20);
	mfn = palloc_hv_copy(MFN(3 * PIECE), &place);
	ck_assert(mfn_eq(mfn, INVALID_MFN));
}
END_TEST

/*
 * A pool that grows where no 2 MiB are in a row takes piece by piece; the heap,
 * when it has none, gets frames of it back.
 */
START_TEST(pool_stays_together)
{
	unsigned int counts[PIECES] = { 0 }, free, want;
	struct frame_pool *p;
	uint32_t frame;

	for (unsigned int at = 0; at < 4; at++)
		give(FIRST, at);	/* its vector */
	p = frame_pool_join(1, true, 0);
	ck_assert_ptr_nonnull(p);
	free = scatter() - 2;		/* two are the vector's */
	want = 3 * (PIECE / 3);
	for (unsigned int i = 0; i < want; i++, free--) {
		ck_assert_uint_eq(frame_pool_draw(p, &frame, 1, false), 1);
		counts[frame / PIECE]++;
	}
	/* LOW_ALONE, and a piece that is begun */
	ck_assert_uint_le(pieces_with(counts), 5);
	ck_assert_uint_ge(palloc_free_count(), free - 8);
	while (palloc_hv_near(&place))
		;
	ck_assert_uint_eq(palloc_free_count(), 0);
}
END_TEST

/* The same of single frames, in place of those that left (FP2). */
START_TEST(what_left_is_replaced_together)
{
	unsigned int counts[PIECES] = { 0 };
	struct frame_pool *p;
	uint32_t frame;

	for (unsigned int at = 0; at < 4; at++)
		give(LAST + 2, at);	/* its vector */
	scatter();
	p = frame_pool_join(1, true, 32);
	ck_assert_ptr_nonnull(p);
	for (unsigned int i = 0; i < PIECE / 3; i++) {
		ck_assert_uint_eq(frame_pool_draw(p, &frame, 1, false), 1);
		counts[frame / PIECE]++;
		frame_pool_left(p);
	}
	ck_assert_uint_le(pieces_with(counts), 4);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("near");

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, owners_keep_apart);
	tcase_add_test(tc, begins_where_most_is_free);
	tcase_add_test(tc, block_grew);
	tcase_add_test(tc, whole_pieces_last);
	tcase_add_test(tc, copies);
	tcase_add_test(tc, pool_stays_together);
	tcase_add_test(tc, what_left_is_replaced_together);
	return suite_run();
}
