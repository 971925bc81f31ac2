/* links: hv/dom/sched*.c hv/dom/pause.c hv/lib/pheap.c hv/dom/timer.c hv/dom/stop.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: states and edges, fairness between those who spin and those
 * who sleep, preemption, the reaper's share, stopping, polling.  The fake
 * vcpu_switch() checks in every test that no vCPU is loaded on two CPUs.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <port.h>

#include "dom/pause.h"
#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"
#include "unit/sched_run.h"
#include "unit/suite.h"

START_TEST(online_runs_block_and_wake)
{
	struct vcpu *v = vcpu(0);

	ck_assert_ptr_null(schedule(0));
	sched_wake(v);
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_online(v);
	ck_assert_int_eq(v->run, RUN_RUNNABLE);
	ck_assert_ptr_eq(schedule(0), v);
	ck_assert_int_eq(v->run, RUN_RUNNING);
	ck_assert(!sched_preempt_pending());
	sched_block(v);
	ck_assert_int_eq(v->run, RUN_RUNNING);	/* until its state is saved */
	ck_assert(sched_preempt_pending());
	ck_assert(!fake_sched_check());
	ck_assert_ptr_null(schedule(0));
	ck_assert_int_eq(v->run, RUN_BLOCKED);
	ck_assert_uint_eq(dom[0]->cpu_mask, 0);
	sched_wake(v);
	ck_assert_ptr_eq(schedule(0), v);
}
END_TEST

/* TL11: a long call, which looks whether its time is up, is in nobody's way. */
START_TEST(a_long_call_answers_flushes)
{
	sched_online(vcpu(0));
	schedule(0);
	this_cpu()->tlb_asked = 1 << 1;
	ck_assert(!sched_preempt_pending());
	ck_assert_uint_eq(this_cpu()->tlb_asked, 0);
}
END_TEST

START_TEST(block_does_not_sleep_on_a_deliverable_event)
{
	struct vcpu *v = vcpu(0);

	sched_online(v);
	schedule(0);
	v->info->evtchn_upcall_pending = 1;
	sched_block(v);
	ck_assert(!sched_preempt_pending());
	v->info->evtchn_upcall_mask = 1;
	sched_block(v);
	ck_assert(sched_preempt_pending());
	/* from elsewhere, before it is saved (SCHED3) */
	sched_wake(v);
	ck_assert_ptr_eq(schedule(0), v);
}
END_TEST

START_TEST(poll_wakes_only_for_its_port)
{
	struct vcpu *v = vcpu(0);

	sched_online(v);
	schedule(0);
	sched_poll_start(v, 7);
	ck_assert_ptr_null(schedule(0));
	sched_poll_wake(v, 8);
	ck_assert_int_eq(v->run, RUN_BLOCKED);
	sched_poll_wake(v, 7);
	ck_assert_int_eq(v->run, RUN_RUNNABLE);
	ck_assert_ptr_eq(schedule(0), v);
	sched_poll_start(v, 0);		/* any */
	sched_poll_wake(v, 9);
	ck_assert_ptr_eq(schedule(0), v);
	sched_poll_start(v, 7);
	sched_poll_abort(v);
	ck_assert_ptr_eq(schedule(0), v);
	sched_poll_start(v, 7);
	ck_assert_ptr_null(schedule(0));
	sched_poll_wake(v, 0);		/* its time is over */
	ck_assert_ptr_eq(schedule(0), v);
}
END_TEST

START_TEST(slice_ends_by_the_clock)
{
	sched_online(vcpu(0));
	sched_online(vcpu(1));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	ck_assert_uint_eq(fake.lapic[0], fake.now + SCHED_SLICE_NS);
	fake.now += SCHED_SLICE_NS - 1;
	ck_assert(fake_sched_check());
	fake.now++;
	ck_assert(!fake_sched_check());
	ck_assert_ptr_eq(schedule(0), vcpu(1));
	ck_assert_uint_eq(dom[0]->account.ran_ns, SCHED_SLICE_NS);
	ck_assert_int_eq(vcpu(0)->runstate.state, RUNSTATE_runnable);
	ck_assert_uint_eq(vcpu(0)->runstate.time[RUNSTATE_running],
			  SCHED_SLICE_NS);
}
END_TEST

START_TEST(yield_goes_behind_all)
{
	for (unsigned int i = 0; i < 3; i++)
		sched_online(vcpu(i));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	sched_yield_cpu(vcpu(0));
	ck_assert_ptr_eq(schedule(0), vcpu(1));
	sched_yield_cpu(vcpu(1));
	ck_assert_ptr_eq(schedule(0), vcpu(2));
	sched_yield_cpu(vcpu(2));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
}
END_TEST

/*
 * Also behind who has had up to a slice more; not behind who has had more than
 * that.
 */
START_TEST(yield_goes_behind_who_had_a_little_more)
{
	sched_online(vcpu(0));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	fake.now += SCHED_SLICE_NS;
	schedule(0);
	sched_online(vcpu(1));
	dom[0]->account.vtime += SCHED_VIRTUAL(SCHED_SLICE_NS / 4);
	schedule(0);
	ck_assert_ptr_eq(schedule(0), vcpu(1));
	sched_yield_cpu(vcpu(1));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	dom[0]->account.vtime += SCHED_VIRTUAL(2 * SCHED_SLICE_NS);
	ck_assert_ptr_eq(schedule(0), vcpu(1));
	sched_yield_cpu(vcpu(1));
	ck_assert_ptr_eq(schedule(0), vcpu(1));
}
END_TEST

START_TEST(idle_cpu_is_woken_once)
{
	schedule(1);
	schedule(2);
	fake_cpu(0);
	sched_online(vcpu(0));
	ck_assert_uint_eq(fake.ipis[1] + fake.ipis[2], 1);
	sched_online(vcpu(1));
	ck_assert_uint_eq(fake.ipis[1], 1);
	ck_assert_uint_eq(fake.ipis[2], 1);
	sched_online(vcpu(2));
	ck_assert_uint_eq(fake.ipis[1] + fake.ipis[2], 2);
	ck_assert_ptr_nonnull(schedule(1));
	ck_assert_ptr_nonnull(schedule(2));
	ck_assert_ptr_nonnull(schedule(0));
}
END_TEST

START_TEST(waker_preempts_who_had_most)
{
	struct vcpu *sleeper = vcpu(2);

	sched_online(vcpu(0));
	sched_online(vcpu(1));
	sched_online(sleeper);
	schedule(0);
	schedule(1);
	fake.now += 2 * SCHED_SLICE_NS;
	ck_assert_ptr_eq(schedule(0), sleeper);
	sched_block(sleeper);
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	fake_cpu(2);			/* an interrupt there wakes it */
	sched_wake(sleeper);
	/*
	 * vcpu(1) has run 10 ms since; vcpu(0) has as much and was put on
	 * later.
	 */
	ck_assert_uint_eq(fake_cpu_area(0)->need_resched +
			  fake_cpu_area(1)->need_resched, 1);
	ck_assert_uint_eq(fake.ipis[0] + fake.ipis[1], 1);
}
END_TEST

START_TEST(kick_interrupts_another_cpu)
{
	sched_online(vcpu(0));
	schedule(1);
	/* its own CPU sees events on the way out */
	sched_kick(vcpu(0));
	ck_assert_uint_eq(fake.ipis[1], 0);
	fake_cpu(0);
	sched_kick(vcpu(0));
	ck_assert_uint_eq(fake.ipis[1], 1);
	ck_assert_uint_eq(fake_cpu_area(1)->need_resched, 0);
}
END_TEST

/* SCHED3: an event of its own after it asked to sleep: it does not. */
START_TEST(kick_of_itself_takes_a_wish_to_sleep_back)
{
	for (int poll = 0; poll < 2; poll++) {
		sched_online(vcpu(0));
		ck_assert_ptr_eq(schedule(0), vcpu(0));
		if (poll)
			sched_poll_start(vcpu(0), 5);
		else
			sched_block(vcpu(0));
		sched_kick(vcpu(0));
		ck_assert(!vcpu(0)->want_block && !vcpu(0)->poll_wait);
		ck_assert_ptr_eq(schedule(0), vcpu(0));
	}
}
END_TEST

START_TEST(stop_in_each_state)
{
	struct vcpu *v = vcpu(0);

	sched_stop(v);			/* OFFLINE */
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_online(v);
	sched_stop(v);			/* RUNNABLE */
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	ck_assert_ptr_null(schedule(0));
	sched_online(v);
	schedule(0);
	sched_block(v);
	schedule(0);
	sched_stop(v);			/* BLOCKED */
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_wake(v);
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_online(v);
	schedule(1);
	fake_cpu(0);
	fake.ipis[1] = 0;
	sched_stop(v);			/* RUNNING elsewhere */
	ck_assert_int_eq(v->run, RUN_RUNNING);
	ck_assert_uint_ge(fake.ipis[1], 1);
	fake_cpu(1);
	ck_assert(!fake_sched_check());
	ck_assert_ptr_null(schedule(1));
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_online(v);
	schedule(1);
	sched_offline(v);		/* its own: at its next exit */
	ck_assert(!fake_sched_check());
	ck_assert_ptr_null(schedule(1));
	ck_assert_int_eq(v->run, RUN_OFFLINE);
}
END_TEST

/* SCHED6, PAUSE2 */
START_TEST(pause_in_each_state)
{
	struct vcpu *v = vcpu(0);

	ck_assert_int_eq(pause_begin(dom[0]), 0);	/* OFFLINE */
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_online(v);
	ck_assert_int_eq(v->run, RUN_PAUSED);
	ck_assert(sched_is_up(v));
	ck_assert_ptr_null(schedule(0));
	ck_assert_int_eq(v->runstate.state, RUNSTATE_offline);
	ck_assert_int_eq(pause_begin(dom[0]), 0);	/* twice */
	ck_assert_int_eq(pause_end(dom[0]), 0);
	ck_assert_ptr_null(schedule(0));
	ck_assert_int_eq(pause_end(dom[0]), 0);
	ck_assert_int_eq(pause_end(dom[0]), -EINVAL);
	ck_assert_int_eq(v->run, RUN_RUNNABLE);
	ck_assert_int_eq(pause_begin(dom[0]), 0);	/* RUNNABLE */
	ck_assert_int_eq(v->run, RUN_PAUSED);
	sched_stop(v);
	ck_assert_int_eq(pause_end(dom[0]), 0);
	ck_assert_int_eq(v->run, RUN_OFFLINE);
	sched_online(v);
	ck_assert_ptr_eq(schedule(1), v);
	fake_cpu(0);
	fake.ipis[1] = 0;
	ck_assert_int_eq(pause_begin(dom[0]), 0);	/* RUNNING elsewhere */
	ck_assert_uint_ge(fake.ipis[1], 1);
	ck_assert(!pause_whole(dom[0]));
	fake_cpu(1);
	ck_assert(!fake_sched_check());
	ck_assert_ptr_null(schedule(1));
	ck_assert(pause_whole(dom[0]));
	ck_assert_int_eq(v->run, RUN_PAUSED);
	ck_assert_int_eq(pause_end(dom[0]), 0);
	ck_assert_ptr_eq(schedule(1), v);
	sched_block(v);
	ck_assert_ptr_null(schedule(1));
	ck_assert_int_eq(pause_begin(dom[0]), 0);	/* BLOCKED */
	ck_assert_int_eq(v->run, RUN_BLOCKED);
	sched_wake(v);
	ck_assert_int_eq(v->run, RUN_PAUSED);
	ck_assert_ptr_null(schedule(1));
	ck_assert_int_eq(pause_end(dom[0]), 0);
	ck_assert_ptr_eq(schedule(1), v);
}
END_TEST

/* A slice has 5 ms: it is not waited for. */
START_TEST(pause_ends_a_slice)
{
	sched_online(vcpu(0));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	WRITE_ONCE(dom[0]->paused, 1);	/* the IPI is still on its way */
	ck_assert(!fake_sched_check());
	ck_assert_ptr_null(schedule(0));
	ck_assert_int_eq(vcpu(0)->run, RUN_PAUSED);
	ck_assert_int_eq(pause_end(dom[0]), 0);
	ck_assert_ptr_eq(schedule(0), vcpu(0));
}
END_TEST

START_TEST(a_dying_domain_is_not_run)
{
	sched_online(vcpu(0));
	sched_online(vcpu(1));
	ck_assert_ptr_eq(schedule(0), vcpu(0));
	dom[0]->state = DOM_DYING;	/* while it runs */
	dom[1]->state = DOM_DYING;	/* while it waits */
	ck_assert_ptr_null(schedule(0));
	ck_assert_int_eq(vcpu(0)->run, RUN_OFFLINE);
	ck_assert_int_eq(vcpu(1)->run, RUN_OFFLINE);
	sched_online(vcpu(0));
	ck_assert_int_eq(vcpu(0)->run, RUN_OFFLINE);
}
END_TEST

START_TEST(the_dead_get_one_step_a_slice)
{
	sched_online(vcpu(0));
	sched_online(vcpu(1));
	fake.reap_work = 1000;
	for (unsigned int ms = 0; ms < 100; ms++) {
		/* switches often: each ms */
		ck_assert_ptr_nonnull(schedule(0));
		fake.now += MS;
	}
	ck_assert_uint_ge(fake.reaps, 19);	/* they do not wait for ever, */
	ck_assert_uint_le(fake.reaps, 21);	/* nor delay the living */
	sched_stop(vcpu(0));
	sched_stop(vcpu(1));
	ck_assert_ptr_null(schedule(0));	/* nobody lives: all at once */
	ck_assert_uint_eq(fake.reap_work, 0);
}
END_TEST

static unsigned int all_gone_calls;

static void all_gone(void)
{
	all_gone_calls++;
}

START_TEST(boot_cpu_sees_the_last_domain_go)
{
	sched_all_gone = all_gone;
	all_gone_calls = 0;
	schedule(0);
	ck_assert_uint_eq(all_gone_calls, 0);
	fake.domains_left = 0;
	fake.reap_work = 1;
	schedule(1);
	ck_assert_uint_eq(all_gone_calls, 0);
	ck_assert_uint_eq(fake.ipis[0], 1);
	schedule(0);
	ck_assert_uint_eq(all_gone_calls, 1);
	sched_all_gone = NULL;
}
END_TEST

/* --- fairness, by simulation --- */

START_TEST(hogs_share_one_cpu)
{
	simulate(1, 4, 0, 2000);
	for (unsigned int i = 0; i < 4; i++)
		assert_share(i, 2000, 25);
}
END_TEST

START_TEST(hogs_share_three_cpus)
{
	simulate(3, 5, 0, 2000);
	for (unsigned int i = 0; i < 5; i++)
		assert_share(i, 2000, 60);
}
END_TEST

START_TEST(as_many_cpus_as_hogs)
{
	simulate(3, 3, 0, 500);
	for (unsigned int i = 0; i < 3; i++)
		assert_share(i, 500, 100);
}
END_TEST

/* Who sleeps gets what it asks for: 200 us each 3 ms; the hogs get the rest. */
START_TEST(sleepers_among_hogs)
{
	simulate(1, 2, 2, 3000);
	assert_share(2, 3000, 6);
	assert_share(3, 3000, 6);
	assert_share(0, 3000, 43);
	assert_share(1, 3000, 43);
}
END_TEST

/* A long sleep earns half a slice, not the time slept. */
START_TEST(sleep_saves_up_no_claim)
{
	struct vcpu *late = vcpu(1);

	simulate(1, 1, 0, 5000);
	sched_online(late);
	ck_assert_uint_ge(dom[1]->account.vtime + SCHED_VIRTUAL(SCHED_SLICE_NS),
			  dom[0]->account.vtime);
	for (unsigned int ms = 0; ms < 100; ms++, fake.now += MS)
		if (!fake_sched_check())
			schedule(0);
	schedule(0);
	ck_assert_uint_ge(dom[1]->account.ran_ns, 45 * MS);
	ck_assert_uint_le(dom[1]->account.ran_ns, 60 * MS);
}
END_TEST

START_TEST(runstate_times_add_up)
{
	struct vcpu_runstate_info r;
	uint64_t start = fake.now, sum;

	vcpu(2)->runstate.state_entry_time = start;
	simulate(1, 2, 1, 300);
	sched_runstate(vcpu(2), &r);
	sum = r.time[0] + r.time[1] + r.time[2] + r.time[3];
	ck_assert_uint_eq(sum, fake.now - start);
	ck_assert_uint_eq(r.time[RUNSTATE_running], dom[2]->account.ran_ns);
	ck_assert_uint_eq(r.state_entry_time, fake.now);
}
END_TEST

/* Steps of the reaper while one waits for a death, so many turns. */
static unsigned int waited_for(unsigned int turns)
{
	fake.reaps = 0;
	for (unsigned int i = 0; i < turns; i++) {
		sched_reap_soon();
		sched_yield_cpu(vcpu(0));
		ck_assert_ptr_eq(schedule(0), vcpu(0));
	}
	return fake.reaps;
}

/* Who waits for a death gives the reaper its turn, each time. */
START_TEST(reaped_when_one_waits)
{
	sched_online(vcpu(0));
	fake.reap_work = 2000;
	schedule(0);
	fake.reaps = 0;
	for (unsigned int i = 0; i < 50; i++) {
		sched_yield_cpu(vcpu(0));
		ck_assert_ptr_eq(schedule(0), vcpu(0));
	}
	ck_assert_uint_le(fake.reaps, 1);
	ck_assert_uint_eq(waited_for(50), 50 * 32);
	fake.reap_work = 0;
}
END_TEST

/* A turn has so many steps, but no more once its time is over. */
START_TEST(turn_of_the_reaper_ends)
{
	sched_online(vcpu(0));
	schedule(0);
	fake.reap_work = 1000;
	fake.reap_ns = 200000;
	ck_assert_uint_eq(waited_for(10), 10);
	fake.reap_ns = 80000;
	ck_assert_uint_eq(waited_for(10), 30);
	fake.reap_ns = 0;
	fake.reap_work = 3;
	ck_assert_uint_eq(waited_for(1), 3);
	fake.reap_work = 0;
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("sched");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, online_runs_block_and_wake);
	tcase_add_test(tc, a_long_call_answers_flushes);
	tcase_add_test(tc, block_does_not_sleep_on_a_deliverable_event);
	tcase_add_test(tc, poll_wakes_only_for_its_port);
	tcase_add_test(tc, slice_ends_by_the_clock);
	tcase_add_test(tc, yield_goes_behind_all);
	tcase_add_test(tc, yield_goes_behind_who_had_a_little_more);
	tcase_add_test(tc, idle_cpu_is_woken_once);
	tcase_add_test(tc, waker_preempts_who_had_most);
	tcase_add_test(tc, kick_interrupts_another_cpu);
	tcase_add_test(tc, kick_of_itself_takes_a_wish_to_sleep_back);
	tcase_add_test(tc, stop_in_each_state);
	tcase_add_test(tc, pause_in_each_state);
	tcase_add_test(tc, pause_ends_a_slice);
	tcase_add_test(tc, a_dying_domain_is_not_run);
	tcase_add_test(tc, the_dead_get_one_step_a_slice);
	tcase_add_test(tc, reaped_when_one_waits);
	tcase_add_test(tc, turn_of_the_reaper_ends);
	tcase_add_test(tc, boot_cpu_sees_the_last_domain_go);
	tcase_add_test(tc, hogs_share_one_cpu);
	tcase_add_test(tc, hogs_share_three_cpus);
	tcase_add_test(tc, as_many_cpus_as_hogs);
	tcase_add_test(tc, sleepers_among_hogs);
	tcase_add_test(tc, sleep_saves_up_no_claim);
	tcase_add_test(tc, runstate_times_add_up);
	return suite_run();
}
