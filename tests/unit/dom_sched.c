/* links: hv/dom/sched*.c hv/lib/pheap.c hv/dom/timer.c hv/dom/stop.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: states and edges, fairness between those who spin and those who
 * sleep, preemption, the reaper's share, stopping, polling.  The fake vcpu_switch()
 * checks in every test that no vCPU is loaded on two CPUs.
 */
#include <check.h>
#include <string.h>

#include <port.h>

#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"
#include "unit/suite.h"

#define MS 1000000UL

static struct domain *dom[FAKE_DOMAINS];
static struct vcpu *on[FAKE_CPUS];	/* who runs where, as the test saw it */

static struct vcpu *vcpu(unsigned int n)
{
	return dom[n]->vcpu[0];
}

/* CPU n enters its scheduling loop. */
static struct vcpu *schedule(unsigned int n)
{
	fake_cpu(n);
	on[n] = fake_schedule();
	return on[n];
}

/* The scheduler's own state outlives a test (tests do not fork in a debugger): its clock does not go back. */
static uint64_t last_now;

static void setup(void)
{
	fake_reset();
	fake.now += last_now;
	memset(on, 0, sizeof(on));
	for (unsigned int i = 0; i < FAKE_DOMAINS; i++)
		dom[i] = fake_domain(i);
	fake_cpu(0);
}

static void teardown(void)
{
	last_now = fake.now;
	for (unsigned int i = 0; i < FAKE_DOMAINS; i++)
		for (unsigned int n = 0; n < dom[i]->vcpu_count; n++)
			sched_stop(dom[i]->vcpu[n]);
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		ck_assert_ptr_null(schedule(i));
		sched_idle_end();
	}
	fake_cpu(0);
}

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
	sched_wake(v);			/* from elsewhere, before it is saved (SCHED3) */
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

/* Also behind who has had up to a slice more; not behind who has had more than that. */
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
	/* vcpu(1) has run 10 ms since; vcpu(0) has as much and was put on later. */
	ck_assert_uint_eq(fake_cpu_area(0)->need_resched +
			  fake_cpu_area(1)->need_resched, 1);
	ck_assert_uint_eq(fake.ipis[0] + fake.ipis[1], 1);
}
END_TEST

START_TEST(kick_interrupts_another_cpu)
{
	sched_online(vcpu(0));
	schedule(1);
	sched_kick(vcpu(0));		/* its own CPU sees events on the way out */
	ck_assert_uint_eq(fake.ipis[1], 0);
	fake_cpu(0);
	sched_kick(vcpu(0));
	ck_assert_uint_eq(fake.ipis[1], 1);
	ck_assert_uint_eq(fake_cpu_area(1)->need_resched, 0);
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
		ck_assert_ptr_nonnull(schedule(0)); /* switches often: each ms */
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

/*
 * `cpus` CPUs for `ms` milliseconds in steps of 100 us.  Domains below `hogs` spin; each of the
 * others runs for 200 us, then sleeps until the next multiple of 3 ms.
 */
static void simulate(unsigned int cpus, unsigned int hogs, unsigned int sleepers,
		     unsigned int ms)
{
	uint64_t end = fake.now + ms * MS, ran[FAKE_DOMAINS] = { 0 };
	unsigned int all = hogs + sleepers;

	for (unsigned int i = 0; i < all; i++)
		sched_online(vcpu(i));
	for (; fake.now < end; fake.now += MS / 10) {
		for (unsigned int i = hogs; i < all; i++)
			if (vcpu(i)->run == RUN_BLOCKED && fake.now % (3 * MS) == 0)
				sched_wake(vcpu(i));
		for (unsigned int n = 0; n < cpus; n++) {
			struct vcpu *v = on[n];

			fake_cpu(n);
			for (unsigned int i = hogs; i < all; i++)
				if (v == vcpu(i) && ++ran[i] % 2 == 0)
					sched_block(v);
			if (!v || !fake_sched_check())
				schedule(n);
		}
	}
	for (unsigned int n = 0; n < cpus; n++)	/* account */
		schedule(n);
}

static void assert_share(unsigned int n, uint64_t ms, uint64_t percent)
{
	uint64_t got = dom[n]->account.ran_ns * 100 / (ms * MS);

	ck_assert_msg(got + 2 >= percent && got <= percent + 2,
		      "dom%u got %lu %%, wanted %lu %%", n, got, percent);
}

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

/* --- domains with several vCPUs --- */

/* All `count` vCPUs of domain n are up, and spin. */
static void siblings(unsigned int n, unsigned int count)
{
	fake_vcpus(dom[n], count);
	for (unsigned int i = 0; i < count; i++)
		sched_online(dom[n]->vcpu[i]);
}

/* Whoever runs spins, on `cpus` CPUs, for `ms` milliseconds in steps of 100 us. */
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

/* A vCPU has one CPU at most; what it cannot use goes to the others by their weights. */
START_TEST(weight_that_asks_for_more_than_a_cpu)
{
	static const uint32_t weights[] = { 256, 512, 65535 };

	set_weights(weights, 1);
	spin(2, 3000);
	assert_share(0, 3000, 33);
	assert_share(1, 3000, 67);
	assert_share(2, 3000, 100);
	/* And it has saved up no claim: with a second vCPU it is not alone for long. */
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
	ck_assert_uint_gt(ran(vcpu(0)), 0);	/* a slice each: little, and not nothing */
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

/* A capped guest leaves the rest to others, and its share by weight is not raised by what it could not have. */
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
	ck_assert_ptr_null(schedule(1));	/* nobody else takes it meanwhile */
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

/* A CPU that runs somebody else meanwhile looks when there is budget again, not at the end of its slice. */
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
	ck_assert(sched_idle_wake(1));
	sched_online(vcpu(0));		/* CPU 1 is on its way, and nobody else idles */
	ck_assert_uint_eq(fake.ipis[1], 1);
	fake_cpu(2);
	ck_assert(!sched_idle_begin());
	fake_cpu(0);
	sched_online(vcpu(1));
	ck_assert_uint_eq(fake.ipis[2], 0);	/* it does not count as idle */
}
END_TEST

/* A CPU with work of its own takes what is behind elsewhere; an idle one takes anything. */
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

/* Another CPU takes v from this one's queue, runs it, and has it wait in its own. */
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
	ck_assert_ptr_eq(schedule(1), v[0]);	/* another CPU's queue has the sibling */
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
	sched_online(vcpu(1));		/* at most half a slice behind, but behind by more than a waker's bound */
	dom[1]->account.vtime = 0;
	sched_yield_cpu(v[0]);
	ck_assert_ptr_eq(schedule(0), vcpu(1));
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

int main(void)
{
	TCase *tc = suite_case("sched");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, online_runs_block_and_wake);
	tcase_add_test(tc, block_does_not_sleep_on_a_deliverable_event);
	tcase_add_test(tc, poll_wakes_only_for_its_port);
	tcase_add_test(tc, slice_ends_by_the_clock);
	tcase_add_test(tc, yield_goes_behind_all);
	tcase_add_test(tc, yield_goes_behind_who_had_a_little_more);
	tcase_add_test(tc, idle_cpu_is_woken_once);
	tcase_add_test(tc, waker_preempts_who_had_most);
	tcase_add_test(tc, kick_interrupts_another_cpu);
	tcase_add_test(tc, stop_in_each_state);
	tcase_add_test(tc, a_dying_domain_is_not_run);
	tcase_add_test(tc, the_dead_get_one_step_a_slice);
	tcase_add_test(tc, boot_cpu_sees_the_last_domain_go);
	tcase_add_test(tc, hogs_share_one_cpu);
	tcase_add_test(tc, hogs_share_three_cpus);
	tcase_add_test(tc, as_many_cpus_as_hogs);
	tcase_add_test(tc, sleepers_among_hogs);
	tcase_add_test(tc, sleep_saves_up_no_claim);
	tcase_add_test(tc, runstate_times_add_up);
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
