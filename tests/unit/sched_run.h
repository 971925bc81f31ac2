/* SPDX-License-Identifier: MIT */
/* The scheduler on fake CPUs: for its units. */
#ifndef TESTS_UNIT_SCHED_RUN_H
#define TESTS_UNIT_SCHED_RUN_H

#include <check.h>
#include <string.h>

#include <port.h>

#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"

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

/*
 * The scheduler's own state outlives a test (tests do not fork in a debugger):
 * its clock does not go back.
 */
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

/*
 * `cpus` CPUs for `ms` milliseconds in steps of 100 us.  Domains below `hogs`
 * spin; each of the others runs for 200 us, then sleeps until the next multiple
 * of 3 ms.
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

#endif
