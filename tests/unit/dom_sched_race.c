/* links: hv/dom/sched*.c hv/dom/pause.c hv/lib/pheap.c hv/dom/stop.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * The scheduler with CPUs that are threads: vCPUs block, poll, yield, spin, are
 * woken, kicked and stopped from all sides.  No vCPU is loaded twice (SCHED1),
 * no wake-up is lost (SCHED3, RUNQ4), and nobody waits when all CPUs idle.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "dom/above.h"
#include "dom/evtchn.h"
#include "dom/pause.h"
#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "fake/fake_dom.h"
#include "unit/suite.h"

#define CPUS		3
#define DOMAINS		4
#define VCPUS		3	/* of each */
#define ACTIONS		15000
#define STEP_NS		200000UL

static struct vcpu *vcpus[DOMAINS * VCPUS];
static uint32_t loaded[DOMAINS * VCPUS]; /* atomic */
static uint64_t runs[DOMAINS * VCPUS];	/* each by who runs it */
static uint64_t clock_ns, actions;	/* atomic */
static uint32_t ipi[CPUS];		/* atomic */
static pthread_barrier_t ready;

static _Thread_local jmp_buf left;
static _Thread_local struct vcpu *entered;
static _Thread_local unsigned int seed;

static bool over(void)
{
	return __atomic_load_n(&actions, __ATOMIC_RELAXED) >= ACTIONS;
}

static unsigned int any(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

/* --- the machine: in place of the fakes --- */

uint64_t now_ns(void)
{
	return __atomic_load_n(&clock_ns, __ATOMIC_RELAXED);
}

uint64_t tsc_read(void)
{
	return now_ns();
}

void lapic_send_ipi(unsigned int cpu, enum vector vector)
{
	__atomic_store_n(&ipi[cpu], 1, __ATOMIC_SEQ_CST);
}

void pv_exit_to_guest(struct vcpu *v)
{
	entered = v;
	longjmp(left, 1);
}

enum progress reaper_step(void)
{
	return false;
}

uint32_t domain_count(void)
{
	return 1;
}

static unsigned int number(const struct vcpu *v)
{
	return (v->domain->id - 1) * VCPUS + v->id;
}

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	if (prev)
		CHECK(__atomic_exchange_n(&loaded[number(prev)], 0, __ATOMIC_ACQ_REL));
	if (next)
		/* SCHED1 */
		CHECK(!__atomic_exchange_n(&loaded[number(next)], 1,
					   __ATOMIC_ACQ_REL));
	this_cpu()->current = next;
}

/* As evtchn.c does: only who sets the bit first tells. */
static void send(struct vcpu *v)
{
	if (!__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
		sched_kick(v);
	sched_poll_wake(v, 7);
}

/* Until the IPI; a device's interrupt comes now and then. */
void cpu_idle_wait(void)
{
	unsigned int here = this_cpu()->id;

	for (unsigned int i = 0; i < 50 && !over(); i++) {
		if (__atomic_exchange_n(&ipi[here], 0, __ATOMIC_SEQ_CST))
			return;
		sched_yield();
	}
	__atomic_add_fetch(&clock_ns, STEP_NS, __ATOMIC_RELAXED);
	if (over())
		longjmp(left, 1);
	send(vcpus[any(DOMAINS * VCPUS)]);
}

/* --- guests --- */

static void stop_and_go(struct vcpu *v)
{
	sched_stop(v);
	sched_online(v);
	send(v);
}

/* The events that come meanwhile are not lost (PAUSE2). */
static void pause_and_go(struct domain *d, struct vcpu *to)
{
	ck_assert_int_eq(pause_begin(d), 0);
	send(to);
	ck_assert_int_eq(pause_end(d), 0);
}

static void act(struct vcpu *v)
{
	runs[number(v)]++;
	__atomic_add_fetch(&actions, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&clock_ns, any(2 * STEP_NS), __ATOMIC_RELAXED);
	if (any(2))
		send(vcpus[any(DOMAINS * VCPUS)]);
	if (any(50) == 0)
		stop_and_go(vcpus[any(DOMAINS * VCPUS)]);
	if (any(20) == 0)
		pause_and_go(&fake.dom[any(DOMAINS)].d, vcpus[any(DOMAINS * VCPUS)]);
	__atomic_store_n(&v->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
	switch (any(4)) {
	case 0:
		sched_block(v);
		break;
	case 1:
		sched_yield_cpu(v);
		break;
	case 2:
		sched_poll_start(v, 7);
		if (evtchn_deliverable(v))
			sched_poll_abort(v);
		break;
	}
}

static void sleep_for_good(struct vcpu *v)
{
	__atomic_store_n(&v->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
	sched_block(v);
}

static void *cpu_main(void *arg)
{
	struct percpu *cpu = this_cpu();

	seed = cpu->id = (unsigned int)(uintptr_t)arg;
	cpu_areas[cpu->id] = cpu;
	pthread_barrier_wait(&ready);
	while (!over()) {
		entered = NULL;
		if (!setjmp(left))
			sched_loop();
		if (entered)
			act(entered);
	}
	/* What runs here comes to rest; wake-ups are over. */
	pthread_barrier_wait(&ready);
	entered = NULL;
	while (!setjmp(left) || entered) {
		if (entered)
			sleep_for_good(entered);
		entered = NULL;
		sched_loop();
	}
	return NULL;
}

static void setup(void)
{
	memset(&fake, 0, sizeof(fake));
	clock_ns = 1000000000;
	cpu_count = CPUS;
	pthread_barrier_init(&ready, NULL, CPUS);
	for (unsigned int i = 0; i < DOMAINS * VCPUS; i++) {
		struct domain *d = fake.dom[i / VCPUS].listed ?
			&fake.dom[i / VCPUS].d : fake_domain(i / VCPUS);

		if (d->vcpu_count == 1)
			fake_vcpus(d, VCPUS);
		vcpus[i] = d->vcpu[i % VCPUS];
	}
	fake.dom[1].d.account.cap = 60;
	fake.dom[2].d.account.weight = 1000;
}

START_TEST(cpus_race)
{
	pthread_t thread[CPUS];

	for (unsigned int i = 0; i < DOMAINS * VCPUS; i++)
		sched_online(vcpus[i]);
	for (uintptr_t i = 0; i < CPUS; i++)
		pthread_create(&thread[i], NULL, cpu_main, (void *)i);
	for (unsigned int i = 0; i < CPUS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int i = 0; i < DOMAINS * VCPUS; i++) {
		ck_assert_uint_gt(runs[i], ACTIONS / (DOMAINS * VCPUS) / 20);
		/* SCHED3: whoever sleeps for good has no event. */
		ck_assert(vcpus[i]->run != RUN_BLOCKED || !evtchn_deliverable(vcpus[i]));
		ck_assert_int_ne(vcpus[i]->run, RUN_RUNNING);
		ck_assert_int_ne(vcpus[i]->run, RUN_PAUSED);
		ck_assert_uint_eq(loaded[i], 0);
		ck_assert(vcpus[i]->run != RUN_RUNNABLE || !list_empty(&vcpus[i]->parked));
	}
	for (unsigned int i = 0; i < DOMAINS; i++)
		ck_assert_uint_eq(fake.dom[i].d.account.running, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("race");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, cpus_race);
	return suite_run();
}
