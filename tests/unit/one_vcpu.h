/* SPDX-License-Identifier: MIT */
/*
 * One domain, whose one vCPU runs on the real scheduler, timers, event channels
 * and vCPU code, and has a port for its timer.
 */
#ifndef TESTS_UNIT_ONE_VCPU_H
#define TESTS_UNIT_ONE_VCPU_H

#include <check.h>
#include <string.h>

#include <port.h>

#include "dom/evtchn_private.h"
#include "dom/sched.h"
#include "fake/fake_dom.h"
#include "fake/fake_x86.h"
#include "pv/above.h"
#include "x86/above.h"

#define MS 1000000UL

static struct domain *d;
static struct vcpu *v;
static int timer_port;

static void setup(void)
{
	fake_reset();
	fake_x86_reset();
	fake_ram_init(8 * PAGE_SIZE);
	d = fake_domain(0);
	ck_assert_int_eq(evtchn_init(d), 0);
	v = d->vcpu[0] = vcpu_create(d, 0);
	ck_assert_ptr_nonnull(v);
	v->kernel_l4 = MFN(3);
	v->user_l4 = MFN(4);
	v->initialised = true;
	v->info->evtchn_upcall_mask = 0;
	sched_online(v);
	ck_assert_ptr_eq(fake_schedule(), v);
	spin_lock(&d->events.lock);
	timer_port = evtchn_alloc(d, PORT_VIRQ, 0);
	d->events.port[timer_port].virq = VIRQ_TIMER;
	v->virq_port[VIRQ_TIMER] = (uint32_t)timer_port;
	spin_unlock(&d->events.lock);
}

static void teardown(void)
{
	sched_stop(v);
	ck_assert_ptr_null(fake_schedule());
	evtchn_fini(d);
	vcpu_free(v);
	ck_assert_int_eq(fake.allocs, 0);
	fake_ram_fini();
}

/* Time passes; the APIC interrupts when it was told to. */
static struct vcpu *pass(uint64_t ns)
{
	fake.now += ns;
	if (fake.lapic[0] <= fake.now)
		cpu_interrupt(VEC_TIMER);
	if (this_cpu()->current && fake_sched_check())
		return this_cpu()->current;
	return fake_schedule();
}

static long vcpu_op(unsigned long cmd, void *arg)
{
	return op_vcpu(cmd, 0, fake_va(arg));
}

static bool timer_pending(void)
{
	return evtchn_port_pending(d, (uint32_t)timer_port);
}

static void handled(void)
{
	memset(d->shared_info->evtchn_pending, 0,
	       sizeof(d->shared_info->evtchn_pending));
	v->info->evtchn_pending_sel = 0;
	v->info->evtchn_upcall_pending = 0;
}

#endif
