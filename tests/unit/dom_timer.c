/* links: hv/dom/timer.c hv/lib/pheap.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * Timers: order, what fires, the deadline that the APIC gets, moving between
 * CPUs, cancelling, and timers that arm each other.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <port.h>

#include "dom/timer.h"
#include "fake/fake_dom.h"
#include "unit/suite.h"

static char fired[256];

static void note(void *arg)
{
	strcat(fired, arg);
}

static struct timer a, b, c;

/* Which fired, and have not been looked at. */
static const void *fired_args[1000];
static unsigned int fired_first, fired_end;

static void note_arg(void *arg)
{
	fired_args[fired_end++] = arg;
}

static void expect_next(const void *arg)
{
	if (fired_first == fired_end)
		timer_run();
	ck_assert_uint_lt(fired_first, fired_end);
	ck_assert_ptr_eq(fired_args[fired_first++], arg);
}

static void setup(void)
{
	fake_reset();
	fired[0] = '\0';
	timer_init(&a, note, "a");
	timer_init(&b, note, "b");
	timer_init(&c, note, "c");
}

static void teardown(void)
{
	timer_cancel(&a);
	timer_cancel(&b);
	timer_cancel(&c);
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
}

START_TEST(fires_in_order_of_deadline)
{
	uint64_t t0 = fake.now;

	timer_set(&b, t0 + 20);
	timer_set(&c, t0 + 30);
	timer_set(&a, t0 + 10);
	ck_assert_uint_eq(timer_next_ns(), t0 + 10);
	timer_run();
	ck_assert_str_eq(fired, "");
	fake.now = t0 + 20;
	timer_run();
	ck_assert_str_eq(fired, "ab");
	ck_assert_int_eq(a.cpu, -1);
	ck_assert_uint_eq(timer_next_ns(), t0 + 30);
	fake.now = t0 + 1000;
	timer_run();
	ck_assert_str_eq(fired, "abc");
}
END_TEST

START_TEST(equal_deadlines_in_order_of_setting)
{
	timer_set(&c, fake.now);
	timer_set(&a, fake.now);
	timer_set(&b, fake.now);
	timer_run();
	ck_assert_str_eq(fired, "cab");
}
END_TEST

/* TM4: as many as a CPU may have, a batch after the other. */
START_TEST(many_equal_deadlines_in_order_of_setting)
{
	enum { N = ARRAY_COUNT(fired_args), STRIDE = 389 };
	static struct timer t[N];

	for (unsigned int i = 0; i < N; i++)
		timer_init(&t[i], note_arg, &t[i]);
	for (unsigned int i = 0; i < N; i++)
		timer_set(&t[i * STRIDE % N], fake.now + 10);
	for (unsigned int i = 0; i < N; i += 3)	/* these go to the end */
		timer_set(&t[i * STRIDE % N], fake.now + 10);
	fake.now += 10;
	for (unsigned int i = 0; i < N; i++)
		if (i % 3)
			expect_next(&t[i * STRIDE % N]);
	for (unsigned int i = 0; i < N; i += 3)
		expect_next(&t[i * STRIDE % N]);
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
}
END_TEST

START_TEST(set_again_moves)
{
	timer_set(&a, fake.now + 10);
	timer_set(&b, fake.now + 20);
	timer_set(&a, fake.now + 30);
	fake.now += 20;
	timer_run();
	ck_assert_str_eq(fired, "b");
	fake.now += 10;
	timer_run();
	ck_assert_str_eq(fired, "ba");
}
END_TEST

START_TEST(cancel_is_idempotent)
{
	timer_set(&a, fake.now);
	timer_cancel(&a);
	timer_cancel(&a);
	timer_run();
	ck_assert_str_eq(fired, "");
}
END_TEST

START_TEST(apic_gets_the_earlier_of_slice_and_timer)
{
	this_cpu()->slice_end_tsc = fake.now + 500;
	fake.lapic[0] = 0;
	timer_set(&a, fake.now + 1000);	/* the only one is the first, too */
	ck_assert_uint_eq(fake.lapic[0], fake.now + 500);
	timer_arm();
	ck_assert_uint_eq(fake.lapic[0], fake.now + 500);
	timer_set(&b, fake.now + 100);	/* becomes the first: armed by itself */
	ck_assert_uint_eq(fake.lapic[0], fake.now + 100);
	this_cpu()->slice_end_tsc = ~(uint64_t)0;
	timer_cancel(&b);
	timer_cancel(&a);
	timer_arm();
	ck_assert_uint_eq(fake.lapic[0], ~(uint64_t)0);
}
END_TEST

START_TEST(early_interrupt_arms_again)
{
	timer_set(&a, fake.now + 100);
	fake.lapic[0] = 0;
	timer_poll();			/* none came: nothing is touched */
	ck_assert_uint_eq(fake.lapic[0], 0);
	timer_note();
	timer_poll();
	ck_assert_str_eq(fired, "");
	ck_assert_uint_eq(fake.lapic[0], fake.now + 100);
	fake.now += 100;
	timer_note();
	timer_poll();
	ck_assert_str_eq(fired, "a");
	ck_assert_uint_eq(fake.lapic[0], ~(uint64_t)0);
}
END_TEST

START_TEST(deadline_never_is_not_the_empty_mark)
{
	timer_set(&a, ~(uint64_t)0);
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0 - 1);
}
END_TEST

START_TEST(moves_to_the_cpu_that_sets_it)
{
	timer_set(&a, fake.now + 10);
	fake_cpu(2);
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
	timer_set(&a, fake.now + 20);
	ck_assert_int_eq(a.cpu, 2);
	fake_cpu(0);
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
	fake.now += 20;
	timer_run();
	ck_assert_str_eq(fired, "");
	timer_cancel(&a);		/* from another CPU */
	fake_cpu(2);
	timer_run();
	ck_assert_str_eq(fired, "");
	fake_cpu(0);
}
END_TEST

static struct timer again;
static unsigned int again_fired;

static void arm_again(void *arg)
{
	again_fired++;
	timer_set(&again, fake.now + *(uint64_t *)arg);
}

START_TEST(periodic)
{
	uint64_t period = 10;

	timer_init(&again, arm_again, &period);
	again_fired = 0;
	timer_set(&again, fake.now);
	for (int i = 0; i < 5; i++) {
		timer_run();
		fake.now += period;
	}
	ck_assert_uint_eq(again_fired, 5);
	timer_cancel(&again);
	timer_run();
	ck_assert_uint_eq(again_fired, 5);
}
END_TEST

START_TEST(one_that_is_always_due_does_not_hold_the_cpu)
{
	uint64_t period = 0;

	timer_init(&again, arm_again, &period);
	again_fired = 0;
	timer_set(&again, fake.now);
	timer_run();
	ck_assert_uint_le(again_fired, 64);
	timer_cancel(&again);
}
END_TEST

static void cancel_self(void *arg)
{
	timer_cancel(arg);
	strcat(fired, "x");
}

START_TEST(fn_may_cancel_its_own_timer)
{
	timer_init(&a, cancel_self, &a);
	timer_set(&a, fake.now);
	timer_run();
	timer_run();
	ck_assert_str_eq(fired, "x");
}
END_TEST

/* Random sets, cancels and CPUs against a model that is just an array. */
START_TEST(random_against_model)
{
	enum { N = 40 };
	static struct timer t[N];
	static unsigned int hits[N];
	struct { uint64_t deadline; int cpu; } model[N];
	uint64_t rnd = 12345;

	memset(hits, 0, sizeof(hits));
	for (int i = 0; i < N; i++) {
		timer_init(&t[i], note, "");
		model[i].cpu = -1;
	}
	for (int step = 0; step < 4000; step++) {
		unsigned int i, cpu;

		rnd = rnd * 6364136223846793005UL + 1442695040888963407UL;
		i = (rnd >> 33) % N;
		cpu = (rnd >> 45) % FAKE_CPUS;
		fake_cpu(cpu);
		switch ((rnd >> 60) % 4) {
		case 0: case 1:
			model[i].deadline = fake.now + (rnd >> 20) % 1000;
			model[i].cpu = (int)cpu;
			timer_set(&t[i], model[i].deadline);
			break;
		case 2:
			model[i].cpu = -1;
			timer_cancel(&t[i]);
			break;
		case 3:
			fake.now += (rnd >> 25) % 300;
			timer_run();
			for (int k = 0; k < N; k++)
				if (model[k].cpu == (int)cpu &&
				    model[k].deadline <= fake.now)
					model[k].cpu = -1;
			break;
		}
		for (int k = 0; k < N; k++)
			ck_assert_int_eq(t[k].cpu, model[k].cpu);
	}
	for (int i = 0; i < N; i++)
		timer_cancel(&t[i]);
	fake_cpu(0);
}
END_TEST

/*
 * TM2 with two CPUs (threads): one arms a timer that arms itself again and
 * again; after the other's timer_cancel() it neither runs nor starts.
 */
static struct timer raced;
static bool go, armed, in_fn, cancelled, over;	/* atomic */
static unsigned int hits, broken;

#define SET(flag, v)	__atomic_store_n(&(flag), v, __ATOMIC_SEQ_CST)
#define GET(flag)	__atomic_load_n(&(flag), __ATOMIC_SEQ_CST)

static void raced_fn(void *arg)
{
	SET(in_fn, true);
	for (int k = 0; k < 200; k++)	/* long enough to be met */
		broken += GET(cancelled);
	hits++;
	timer_set(&raced, 0);
	SET(in_fn, false);
}

static void *firing_cpu(void *arg)
{
	while (!GET(over)) {
		if (__atomic_exchange_n(&go, false, __ATOMIC_SEQ_CST)) {
			timer_set(&raced, 0);
			SET(armed, true);
		}
		timer_run();
		port_spin();
	}
	return NULL;
}

/* Load, so that the host stops the two threads at odd places. */
static void *busy_host(void *arg)
{
	while (!GET(over))
		;
	return NULL;
}

START_TEST(cancel_against_another_cpu)
{
	pthread_t other, busy[2];

	timer_init(&raced, raced_fn, NULL);
	ck_assert_int_eq(pthread_create(&other, NULL, firing_cpu, NULL), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&busy[i], NULL, busy_host, NULL), 0);
	for (int i = 0; i < 200; i++) {
		SET(go, true);
		while (!GET(armed))
			port_spin();
		SET(armed, false);
		for (int k = 0; i % 2 && k < 100000 && !GET(in_fn); k++)
			;		/* half of the time: amid fn */
		timer_cancel(&raced);
		SET(cancelled, true);
		broken += GET(in_fn);
		port_spin();
		ck_assert_int_eq(raced.cpu, -1);
		SET(cancelled, false);
	}
	SET(over, true);
	pthread_join(other, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(busy[i], NULL);
	ck_assert_uint_eq(broken, 0);
	ck_assert_uint_gt(hits, 0);
}
END_TEST

/*
 * TM2: two CPUs are in its function, and stay there until the one that cancels
 * it has waited for them.
 */
static uint64_t leave_at;	/* atomic; of port_spins */
static unsigned int inside;	/* atomic */

static void held_fn(void *arg)
{
	__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	while (GET(port_spins) < GET(leave_at))
		sched_yield();
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
}

static void *held_cpu(void *arg)
{
	timer_set(&raced, 0);
	timer_run();
	return NULL;
}

START_TEST(cancel_waits_for_all)
{
	pthread_t cpu[2];
	unsigned int left;

	timer_init(&raced, held_fn, NULL);
	leave_at = ~0UL;
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&cpu[i], NULL, held_cpu, NULL), 0);
		while (GET(inside) == i)
			sched_yield();
	}
	SET(leave_at, GET(port_spins) + 100);
	timer_cancel(&raced);
	left = GET(inside);
	SET(leave_at, 0UL);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(cpu[i], NULL);
	ck_assert_uint_eq(left, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("timer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, fires_in_order_of_deadline);
	tcase_add_test(tc, equal_deadlines_in_order_of_setting);
	tcase_add_test(tc, many_equal_deadlines_in_order_of_setting);
	tcase_add_test(tc, set_again_moves);
	tcase_add_test(tc, cancel_is_idempotent);
	tcase_add_test(tc, apic_gets_the_earlier_of_slice_and_timer);
	tcase_add_test(tc, early_interrupt_arms_again);
	tcase_add_test(tc, deadline_never_is_not_the_empty_mark);
	tcase_add_test(tc, moves_to_the_cpu_that_sets_it);
	tcase_add_test(tc, periodic);
	tcase_add_test(tc, one_that_is_always_due_does_not_hold_the_cpu);
	tcase_add_test(tc, fn_may_cancel_its_own_timer);
	tcase_add_test(tc, random_against_model);
	tcase_add_test(tc, cancel_against_another_cpu);
	tcase_add_test(tc, cancel_waits_for_all);
	return suite_run();
}
