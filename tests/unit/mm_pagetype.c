/* links: hv/mm/pagetype.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/* Classes and counts, T1-T7. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <port.h>
#include <string.h>

#include "mm/pagetype.h"
#include "unit/suite.h"

static struct frame f;

static void setup(void)
{
	memset(&f, 0, sizeof(f));
}

static bool checked(enum page_class c)
{
	return c >= CLASS_L1 && c <= CLASS_DESC;
}

/* A use, with the flush that it may want. */
static int use(enum page_class c)
{
	int r = pagetype_get(&f, c);

	if (r == TYPE_FRESH_FLUSH && c != CLASS_SHARED)
		pagetype_flushed(&f);
	return r;
}

/* Take the first use of a class, and validate. */
static void first_use(enum page_class c)
{
	ck_assert_int_ge(use(c), 0);
	if (checked(c))
		pagetype_validated(&f);
}

static void last_use(void)
{
	if (pagetype_put(&f))
		pagetype_devalidated(&f);
}

/* PT4: with a live first use only the same class is had. */
START_TEST(pairs_live)
{
	enum page_class a = CLASS_WRITABLE + _i / 7, b = CLASS_WRITABLE + _i % 7;
	uint64_t before;

	first_use(a);
	before = f.type;
	if (a == b) {
		ck_assert_int_eq(pagetype_get(&f, b), TYPE_SAME);
		ck_assert(!pagetype_put(&f));
	} else {
		ck_assert_int_eq(pagetype_get(&f, b), -EBUSY);
	}
	ck_assert_uint_eq(f.type, before);
	last_use();
	ck_assert_uint_eq(type_count(f.type), 0);
}
END_TEST

/*
 * T3: after the first use went, a change of class asks for a flush; from SHARED
 * none (T7).
 */
START_TEST(pairs_gone)
{
	enum page_class a = CLASS_WRITABLE + _i / 7, b = CLASS_WRITABLE + _i % 7;
	int want = a == b && !checked(a) ? TYPE_SAME :
		   a == CLASS_SHARED ? TYPE_FRESH : TYPE_FRESH_FLUSH;

	first_use(a);
	last_use();
	ck_assert_int_eq(pagetype_get(&f, b), want);
	ck_assert_int_eq(type_class(f.type), b);
	ck_assert_uint_eq(type_count(f.type), 1);
	ck_assert(!(f.type & TYPE_VALIDATED));
	/* T6, T7: others wait for who flushes now, and never for an offer. */
	ck_assert_int_eq(!!(f.type & TYPE_FLUSHING),
			 want == TYPE_FRESH_FLUSH && b != CLASS_SHARED);
}
END_TEST

/* --- T6: a second getter waits for the flush --- */

static bool waiter_done;	/* atomic */
static int waiter_got;

static void *second_getter(void *arg)
{
	waiter_got = pagetype_get(&f, (uintptr_t)arg);
	__atomic_store_n(&waiter_done, true, __ATOMIC_RELEASE);
	return NULL;
}

START_TEST(second_getter_waits)
{
	uintptr_t want = _i ? CLASS_L2 : CLASS_WRITABLE;
	uint64_t spins = port_spins;
	pthread_t waiter;

	first_use(CLASS_L1);
	last_use();
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE), TYPE_FRESH_FLUSH);
	waiter_done = false;
	pthread_create(&waiter, NULL, second_getter, (void *)want);
	while (__atomic_load_n(&port_spins, __ATOMIC_SEQ_CST) < spins + 100)
		ck_assert(!__atomic_load_n(&waiter_done, __ATOMIC_ACQUIRE));
	ck_assert_uint_eq(type_count(f.type), 1);
	pagetype_flushed(&f);
	pthread_join(waiter, NULL);
	ck_assert_int_eq(waiter_got, _i ? -EBUSY : TYPE_SAME);
	ck_assert_uint_eq(type_count(f.type), _i ? 1 : 2);
}
END_TEST

#define THREADS 4
#define ROUNDS 30000

/* atomic: something of what the frame was may still be cached */
static uint32_t dirty;

/* Who has a use never sees a translation that is older than it. */
static void *user_of(void *arg)
{
	enum page_class mine = (uintptr_t)arg % 2 ? CLASS_DESC : CLASS_WRITABLE;

	for (int i = 0; i < ROUNDS; i++) {
		int r = pagetype_get(&f, mine);

		if (r == TYPE_FRESH_FLUSH) {
			/* The flush, which takes its time. */
			for (int n = 0; n < 50; n++)
				__atomic_load_n(&dirty, __ATOMIC_SEQ_CST);
			__atomic_store_n(&dirty, 0, __ATOMIC_SEQ_CST);
			pagetype_flushed(&f);
		}
		if (r < 0)
			continue;
		CHECK(!__atomic_load_n(&dirty, __ATOMIC_SEQ_CST));
		if (checked(mine) && r != TYPE_SAME)
			pagetype_validated(&f);
		if (!pagetype_put(&f))
			continue;
		/* It was a table: a walk of it may be cached from now on. */
		__atomic_store_n(&dirty, 1, __ATOMIC_SEQ_CST);
		pagetype_devalidated(&f);
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, user_of, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(type_count(f.type), 0);
	ck_assert(!(f.type & TYPE_FLUSHING));
}
END_TEST

START_TEST(fresh_from_none)
{
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE + _i), TYPE_FRESH);
	ck_assert_int_eq(type_class(f.type), CLASS_WRITABLE + _i);
}
END_TEST

/* T4: nobody uses a table while it is checked, and a bad one is nothing. */
START_TEST(not_yet_validated)
{
	enum page_class c = CLASS_L1 + _i;

	ck_assert_int_eq(pagetype_get(&f, c), TYPE_FRESH);
	ck_assert_int_eq(pagetype_get(&f, c), -EBUSY);
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE), -EBUSY);
	pagetype_get_failed(&f);
	ck_assert_uint_eq(type_count(f.type), 0);
	ck_assert_int_ge(pagetype_get(&f, CLASS_WRITABLE), 0);
}
END_TEST

/*
 * T4: the last use keeps the class away from others until its content is let
 * go.
 */
START_TEST(devalidation)
{
	first_use(CLASS_L1 + _i);
	ck_assert_int_eq(use(CLASS_L1 + _i), TYPE_SAME);
	ck_assert(!pagetype_put(&f));
	ck_assert(pagetype_put(&f));
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE), -EBUSY);
	ck_assert_int_eq(pagetype_get(&f, CLASS_L1 + _i), -EBUSY);
	pagetype_devalidated(&f);
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE), TYPE_FRESH_FLUSH);
}
END_TEST

/* PT15 */
START_TEST(limits)
{
	enum page_class c = CLASS_WRITABLE + _i;

	first_use(c);
	f.type += TYPE_COUNT_MAX - 2;
	ck_assert_int_eq(pagetype_get(&f, c), TYPE_SAME);
	ck_assert_int_eq(pagetype_get(&f, c), -EBUSY);
	ck_assert_uint_eq(type_count(f.type), TYPE_COUNT_MAX);
	ck_assert_uint_eq(type_linear(f.type), 0);
}
END_TEST

START_TEST(pins)
{
	first_use(CLASS_L4);
	ck_assert_int_eq(pagetype_clear_pinned(&f), -EINVAL);
	ck_assert_int_eq(pagetype_set_pinned(&f), 0);
	ck_assert_int_eq(pagetype_set_pinned(&f), -EINVAL);
	ck_assert_int_eq(pagetype_clear_pinned(&f), 0);
	ck_assert_int_eq(pagetype_clear_pinned(&f), -EINVAL);
	last_use();
}
END_TEST

/* Seed 003, case 2: the table stays a table until its last linear use went. */
START_TEST(linear)
{
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L2), -EBUSY);
	first_use(CLASS_L2);
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L3), -EBUSY);
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L2), 0);
	ck_assert_uint_eq(type_linear(f.type), 1);
	ck_assert_uint_eq(type_count(f.type), 1);
	/* The last directory use goes: it stays a validated table. */
	ck_assert(!pagetype_put(&f));
	ck_assert_uint_eq(type_count(f.type), 0);
	ck_assert(f.type & TYPE_VALIDATED);
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE), -EMLINK);
	ck_assert_int_eq(pagetype_get(&f, CLASS_SHARED), -EMLINK);
	ck_assert_int_eq(pagetype_get(&f, CLASS_L2), TYPE_SAME);
	ck_assert(!pagetype_put(&f));
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L2), 0);
	ck_assert(!pagetype_linear_put(&f));
	ck_assert(pagetype_linear_put(&f));
	pagetype_devalidated(&f);
	ck_assert_int_eq(pagetype_get(&f, CLASS_WRITABLE), TYPE_FRESH_FLUSH);
}
END_TEST

/* LP2: who uses others is not used, and the other way round. */
START_TEST(linear_one_deep)
{
	first_use(CLASS_L4);
	ck_assert_int_eq(pagetype_linear_out_get(&f), 0);
	ck_assert_int_eq(pagetype_linear_out_get(&f), 0);
	ck_assert_uint_eq(type_linear_out(f.type), 2);
	ck_assert_uint_eq(type_linear_in(f.type), 0);
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L4), -EBUSY);
	pagetype_linear_out_put(&f);
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L4), -EBUSY);
	pagetype_linear_out_put(&f);
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L4), 0);
	ck_assert_int_eq(pagetype_linear_out_get(&f), -EBUSY);
	ck_assert(!pagetype_linear_put(&f));
	last_use();
}
END_TEST

/* T5: how far a table has come is its own field. */
START_TEST(partial)
{
	ck_assert_int_eq(pagetype_get(&f, CLASS_L3), TYPE_FRESH);
	pagetype_partial(&f, 512, true);
	ck_assert_uint_eq(type_done(f.type), 512);
	ck_assert(f.type & TYPE_CHILD);
	ck_assert_int_eq(pagetype_get(&f, CLASS_L3), -EBUSY);
	pagetype_partial(&f, 7, false);
	ck_assert_uint_eq(type_done(f.type), 7);
	ck_assert(!(f.type & TYPE_CHILD));
	ck_assert_uint_eq(type_count(f.type), 1);
	pagetype_whole(&f);
	pagetype_validated(&f);
	last_use();
}
END_TEST

START_TEST(linear_limit)
{
	first_use(CLASS_L3);
	for (unsigned int i = 0; i < TYPE_LINEAR_MAX; i++)
		ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L3), 0);
	ck_assert_int_eq(pagetype_linear_get(&f, CLASS_L3), -EBUSY);
	ck_assert_uint_eq(type_count(f.type), 1);
	ck_assert_uint_eq(f.type >> TYPE_DONE_SHIFT & 0x3ff, 0);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(pagetype_class_name(CLASS_L1), "L1 table");
	ck_assert_str_eq(pagetype_class_name(CLASS_SHARED), "shared");
	ck_assert_str_eq(pagetype_class_name(CLASS_SHARED + 1), "?");
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("type");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, pairs_live, 0, 49);
	tcase_add_loop_test(tc, pairs_gone, 0, 49);
	tcase_add_loop_test(tc, second_getter_waits, 0, 2);
	tcase_add_test(tc, threads);
	tcase_add_loop_test(tc, fresh_from_none, 0, 7);
	tcase_add_loop_test(tc, not_yet_validated, 0, 5);
	tcase_add_loop_test(tc, devalidation, 0, 5);
	tcase_add_loop_test(tc, limits, 0, 7);
	tcase_add_test(tc, pins);
	tcase_add_test(tc, linear);
	tcase_add_test(tc, linear_limit);
	tcase_add_test(tc, linear_one_deep);
	tcase_add_test(tc, partial);
	tcase_add_test(tc, names);
	return suite_run();
}
