/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * The growing table by itself: nothing lost or doubled in any shape
 * (LIN1-LIN3), small steps, memory near the entries, failing memory harmless.
 */
#include <check.h>
#include <stdlib.h>

#include "fake/fake_share_ops.h"
#include "unit/suite.h"
#include <hash/lintab.h>

struct entry8 {
	uint32_t key, place;
};

struct entry12 {
	uint32_t key, place, value;
};

static const struct lintab_kind kinds[] = {
	{ 64, 64, 8, true, 7, 7, 3, 116, 150, 1024, 4, false },
	{ 256, 64, 12, false, 20, 4, 0, 307, 307, 0, 4, false },
	{ 64, 64, 8, true, 7, 7, 0, 116, 116, 0, 4, false },
};

static struct fake_machine machine;
static struct lintab_mem mem;
static struct lintab table;

static void setup(void)
{
	fake_machine_init(&machine, 1, 0);
	mem = (struct lintab_mem){ fake_share_ops.alloc, fake_share_ops.free,
				   &machine };
}

static void teardown(void)
{
	fake_machine_fini(&machine);
}

/* Keys are 0, 1, 2 ...; their places look random and are all different. */
static uint32_t key_place(uint32_t key)
{
	key = (key ^ key >> 16) * 0x85ebca6b;
	key = (key ^ key >> 13) * 0xc2b2ae35;
	return key ^ key >> 16;
}

static void *find_at(uint32_t key, struct lintab_cursor *c)
{
	struct entry8 *e;

	lintab_seek(&table, key_place(key), c);
	while ((e = lintab_next(table.kind, c)))
		if (e->key >> 1 == key)
			return e;
	return NULL;
}

static void *find(uint32_t key)
{
	struct lintab_cursor c;

	return find_at(key, &c);
}

/* What the limits of a shape stand for: the fill that the kind asks for. */
static int step_by_fill(void)
{
	uint64_t buckets = lintab_bucket_count(&table), have = lintab_count(&table) * 16;
	uint64_t fill = buckets < table.kind->small ? table.kind->fill16_small :
						      table.kind->fill16;

	if (have > buckets * fill)
		return 1;
	return buckets > 2u << table.kind->level &&
	       have + 16 < (buckets - 1) * fill * 63 / 64 ? -1 : 0;
}

static void balance(void)
{
	int direction = lintab_step_wanted(&table);

	ck_assert_int_eq(direction, step_by_fill());
	if (direction)
		lintab_step(&table, direction);
}

static bool put(uint32_t key)
{
	struct entry12 e = { key << 1 | 1, key_place(key), ~key };
	struct lintab_room room = { NULL };
	struct lintab_cursor c;

	if (!lintab_room_get(&table, &room))
		return false;
	lintab_seek(&table, e.place, &c);
	lintab_put(&table, table.kind, &c, &e, &room);
	lintab_room_put(&table, &room);
	balance();
	return true;
}

static void cut(uint32_t key)
{
	struct lintab_cursor c;

	ck_assert(find_at(key, &c));
	lintab_cut(&table, table.kind, &c);
	balance();
}

START_TEST(grows_and_shrinks_one_by_one)
{
	const uint32_t n = 6000;

	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	for (uint32_t k = 0; k < n; k++) {
		ck_assert(put(k));
		ck_assert_uint_eq(lintab_count(&table), k + 1);
		if (k % 37 == 0)
			ck_assert(lintab_is_valid(&table));
	}
	for (uint32_t k = 0; k < n; k++)
		ck_assert(find(k));
	ck_assert(!find(n));
	for (uint32_t k = 0; k < n; k++) {
		cut(k);
		ck_assert(!find(k));
		if (k % 37 == 0)
			ck_assert(lintab_is_valid(&table));
	}
	ck_assert_uint_eq(lintab_bucket_count(&table), 2u << kinds[_i].level);
	lintab_fini(&table);
}
END_TEST

/* Values stay with their keys, in every kind of entry. */
START_TEST(entries_keep_their_bytes)
{
	ck_assert(lintab_init(&table, &kinds[1], &mem));
	for (uint32_t k = 0; k < 3000; k++)
		ck_assert(put(k));
	for (uint32_t k = 0; k < 3000; k++)
		ck_assert_uint_eq(((struct entry12 *)find(k))->value, ~k);
	for (uint32_t k = 0; k < 3000; k++)
		cut(k);
	lintab_fini(&table);
}
END_TEST

START_TEST(memory_stays_near_the_entries)
{
	static const unsigned int small10[] = { 130, 170, 130 };
	static const unsigned int large10[] = { 122, 162, 122 };

	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	for (uint32_t k = 0; k < 30000; k++) {
		ck_assert(put(k));
		if (k >= 1000)
			ck_assert_uint_le(lintab_bytes(&table) * 10,
					  (uint64_t)k * small10[_i]);
		if (k >= 20000)
			ck_assert_uint_le(lintab_bytes(&table) * 10,
					  (uint64_t)k * large10[_i]);
	}
	for (uint32_t k = 0; k < 30000; k++)
		cut(k);
	lintab_fini(&table);
}
END_TEST

/*
 * A step never asks for more than a bucket's block, its directory and a few
 * nodes.
 */
START_TEST(steps_are_small)
{
	uint64_t most = 0;

	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	for (uint32_t k = 0; k < 30000; k++) {
		uint64_t before = machine.calls;

		ck_assert(put(k));
		most = MAX(most, machine.calls - before);
	}
	ck_assert_uint_le(most, 12);
	for (uint32_t k = 0; k < 30000; k++)
		cut(k);
	lintab_fini(&table);
}
END_TEST

START_TEST(walk_survives_removal_and_growth)
{
	static uint8_t seen[20000];
	struct entry12 e;
	uint64_t from = 0;
	uint32_t next = 1000;

	memset(seen, 0, sizeof(seen));
	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	for (uint32_t k = 0; k < 1000; k++)
		ck_assert(put(k));
	while (lintab_after(&table, from, &e)) {
		uint32_t key = e.key >> 1;

		from = (uint64_t)e.place + 1;
		ck_assert_uint_eq(seen[key]++, 0);
		if (key % 3 == 0)
			cut(key);
		/* A second phase shrinks, a first one grows. */
		if (next < 9000)
			for (unsigned int i = 0; i < 20; i++)
				ck_assert(put(next++));
		else if (key % 3 == 1)
			cut(key);
	}
	for (uint32_t k = 0; k < 1000; k++)
		ck_assert_uint_eq(seen[k], 1);
	for (uint32_t k = 0; k < next; k++)
		if (find(k))
			cut(k);
	lintab_fini(&table);
}
END_TEST

/* All allocations fail for a while: chains grow, then catch up. */
START_TEST(failing_memory_is_harmless)
{
	uint32_t n = 0, refused = 0;

	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	for (unsigned int round = 0; round < 400; round++) {
		machine.fail_at = machine.calls + 1 + round % 5;
		for (unsigned int i = 0; i < 25; i++) {
			if (put(n))
				n++;
			else
				refused++;
		}
		ck_assert(lintab_is_valid(&table));
		ck_assert_uint_eq(lintab_count(&table), n);
	}
	ck_assert_uint_gt(refused, 0);
	machine.fail_from = 1;
	for (uint32_t k = 0; k < n; k++)
		cut(k);
	ck_assert(lintab_is_valid(&table));
	lintab_fini(&table);
}
END_TEST

/* One entry more and less, at any size: no step to and fro. */
START_TEST(no_step_to_and_fro)
{
	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	for (uint32_t k = 0; k < 700; k++) {
		uint32_t buckets;

		ck_assert(put(k));
		buckets = lintab_bucket_count(&table);
		cut(k);
		ck_assert_uint_eq(lintab_bucket_count(&table), buckets);
		ck_assert(put(k));
		ck_assert_uint_eq(lintab_bucket_count(&table), buckets);
	}
	for (uint32_t k = 0; k < 700; k++)
		cut(k);
	lintab_fini(&table);
}
END_TEST

START_TEST(long_chains_move)
{
	uint32_t n = 0;

	ck_assert(lintab_init(&table, &kinds[_i], &mem));
	/* No growth: only nodes. */
	for (; n < 2000; n++) {
		struct entry12 e = { n << 1 | 1, key_place(n), ~n };
		struct lintab_room room = { NULL };
		struct lintab_cursor c;

		ck_assert(lintab_room_get(&table, &room));
		/* As who searched in vain, and as who did not search. */
		if (n % 2)
			ck_assert(!find_at(n, &c));
		else
			lintab_seek(&table, e.place, &c);
		lintab_put(&table, table.kind, &c, &e, &room);
		lintab_room_put(&table, &room);
	}
	ck_assert(lintab_is_valid(&table));
	while (lintab_step_wanted(&table) > 0) {
		ck_assert(lintab_step(&table, 1));
		ck_assert(lintab_is_valid(&table));
	}
	/* And back, further than anyone would want. */
	while (lintab_step(&table, -1))
		ck_assert(lintab_is_valid(&table));
	for (uint32_t k = 0; k < n; k++)
		cut(k);
	lintab_fini(&table);
}
END_TEST

START_TEST(init_fails_without_memory)
{
	machine.fail_at = 1;
	ck_assert(!lintab_init(&table, &kinds[_i], &mem));
}
END_TEST

START_TEST(fini_of_a_full_table_panics)
{
	ck_assert(lintab_init(&table, &kinds[0], &mem));
	ck_assert(put(1));
	lintab_fini(&table);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("lintab");
	int kind_count = ARRAY_COUNT(kinds);

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, grows_and_shrinks_one_by_one, 0, kind_count);
	tcase_add_test(tc, entries_keep_their_bytes);
	tcase_add_loop_test(tc, memory_stays_near_the_entries, 0, kind_count);
	tcase_add_loop_test(tc, steps_are_small, 0, kind_count);
	tcase_add_loop_test(tc, walk_survives_removal_and_growth, 0, kind_count);
	tcase_add_loop_test(tc, failing_memory_is_harmless, 0, kind_count);
	tcase_add_loop_test(tc, no_step_to_and_fro, 0, kind_count);
	tcase_add_loop_test(tc, long_chains_move, 0, kind_count);
	tcase_add_loop_test(tc, init_fails_without_memory, 0, kind_count);
	tcase_add_test_raise_signal(tc, fini_of_a_full_table_panics, 6);
	return suite_run();
}
