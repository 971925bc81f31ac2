/* links: hv/mm/frame.c hv/mm/palloc.c hv/mm/buddy.c hv/mm/framepool.c hv/mm/objpool.c tests/port/port.c tests/fake/fake_ram.c */
/* SPDX-License-Identifier: MIT */
/* General references, F1-F5. */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <pthread.h>

#include "fake/fake_ram.h"
#include "mm/above.h"
#include "mm/framepool.h"
#include "mm/palloc.h"
#include "unit/suite.h"

static unsigned int freed;

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	ck_assert_uint_eq(owner, 7);
	/* PT7: it may wait here for a flush; nobody revives it meanwhile. */
	ck_assert_int_eq(frame_get(f, 7), -EPERM);
	freed++;
	palloc_free_frame(f);
}

static void start(void)
{
	fake_ram_start();
}

static void all_back(void)
{
	ck_assert_uint_eq(palloc_free_count(), fake_free_at_start);
}

START_TEST(valid_is_ram)
{
	static const struct {
		uint64_t mfn;
		bool valid;
	} cases[] = {
		{ 0, true }, { 0x9e, true }, { 0x9f, false }, { 0xff, false },
		{ 0x100, true }, { 0x17ff, true }, { 0x1800, false },
		{ FAKE_HOLE, false }, { 0x1900, true },
		{ FAKE_FRAMES - 1, true }, { FAKE_FRAMES, false },
		{ 1UL << 40, false }, { ~0UL, false },
	};

	for (unsigned int i = 0; i < ARRAY_COUNT(cases); i++)
		ck_assert_int_eq(frame_valid(MFN(cases[i].mfn)), cases[i].valid);
	ck_assert_uint_eq(mfn_n(frame_to_mfn(mfn_to_frame(MFN(0x123)))), 0x123);
}
END_TEST

/* F2, F4: owned, counted, given back at zero. */
START_TEST(life_of_an_owned_frame)
{
	struct frame *f = mfn_to_frame(fake_owned(7, 0));

	ck_assert_uint_eq(frame_state_ref(f->state), 1);
	ck_assert_int_eq(frame_get(f, 8), -EPERM);
	ck_assert_int_eq(frame_get(f, 7), 0);
	ck_assert_int_eq(frame_get_again(f), 0);
	ck_assert_uint_eq(frame_state_ref(f->state), 3);
	ck_assert(frame_test_and_clear_allocated(f));
	ck_assert(!frame_test_and_clear_allocated(f));
	frame_put(f);
	frame_put(f);
	ck_assert_uint_eq(freed, 0);
	ck_assert_int_eq(frame_get(f, 7), 0);
	frame_put(f);
	frame_put(f);
	ck_assert_uint_eq(freed, 1);
	/* F1: nobody gets a free frame, whatever number is guessed. */
	ck_assert_int_eq(frame_get(f, 7), -EPERM);
	ck_assert_int_eq(frame_get(f, 0), -EPERM);
	all_back();
}
END_TEST

/* F3: a frame of another kind is never got. */
START_TEST(kinds_that_are_refused)
{
	void *hv = palloc_hv(0);
	struct frame_pool *pool = frame_pool_join(7, true, 10);
	uint32_t canonical;

	ck_assert_uint_eq(frame_pool_draw(pool, &canonical, 1, false), 1);
	ck_assert_int_eq(frame_get(mfn_to_frame(MFN(0x110)), 0), -EPERM);
	ck_assert_int_eq(frame_get(mfn_to_frame(virt_to_mfn(hv)), 0), -EPERM);
	ck_assert_int_eq(frame_get(mfn_to_frame(MFN(canonical)), 7), -EPERM);
	ck_assert_uint_eq(fake_ref(MFN(canonical)), 0);
	palloc_hv_free(hv, 0);
	frame_pool_free(pool, MFN(canonical));
	frame_pool_stop(pool, 10);
	while (frame_pool_give_part(pool))
		;
	frame_pool_leave(pool);
	all_back();
}
END_TEST

/* F4: a heap page lives at count 0 and is freed by its owner alone. */
START_TEST(heap_frame_without_references)
{
	void *page = palloc_heap(7, 0, true);
	struct frame *f = mfn_to_frame(virt_to_mfn(page));

	ck_assert_uint_eq(frame_state_ref(f->state), 0);
	ck_assert_int_eq(frame_get(f, 8), -EPERM);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(frame_get(f, 7), 0);
		frame_put(f);
	}
	ck_assert_uint_eq(freed, 0);
	ck_assert_int_eq(frame_state_kind(f->state), FRAME_HEAP);
	f->state &= ~FRAME_NOHEAP;	/* as dom/heappages.c does */
	palloc_heap_free(page);
	all_back();
}
END_TEST

/* PT15: the count stops at its limit and does not reach the owner's bits. */
START_TEST(limit)
{
	mfn_t mfn = fake_owned(7, 0);
	struct frame *f = mfn_to_frame(mfn);
	uint64_t before = f->state;

	f->state = (f->state & ~FRAME_REF_MASK) | (FRAME_REF_MAX - 1);
	ck_assert_int_eq(frame_get(f, 7), 0);
	ck_assert_int_eq(frame_get(f, 7), -EBUSY);
	ck_assert_int_eq(frame_get_again(f), -EBUSY);
	ck_assert_uint_eq(frame_state_owner(f->state), 7);
	ck_assert_uint_eq(frame_state_ref(f->state), FRAME_REF_MAX);
	f->state = before;
	ck_assert(frame_test_and_clear_allocated(f));
	frame_put(f);
	all_back();
}
END_TEST

/* --- changing hands --- */

/* PT6, PT7: who claims knows every reference; nobody gets one then. */
START_TEST(claim)
{
	mfn_t mfn = fake_owned(7, 0);
	struct frame *f = mfn_to_frame(mfn);
	uint32_t refs;

	for (refs = 0; refs < 3; refs++) {
		uint64_t before = f->state;

		ck_assert_int_eq(frame_claim(f, 8, refs), -EBUSY);
		ck_assert_int_eq(frame_claim(f, 7, refs + 1), -EBUSY);
		if (refs)
			ck_assert_int_eq(frame_claim(f, 7, refs - 1), -EBUSY);
		ck_assert_uint_eq(f->state, before);
		ck_assert_int_eq(frame_claim(f, 7, refs), 0);
		ck_assert_uint_eq(fake_kind(mfn), FRAME_HV);
		ck_assert_int_eq(frame_get(f, 7), -EPERM);
		ck_assert_int_eq(frame_claim(f, 7, refs), -EBUSY);
		frame_unclaim(f, 7, refs);
		ck_assert_uint_eq(f->state, before);
		ck_assert_int_eq(frame_get(f, 7), 0);
	}
	/*
	 * Given back by its owner: it is not his any more, whoever still holds
	 * it.
	 */
	ck_assert(frame_test_and_clear_allocated(f));
	frame_put(f);
	ck_assert_int_eq(frame_claim(f, 7, 2), -EBUSY);
	ck_assert_int_eq(frame_claim(f, 7, 3), -EBUSY);
	while (fake_ref(mfn) && fake_kind(mfn) == FRAME_OWNED)
		frame_put(f);
	ck_assert_uint_eq(freed, 1);
	all_back();
}
END_TEST

/* The kind alone makes the difference. */
START_TEST(claim_looks_at_the_kind)
{
	struct frame *f = mfn_to_frame(fake_owned(7, 0));
	uint64_t was = f->state;

	for (uint64_t kind = 0; kind < 16; kind++) {
		if (kind == FRAME_OWNED)
			continue;
		f->state = (was & ~FRAME_KIND_MASK) | kind << FRAME_KIND_SHIFT;
		ck_assert_int_eq(frame_claim(f, 7, 0), -EBUSY);
	}
	f->state = was;
	ck_assert_int_eq(frame_claim(f, 7, 0), 0);
	frame_unclaim(f, 7, 0);
	ck_assert(frame_test_and_clear_allocated(f));
	frame_put(f);
	all_back();
}
END_TEST

/* PT21: nothing but a domain's page is claimed. */
START_TEST(claim_of_other_kinds)
{
	void *hv = palloc_hv(0), *heap = palloc_heap(7, 0, true);
	struct frame_pool *pool = frame_pool_join(7, true, 10);
	uint32_t canonical;

	ck_assert_uint_eq(frame_pool_draw(pool, &canonical, 1, false), 1);
	ck_assert_int_eq(frame_claim(mfn_to_frame(MFN(0x110)), 0, 0), -EBUSY);
	ck_assert_int_eq(frame_claim(mfn_to_frame(virt_to_mfn(hv)), 0, 0),
			 -EBUSY);
	ck_assert_int_eq(frame_claim(mfn_to_frame(virt_to_mfn(heap)), 7, 0),
			 -EBUSY);
	ck_assert_int_eq(frame_claim(mfn_to_frame(MFN(canonical)), 7, 0), -EBUSY);
	mfn_to_frame(virt_to_mfn(heap))->state &= ~FRAME_NOHEAP;
	palloc_heap_free(heap);
	palloc_hv_free(hv, 0);
	frame_pool_free(pool, MFN(canonical));
	frame_pool_stop(pool, 10);
	while (frame_pool_give_part(pool))
		;
	frame_pool_leave(pool);
	all_back();
}
END_TEST

/* With all the references that come with it, at once. */
START_TEST(publish)
{
	mfn_t mfn = virt_to_mfn(palloc_hv(0));
	struct frame *f = mfn_to_frame(mfn);

	frame_publish(f, 7, 2);
	ck_assert_uint_eq(fake_ref(mfn), 3);
	ck_assert_uint_eq(frame_state_owner(f->state), 7);
	ck_assert_int_eq(frame_claim(f, 7, 2), 0);
	palloc_hv_free(mfn_to_virt(mfn), 0);
	all_back();
}
END_TEST

#define CPUS	4
#define ROUNDS	40000

static struct frame *hot;
/* claimers who think that it is theirs; atomic */
static uint32_t owned_by;
static uint32_t claims, gets, gifts;	/* atomic */

/*
 * PT7: its owner's CPUs reference it, give it back, and claim it, all at once.
 */
static void *cpu(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (frame_get(hot, 7))
			continue;
		__atomic_add_fetch(&gets, 1, __ATOMIC_RELAXED);
		/* Referenced: it is a page of 7's, for whoever looks (F3). */
		CHECK(frame_state_kind(frame_state(hot)) == FRAME_OWNED);
		if ((i + me) % 2 && !frame_claim(hot, 7, 1)) {
			CHECK(__atomic_add_fetch(&owned_by, 1,
						 __ATOMIC_SEQ_CST) == 1);
			CHECK(frame_get(hot, 7) == -EPERM);
			CHECK(!frame_test_and_clear_allocated(hot));
			__atomic_add_fetch(&claims, 1, __ATOMIC_RELAXED);
			__atomic_sub_fetch(&owned_by, 1, __ATOMIC_SEQ_CST);
			frame_publish(hot, 7, 0);
			continue;
		}
		/* As a give-back and its undoing: no claim comes in between. */
		if (me == 0 && frame_test_and_clear_allocated(hot)) {
			CHECK(frame_claim(hot, 7, 1) == -EBUSY);
			__atomic_fetch_or(&hot->state, FRAME_ALLOCATED,
					  __ATOMIC_SEQ_CST);
			__atomic_add_fetch(&gifts, 1, __ATOMIC_RELAXED);
		}
		frame_put(hot);
	}
	return NULL;
}

START_TEST(PT7_threads)
{
	mfn_t mfn = fake_owned(7, 0);
	pthread_t t[CPUS];

	hot = mfn_to_frame(mfn);
	for (uintptr_t i = 0; i < CPUS; i++)
		pthread_create(&t[i], NULL, cpu, (void *)i);
	for (int i = 0; i < CPUS; i++)
		pthread_join(t[i], NULL);
	/* on a busy machine they may not have met: each branch was seen */
	cpu(0);
	ck_assert_uint_eq(fake_kind(mfn), FRAME_OWNED);
	ck_assert_uint_eq(fake_ref(mfn), 1);
	ck_assert_uint_gt(claims, 0);
	ck_assert_uint_gt(gets, claims);
	ck_assert_uint_gt(gifts, 0);
	ck_assert_uint_eq(freed, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("frame");

	tcase_add_unchecked_fixture(tc, start, NULL);
	tcase_add_test(tc, valid_is_ram);
	tcase_add_test(tc, life_of_an_owned_frame);
	tcase_add_test(tc, kinds_that_are_refused);
	tcase_add_test(tc, heap_frame_without_references);
	tcase_add_test(tc, limit);
	tcase_add_test(tc, claim);
	tcase_add_test(tc, claim_looks_at_the_kind);
	tcase_add_test(tc, claim_of_other_kinds);
	tcase_add_test(tc, publish);
	tcase_add_test(tc, PT7_threads);
	return suite_run();
}
