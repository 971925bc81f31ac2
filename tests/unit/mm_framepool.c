/* links: hv/mm/framepool.c hv/mm/objpool.c hv/mm/buddy.c hv/mm/palloc.c hv/mm/frame.c tests/port/port.c tests/fake/fake_ram.c */
/* SPDX-License-Identifier: MIT */
/*
 * Frames of share groups, FP1-FP4, PALLOC3; and that nobody can count another
 * group's draws (SH26, SH28).
 */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/fake_ram.h"
#include "mm/above.h"
#include "mm/framepool.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "unit/suite.h"

#define POOL_MAX	4096u	/* of framepool.c */
#define SET_ASIDE	3500u
#define VEC_PAGES	4u
#define ALL(frames)	((frames) + frame_pool_metadata(frames))

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	ck_abort_msg("nobody puts a frame here");
}

static void start(void)
{
	fake_ram_start();
}

static uint64_t set_aside(void)
{
	uint64_t n = 0;

	for (mfn_t mfn = MFN(FAKE_RESERVED); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		n += frame_valid(mfn) && fake_kind(mfn) == FRAME_POOL;
	return n;
}

static uint64_t in_heap(void)
{
	return palloc_free_count() - set_aside();
}

/* PALLOC1 */
static void check_free(uint64_t out)
{
	uint64_t free = set_aside();

	for (mfn_t mfn = MFN(FAKE_RESERVED); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		free += frame_valid(mfn) && fake_kind(mfn) == FRAME_FREE;
	ck_assert_uint_eq(palloc_free_count(), free);
	ck_assert_uint_eq(free, fake_free_at_start - out);
}

static void leave(struct frame_pool *p, uint64_t frames)
{
	frame_pool_stop(p, frames);
	while (frame_pool_give_part(p))
		;
	frame_pool_leave(p);
}

static mfn_t draw_one(struct frame_pool *p, bool beyond)
{
	uint32_t frame;

	return frame_pool_draw(p, &frame, 1, beyond) ? MFN(frame) : INVALID_MFN;
}

static mfn_t draw(struct frame_pool *p)
{
	return draw_one(p, false);
}

/* FP3, SH26: each frame of the vector is drawn equally often. */
START_TEST(draw_is_uniform)
{
	enum { DRAWS = 200000 };
	struct frame_pool *p = frame_pool_join(9, false, SET_ASIDE);
	uint32_t *hits = calloc(FAKE_FRAMES, sizeof(*hits)), frames = 0;
	double chi = 0, expect;

	for (int i = 0; i < DRAWS; i++) {
		mfn_t mfn = draw(p);

		hits[mfn_n(mfn)]++;
		frame_pool_free(p, mfn);
	}
	for (mfn_t mfn = MFN(0); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		frames += hits[mfn_n(mfn)] != 0;
	ck_assert_uint_ge(frames, 1024);
	expect = (double)DRAWS / frames;
	for (mfn_t mfn = MFN(0); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		if (hits[mfn_n(mfn)])
			chi += (hits[mfn_n(mfn)] - expect) * (hits[mfn_n(mfn)] - expect) / expect;
	/*
	 * frames - 1 degrees of freedom: mean n, deviation sqrt(2n); 5
	 * deviations.
	 */
	ck_assert_double_lt(chi, frames + 5 * 1.42 * __builtin_sqrt(frames));
	ck_assert_double_gt(chi, frames - 5 * 1.42 * __builtin_sqrt(frames));
	free(hits);
	leave(p, SET_ASIDE);
	check_free(0);
}
END_TEST

START_TEST(canonical_state)
{
	struct frame_pool *p = frame_pool_join(0x1234, true, 100);
	mfn_t mfn = draw(p);
	struct frame *f = mfn_to_frame(mfn);

	ck_assert_int_eq(fake_kind(mfn), FRAME_SHARED);
	ck_assert_uint_eq(frame_state_owner(f->state), 0x1234);
	ck_assert_uint_eq(frame_state_ref(f->state), 0);
	ck_assert_uint_eq(f->type, (uint64_t)CLASS_SHARED << TYPE_CLASS_SHIFT);
	ck_assert_uint_eq(f->hash, CANONICAL_FRESH);
	check_free(1 + VEC_PAGES);
	frame_pool_free(p, mfn);
	ck_assert_uint_eq(set_aside(), ALL(100));
	ck_assert_ptr_eq(frame_pool_of(0x1234), p);
	leave(p, 100);
	check_free(0);
	ck_assert_uint_eq(set_aside(), 0);
}
END_TEST

/*
 * What another group does with its own, by the frames that a third one sees:
 * nothing.
 */
static void work_of(struct frame_pool *p, bool matches)
{
	static mfn_t held[3000];
	void *meta[8];

	for (unsigned int i = 0; i < 3000; i++) {
		held[i] = draw(p);
		ck_assert_uint_ne(mfn_n(held[i]), mfn_n(INVALID_MFN));
		if (matches)
			frame_pool_free(p, held[i]);
	}
	for (unsigned int i = 0; i < 8; i++)
		meta[i] = frame_pool_alloc(p, 64u << i);
	if (!matches)
		for (unsigned int i = 0; i < 1500; i++)
			frame_pool_free(p, held[i]);
	for (unsigned int i = matches ? 0 : 4; i < 8; i++)
		frame_pool_alloc_free(p, meta[i], 64u << i);
}

static void observe(mfn_t *saw, bool matches)
{
	struct frame_pool *p, *q;

	/*
	 * The same machine each time, by the luck that the heap is whole at the
	 * start.
	 */
	fake_seed = 7;
	p = frame_pool_join(1, false, SET_ASIDE);
	q = frame_pool_join(2, false, 1000);
	for (unsigned int i = 0; i < 400; i++) {
		if (i == 100)
			work_of(p, matches);
		saw[3 * i] = draw(q);
		saw[3 * i + 1] = fake_owned(5, 0);
		saw[3 * i + 2] = i % 100 ? MFN(0) : fake_owned(5, 9);
	}
}

START_TEST(nobody_counts_another_group)
{
	static mfn_t saw[1200];
	unsigned int fault = 0;
	int pipes[2];

	/* Each in a machine of its own: a process. */
	ck_assert_int_eq(pipe(pipes), 0);
	for (int matches = 0; matches < 2; matches++) {
		if (fork()) {
			(void)wait(NULL);
			continue;
		}
		observe(saw, matches);
		for (unsigned int i = 0; i < 1200; i++)
			if (write(pipes[1], &saw[i], sizeof(saw[i])) < 0)
				_exit(1);
		_exit(0);
	}
	for (unsigned int i = 0; i < 1200; i++)
		ck_assert_int_eq(read(pipes[0], &saw[i], sizeof(saw[i])), 8);
	for (unsigned int i = 0; i < 1200; i++) {
		mfn_t mfn;

		ck_assert_int_eq(read(pipes[0], &mfn, sizeof(mfn)), 8);
		fault += !mfn_eq(mfn, saw[i]);
	}
	ck_assert_uint_eq(fault, 0);
}
END_TEST

/*
 * FP3: the draws of each pool are a sequence of its own, not the same on each
 * machine.
 */
static void first_draws(uint64_t seed, mfn_t *saw, int to)
{
	struct frame_pool *p;

	fake_seed = seed;
	p = frame_pool_join(1, false, SET_ASIDE);
	for (unsigned int i = 0; i < 8; i++)
		saw[i] = draw(p);
	_exit(write(to, saw, 8 * sizeof(*saw)) < 0);
}

START_TEST(draws_differ)
{
	mfn_t saw[2][8];
	int pipes[2];

	ck_assert_int_eq(pipe(pipes), 0);
	for (unsigned int i = 0; i < 2; i++) {
		if (!fork())
			first_draws(7 + i, saw[i], pipes[1]);
		(void)wait(NULL);
		ck_assert_int_eq(read(pipes[0], saw[i], sizeof(saw[i])),
				 sizeof(saw[i]));
	}
	ck_assert_mem_ne(saw[0], saw[1], sizeof(saw[0]));
}
END_TEST

/*
 * PALLOC3, FP1: frames that the heap took, since it had none, are not the
 * pool's when its slot is to be free.
 */
START_TEST(taken_by_the_heap)
{
	struct frame_pool *p = frame_pool_join(1, false, 1000);

	while (set_aside() > ALL(1000) - 10)
		ck_assert_uint_ne(mfn_n(fake_owned(2, 0)), mfn_n(INVALID_MFN));
	leave(p, 1000);
	ck_assert_uint_eq(set_aside(), 0);
	ck_assert_ptr_eq(frame_pool_join(2, false, 10), p);
}
END_TEST

/*
 * FP2: all that is set aside can be had, and beyond only where it was asked
 * for.
 */
START_TEST(bounds)
{
	struct frame_pool *p = frame_pool_join(1, false, SET_ASIDE);
	mfn_t *all = calloc(FAKE_FRAMES, sizeof(*all)), mfn;
	uint64_t n = 0, heap = in_heap();

	ck_assert_uint_eq(set_aside(), ALL(SET_ASIDE));
	while (!mfn_eq(mfn = draw(p), INVALID_MFN))
		all[n++] = mfn;
	ck_assert_uint_eq(n, ALL(SET_ASIDE));
	all[n++] = draw_one(p, true);
	ck_assert_uint_ne(mfn_n(all[n - 1]), mfn_n(INVALID_MFN));
	ck_assert_uint_eq(in_heap(), heap - 1);
	check_free(n + VEC_PAGES);
	while (n)
		frame_pool_free(p, all[--n]);
	ck_assert_uint_eq(in_heap(), heap);
	ck_assert_uint_eq(set_aside(), ALL(SET_ASIDE));
	/* PALLOC3 */
	while (!mfn_eq(fake_owned(2, 0), INVALID_MFN))
		n++;
	ck_assert_uint_eq(n, fake_free_at_start - VEC_PAGES);
	free(all);
}
END_TEST

/* overcommit=on: blocks as they are needed; the vector keeps POOL_MAX. */
START_TEST(nothing_set_aside)
{
	struct frame_pool *p = frame_pool_join(1, false, 0), *alone;
	mfn_t *all = calloc(FAKE_FRAMES, sizeof(*all)), mfn;
	uint64_t n = 0;

	alone = frame_pool_join(2, true, 0);
	ck_assert_uint_eq(set_aside(), 0);
	mfn = draw(alone);
	ck_assert_uint_lt(set_aside(), 128);
	frame_pool_free(alone, mfn);
	(void)draw(alone);
	n = set_aside();
	frame_pool_left(alone);		/* FP4: nothing is set aside for it */
	ck_assert_uint_eq(set_aside(), n);
	leave(alone, 0);
	n = 1;				/* which is a domain's now */
	ck_assert_uint_eq(set_aside(), 0);
	while (!mfn_eq(mfn = draw(p), INVALID_MFN))
		all[n++] = mfn;
	ck_assert_uint_eq(n, fake_free_at_start - VEC_PAGES);
	while (n > 1)
		frame_pool_free(p, all[--n]);
	ck_assert_uint_eq(set_aside(), POOL_MAX);
	leave(p, 0);
	check_free(1);
	ck_assert_ptr_nonnull(palloc_hv(11));
	free(all);
}
END_TEST

/* Members come and go; what the last leaves in use comes back when it does. */
START_TEST(members)
{
	struct frame_pool *p = frame_pool_join(1, false, 1500);
	mfn_t held[3] = { draw(p), draw(p), draw(p) };

	ck_assert_ptr_eq(frame_pool_join(1, false, 2500), p);
	ck_assert_uint_eq(set_aside(), ALL(1500) + ALL(2500) - 3);
	leave(p, 1500);
	ck_assert_uint_eq(set_aside(), ALL(2500) - 3);
	frame_pool_left(p);		/* one of them is a domain's now */
	ck_assert_uint_eq(set_aside(), ALL(2500) - 2);
	leave(p, 2500);
	ck_assert_uint_eq(set_aside(), 0);
	check_free(3);
	ck_assert_ptr_ne(frame_pool_join(2, false, 10), p);
	ck_assert_uint_eq(frame_pool_wait(p, held[1], 1), 1);
	ck_assert_uint_eq(frame_pool_wait(p, held[2], 2), 2);
	ck_assert_uint_eq(frame_pool_waiting(p).cpu_mask, 3);
	ck_assert_uint_eq(frame_pool_waiting(p).count, 0);
	frame_pool_free(p, held[1]);
	frame_pool_free(p, held[2]);
	check_free(1 + VEC_PAGES);
	ck_assert_ptr_eq(frame_pool_join(3, false, 10), p);
}
END_TEST

/*
 * FP5: no part is more than 64 frames one by one, or a block of 512; and
 * between two of them a member that stays draws, and puts back.
 */
static void leave_in_parts(uint64_t stays, uint64_t goes)
{
	struct frame_pool *p = frame_pool_join(1, false, stays);
	uint64_t before, parts = 0;
	mfn_t held[64];

	ck_assert_ptr_eq(frame_pool_join(1, false, goes), p);
	for (unsigned int i = 0; i < 64; i++)
		held[i] = draw(p);
	frame_pool_stop(p, goes);
	ck_assert_uint_eq(set_aside(), ALL(stays) + ALL(goes) - 64);
	for (before = set_aside(); frame_pool_give_part(p); parts++) {
		uint64_t gone = before - set_aside();

		ck_assert_uint_gt(gone, 0);
		ck_assert(gone <= 64 || gone == 512 || gone == 256 || gone == 128);
		frame_pool_free(p, held[0]);
		held[0] = draw(p);
		ck_assert_uint_ne(mfn_n(held[0]), mfn_n(INVALID_MFN));
		before = set_aside();
	}
	ck_assert_uint_gt(parts, goes / 512);
	ck_assert_uint_eq(set_aside(), ALL(stays) - 64);
	for (unsigned int i = 0; i < 64; i++)
		frame_pool_free(p, held[i]);
	ck_assert_uint_eq(set_aside(), ALL(stays));
	frame_pool_leave(p);
	leave(p, stays);
	check_free(0);
}

START_TEST(leaves_in_parts)
{
	leave_in_parts(1500, 2000);
	leave_in_parts(100, 3000);
}
END_TEST

/*
 * FP5: nobody draws meanwhile, so the store has all of it in a row: a block at
 * a time.
 */
START_TEST(leaves_in_blocks)
{
	struct frame_pool *p = frame_pool_join(1, false, 100);
	uint64_t before, most = 0;

	ck_assert_ptr_eq(frame_pool_join(1, false, 3000), p);
	frame_pool_stop(p, 3000);
	for (before = set_aside(); frame_pool_give_part(p); before = set_aside())
		most = MAX(most, before - set_aside());
	ck_assert_uint_eq(most, 512);
	frame_pool_leave(p);
	leave(p, 100);
	check_free(0);
}
END_TEST

/* FP2: what is in use beyond the target counts. */
START_TEST(joins_what_uses_more)
{
	struct frame_pool *p = frame_pool_join(1, false, 10);
	uint64_t n = 0;
	mfn_t held[100];

	while (n < ALL(10) + 3)
		held[n++] = draw_one(p, true);
	ck_assert_ptr_eq(frame_pool_join(1, false, SET_ASIDE), p);
	ck_assert_uint_eq(set_aside(), ALL(SET_ASIDE) - 3);
	while (n)
		frame_pool_free(p, held[--n]);
	ck_assert_uint_eq(set_aside(), ALL(SET_ASIDE) + ALL(10));
	leave(p, 10);
	leave(p, SET_ASIDE);
	check_free(0);
}
END_TEST

/* Two go at once, in turn; and one comes while they do. */
START_TEST(leave_and_join)
{
	struct frame_pool *p = frame_pool_join(1, false, 1000);
	mfn_t mfn = draw(p);

	ck_assert_ptr_eq(frame_pool_join(1, false, 1200), p);
	frame_pool_stop(p, 1000);
	ck_assert(frame_pool_give_part(p));
	ck_assert_ptr_eq(frame_pool_join(1, false, 700), p);
	frame_pool_stop(p, 1200);
	while (frame_pool_give_part(p))
		;
	frame_pool_leave(p);
	ck_assert_uint_eq(set_aside(), ALL(700) - 1);
	frame_pool_stop(p, 700);
	ck_assert(frame_pool_give_part(p));
	frame_pool_free(p, mfn);	/* nobody stays: to the heap */
	while (frame_pool_give_part(p))
		;
	ck_assert_uint_eq(set_aside(), 0);
	frame_pool_leave(p);
	check_free(VEC_PAGES);
	frame_pool_leave(p);
	check_free(0);
}
END_TEST

/*
 * overcommit=on: the vector of those who stay stays; of the last it goes in
 * parts too.
 */
START_TEST(leaves_in_parts_with_overcommit)
{
	struct frame_pool *p = frame_pool_join(1, false, 0);
	static mfn_t held[POOL_MAX];
	unsigned int parts = 0;

	ck_assert_ptr_eq(frame_pool_join(1, false, 0), p);
	for (unsigned int i = 0; i < POOL_MAX; i++)
		held[i] = draw(p);
	for (unsigned int i = 0; i < POOL_MAX; i++)
		frame_pool_free(p, held[i]);
	leave(p, 0);
	ck_assert_uint_ge(set_aside(), POOL_MAX - 64);
	frame_pool_stop(p, 0);
	while (frame_pool_give_part(p))
		parts++;
	ck_assert_uint_ge(parts, POOL_MAX / 64 - 1);
	frame_pool_leave(p);
	check_free(0);
}
END_TEST

/* Metadata is the group's, of any size, cleared, and comes back. */
START_TEST(metadata)
{
	struct frame_pool *p = frame_pool_join(1, false, 1000);
	static const uint8_t zero[PAGE_SIZE];
	uint64_t heap = in_heap();

	for (unsigned int round = 0; round < 2; round++) {
		uint8_t *small = frame_pool_alloc(p, 64);
		uint8_t *large = frame_pool_alloc(p, PAGE_SIZE << 3);

		ck_assert_uint_eq(set_aside(), ALL(1000) - 9);
		ck_assert_uint_eq(in_heap(), heap);
		check_free(9 + VEC_PAGES);
		for (unsigned int i = 0; i < 8; i++)
			ck_assert(!memcmp(large + i * PAGE_SIZE, zero, PAGE_SIZE));
		memset(large, 1, PAGE_SIZE << 3);
		frame_pool_alloc_free(p, small, 64);
		frame_pool_alloc_free(p, large, PAGE_SIZE << 3);
		ck_assert_uint_eq(set_aside(), ALL(1000));
	}
	/* More than there is: the heap's, and back to it. */
	frame_pool_alloc_free(p, frame_pool_alloc(p, 8 << 20), 8 << 20);
	ck_assert_uint_eq(in_heap(), heap);
	leave(p, 1000);
	check_free(0);
}
END_TEST

/* ME7: a page that was shared is clean when a domain gets it. */
START_TEST(canonical_is_scrubbed)
{
	static const uint8_t zero[PAGE_SIZE];
	struct frame_pool *p = frame_pool_join(1, false, 0);
	mfn_t mfn;

	while (!mfn_eq(mfn = draw(p), INVALID_MFN))
		memset(mfn_to_virt(mfn), 0x77, PAGE_SIZE);
	for (mfn = MFN(FAKE_RESERVED); mfn_n(mfn) < FAKE_FRAMES; mfn = mfn_add(mfn, 1))
		if (frame_valid(mfn) && fake_kind(mfn) == FRAME_SHARED)
			frame_pool_free(p, mfn);
	while (!mfn_eq(mfn = fake_owned(2, 0), INVALID_MFN))
		ck_assert(!memcmp(mfn_to_virt(mfn), zero, PAGE_SIZE));
}
END_TEST

static uint64_t free_below(mfn_t end)
{
	uint64_t free = 0;

	for (mfn_t mfn = MFN(FAKE_RESERVED); mfn_n(mfn) < mfn_n(end); mfn = mfn_add(mfn, 1))
		free += frame_valid(mfn) &&
			(fake_kind(mfn) == FRAME_FREE || fake_kind(mfn) == FRAME_POOL);
	return free;
}

/* An audit has counted half of the frames: what is drawn and freed since. */
START_TEST(draws_behind_an_audit)
{
	struct frame_pool *p = frame_pool_join(1, false, SET_ASIDE);
	mfn_t half = MFN(FAKE_FRAMES / 2);
	uint32_t frames[100], below, i;
	uint64_t free = free_below(half);

	ck_assert_uint_eq(palloc_counted(half, free), free);
	ck_assert_uint_eq(frame_pool_draw(p, frames, 100, false), 100);
	ck_assert_uint_eq(palloc_counted(half, 0), free_below(half));
	for (i = below = 0; i < 100; i++)
		below += frames[i] < mfn_n(half);
	ck_assert_uint_gt(below, 0);
	ck_assert_uint_lt(below, 100);
	for (i = 0; i < 100; i++)
		frame_pool_free(p, MFN(frames[i]));
	ck_assert_uint_eq(palloc_counted(half, 0), free);
	palloc_counted(MFN(0), 0);
	leave(p, SET_ASIDE);
	check_free(0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("pools");

	tcase_add_unchecked_fixture(tc, start, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, draw_is_uniform);
	tcase_add_test(tc, canonical_state);
	tcase_add_test(tc, nobody_counts_another_group);
	tcase_add_test(tc, draws_differ);
	tcase_add_test(tc, taken_by_the_heap);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, nothing_set_aside);
	tcase_add_test(tc, members);
	tcase_add_test(tc, joins_what_uses_more);
	tcase_add_test(tc, leaves_in_parts);
	tcase_add_test(tc, leaves_in_blocks);
	tcase_add_test(tc, leave_and_join);
	tcase_add_test(tc, leaves_in_parts_with_overcommit);
	tcase_add_test(tc, metadata);
	tcase_add_test(tc, canonical_is_scrubbed);
	tcase_add_test(tc, draws_behind_an_audit);
	return suite_run();
}
