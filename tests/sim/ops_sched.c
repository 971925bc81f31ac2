/* SPDX-License-Identifier: MIT */
/*
 * Who sleeps, and who wakes it: sched_op, and what one vCPU does to another
 * that is on a CPU.  A vCPU that nobody wakes ends its operation asleep
 * (-ESRCH); state.c looks at whether it should be.
 */
#include <port.h>
#include <string.h>

#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "dom/evtchn.h"
#include "dom/sched.h"
#include "pv/hypercall.h"
#include "sim/ops.h"
#include "sim/sim.h"

#define LATER_NS	10000000u

/* What came before it is seen, and done with. */
static void see_events(struct side *s)
{
	struct vcpu_info *info = s->v->info;

	info->evtchn_upcall_pending = 0;
	info->evtchn_pending_sel = 0;
	memset(s->d->shared_info->evtchn_pending, 0, sizeof(s->d->shared_info->evtchn_pending));
}

static long call_sched(struct hypercall_args *args)
{
	return op_sched(args->a[0], args->a[1]);
}

static long run_sched(struct side *s)
{
	return state_call(call_sched, &s->args);
}

/* --- it gives up its CPU --- */

static void block(struct side *s)
{
	see_events(s);
	s->args = (struct hypercall_args){ .a = { SCHEDOP_block } };
}

static void yield(struct side *s)
{
	s->args = (struct hypercall_args){ .a = { SCHEDOP_yield } };
}

/* For ports that no event tells of: who waits for a lock masks its own. */
static void poll_for(struct side *s, unsigned int ports, uint64_t timeout)
{
	struct sched_poll p = { .nr_ports = ports, .timeout = timeout };
	evtchn_port_t *list = (void *)(fake_page(s->d, page + s->args_page) + 256);

	see_events(s);
	list[0] = s->port_bound;
	list[1] = s->port_unbound;
	s->d->shared_info->evtchn_mask[0] |= 1UL << list[0] | 1UL << list[1];
	set_xen_guest_handle(p.ports, (void *)(args_va(s) + 256));
	call_with(s, SCHEDOP_poll, &p, sizeof(p));
}

static void poll_one(struct side *s) { poll_for(s, 1, 0); }
static void poll_any(struct side *s) { poll_for(s, 2, 0); }
static void poll_until(struct side *s) { poll_for(s, 1, now_ns() + LATER_NS); }

/* --- the domain's other one, which is on a CPU --- */

static uint32_t sibling(const struct side *s)
{
	return 1 - s->v->id;
}

static void vcpu_op(struct side *s, unsigned int cmd)
{
	s->args = (struct hypercall_args){ .a = { cmd, sibling(s), args_va(s) } };
}

static void up_other(struct side *s) { vcpu_op(s, VCPUOP_up); }
static void down_other(struct side *s) { vcpu_op(s, VCPUOP_down); }
static void nmi_other(struct side *s)
{
	vcpu_op(s, VCPUOP_send_nmi);
	s->args.a[2] = 0;
}

static void runstate_other(struct side *s) { vcpu_op(s, VCPUOP_get_runstate_info); }

/* Its parts belong together. */
static long run_runstate(struct side *s)
{
	const struct vcpu_runstate_info *info = args_of(s);
	long r = op_run_vcpu(s);

	if (r)
		return r;
	return info->state > RUNSTATE_offline || info->state_entry_time > now_ns();
}

static void ipi(struct side *s)
{
	struct evtchn_bind_ipi b = { .vcpu = sibling(s) };
	struct evtchn_send send;
	unsigned int me = sim_cpu;

	memcpy(args_of(s), &b, sizeof(b));
	sim_cpu = s->cpu;
	CHECK(!op_event_channel(&(uint64_t){ EVTCHNOP_bind_ipi }, args_va(s)));
	sim_cpu = me;
	send.port = ((struct evtchn_bind_ipi *)args_of(s))->port;
	call_with(s, EVTCHNOP_send, &send, sizeof(send));
}

const struct op ops_sched[] = {
	{ "block", block, run_sched },
	{ "yield", yield, run_sched },
	{ "poll", poll_one, run_sched },
	{ "poll-any", poll_any, run_sched },
	{ "poll-until", poll_until, run_sched },
	{ "ipi", ipi, op_run_event, NULL, OP_ONE_DOMAIN },
	{ "nmi-other", nmi_other, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "up-other", up_other, op_run_vcpu, NULL, OP_ONE_DOMAIN },
	{ "down-other", down_other, op_run_vcpu, op_end_of_last, OP_ONE_DOMAIN },
	{ "runstate-other", runstate_other, run_runstate },
};
const unsigned int ops_sched_count = ARRAY_COUNT(ops_sched);
