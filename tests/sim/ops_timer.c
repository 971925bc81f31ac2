/* SPDX-License-Identifier: MIT */
/*
 * Timers: what sets and stops them, and the interrupt in which one fires.
 */
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/vcpu.h>

#include "dom/evtchn.h"
#include "dom/timer.h"
#include "pv/above.h"
#include "sim/ops.h"
#include "sim/sim.h"

#define PERIOD_NS	10000000u

static void vcpu_with(struct side *s, unsigned int cmd, unsigned int id, const void *arg, size_t bytes)
{
	memcpy(args_of(s), arg, bytes);
	s->args = (struct hypercall_args){ .a = { cmd, id, args_va(s) } };
}

/*
 * Whose period it is: a vCPU that runs.  Where both CPUs run one domain, the
 * second one's, whichever sets it.
 */
static struct side *ticks(struct side *s)
{
	return sides[0].d == sides[1].d ? &sides[1] : s;
}

/* So that a timer that fires is seen: the other side may have done it. */
static void bind_timer(struct side *s)
{
	struct evtchn_bind_virq b = { .virq = VIRQ_TIMER, .vcpu = ticks(s)->v->id };
	unsigned int me = sim_cpu;

	memcpy(args_of(s), &b, sizeof(b));
	sim_cpu = s->cpu;
	(void)op_event_channel(&(uint64_t){ EVTCHNOP_bind_virq }, args_va(s));
	sim_cpu = me;
}

/* It is armed by the CPU that runs it, and due. */
static void arm(struct side *s)
{
	struct vcpu *v = ticks(s)->v;
	unsigned int me = sim_cpu;

	bind_timer(s);
	v->periodic_ns = PERIOD_NS;
	v->ticked_ns = now_ns() - PERIOD_NS;
	sim_cpu = ticks(s)->cpu;
	timer_set(&v->periodic_timer, 0);
	sim_cpu = me;
}

static void set_period(struct side *s)
{
	struct vcpu_set_periodic_timer set = { .period_ns = 2 * PERIOD_NS };

	bind_timer(s);
	vcpu_with(s, VCPUOP_set_periodic_timer, ticks(s)->v->id, &set, sizeof(set));
}

static void stop_period(struct side *s)
{
	if (ticks(s)->v->periodic_timer.cpu < 0)
		arm(s);
	s->args = (struct hypercall_args){ .a = { VCPUOP_stop_periodic_timer, ticks(s)->v->id } };
}

static void set_single(struct side *s)
{
	struct vcpu_set_singleshot_timer set = { .timeout_abs_ns = now_ns() + PERIOD_NS };

	vcpu_with(s, VCPUOP_set_singleshot_timer, s->v->id, &set, sizeof(set));
}

static void stop_single(struct side *s)
{
	s->args = (struct hypercall_args){ .a = { VCPUOP_stop_singleshot_timer, s->v->id } };
}

/* As the interrupt does it, on the way out of the guest and into it again. */
static long run_interrupt(struct side *s)
{
	if (!this_cpu()->current)
		return -ESRCH;
	timer_run();
	state_exit();
	return this_cpu()->current ? 0 : -ESRCH;
}

const struct op ops_timer[] = {
	{ "timer-period", set_period, op_run_vcpu },
	{ "timer-period-stop", stop_period, op_run_vcpu },
	{ "timer-single", set_single, op_run_vcpu },
	{ "timer-single-stop", stop_single, op_run_vcpu },
	{ "timer-fires", arm, run_interrupt },
};
const unsigned int ops_timer_count = ARRAY_COUNT(ops_timer);
