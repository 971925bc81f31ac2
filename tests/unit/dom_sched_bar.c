/* links: hv/dom/sched*.c hv/lib/pheap.c hv/dom/timer.c hv/dom/stop.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/* The scheduler and vCPUs that some CPUs must not run (RUNQ6). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"
#include "unit/sched_run.h"
#include "unit/suite.h"

#define BIT(n)		(1UL << (n))
#define ALL		(BIT(FAKE_CPUS) - 1)
#define ONLY(n)		(ALL & ~BIT(n))

/* Moved before it ever waits; no other CPU takes it. */
START_TEST(only_one_cpu_takes_it)
{
	sched_queue_bar(vcpu(0), ONLY(1));
	ck_assert_uint_eq(vcpu(0)->cpu, 1);
	sched_online(vcpu(0));
	ck_assert_ptr_null(schedule(0));
	ck_assert_ptr_null(schedule(2));
	ck_assert_ptr_eq(schedule(1), vcpu(0));
	fake.now += 2 * SCHED_SLICE_NS;
	ck_assert_ptr_null(schedule(0));
	ck_assert_ptr_eq(schedule(1), vcpu(0));
}
END_TEST

/* Who waits where it may not run any more is moved, and that CPU told. */
START_TEST(moved_while_it_waits)
{
	sched_queue_bar(vcpu(1), ONLY(0));
	sched_online(vcpu(0));
	sched_queue_bar(vcpu(0), ONLY(0));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	sched_online(vcpu(1));
	ck_assert_ptr_null(schedule(1));
	ck_assert_ptr_null(schedule(2));
	fake_cpu(0);
	sched_queue_bar(vcpu(1), ONLY(2));
	ck_assert_uint_eq(fake.ipis[2], 1);
	ck_assert_uint_eq(fake.ipis[1], 0);
	ck_assert_uint_eq(vcpu(1)->cpu, 2);
	ck_assert_ptr_eq(schedule(2), vcpu(1));
}
END_TEST

/* It leaves soon, whatever becomes of it then. */
START_TEST(barred_while_it_runs)
{
	struct vcpu *v = vcpu(0);

	sched_online(v);
	ck_assert_ptr_eq(schedule(0), v);
	fake_cpu(1);
	sched_queue_bar(v, ONLY(1));
	ck_assert_uint_eq(fake_cpu_area(0)->need_resched, 1);
	ck_assert_uint_eq(v->cpu, 0);
	ck_assert_ptr_null(schedule(1));
	ck_assert_ptr_null(schedule(0));
	ck_assert_uint_eq(v->cpu, 1);
	ck_assert_uint_eq(fake.ipis[1], 1);	/* it idles, and is told */
	ck_assert_ptr_eq(schedule(1), v);
	sched_queue_bar(v, ONLY(2));
	sched_block(v);
	ck_assert_ptr_null(schedule(1));
	ck_assert_int_eq(v->run, RUN_BLOCKED);
	ck_assert_uint_eq(v->cpu, 2);
	sched_wake(v);
	ck_assert_ptr_null(schedule(1));
	ck_assert_ptr_eq(schedule(2), v);
	sched_queue_bar(v, 0);
	fake.now += SCHED_SLICE_NS;
	schedule(2);
	sched_yield_cpu(v);
	schedule(2);
	ck_assert_uint_eq(v->cpu, 2);
}
END_TEST

/* A CPU that overlooked a queue for its first vCPU is woken when that goes. */
START_TEST(next_one_is_not_forgotten)
{
	struct vcpu *first;

	sched_online(vcpu(1));
	ck_assert_ptr_eq(schedule(1), vcpu(1));
	for (unsigned int i = 0; i < 3; i += 2) {
		sched_queue_bar(vcpu(i), ONLY(1));
		sched_online(vcpu(i));
	}
	fake.now += SCHED_SLICE_NS;
	first = schedule(1);
	ck_assert(first == vcpu(0) || first == vcpu(2));
	first = vcpu(2 - first->domain->id + vcpu(0)->domain->id);
	ck_assert_ptr_null(schedule(0));
	fake_cpu(1);
	ck_assert_uint_eq(fake.ipis[0], 0);
	first->domain->paused = 1;
	sched_pause(first);
	ck_assert_uint_eq(fake.ipis[0], 1);
	ck_assert_ptr_eq(schedule(0), vcpu(1));
	first->domain->paused = 0;
}
END_TEST

/* The CPU whose vCPU has had most is barred: another one is interrupted. */
START_TEST(no_barred_cpu_is_interrupted)
{
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		sched_queue_bar(vcpu(i), ONLY(i));
		sched_online(vcpu(i));
		ck_assert_ptr_eq(schedule(i), vcpu(i));
		fake.now += MS;
	}
	fake.now += 2 * SCHED_SLICE_NS;
	sched_queue_bar(vcpu(FAKE_CPUS), ONLY(2));
	fake_cpu(1);
	sched_online(vcpu(FAKE_CPUS));
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		ck_assert_uint_eq(fake.ipis[i], i == 2);
}
END_TEST

START_TEST(no_barred_cpu_is_woken)
{
	sched_queue_bar(vcpu(0), ONLY(2));
	sched_online(vcpu(0));
	ck_assert_ptr_eq(schedule(2), vcpu(0));
	ck_assert_ptr_null(schedule(1));
	fake_cpu(0);
	sched_queue_bar(vcpu(1), ONLY(2));
	sched_online(vcpu(1));
	ck_assert_uint_eq(fake.ipis[1], 0);
}
END_TEST

START_TEST(no_sibling_is_pulled_over)
{
	struct vcpu **v = dom[0]->vcpu;

	fake_vcpus(dom[0], 2);
	for (unsigned int i = 0; i < 2; i++) {
		sched_queue_bar(v[i], ONLY(i));
		sched_online(v[i]);
	}
	ck_assert_ptr_eq(schedule(0), v[0]);
	sched_yield_cpu(v[0]);
	ck_assert_ptr_eq(schedule(0), v[0]);
	ck_assert_uint_eq(v[1]->cpu, 1);
	ck_assert_ptr_eq(schedule(1), v[1]);
}
END_TEST

/* Its domain has no budget: it is moved all the same, and runs when it has. */
START_TEST(moved_without_budget)
{
	dom[0]->account.cap = 10;
	sched_online(vcpu(0));
	while (schedule(0))
		fake.now += SCHED_SLICE_NS;
	ck_assert_int_eq(vcpu(0)->run, RUN_RUNNABLE);
	sched_queue_bar(vcpu(0), ONLY(1));
	ck_assert_uint_eq(vcpu(0)->cpu, 1);
	ck_assert_ptr_null(schedule(1));
	fake.now += 1000 * MS;
	ck_assert_ptr_null(schedule(0));
	ck_assert_ptr_eq(schedule(1), vcpu(0));
}
END_TEST

/* Two have one CPU between them, and the third another one; or any of two. */
START_TEST(shares)
{
	sched_queue_bar(vcpu(0), ONLY(0));
	sched_queue_bar(vcpu(1), ONLY(0));
	simulate(2, 3, 0, 600);
	assert_share(0, 600, 50);
	assert_share(1, 600, 50);
	assert_share(2, 600, 100);
}
END_TEST

START_TEST(share_of_one_that_is_bound)
{
	sched_queue_bar(vcpu(0), ONLY(1));
	simulate(2, 3, 0, 1000);
	for (unsigned int i = 0; i < 3; i++)
		assert_share(i, 1000, 66);
}
END_TEST

/* --- at random --- */

static bool barred_here(const struct vcpu *v, unsigned int cpu)
{
	return v->barred >> cpu & 1;
}

static void random_step(void)
{
	unsigned int cpu = (unsigned int)rand() % FAKE_CPUS;
	struct vcpu *v = vcpu((unsigned int)rand() % FAKE_DOMAINS);

	fake_cpu(cpu);
	fake.now += (uint64_t)rand() % MS;
	switch (rand() % 6) {
	case 0:
		sched_wake(v);
		break;
	case 1:
		if (on[cpu] && rand() % 2)
			sched_block(on[cpu]);
		break;
	case 2:
		sched_queue_bar(v, (uint64_t)rand() % ALL);
		break;
	default:
		if (schedule(cpu))
			ck_assert(!barred_here(on[cpu], cpu));
	}
}

/* Every vCPU that wants to runs as soon as its CPUs have nothing else. */
static void all_find_a_cpu(void)
{
	uint64_t before[FAKE_DOMAINS];

	for (unsigned int i = 0; i < FAKE_DOMAINS; i++) {
		sched_wake(vcpu(i));
		before[i] = dom[i]->account.ran_ns;
	}
	for (unsigned int turn = 0; turn < 100 * FAKE_DOMAINS; turn++) {
		for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++)
			schedule(cpu);
		fake.now += SCHED_SLICE_NS;
	}
	for (unsigned int i = 0; i < FAKE_DOMAINS; i++)
		ck_assert_msg(dom[i]->account.ran_ns > before[i], "dom%u", i);
}

START_TEST(at_random)
{
	srand((unsigned int)_i);
	for (unsigned int i = 0; i < FAKE_DOMAINS; i++)
		sched_online(vcpu(i));
	for (unsigned int step = 0; step < 4000; step++)
		random_step();
	all_find_a_cpu();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("dom_sched_bar");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_one_cpu_takes_it);
	tcase_add_test(tc, moved_while_it_waits);
	tcase_add_test(tc, barred_while_it_runs);
	tcase_add_test(tc, next_one_is_not_forgotten);
	tcase_add_test(tc, no_barred_cpu_is_interrupted);
	tcase_add_test(tc, no_barred_cpu_is_woken);
	tcase_add_test(tc, no_sibling_is_pulled_over);
	tcase_add_test(tc, moved_without_budget);
	tcase_add_test(tc, shares);
	tcase_add_test(tc, share_of_one_that_is_bound);
	tcase_add_loop_test(tc, at_random, 0, 30);
	return suite_run();
}
