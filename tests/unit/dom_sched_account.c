/* links: hv/dom/sched_account.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * A domain's run time: virtual time by weight with nothing lost (ACCT1), caps
 * (ACCT2 to ACCT4).
 */
#include <check.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <port.h>

#include "dom/sched_account.h"
#include "unit/suite.h"

#define MS	1000000UL
#define SLICE	(5 * MS)

static struct sched_account a;
static uint64_t now;

static void setup(void)
{
	memset(&a, 0, sizeof(a));
	sched_account_init(&a);
	now = 1000 * SCHED_PERIOD_NS;
}

/*
 * One slice, if there is budget, of which `use` ns are taken; what was granted.
 */
static uint64_t slice(uint64_t want, uint64_t use)
{
	uint64_t granted = sched_account_begin(&a, now, want);

	if (!granted)
		return 0;
	now += use;
	sched_account_end(&a, now, granted, use);
	return granted;
}

START_TEST(virtual_time_goes_by_weight)
{
	static const uint32_t weights[] = { 1, 2, 255, 256, 4096, 65535 };

	a.weight = weights[_i];
	for (unsigned int i = 0; i < 100000; i++)
		ck_assert_uint_eq(slice(SLICE, 1003), SLICE);
	ck_assert_uint_eq(a.ran_ns, 100300000);
	ck_assert_uint_eq(a.vtime, 100300000 / weights[_i]);
}
END_TEST

/* What runs counts while it runs, once for each CPU. */
START_TEST(running_time_counts_at_once)
{
	ck_assert_uint_eq(sched_account_begin(&a, now, SLICE), SLICE);
	now += MS;
	ck_assert_uint_eq(sched_account_vtime(&a, now), SCHED_VIRTUAL(MS));
	ck_assert_uint_eq(sched_account_begin(&a, now, SLICE), SLICE);
	now += MS;
	ck_assert_uint_eq(sched_account_vtime(&a, now), SCHED_VIRTUAL(3 * MS));
	/* Another CPU's clock is a little behind. */
	ck_assert_uint_eq(sched_account_vtime(&a, now - MS), SCHED_VIRTUAL(3 * MS));
	sched_account_end(&a, now, SLICE, 2 * MS);
	sched_account_end(&a, now, SLICE, MS);
	now += MS;
	ck_assert_uint_eq(sched_account_vtime(&a, now), SCHED_VIRTUAL(3 * MS));
	ck_assert_uint_eq(a.ran_ns, 3 * MS);
}
END_TEST

START_TEST(raise_only_raises)
{
	slice(SLICE, SLICE);
	ck_assert_uint_eq(a.vtime, SCHED_VIRTUAL(SLICE));
	sched_account_raise(&a, 10);
	ck_assert_uint_eq(a.vtime, SCHED_VIRTUAL(SLICE));
	sched_account_raise(&a, SCHED_VIRTUAL(SLICE) + 7);
	ck_assert_uint_eq(a.vtime, SCHED_VIRTUAL(SLICE) + 7);
	ck_assert_uint_eq(a.ran_ns, SLICE);
}
END_TEST

START_TEST(cap_is_of_a_period)
{
	a.cap = 50;		/* 15 ms of 30 */
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(slice(SLICE, SLICE), SLICE);
	ck_assert_uint_eq(slice(SLICE, SLICE), 0);
	ck_assert_uint_eq(sched_account_opens(now), 1001 * SCHED_PERIOD_NS);
	now = 1001 * SCHED_PERIOD_NS - 1;
	ck_assert_uint_eq(slice(SLICE, SLICE), 0);
	now++;
	ck_assert_uint_eq(slice(SLICE, SLICE), SLICE);
}
END_TEST

START_TEST(what_is_not_used_comes_back)
{
	a.cap = 20;		/* 6 ms */
	for (unsigned int i = 0; i < 60; i++)
		ck_assert_uint_ge(slice(SLICE, MS / 10), MS / 10);
	ck_assert_uint_eq(slice(SLICE, MS), 0);
	/* The last slice of a budget is as long as the budget. */
	now = 2000 * SCHED_PERIOD_NS;
	ck_assert_uint_eq(slice(4 * MS, 4 * MS), 4 * MS);
	ck_assert_uint_eq(slice(4 * MS, 2 * MS), 2 * MS);
	ck_assert_uint_eq(slice(4 * MS, 2 * MS), 0);
}
END_TEST

/* ACCT3: less would not be worth the switch; what is too much is a debt. */
START_TEST(a_rest_is_worth_a_switch)
{
	a.cap = 1;		/* 300 us */
	ck_assert_uint_eq(slice(SLICE, 299999), 300000);
	ck_assert_uint_eq(slice(SLICE, SCHED_GRANT_MIN_NS), SCHED_GRANT_MIN_NS);
	ck_assert_uint_eq(slice(SLICE, MS), 0);
	now = 1001 * SCHED_PERIOD_NS;
	ck_assert_uint_eq(slice(SLICE, MS), 300000 - SCHED_GRANT_MIN_NS + 1);
}
END_TEST

/* Two CPUs at once cannot both be granted the same time. */
START_TEST(a_running_slice_is_taken)
{
	a.cap = 20;
	ck_assert_uint_eq(sched_account_begin(&a, now, SLICE), SLICE);
	ck_assert_uint_eq(sched_account_begin(&a, now, SLICE), MS);
	ck_assert_uint_eq(sched_account_begin(&a, now, SLICE), 0);
}
END_TEST

START_TEST(a_debt_is_paid)
{
	a.cap = 10;		/* 3 ms */
	ck_assert_uint_eq(slice(SLICE, 10 * MS), 3 * MS); /* overran by 7 */
	for (unsigned int i = 1; i <= 2; i++) {
		now = (1000 + i) * SCHED_PERIOD_NS;
		ck_assert_uint_eq(slice(SLICE, MS), 0);
	}
	now = 1003 * SCHED_PERIOD_NS;
	ck_assert_uint_eq(slice(SLICE, MS), 2 * MS);
}
END_TEST

START_TEST(budgets_do_not_add_up)
{
	a.cap = 10;
	now = 5000 * SCHED_PERIOD_NS;
	ck_assert_uint_eq(slice(SLICE, 3 * MS), 3 * MS);
	ck_assert_uint_eq(slice(SLICE, MS), 0);
}
END_TEST

/* The tools may name any cap of 16 bits, on a machine that is up for years. */
START_TEST(no_cap_and_no_time_are_too_large)
{
	a.cap = 65535;
	now = 200UL * 24 * 3600 * 1000 * MS;
	ck_assert_uint_eq(slice(SLICE, SLICE), SLICE);
	now *= 100;
	ck_assert_uint_eq(slice(SLICE, SLICE), SLICE);
}
END_TEST

/*
 * With the smallest cap, too, a guest gets on, and has no more than its
 * percent.
 */
START_TEST(the_smallest_cap)
{
	uint64_t start = now;

	a.cap = 1;
	while (now < start + 10000 * SCHED_PERIOD_NS)
		if (slice(SLICE, 130000) == 0)
			now = sched_account_opens(now);
	ck_assert_uint_ge(a.ran_ns, (now - start) / 100 - SLICE);
	ck_assert_uint_le(a.ran_ns, (now - start) / 100 + SLICE);
}
END_TEST

/* On a busy host the threads wait for each other most of the time. */
#define THREADS	4
#define ROUNDS	50000
#define ROUNDS_LEAST	500
#define SECONDS_MOST	10

/*
 * Each CPU's clock, and the time that its vCPUs ran: all clocks go alike, as
 * time does.
 */
static uint64_t clock_ns;
static time_t until;

static void *charge(void *arg)
{
	uint64_t last = 0, t, seen;

	for (unsigned int i = 0; i < ROUNDS && (i < ROUNDS_LEAST || time(NULL) < until); i++) {
		t = __atomic_add_fetch(&clock_ns, 100, __ATOMIC_SEQ_CST);
		CHECK(sched_account_begin(&a, t, SLICE) == SLICE);
		seen = sched_account_vtime(&a, t + 50);
		CHECK(seen >= last); /* ACCT1 */
		last = seen;
		sched_account_end(&a, t + 100, SLICE, 100);
	}
	return NULL;
}

START_TEST(many_cpus_charge_one_domain)
{
	pthread_t thread[THREADS];

	clock_ns = now;
	until = time(NULL) + SECONDS_MOST;
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, charge, NULL);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(a.running, 0);
	ck_assert_uint_eq(a.counted_ns, clock_ns + 100);
	ck_assert_uint_gt(a.ran_ns, 100);
	ck_assert_uint_le(a.ran_ns, (clock_ns + 100 - now) * THREADS);
	ck_assert_uint_eq(a.vtime, SCHED_VIRTUAL(a.ran_ns));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("account");

	tcase_add_checked_fixture(tc, setup, NULL);
	/* Four threads, on a host that does other work. */
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, virtual_time_goes_by_weight, 0, 6);
	tcase_add_test(tc, running_time_counts_at_once);
	tcase_add_test(tc, raise_only_raises);
	tcase_add_test(tc, cap_is_of_a_period);
	tcase_add_test(tc, what_is_not_used_comes_back);
	tcase_add_test(tc, a_rest_is_worth_a_switch);
	tcase_add_test(tc, a_running_slice_is_taken);
	tcase_add_test(tc, a_debt_is_paid);
	tcase_add_test(tc, budgets_do_not_add_up);
	tcase_add_test(tc, no_cap_and_no_time_are_too_large);
	tcase_add_test(tc, the_smallest_cap);
	tcase_add_test(tc, many_cpus_charge_one_domain);
	return suite_run();
}
