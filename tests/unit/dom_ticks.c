/* links: hv/dom/op_sched.c hv/pv/op_vcpu.c hv/dom/sched*.c hv/lib/pheap.c hv/dom/stop.c hv/dom/timer.c hv/dom/evtchn*.c tests/fake/fake_pirq.c hv/dom/vcpu.c tests/port/port.c tests/fake/fake_dom.c tests/fake/fake_x86.c */
/* SPDX-License-Identifier: MIT */
/*
 * The periodic timer: it ticks while its vCPU runs, at that vCPU's cost, and is
 * none at all else (TICK1, TICK2).
 */
#include <check.h>
#include <errno.h>

#include <port.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "unit/one_vcpu.h"
#include "unit/suite.h"

START_TEST(periodic)
{
	struct vcpu_set_periodic_timer p = { .period_ns = 2 * MS };
	unsigned int hits = 0;

	ck_assert_int_eq(vcpu_op(VCPUOP_set_periodic_timer, &p), 0);
	for (unsigned int ms = 0; ms < 20; ms++) {
		pass(MS);
		hits += timer_pending();
		handled();
	}
	ck_assert_uint_eq(hits, 10);
	ck_assert_int_eq(vcpu_op(VCPUOP_stop_periodic_timer, NULL), 0);
	pass(10 * MS);
	ck_assert(!timer_pending());
	p.period_ns = MS - 1;
	ck_assert_int_eq(vcpu_op(VCPUOP_set_periodic_timer, &p), -EINVAL);
	p.period_ns = ~0UL;
	ck_assert_int_eq(vcpu_op(VCPUOP_set_periodic_timer, &p), -EINVAL);
}
END_TEST

/* TICK1: of a vCPU that sleeps there is no interrupt at all. */
START_TEST(periodic_wakes_nobody)
{
	struct vcpu_set_periodic_timer p = { .period_ns = MS };

	ck_assert_int_eq(vcpu_op(VCPUOP_set_periodic_timer, &p), 0);
	ck_assert_int_eq(op_set_timer(fake.now + 30 * MS), 0);
	ck_assert_int_eq(op_sched(SCHEDOP_block, 0), 0);
	ck_assert_ptr_null(pass(0));
	ck_assert_int_eq(v->periodic_timer.cpu, -1);
	ck_assert_uint_eq(fake.lapic[0], fake.now + 30 * MS);
	ck_assert_ptr_null(pass(29 * MS));
	ck_assert(!timer_pending());
	ck_assert_ptr_eq(pass(MS), v);
	handled();
	/* What it missed was one tick: with the single timer's, and no more. */
	ck_assert_ptr_eq(pass(MS - 1), v);
	ck_assert(!timer_pending());
	ck_assert_ptr_eq(pass(1), v);
	ck_assert(timer_pending());
	ck_assert_int_eq(vcpu_op(VCPUOP_stop_periodic_timer, NULL), 0);
}
END_TEST

START_TEST(periodic_missed_while_away)
{
	struct vcpu_set_periodic_timer p = { .period_ns = 10 * MS };

	ck_assert_int_eq(vcpu_op(VCPUOP_set_periodic_timer, &p), 0);
	ck_assert_int_eq(op_sched(SCHEDOP_block, 0), 0);
	ck_assert_ptr_null(pass(4 * MS));
	sched_wake(v);
	ck_assert_ptr_eq(pass(0), v);	/* not yet due: the rest of it */
	ck_assert(!timer_pending());
	ck_assert_uint_eq(v->periodic_timer.deadline_ns, fake.now + 6 * MS);
	ck_assert_int_eq(op_sched(SCHEDOP_block, 0), 0);
	ck_assert_ptr_null(pass(0));
	ck_assert_ptr_null(pass(70 * MS));
	ck_assert(!timer_pending());
	sched_wake(v);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert(timer_pending());
	ck_assert_uint_eq(v->periodic_timer.deadline_ns, fake.now + 10 * MS);
	ck_assert_int_eq(vcpu_op(VCPUOP_stop_periodic_timer, NULL), 0);
	ck_assert_int_eq(v->periodic_timer.cpu, -1);
}
END_TEST

/* TICK2: from another CPU, of one that runs and of one that sleeps. */
START_TEST(periodic_of_another)
{
	struct vcpu_set_periodic_timer p = { .period_ns = 2 * MS };

	fake_cpu(1);
	vcpu_ticks_set(v, p.period_ns);
	ck_assert_int_eq(v->periodic_timer.cpu, -1);
	fake_cpu(0);
	ck_assert(this_cpu()->need_resched);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_int_eq(v->periodic_timer.cpu, 0);
	ck_assert_uint_eq(v->periodic_timer.deadline_ns, fake.now + 2 * MS);
	fake_cpu(1);
	vcpu_ticks_set(v, 0);
	ck_assert_int_eq(v->periodic_timer.cpu, -1);
	fake_cpu(0);
	ck_assert_ptr_eq(pass(10 * MS), v);
	ck_assert(!timer_pending());
	ck_assert_int_eq(op_sched(SCHEDOP_block, 0), 0);
	ck_assert_ptr_null(pass(0));
	vcpu_ticks_set(v, 1000 * MS);
	ck_assert_int_eq(v->periodic_timer.cpu, -1);
	sched_wake(v);
	ck_assert_ptr_eq(pass(0), v);
	ck_assert_uint_eq(v->periodic_timer.deadline_ns, fake.now + 1000 * MS);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("ticks");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, periodic);
	tcase_add_test(tc, periodic_wakes_nobody);
	tcase_add_test(tc, periodic_missed_while_away);
	tcase_add_test(tc, periodic_of_another);
	return suite_run();
}
