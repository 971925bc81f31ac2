/* links: hv/dom/sched*.c hv/lib/pheap.c hv/dom/timer.c hv/dom/stop.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * The scheduler between domains: several vCPUs, weights, caps, stealing, and
 * who gives way to whom.
 */
#include <check.h>
#include <string.h>

#include <port.h>

#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"
#include "unit/sched_run.h"
#include "unit/suite.h"

/* --- domains with several vCPUs --- */

/* All `count` vCPUs of domain n are up, and spin. */
static void siblings(unsigned int n, unsigned int count)
{
	fake_vcpus(dom[n], count);
	for (unsigned int i = 0; i < count; i++)
		sched_online(dom[n]->vcpu[i]);
}

/*
 * Whoever runs spins, on `cpus` CPUs, for `ms` milliseconds in steps of 100 us.
 */
static void spin(unsigned int cpus, unsigned int ms)
{
	for (uint64_t end = fake.now + ms * MS; fake.now < end;
	     fake.now += MS / 10)
		for (unsigned int n = 0; n < cpus; n++) {
			fake_cpu(n);
			if (!on[n] || !fake_sched_check())
				schedule(n);
		}
	for (unsigned int n = 0; n < cpus; n++)
		schedule(n);
}

static uint64_t ran(const struct vcpu *v)
{
	return v->runstate.time[RUNSTATE_running];
}

START_TEST(eight_vcpus_beside_one)
{
	siblings(0, 8);
	sched_online(vcpu(1));
	spin(_i, 4000);
	assert_share(0, 4000, _i * 50);
	assert_share(1, 4000, _i * 50);
	/* And among the eight, all alike. */
	for (unsigned int i = 0; i < 8; i++) {
		ck_assert_uint_ge(ran(dom[0]->vcpu[i]), 4000 * MS * _i / 16 * 9 / 10);
		ck_assert_uint_le(ran(dom[0]->vcpu[i]), 4000 * MS * _i / 16 * 11 / 10);
	}
}
END_TEST

static void set_weights(const uint32_t *weights, unsigned int vcpus)
{
	for (unsigned int i = 0; i < 3; i++) {
		dom[i]->account.weight = weights[i];
		siblings(i, vcpus);
	}
}

START_TEST(weights_one_two_four)
{
	static const uint32_t weights[] = { 256, 512, 1024 };

	set_weights(weights, 2);
	spin(2, 7000);
	assert_share(0, 7000, 29);	/* of two CPUs */
	assert_share(1, 7000, 57);
	assert_share(2, 7000, 114);
}
END_TEST

/*
 * A vCPU has one CPU at most; what it cannot use goes to the others by their
 * weights.
 */
START_TEST(weight_that_asks_for_more_than_a_cpu)
{
	static const uint32_t weights[] = { 256, 512, 65535 };

	set_weights(weights, 1);
	spin(2, 3000);
	assert_share(0, 3000, 33);
	assert_share(1, 3000, 67);
	assert_share(2, 3000, 100);
	/*
	 * And it has saved up no claim: with a second vCPU it is not alone for
	 * long.
	 */
	fake_vcpus(dom[2], 2);
	sched_online(dom[2]->vcpu[1]);
	dom[2]->account.weight = 256;
	spin(2, 100);
	assert_share(0, 3100, 33);
}
END_TEST

START_TEST(smallest_and_greatest_weight)
{
	static const uint32_t weights[] = { 1, 1, 65535 };

	set_weights(weights, 1);
	spin(1, 3000);
	assert_share(2, 3000, 100);
	/* a slice each: little, and not nothing */
	ck_assert_uint_gt(ran(vcpu(0)), 0);
	ck_assert_uint_gt(ran(vcpu(1)), 0);
}
END_TEST

/* Slices are short while many wait. */
START_TEST(long_queue_short_slices)
{
	for (unsigned int i = 0; i < SCHED_LONG_QUEUE; i++)
		sched_online(vcpu(i));
	schedule(0);
	ck_assert_uint_eq(fake.lapic[0], fake.now + SCHED_SLICE_NS);
	sched_online(vcpu(SCHED_LONG_QUEUE));
	fake.now += SCHED_SLICE_NS;
	schedule(0);
	ck_assert_uint_eq(fake.lapic[0], fake.now + SCHED_SHORT_NS);
}
END_TEST

START_TEST(caps)
{
	dom[0]->account.cap = 20;
	dom[1]->account.cap = 150;
	siblings(0, 1);
	siblings(1, 8);
	spin(2, 3000);
	assert_share(0, 3000, 20);	/* though there is more */
	assert_share(1, 3000, 150);
}
END_TEST

/*
 * A capped guest leaves the rest to others, and its share by weight is not
 * raised by what it could not have.
 */
START_TEST(cap_beside_a_hog)
{
	dom[0]->account.cap = 10;
	dom[0]->account.weight = 65535;
	simulate(1, 2, 1, 3000);
	assert_share(0, 3000, 10);
	assert_share(2, 3000, 6);
	assert_share(1, 3000, 84);
}
END_TEST

START_TEST(parked_vcpus_wait_asleep)
{
	struct vcpu *v = vcpu(0);

	dom[0]->account.cap = 10;
	sched_online(v);
	ck_assert_ptr_eq(schedule(0), v);
	ck_assert_uint_eq(fake.lapic[0], fake.now + 3 * MS);
	fake.now += 3 * MS;
	ck_assert(!fake_sched_check());
	ck_assert_ptr_null(schedule(0));
	ck_assert_int_eq(v->run, RUN_RUNNABLE);
	ck_assert_int_eq(v->runstate.state, RUNSTATE_runnable);
	ck_assert_uint_eq(fake.lapic[0], sched_account_opens(fake.now));
	/* nobody else takes it meanwhile */
	ck_assert_ptr_null(schedule(1));
	fake.now = sched_account_opens(fake.now);
	ck_assert_ptr_eq(schedule(0), v);
	/* Stopped while it is parked. */
	fake.now += 3 * MS;
	ck_assert_ptr_null(schedule(0));
	sched_stop(v);
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	fake.now = sched_account_opens(fake.now);
	ck_assert_ptr_null(schedule(0));
}
END_TEST

/*
 * A CPU that runs somebody else meanwhile looks when there is budget again, not
 * at the end of its slice.
 */
START_TEST(parked_vcpus_come_back_in_time)
{
	dom[0]->account.cap = 10;
	dom[0]->account.weight = 65535;
	sched_online(vcpu(0));
	schedule(0);
	fake.now += 3 * MS;
	ck_assert_ptr_null(schedule(0));
	fake.now = sched_account_opens(fake.now) - MS;
	sched_online(vcpu(1));
	ck_assert_ptr_eq(schedule(0), vcpu(1));
	ck_assert_uint_eq(fake.lapic[0], fake.now + MS);
	fake.now += MS;
	ck_assert(!fake_sched_check());
	ck_assert_ptr_eq(schedule(0), vcpu(0));
}
END_TEST

/* RUNQ4: who comes between the last look and the sleep. */
START_TEST(no_cpu_idles_while_somebody_waits)
{
	ck_assert_ptr_null(schedule(1));
	fake_cpu(0);
	ck_assert(sched_idle_wake(1, 0));
	/* CPU 1 is on its way, and nobody else idles */
	sched_online(vcpu(0));
	ck_assert_uint_eq(fake.ipis[1], 1);
	fake_cpu(2);
	ck_assert(!sched_idle_begin());
	fake_cpu(0);
	sched_online(vcpu(1));
	ck_assert_uint_eq(fake.ipis[2], 0);	/* it does not count as idle */
}
END_TEST

/*
 * A CPU with work of its own takes what is behind elsewhere; an idle one takes
 * anything.
 */
START_TEST(steals_what_is_behind)
{
	struct vcpu *v = vcpu(0), *w = vcpu(1);

	sched_online(v);		/* both on CPU 0's queue */
	sched_online(w);
	ck_assert_ptr_eq(schedule(0), v);
	ck_assert_ptr_eq(schedule(1), w);
	ck_assert_uint_eq(w->cpu, 1);
	sched_online(vcpu(2));
	fake_cpu(0);
	sched_online(vcpu(3));		/* on CPU 0's */
	fake.now += SCHED_SLICE_NS;
	ck_assert_ptr_eq(schedule(1), vcpu(2));	/* not w, which has run */
	ck_assert_int_eq(w->run, RUN_RUNNABLE);
	ck_assert_ptr_eq(schedule(0), vcpu(3));
}
END_TEST

/*
 * Another CPU takes v from this one's queue, runs it, and has it wait in its
 * own.
 */
static void moves_meanwhile(enum lock_level level)
{
	port_on_each_lock = NULL;
	ck_assert_ptr_eq(schedule(1), vcpu(0));
	fake.now += SCHED_SLICE_NS;
	sched_online(vcpu(1));
	ck_assert_ptr_eq(schedule(1), vcpu(1));
	fake_cpu(0);
}

/* RUNQ1: who locks the queue where a vCPU was looks again. */
START_TEST(a_vcpu_moves_before_its_queue_is_locked)
{
	sched_online(vcpu(0));
	port_on_each_lock = moves_meanwhile;
	sched_stop(vcpu(0));
	ck_assert_ptr_null(port_on_each_lock);
	ck_assert_uint_eq(vcpu(0)->cpu, 1);
	ck_assert_int_eq(vcpu(0)->run, RUN_OFFLINE);
	ck_assert(sched_queues_empty());
	ck_assert_ptr_null(schedule(0));
}
END_TEST

/* --- giving way --- */

/* The sibling has the rest of the slice and no more; then the turns go on. */
START_TEST(yield_to_a_sibling)
{
	struct vcpu **v;

	siblings(0, 2);
	v = dom[0]->vcpu;
	ck_assert_ptr_eq(schedule(0), v[0]);
	sched_online(vcpu(1));		/* as far, and it has waited no less */
	fake.now += MS / 10;
	sched_yield_cpu(v[0]);
	ck_assert_ptr_eq(schedule(0), v[1]);
	ck_assert_uint_eq(fake.lapic[0], fake.now - MS / 10 + SCHED_SLICE_NS);
	fake.now += SCHED_SLICE_NS - MS / 10;
	ck_assert_ptr_eq(schedule(0), vcpu(1));
}
END_TEST

/* Who yields is behind a slice of its sibling's, and not for ever. */
START_TEST(who_yields_comes_again)
{
	struct vcpu **v = dom[0]->vcpu;

	siblings(0, 2);
	ck_assert_ptr_eq(schedule(0), v[0]);
	sched_yield_cpu(v[0]);
	ck_assert_ptr_eq(schedule(0), v[1]);
	spin(1, 100);
	ck_assert_uint_ge(ran(v[0]), 40 * MS);
	ck_assert_uint_ge(ran(v[1]), 40 * MS);
}
END_TEST

START_TEST(poll_gives_way_too)
{
	struct vcpu **v = dom[0]->vcpu;

	siblings(0, 2);
	sched_online(vcpu(1));
	/* another CPU's queue has the sibling */
	ck_assert_ptr_eq(schedule(1), v[0]);
	fake_cpu(1);
	sched_poll_start(v[0], 7);
	ck_assert_ptr_eq(schedule(1), v[1]);
	ck_assert_int_eq(v[0]->run, RUN_BLOCKED);
	ck_assert_uint_eq(v[1]->cpu, 1);
	sched_poll_wake(v[0], 7);
	ck_assert_int_eq(v[0]->run, RUN_RUNNABLE);
}
END_TEST

/* Who is owed more by a waker's measure goes before a sibling. */
START_TEST(giving_way_starves_nobody)
{
	struct vcpu **v = dom[0]->vcpu;

	siblings(0, 2);
	schedule(0);
	fake.now += 2 * MS;
	/*
	 * at most half a slice behind, but behind by more than a waker's bound
	 */
	sched_online(vcpu(1));
	dom[1]->account.vtime = 0;
	sched_yield_cpu(v[0]);
	ck_assert_ptr_eq(schedule(0), vcpu(1));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("domains");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, eight_vcpus_beside_one, 1, 3);
	tcase_add_test(tc, weights_one_two_four);
	tcase_add_test(tc, weight_that_asks_for_more_than_a_cpu);
	tcase_add_test(tc, smallest_and_greatest_weight);
	tcase_add_test(tc, long_queue_short_slices);
	tcase_add_test(tc, caps);
	tcase_add_test(tc, cap_beside_a_hog);
	tcase_add_test(tc, parked_vcpus_wait_asleep);
	tcase_add_test(tc, parked_vcpus_come_back_in_time);
	tcase_add_test(tc, no_cpu_idles_while_somebody_waits);
	tcase_add_test(tc, steals_what_is_behind);
	tcase_add_test(tc, a_vcpu_moves_before_its_queue_is_locked);
	tcase_add_test(tc, yield_to_a_sibling);
	tcase_add_test(tc, who_yields_comes_again);
	tcase_add_test(tc, poll_gives_way_too);
	tcase_add_test(tc, giving_way_starves_nobody);
	return suite_run();
}
