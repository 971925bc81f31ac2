/* SPDX-License-Identifier: MIT */
/*
 * The sched_op and set_timer_op hypercalls.
 *
 * Console output needs no care here: a vCPU that gives up its CPU passes
 * through sched_leave(), which drains the ring.
 */
#include <port.h>
#include <errno.h>

#include <xen/sched.h>

#include "dom/die.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define POLL_PORTS_MAX	128

/*
 * Unmask events before sleeping: an event that comes between the two ends the
 * sleep before it starts (SCHED3).
 */
static long op_block(struct vcpu *v)
{
	WRITE_ONCE(v->info->evtchn_upcall_mask, 0);
	sched_block(v);
	return 0;
}

long op_sched_shutdown(uint64_t reason)
{
	if (reason == SHUTDOWN_suspend)
		return -ENOSYS;	/* nobody could resume it; Linux goes on */
	domain_shutdown(current_vcpu()->domain, MIN(reason, (uint64_t)SHUTDOWN_MAX));
	return 0;
}

static long op_shutdown(uint64_t arg)
{
	struct sched_shutdown s;

	return copy_from_guest(&s, arg, sizeof(s)) ? -EFAULT : op_sched_shutdown(s.reason);
}

static long poll_args(struct vcpu *v, uint64_t arg, struct sched_poll *poll,
		      evtchn_port_t *ports)
{
	if (copy_from_guest(poll, arg, sizeof(*poll)))
		return -EFAULT;
	if (poll->nr_ports > POLL_PORTS_MAX)
		return -EINVAL;
	if (copy_from_guest(ports, (uint64_t)poll->ports.p,
			    poll->nr_ports * sizeof(*ports)))
		return -EFAULT;
	for (unsigned int i = 0; i < poll->nr_ports; i++)
		if (!evtchn_port_valid(v->domain, ports[i]))
			return -EINVAL;
	return 0;
}

static bool poll_is_over(struct vcpu *v, const struct sched_poll *poll,
			 const evtchn_port_t *ports)
{
	for (unsigned int i = 0; i < poll->nr_ports; i++)
		if (evtchn_port_pending(v->domain, ports[i]))
			return true;
	return evtchn_deliverable(v) || vcpu_nmi_deliverable(v) ||
	       (poll->timeout && poll->timeout <= now_ns());
}

static long op_poll(struct vcpu *v, uint64_t arg)
{
	evtchn_port_t ports[POLL_PORTS_MAX];
	struct sched_poll poll;
	long rc = poll_args(v, arg, &poll, ports);

	if (rc)
		return rc;
	timer_cancel(&v->poll_timer); /* an old one may still be armed */
	sched_poll_start(v, poll.nr_ports == 1 ? ports[0] : 0);
	if (poll_is_over(v, &poll, ports))
		sched_poll_abort(v);
	else if (poll.timeout)
		timer_set(&v->poll_timer, poll.timeout);
	return 0;
}

long op_sched(unsigned long cmd, uint64_t arg)
{
	struct vcpu *v = current_vcpu();

	switch (cmd) {
	case SCHEDOP_yield:
		sched_yield_cpu(v);
		return 0;
	case SCHEDOP_block:
		return op_block(v);
	case SCHEDOP_shutdown:
		return op_shutdown(arg);
	case SCHEDOP_poll:
		return op_poll(v, arg);
	case SCHEDOP_remote_shutdown:
	case SCHEDOP_pin_override:
		return -EPERM;
	default:
		return -ENOSYS;
	}
}

/* One timer serves this and VCPUOP_set_singleshot_timer, as on Xen. */
long op_set_timer(uint64_t timeout_ns)
{
	struct vcpu *v = current_vcpu();

	if (timeout_ns > now_ns()) {
		timer_set(&v->single_timer, timeout_ns);
		return 0;
	}
	timer_cancel(&v->single_timer);
	if (timeout_ns)
		evtchn_virq(v, VIRQ_TIMER);
	return 0;
}
