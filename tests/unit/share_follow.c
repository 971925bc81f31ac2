/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * share/follow.c: pages that come in a known order are compared, not hashed;
 * and what is expected never decides anything.
 */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share.h"
#include "share/impl.h"
#include "unit/suite.h"

#define FIRST	10u	/* own frames that hold the pages of a batch */
#define FILE_PAGES	40u

static struct share_dom *a, *b, *other;	/* a and b in one group */
static uint64_t hashes, compares;
/* compares with this frame are counted apart */
static uint32_t watched;
static uint64_t with_watched;
/* of these compares, those without the lock of the frame's stripe */
static uint64_t unlocked;
static bool colliding;		/* all pages have one hash */

static uint64_t counting_hash(const void *page, const uint8_t *secret)
{
	hashes++;
	return colliding ? 77 : page_hash(page, secret);
}

static bool counting_equal(const void *x, const void *y)
{
	struct index_stripe *stripe;

	compares++;
	if (watched && (x == fake_page(&machine, watched) ||
			y == fake_page(&machine, watched))) {
		stripe = &a->group->index.stripe[index_stripe_number(machine.records[watched].hash)];
		with_watched++;
		unlocked += !spin_is_locked(&stripe->lock);
	}
	return page_equal(x, y);
}

static struct page_fns fns = {
	.hash = counting_hash,
	.equal = counting_equal,
	.is_zero = page_is_zero,
	.copy = page_copy,
	.clear = page_clear,
};

static void setup(void)
{
	fake_share_create(&fns);
	a = share_dom_create(share, 5, 100);
	b = share_dom_create(share, 5, 100);
	other = share_dom_create(share, 6, 100);
	ck_assert(a && b && other);
	hashes = compares = with_watched = watched = unlocked = 0;
	colliding = false;
}

static void teardown(void)
{
	fake_audit(share);
	fake_dom_end(a);
	fake_dom_end(b);
	fake_dom_end(other);
	fake_share_destroy();
}

/* Contents from `first` on, in one batch; where they are -> frames. */
static void offer_file(struct share_dom *d, uint64_t first, uint32_t count,
		       uint32_t *frames)
{
	struct share_page pages[FILE_PAGES];

	for (uint32_t i = 0; i < count; i++) {
		fake_content(&machine, FIRST + i, first + i);
		pages[i] = (struct share_page){ .frame = FIRST + i, .pfn = first + i,
						.mappings = 1 };
	}
	share_offer_batch(d, pages, count);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_int_eq(pages[i].result, SHARE_OK);
		ck_assert(page_equal(fake_page(&machine, FIRST + i),
				     fake_page(&machine, pages[i].canonical)));
		frames[i] = pages[i].canonical;
	}
}

/* The second guest's file: a few pages are hashed until it is recognised. */
START_TEST(file_in_order_is_not_hashed)
{
	uint32_t first[FILE_PAGES], second[FILE_PAGES];

	offer_file(a, 100, FILE_PAGES, first);
	ck_assert_uint_eq(hashes, FILE_PAGES);
	offer_file(b, 100, FILE_PAGES, second);
	ck_assert_mem_eq(first, second, sizeof(first));
	ck_assert_uint_le(hashes, FILE_PAGES + 6);
	/* One compare a page, however it was found. */
	ck_assert_uint_eq(compares, FILE_PAGES);
	ck_assert_uint_eq(machine.records[first[7]].holders, 2);
	ck_assert_uint_eq(machine.records[first[7]].next, first[8] + 1);
}
END_TEST

/* One page a call: what is expected is kept from call to call. */
START_TEST(calls_of_one_page)
{
	uint32_t frames[FILE_PAGES];

	offer_file(a, 100, FILE_PAGES, frames);
	hashes = 0;
	for (uint32_t i = 0; i < FILE_PAGES; i++)
		ck_assert_uint_eq(fake_offer(b, 100 + i), frames[i]);
	ck_assert_uint_le(hashes, 2);
}
END_TEST

/* Streams of several domains do not meet. */
START_TEST(interleaved)
{
	uint32_t frames[FILE_PAGES];

	offer_file(a, 100, FILE_PAGES, frames);
	hashes = 0;
	for (uint32_t i = 0; i < FILE_PAGES; i++) {
		ck_assert_uint_eq(fake_offer(b, 100 + i), frames[i]);
		ck_assert_uint_eq(fake_offer(a, 100 + (i + 20) % FILE_PAGES),
				  frames[(i + 20) % FILE_PAGES]);
	}
	/* a begins in the middle of what it expects, and goes once around */
	ck_assert_uint_le(hashes, 8);
}
END_TEST

START_TEST(near_copy)
{
	uint32_t frames[FILE_PAGES], frame;

	offer_file(a, 100, FILE_PAGES, frames);
	hashes = 0;
	for (uint32_t i = 0; i < FILE_PAGES; i++) {
		bool changed = i % 8 == 5;

		frame = fake_offer(b, changed ? 1000 + i : 100 + i);
		ck_assert_int_eq(frame == frames[i], !changed);
	}
	ck_assert_uint_le(hashes, 2 + FILE_PAGES / 8);
	/* The file's own order stays. */
	ck_assert_uint_eq(machine.records[frames[12]].next, frames[13] + 1);
}
END_TEST

/* Zero pages are passed over, whoever has them where. */
START_TEST(zero_pages_between)
{
	uint32_t frames[FILE_PAGES];

	offer_file(a, 100, FILE_PAGES, frames);
	hashes = 0;
	for (uint32_t i = 0; i < FILE_PAGES; i++) {
		(void)fake_offer(b, 0);
		ck_assert_uint_eq(fake_offer(b, 100 + i), frames[i]);
	}
	ck_assert_uint_le(hashes, 2);
}
END_TEST

/* Another order costs no further compare. */
START_TEST(other_order)
{
	uint32_t frames[FILE_PAGES];

	offer_file(a, 100, FILE_PAGES, frames);
	hashes = compares = 0;
	for (uint32_t i = 0; i < FILE_PAGES; i++) {
		uint32_t n = i * 27 % FILE_PAGES;

		ck_assert_uint_eq(fake_offer(b, 100 + n), frames[n]);
	}
	ck_assert_uint_eq(hashes, FILE_PAGES);
	ck_assert_uint_eq(compares, FILE_PAGES);
}
END_TEST

/* A content that is new to d's group, into a frame that is free. */
static void offer_into(struct share_dom *d, uint64_t content, uint64_t pfn,
		       uint32_t frame)
{
	uint32_t count = machine.pool_count, at = 0, got;

	while (machine.pool[at] != frame)
		at++;
	machine.pool[at] = machine.pool[0];
	machine.pool[0] = frame;
	machine.pool_count = 1;
	fake_content(&machine, 1, content);
	ck_assert_int_eq(share_offer(d, 1, pfn, 1, &got), SHARE_OK);
	ck_assert_uint_eq(got, frame);
	machine.pool[0] = machine.pool[count - 1];
	machine.pool_count = count - 1;
}

/* b is after frames[0] of three, and expects frames[1]. */
static void expect_second(uint32_t *frames)
{
	offer_file(a, 100, 3, frames);
	for (uint32_t i = 0; i < 3; i++)
		(void)fake_offer(b, 100 + i);
	fake_drop_all(b);
	ck_assert_uint_eq(fake_offer(b, 100), frames[0]);
	ck_assert_uint_eq(b->follow.ahead[0], frames[1] + 1);
	hashes = compares = 0;
	watched = frames[1];
}

/* FOL2: the frame went to another group, with the same content. */
START_TEST(frame_of_another_group)
{
	uint32_t frames[3];

	expect_second(frames);
	share_drop(a, frames[1], 1, false);
	offer_into(other, 101, 1, frames[1]);
	ck_assert_uint_ne(fake_offer(b, 101), frames[1]);
	ck_assert_uint_eq(with_watched, 0);
	ck_assert_uint_eq(machine.records[frames[1]].holders, 1);
}
END_TEST

/*
 * FOL2: the frame is something else now, of an owner with the group's number.
 */
START_TEST(frame_of_another_kind)
{
	uint32_t frames[3];
	struct share_record *r;

	expect_second(frames);
	share_drop(a, frames[1], 1, false);
	r = &machine.records[frames[1]];
	*r = (struct share_record){ .count = 3, .group = 5, .kind = FAKE_KIND - 2,
				    .holders = 7, .next = frames[2] + 1,
				    .hash = 0x1234 };
	ck_assert_uint_ne(fake_offer(b, 101), frames[1]);
	ck_assert_uint_eq(with_watched, 0);
	ck_assert_uint_eq(r->count, 3);
	ck_assert_uint_eq(r->holders, 7);
	*r = (struct share_record){ 0 };
}
END_TEST

/* The same number, another content: compared, and not believed. */
START_TEST(frame_of_another_content)
{
	uint32_t frames[3];

	expect_second(frames);
	share_drop(a, frames[1], 1, false);
	offer_into(a, 500, 1, frames[1]);
	ck_assert_uint_ne(fake_offer(b, 101), frames[1]);
	ck_assert_uint_eq(with_watched, 1);
}
END_TEST

/* The successor's place is free again for what follows now. */
START_TEST(stale_successor_is_replaced)
{
	uint32_t frames[3], again;

	expect_second(frames);
	again = machine.pool[0];
	share_drop(a, frames[1], 1, false);
	offer_into(b, 101, 101, again);
	ck_assert_uint_eq(machine.records[frames[0]].next, again + 1);
}
END_TEST

/* The same if another domain was first. */
START_TEST(stale_successor_is_replaced_by_a_match)
{
	uint32_t frames[3], again;

	expect_second(frames);
	again = machine.pool[0];
	share_drop(a, frames[1], 1, false);
	offer_into(a, 101, 101, again);
	ck_assert_uint_eq(fake_offer(b, 101), again);
	ck_assert_uint_eq(machine.records[frames[0]].next, again + 1);
}
END_TEST

/* Of two frames of a content that is joined which a look-up finds. */
START_TEST(twins)
{
	uint32_t before, first, second;

	ck_assert_int_eq(fake_try_offer(a, 101, SHARE_DOM_CAP, &first), SHARE_OK);
	before = fake_offer(a, 100);
	second = fake_offer(a, 101);
	ck_assert_uint_ne(second, first);
	ck_assert_uint_eq(machine.records[before].next, second + 1);
	ck_assert_uint_eq(fake_offer(b, 100), before);
	b->follow.ahead[0] = second + 1;
	ck_assert_uint_eq(fake_offer(b, 101), first);
}
END_TEST

/* A domain with replicas looks at all frames of a hash. */
START_TEST(replicas_with_equal_hashes)
{
	uint32_t frames[2], frame;

	colliding = true;
	offer_file(a, 100, 2, frames);
	ck_assert(share_dom_one_pfn(b, true));
	share_dom_replicas(b, true);
	ck_assert_uint_eq(fake_offer(b, 100), frames[0]);
	b->follow.ahead[0] = frames[1] + 1;
	ck_assert_int_eq(fake_try_offer(b, 101, 1, &frame), SHARE_OK);
	ck_assert_uint_ne(frame, frames[1]);
}
END_TEST

/* FOL4: nothing is written to a frame that the domain gave up. */
START_TEST(record_of_a_frame_that_went)
{
	uint32_t frame = fake_offer(a, 100);

	share_drop(a, frame, 1, false);
	ck_assert_uint_eq(machine.records[frame].next, 0);
	offer_into(a, 101, 101, machine.pool[0]);
	ck_assert_uint_eq(machine.records[frame].next, 0);
}
END_TEST

/*
 * FOL5: the frame that the last page joined went, and came back as a replica,
 * or as the zero page's: it gets no successor.
 */
START_TEST(last_frame_is_a_replica_now)
{
	struct share_dom *c = share_dom_create(share, 5, 100);
	uint64_t again = _i ? 0 : 100;
	uint32_t last;

	ck_assert(share_dom_one_pfn(c, true));
	share_dom_replicas(c, true);
	offer_into(c, 100, 1, machine.pool[0]);
	offer_into(c, 200, 2, last = machine.pool[0]);
	share_drop(c, last, 1, false);
	offer_into(c, again, 3, last);
	offer_into(c, 300, 4, machine.pool[0]);
	ck_assert_uint_eq(machine.records[last].next, _i ? FOLLOW_NONE : FOLLOW_REPLICA);
	fake_audit(share);
	fake_dom_end(c);
}
END_TEST

/*
 * FOL2: a drawn frame has a hash that says nothing; when it joins the index it
 * is by another one, under a lock that is not held here.
 */
START_TEST(frame_is_only_drawn)
{
	uint32_t frames[3], frame;

	expect_second(frames);
	for (uint64_t hash = 0; hash < 2; hash++) {
		uint64_t was = machine.records[frames[1]].hash;

		b->follow.ahead[0] = frames[1] + 1;
		machine.records[frames[1]].hash = hash;
		fake_content(&machine, 1, 101);
		ck_assert_int_eq(share_offer(b, 1, 101, 1, &frame), SHARE_OK);
		ck_assert_uint_eq(with_watched, 0);
		share_drop(b, frame, 1, false);
		machine.records[frames[1]].hash = was;
	}
}
END_TEST

/* A follower's hold, budget and pfn are as by a look-up. */
START_TEST(refusals_are_the_same)
{
	uint32_t frames[3], frame;

	expect_second(frames);
	share_dom_set_budget(b, 1);
	ck_assert_int_eq(fake_try_offer(b, 101, 1, &frame), SHARE_ERR_LIMIT);
	share_dom_set_budget(b, 100);
	ck_assert_uint_eq(fake_offer(b, 101), frames[1]);
	ck_assert_int_eq(fake_try_offer(b, 102, SHARE_DOM_CAP + 1, &frame),
			 SHARE_ERR_COUNT);
	ck_assert_uint_eq(fake_offer(b, 102), frames[2]);
}
END_TEST

/* FOL5: a domain with replicas joins the group's first frame first. */
START_TEST(replicas)
{
	uint32_t frames[3], again[3], frame;

	offer_file(a, 100, 3, frames);
	ck_assert(share_dom_one_pfn(b, true));
	share_dom_replicas(b, true);
	for (unsigned int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 3; i++) {
			fake_content(&machine, 1, 100 + i);
			ck_assert_int_eq(share_offer(b, 1, 10 * round + i, 1,
						     &frame), SHARE_OK);
			ck_assert_int_eq(frame == frames[i], !round);
			ck_assert(page_equal(fake_page(&machine, 1),
					     fake_page(&machine, frame)));
			ck_assert_int_eq(!!(machine.records[frame].next &
					    FOLLOW_REPLICA), !!round);
		}
	/* Expected, and held for another page. */
	b->follow.ahead[0] = frames[0] + 1;
	fake_content(&machine, 1, 100);
	ck_assert_int_eq(share_offer(b, 1, 99, 1, &frame), SHARE_OK);
	ck_assert_uint_ne(frame, frames[0]);
	fake_audit(share);
	fake_drop_all(b);
	offer_file(b, 100, 3, again);
	ck_assert_mem_eq(frames, again, sizeof(frames));
}
END_TEST

/* FOL5: the frame is a replica of the content now; the first one is joined. */
START_TEST(frame_is_a_replica_now)
{
	uint32_t frames[3], first = machine.pool[0];
	struct share_dom *c = share_dom_create(share, 5, 100);

	ck_assert(share_dom_one_pfn(c, true));
	share_dom_replicas(c, true);
	expect_second(frames);
	share_drop(a, frames[1], 1, false);
	while (first == frames[0] || first == frames[2] || first == frames[1])
		first++;
	offer_into(c, 101, 1, first);
	offer_into(c, 101, 2, frames[1]);
	ck_assert_uint_eq(fake_offer(b, 101), first);
	ck_assert_uint_eq(with_watched, 0);
	fake_dom_end(c);
}
END_TEST

/*
 * FOL2: no holder can drop the expected frame between the compare and the join:
 * both are under the stripe's lock.
 */
START_TEST(compared_with_the_lock)
{
	uint32_t frames[3];

	expect_second(frames);
	ck_assert_uint_eq(fake_offer(b, 101), frames[1]);
	ck_assert_uint_eq(with_watched, 1);
	ck_assert_uint_eq(unlocked, 0);
}
END_TEST

START_TEST(audit_sees_a_wrong_mark)
{
	uint32_t frame = fake_offer(a, 100);
	uint64_t errors;

	machine.records[frame].next |= FOLLOW_REPLICA;
	errors = share_audit(share, NULL, NULL, &(uint64_t){ 0 });
	machine.records[frame].next &= ~FOLLOW_REPLICA;
	ck_assert_uint_eq(errors, 1);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, file_in_order_is_not_hashed);
	tcase_add_test(tc, calls_of_one_page);
	tcase_add_test(tc, interleaved);
	tcase_add_test(tc, near_copy);
	tcase_add_test(tc, zero_pages_between);
	tcase_add_test(tc, other_order);
	tcase_add_test(tc, frame_of_another_group);
	tcase_add_test(tc, frame_of_another_kind);
	tcase_add_test(tc, frame_of_another_content);
	tcase_add_test(tc, stale_successor_is_replaced);
	tcase_add_test(tc, stale_successor_is_replaced_by_a_match);
	tcase_add_test(tc, twins);
	tcase_add_test(tc, replicas_with_equal_hashes);
	tcase_add_test(tc, record_of_a_frame_that_went);
	tcase_add_loop_test(tc, last_frame_is_a_replica_now, 0, 2);
	tcase_add_test(tc, frame_is_only_drawn);
	tcase_add_test(tc, refusals_are_the_same);
	tcase_add_test(tc, replicas);
	tcase_add_test(tc, frame_is_a_replica_now);
	tcase_add_test(tc, compared_with_the_lock);
	tcase_add_test(tc, audit_sees_a_wrong_mark);
	return suite_run();
}
