/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * The content index: adding, finding, removing, several frames a hash, locks.
 */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake/fake_share_ops.h"
#include "unit/suite.h"
#include <hash/index.h>

static struct fake_machine machine;
static struct lintab_mem mem;
static struct index idx;

static void setup(void)
{
	fake_machine_init(&machine, 1, 0);
	mem = (struct lintab_mem){ fake_share_ops.alloc, fake_share_ops.free,
				   &machine };
	ck_assert(index_init(&idx, &mem));
}

static void teardown(void)
{
	index_fini(&idx);
	fake_machine_fini(&machine);
}

static uint64_t hash_of(uint32_t n)
{
	uint64_t seed = n;

	return fake_random(&seed);
}

static void add_at_end(uint64_t hash, uint32_t frame, struct lintab_room *room)
{
	struct lintab_cursor c;

	index_seek(&idx, hash, &c);
	index_add(&idx, &c, hash, frame, room);
}

static bool add(uint64_t hash, uint32_t frame)
{
	struct lintab_room room = { NULL };

	if (!index_room_get(&idx, &room))
		return false;
	index_lock(&idx, hash);
	add_at_end(hash, frame, &room);
	index_unlock(&idx, hash);
	index_balance(&idx);
	index_room_put(&idx, &room);
	return true;
}

static void take(uint64_t hash, uint32_t frame)
{
	index_lock(&idx, hash);
	index_remove(&idx, hash, frame);
	index_unlock(&idx, hash);
	index_balance(&idx);
}

START_TEST(finds_what_was_added)
{
	for (uint32_t n = 0; n < 5000; n++)
		ck_assert(add(hash_of(n), n));
	ck_assert_uint_eq(index_count(&idx), 5000);
	ck_assert(index_is_valid(&idx));
	for (uint32_t n = 0; n < 5000; n++) {
		ck_assert(index_has(&idx, hash_of(n), n));
		ck_assert(!index_has(&idx, hash_of(n), n + 1));
		ck_assert(!index_has(&idx, hash_of(n + 5000), n));
	}
	for (uint32_t n = 0; n < 5000; n++)
		take(hash_of(n), n);
	ck_assert_uint_eq(index_count(&idx), 0);
}
END_TEST

START_TEST(one_hash_many_frames)
{
	struct lintab_cursor c;
	uint32_t frame, seen = 0;

	for (uint32_t f = 0; f < 30; f++)
		ck_assert(add(42ULL << 32, f));
	index_seek(&idx, 42ULL << 32, &c);
	while (index_next(&idx, 42ULL << 32, &c, &frame))
		seen |= 1u << frame;
	ck_assert_uint_eq(seen, (1u << 30) - 1);
	for (uint32_t f = 0; f < 30; f++)
		take(42ULL << 32, f);
}
END_TEST

START_TEST(first_and_last_frame_number)
{
	ck_assert(add(1, 0));
	ck_assert(add(1, INDEX_MAX_FRAME));
	ck_assert(index_has(&idx, 1, 0));
	ck_assert(index_has(&idx, 1, INDEX_MAX_FRAME));
	take(1, 0);
	take(1, INDEX_MAX_FRAME);
}
END_TEST

START_TEST(room_stays_until_it_is_needed)
{
	struct lintab_room room = { NULL };
	uint64_t before = index_bytes(&idx), with;

	ck_assert(index_room_get(&idx, &room));
	with = index_bytes(&idx);
	ck_assert_uint_gt(with, before);
	/* No balance: the bucket is full at 8. */
	machine.fail_from = 1;
	for (uint32_t f = 0; f < 9; f++) {
		ck_assert(index_room_get(&idx, &room));
		add_at_end(7, f, &room);
	}
	ck_assert(!room.node);
	ck_assert(!index_room_get(&idx, &room));
	machine.fail_from = 0;
	ck_assert(index_room_get(&idx, &room));
	ck_assert_uint_gt(index_bytes(&idx), with);
	index_room_put(&idx, &room);
	ck_assert_uint_eq(index_bytes(&idx), with);
	for (uint32_t f = 0; f < 9; f++)
		index_remove(&idx, 7, f);
	ck_assert_uint_eq(index_bytes(&idx), before);
}
END_TEST

START_TEST(walk_sees_each_once)
{
	static uint8_t seen[700];
	struct lintab_cursor c = { .chunk = NULL };
	uint32_t bucket = 0, tag, frame;

	memset(seen, 0, sizeof(seen));
	for (uint32_t n = 0; n < 700; n++)
		ck_assert(add(hash_of(n), n));
	while (index_walk(&idx, &bucket, &c, &tag, &frame)) {
		ck_assert_uint_eq(tag, index_tag(hash_of(frame)));
		ck_assert_uint_eq(seen[frame]++, 0);
	}
	for (uint32_t n = 0; n < 700; n++) {
		ck_assert_uint_eq(seen[n], 1);
		take(hash_of(n), n);
	}
}
END_TEST

/* At any size from 2^10 on, growing and shrinking: 12 bytes an entry. */
START_TEST(memory_of_an_entry)
{
	enum { MOST = 70000 };

	for (uint32_t n = 0; n < MOST; n++) {
		ck_assert(add(hash_of(n), n));
		ck_assert(n < 1023 || index_bytes(&idx) <= 12 * index_count(&idx));
	}
	for (uint32_t n = MOST; n--; ) {
		take(hash_of(n), n);
		ck_assert(n < 1024 || index_bytes(&idx) <= 12 * index_count(&idx));
	}
}
END_TEST

static unsigned int locks;

static void count_lock(void)
{
	locks++;
}

/*
 * A step is made by one CPU at a time, under the lock of the stripe that it
 * moves.
 */
START_TEST(steps_are_locked)
{
	unsigned int steps = 0;
	uint32_t n;

	idx.stepping = 1;	/* another CPU's: so none of ours */
	for (n = 0; n < 20000 && !lintab_step_wanted(&idx.table); n++)
		ck_assert(add(hash_of(n), n));
	for (steps = 0; steps < 100; steps++, n++)
		ck_assert(add(hash_of(n), n));
	ck_assert(lintab_step_wanted(&idx.table));
	idx.stepping = steps = 0;
	port_on_lock = count_lock;
	for (; lintab_step_wanted(&idx.table); steps++)
		index_balance(&idx);
	port_on_lock = NULL;
	ck_assert_uint_gt(steps, 0);
	ck_assert_uint_ge(locks, steps);
	while (n--)
		take(hash_of(n), n);
}
END_TEST

START_TEST(frame_that_does_not_fit_panics)
{
	add(1, INDEX_MAX_FRAME + 1);
	_exit(0);	/* before anything else finds it */
}
END_TEST

START_TEST(removing_what_is_not_there_panics)
{
	index_remove(&idx, 1, 1);
}
END_TEST

START_TEST(two_stripes_at_once_panic)
{
	index_lock(&idx, 0);
	index_lock(&idx, 1ULL << 63);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("index");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, finds_what_was_added);
	tcase_add_test(tc, one_hash_many_frames);
	tcase_add_test(tc, first_and_last_frame_number);
	tcase_add_test(tc, room_stays_until_it_is_needed);
	tcase_add_test(tc, walk_sees_each_once);
	tcase_add_test(tc, memory_of_an_entry);
	tcase_add_test(tc, steps_are_locked);
	tcase_add_test_raise_signal(tc, frame_that_does_not_fit_panics, 6);
	tcase_add_test_raise_signal(tc, removing_what_is_not_there_panics, 6);
	tcase_add_test_raise_signal(tc, two_stripes_at_once_panic, 6);
	return suite_run();
}
